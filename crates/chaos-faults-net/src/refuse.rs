//! `net.refuse`: nobody listens.

use crate::{
    Transport,
    connections::{Connections, Picked, picks_connections},
    proxy::{Effect, Gate, InPlace, Shared, change, plan_on_proxies, proxies},
};
use chaos_core::{
    Change, ConfigError, Context, Fault, FaultConfig, FaultError, Held, InProcess, Intensity,
    Needs, Plan, Seed, Site, async_trait, units::Percent,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::sync::Arc;

const REFUSE: &str = "cut connections and refuse new ones";

/// Nobody listens: `net.refuse`.
///
/// # What breaks
/// Live connections are cut with a TCP reset, and new ones are refused by the kernel, as when the dependency's
/// process is gone. The port stays the proxy's: a socket that is bound and does not listen keeps it, so no other
/// program can take it meanwhile.
///
/// Of a proxy on a Unix socket connections are closed, and new ones refused; a socket that does not listen keeps the path.
/// When another file has taken its place the fault is refused.
///
/// With `toxicity` or `clients` only some connections are: the port stays open, because the kernel refuses by port and not by
/// client, and they are reset as soon as it has accepted them.
///
/// Of a UDP proxy datagrams are refused (ICMP port unreachable), and sessions end; on Linux only.
///
/// # What it needs
/// A [`Proxy`](crate::Proxy) as the target. No privilege.
///
/// # What is changed on the host
/// The proxy's port does not listen any more, if all connections are refused. (On systems other than Linux it is nobody's for an instant when
/// the fault begins and when it ends; so is the path of a Unix socket when it begins.)
///
/// # How it is undone
/// The proxy listens on the same port again.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str("{}")?;
/// registry.fault("net.refuse", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// `toxicity` and `clients` pick connections: `{ "toxicity": 30, "clients": ["10.0.0.0/8"] }` hits 30 % of
/// those that come from there.
///
/// There is no direction, since a connection that is refused has none, and there are no intensities. The kernel does not tell
/// how many clients it refused, so the fault's count is the connections it cut.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Refuse {
    connections: Connections,
}

impl Refuse {
    /// Refuses every connection.
    pub const fn new() -> Self {
        Self {
            connections: Connections::ALL,
        }
    }
}

picks_connections!(Refuse, connections);

#[async_trait]
impl Fault for Refuse {
    fn kind(&self) -> &'static str {
        RefuseConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.connections.check()?;
        let seed = cx.seed();
        if !self.connections.build()?.is_all() {
            return plan_on_proxies(self, &self.connections, REFUSE, sites, seed);
        }
        let shut = |proxy| Shut { proxy, seed };
        let proxies = proxies(sites)?.into_iter();
        let cannot =
            |proxy: &Arc<Shared>| proxy.transport() == Transport::Udp && !cfg!(target_os = "linux");
        if let Some(proxy) = proxies.as_slice().iter().find(|proxy| cannot(proxy)) {
            let reason =
                "a UDP port can be shut and kept on Linux only; net.blackhole works everywhere";
            return Err(FaultError::unsupported(proxy.to_string(), reason));
        }
        Ok(proxies.map(shut).fold(Plan::new(), Plan::then_in_process))
    }
}

/// Cuts the connections of a proxy and refuses new ones, as when nobody listens.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RefuseConfig {
    /// Which share of the connections is hit, in percent: 0 to 100. Default: 100.
    #[serde(default)]
    pub toxicity: Option<Percent>,
    /// Whose connections are hit: addresses or networks, such as 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    pub clients: Option<Vec<String>>,
}

impl FaultConfig for RefuseConfig {
    const KIND: &'static str = "net.refuse";
    type Fault = Refuse;
    const TARGETS: &'static [&'static str] = &["proxy"];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Refuse, ConfigError> {
        let connections = Connections::new(self.toxicity, self.clients);
        connections.check()?;
        Ok(Refuse { connections })
    }
}

impl Effect for Refuse {
    fn gate(&self) -> Gate {
        Gate::Cut
    }

    fn refuses(&self, transport: Transport) -> Option<&'static str> {
        let datagrams = transport == Transport::Udp && self.connections != Connections::ALL;
        datagrams.then_some(
            "the kernel refuses datagrams by port, not by client; net.blackhole picks them",
        )
    }
}

/// A port that is to be shut.
#[derive(Debug)]
struct Shut {
    proxy: Arc<Shared>,
    seed: Seed,
}

impl InProcess for Shut {
    type Held = Refusing;

    fn change(&self) -> Change {
        change(REFUSE, &self.proxy, &Connections::ALL)
    }

    fn apply(&self) -> Result<Refusing, FaultError> {
        // First the port, so that nobody connects again after being cut.
        self.proxy.refuse()?;
        let effect = Arc::new(Refuse::new());
        let in_place = InPlace::put(&self.proxy, effect, Picked::default(), self.seed);
        Ok(Refusing {
            in_place,
            shut: true,
        })
    }
}

/// A port that is shut. Dropping it opens the port.
#[derive(Debug)]
struct Refusing {
    in_place: InPlace,
    shut: bool,
}

impl Refusing {
    /// Opens the port, when connections are no longer cut.
    fn open(&mut self) -> Result<(), FaultError> {
        self.in_place.take_off();
        match std::mem::take(&mut self.shut) {
            true => self.in_place.proxy().admit(),
            false => Ok(()),
        }
    }
}

impl Held for Refusing {
    fn in_place(&self) -> bool {
        self.in_place.in_place()
    }

    fn hits(&self) -> Option<u64> {
        // Only the connections that were cut: whom the kernel has refused it has not told us.
        self.in_place.hits().filter(|cut| *cut > 0)
    }

    fn release(mut self) -> Result<(), FaultError> {
        self.open()
    }
}

impl Drop for Refusing {
    fn drop(&mut self) {
        if let Err(error) = self.open() {
            tracing::warn!(%error, "the port stays shut");
        }
    }
}

/// Shuts the port of a proxy.
#[cfg(test)]
pub(crate) fn shut(proxy: &Arc<Shared>) -> Result<impl Held, FaultError> {
    let (proxy, seed) = (Arc::clone(proxy), Seed::new(0));
    Shut { proxy, seed }.apply()
}
