//! The partition as it is planned.

use super::{Network, PartitionConfig};
use crate::Traffic;
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Needs, Plan, Site, async_trait,
};

/// A network namespace is cut off: `net.partition`.
///
/// # What breaks
/// Packets from and to the given addresses are dropped without a word in the network namespace of the target,
/// which may be a process's, a container's or one of `ip netns`. Connections hang until their timeouts, new ones
/// too. Only a UDP `send` notices: what goes out is dropped with `EPERM`; choose `ingress` for silence. The
/// addresses are the peers' own: after the target's address translation on the way out, before it on the way
/// in. Packets that are only routed through the namespace are dropped, too. The loopback interface is left
/// alone unless asked for.
///
/// # What it needs
/// Linux 5.14 or newer with nftables, `CAP_NET_ADMIN` and `CAP_SYS_ADMIN`; no `nft` program. When the target is in
/// the network namespace of the host, the fault has host reach and needs `allow_host`.
///
/// # What is changed on the host
/// One nftables table per injection in that namespace, created as a whole, of family `inet`, with a name that
/// starts with `chaos-` and that no other injection has:
/// ```text
/// table inet chaos-18c2f4a9b01-411-0-0-0 {
///     chain ingress {
///         type filter hook prerouting priority raw; policy accept;
///         iif != "lo" ip saddr 10.0.0.0/8 counter drop
///     }
///     chain egress {
///         type filter hook postrouting priority 300; policy accept;
///         oif != "lo" ip daddr 10.0.0.0/8 counter drop
///     }
/// }
/// ```
/// Tables of others are not touched. A table of the same name that is there already is refused.
///
/// # How it is undone
/// The table is deleted, by its handle, if it carries our mark and is in the very namespace in which it was made,
/// told by the namespace's cookie. When the namespace has gone, so has the table.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "addresses": ["10.0.0.0/8", "fd00::7"], "direction": "both", "loopback": false }"#,
/// )?;
/// registry.fault("net.partition", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There are no intensities: cut is cut.
///
/// # Examples
/// ```
/// use chaos_core::FaultExt;
/// use chaos_faults_net::{Netns, Partition, Traffic};
/// let alone = Partition::all().on(&Netns::named("blue"));
/// let deaf = Partition::of(["10.0.0.7"]).direction(Traffic::Ingress).on(&Netns::of_pid(4711));
/// # drop((alone, deaf));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    addresses: Option<Vec<String>>,
    direction: Traffic,
    loopback: bool,
}

impl Partition {
    /// Cut off from everybody.
    pub const fn all() -> Self {
        Self {
            addresses: None,
            direction: Traffic::Both,
            loopback: false,
        }
    }

    /// Cut off from these addresses and networks: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`.
    pub fn of<A: Into<String>>(addresses: impl IntoIterator<Item = A>) -> Self {
        Self {
            addresses: Some(addresses.into_iter().map(Into::into).collect()),
            ..Self::all()
        }
    }

    /// Which way. Default: both.
    #[must_use]
    pub const fn direction(mut self, direction: Traffic) -> Self {
        self.direction = direction;
        self
    }

    /// Whether the loopback interface is cut, too. Default: no.
    #[must_use]
    pub const fn loopback(mut self, loopback: bool) -> Self {
        self.loopback = loopback;
        self
    }

    /// From and to whom traffic is dropped; empty: everybody.
    pub(super) fn networks(&self) -> Result<Vec<Network>, ConfigError> {
        let help = "addresses and networks such as 10.0.0.7, 10.0.0.0/8 or fd00::/8";
        let addresses = match &self.addresses {
            None => return Ok(Vec::new()),
            Some(addresses) if addresses.is_empty() => {
                return Err(ConfigError::field("addresses", "the list is empty")
                    .help("leave it out to cut off everybody"));
            }
            Some(addresses) => addresses,
        };
        let read = |(n, address): (usize, &String)| {
            address
                .parse()
                .map_err(|e: String| ConfigError::field(format!("addresses[{n}]"), e).help(help))
        };
        addresses.iter().enumerate().map(read).collect()
    }

    /// What is dropped, in words.
    #[cfg(target_os = "linux")]
    fn what(&self, networks: &[Network]) -> String {
        let whom = match networks {
            [] => "everybody".to_owned(),
            some => some
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(", "),
        };
        let loopback = if self.loopback {
            ", also through the loopback interface"
        } else {
            ""
        };
        format!("drop packets {} {whom}{loopback}", self.direction)
    }
}

#[async_trait]
impl Fault for Partition {
    fn kind(&self) -> &'static str {
        PartitionConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        super::needs()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let networks = self.networks()?;
        #[cfg(target_os = "linux")]
        {
            let what = self.what(&networks);
            let table = crate::nft::Table {
                name: cx.mark(),
                networks,
                traffic: self.direction,
                loopback: self.loopback,
                packets: crate::packets::Packets::default(),
                share: None,
            };
            super::plan_table(&table, &what, sites, cx, Plan::new()).await
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = (networks, cx);
            std::future::ready(crate::emulate::elsewhere(sites)).await
        }
    }
}
