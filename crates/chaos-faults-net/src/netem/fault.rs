//! `net.netem` as it is planned.

use super::{Netem, NetemConfig};
use crate::packets::Packets;
use chaos_core::{Context, Fault, FaultConfig, FaultError, Needs, Plan, Site, async_trait};

/// The kernel's network emulator on the packets of a network namespace: `net.netem`.
///
/// # What breaks
/// Packets are delayed, lost or marked (ECN), duplicated, corrupted, reordered, slowed to a rate or sent in batches, as
/// `man 8 tc-netem` describes. For one of these alone there are `net.latency`, `net.loss`, `net.duplicate`, `net.corrupt` and
/// `net.reorder`; an interface takes one fault at a time, so what is to go together goes into one `net.netem`.
///
/// # What it needs
/// Linux 5.14 or newer with `sch_netem`, `CAP_NET_ADMIN` and `CAP_SYS_ADMIN`; no `tc` program. When the target is in the
/// network namespace of the host, the fault has host reach and needs `allow_host`.
///
/// # What is changed on the host
/// For what goes out: the root queue of each interface, which must be the kernel's own default. With filters a queue
/// `prio` (or `htb`, where there is no `prio`) comes first, and only what the filters name reaches `netem`. For what comes
/// in: a device `ifb`, whose name begins with `chaos`, and an ingress queue that leads to it. A queue of somebody else is
/// refused and left alone.
///
/// # How it is undone
/// What is under way is delivered, for up to 3 s; then the queue is deleted by its handle, and the kernel puts its
/// default in its place. When the namespace or the interface has gone, so has the queue.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "latency": "100ms", "jitter": "20ms", "distribution": "normal", "loss_gemodel": [1, 10],
///          "packets": { "direction": "both", "hosts": ["10.0.0.0/8"], "protocol": "tcp", "remote_ports": ["5432"] } }"#,
/// )?;
/// registry.fault("net.netem", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There are no intensities. What is random is drawn by the kernel, since Linux 6.6 from the experiment's seed (`PRNG_SEED`), so
/// that the same packets are hit when the same come again; an older kernel ignores the seed.
#[derive(Debug, Clone, PartialEq)]
pub struct NetemFault {
    pub(super) netem: Netem,
    pub(super) packets: Packets,
}

impl NetemFault {
    #[cfg(all(test, target_os = "linux"))]
    pub(crate) fn model(&self) -> &Netem {
        &self.netem
    }
}

#[async_trait]
impl Fault for NetemFault {
    fn kind(&self) -> &'static str {
        NetemConfig::KIND
    }

    fn needs(&self, site: &Site) -> Needs {
        crate::emulate::needs(site)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        crate::emulate::plan(&self.netem, &self.packets, sites, cx).await
    }
}
