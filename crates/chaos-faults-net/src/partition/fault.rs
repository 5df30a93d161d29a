//! The partition as it is planned.

use super::{Network, PartitionConfig};
#[cfg(target_os = "linux")]
use crate::packets::Packets;
use crate::{PacketsConfig, Traffic, packets::Host};
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
/// in. Packets that are only routed through the namespace are dropped, too. The loopback interface is left alone unless asked
/// for, and then addresses are refused of which all are that interface's own: nothing would be hit. With `reject` the sender is
/// told instead, TCP by a reset, anything else by ICMP; then only the namespace's own packets are meant, and not ones that are
/// routed through it. With `keep_established` connections of TCP that are there go on. Between targets: `targets` names the
/// other side, whose addresses are looked up when the fault is planned.
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
/// With `reject`, and for `protocol: icmp`, rules before these accept what is needed for it: the answers to the sender, and that by
/// which IPv6 finds its neighbours. Tables of others are not touched. A table of the same name that is there already is refused.
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
    pub(super) targets: Vec<String>,
    pub(super) packets: PacketsConfig,
    loopback: bool,
    pub(super) answer: Answer,
}

/// What becomes of the packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Answer {
    pub(super) reject: bool,
    pub(super) keep_established: bool,
}

impl Partition {
    /// Cut off from everybody.
    pub fn all() -> Self {
        Self {
            addresses: None,
            targets: Vec::new(),
            packets: PacketsConfig {
                direction: Some(Traffic::Both),
                ..PacketsConfig::default()
            },
            loopback: false,
            answer: Answer::default(),
        }
    }

    /// Cut off from these addresses, networks and names: `10.0.0.7`, `10.0.0.0/8`, `fd00::/8`, `postgres`.
    pub fn of<A: Into<String>>(addresses: impl IntoIterator<Item = A>) -> Self {
        Self {
            addresses: Some(addresses.into_iter().map(Into::into).collect()),
            ..Self::all()
        }
    }

    /// Which way. Default: both.
    #[must_use]
    pub fn direction(mut self, direction: Traffic) -> Self {
        self.packets.direction = Some(direction);
        self
    }

    /// Only these packets; their hosts and direction are said of the partition itself.
    #[must_use]
    pub fn packets(mut self, packets: PacketsConfig) -> Self {
        self.packets = PacketsConfig {
            direction: self.packets.direction,
            hosts: Vec::new(),
            ..packets
        };
        self
    }

    /// Whether the loopback interface is cut, too. Default: no.
    #[must_use]
    pub fn loopback(mut self, loopback: bool) -> Self {
        self.loopback = loopback;
        self
    }

    /// The sender is told: TCP by a reset, anything else by ICMP. Default: it is dropped without a word.
    #[must_use]
    pub fn reject(mut self) -> Self {
        self.answer.reject = true;
        self
    }

    /// Connections that are there go on. Default: they are cut, too.
    #[must_use]
    pub fn keep_established(mut self) -> Self {
        self.answer.keep_established = true;
        self
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let known = self.hosts()?.into_iter().map(|host| match host {
            Host::Network(network) => Some(network),
            Host::Name(_) => None,
        });
        // What a name or a target stands for is known when the fault is planned.
        if let Some(known) = known
            .collect::<Option<Vec<_>>>()
            .filter(|_| self.targets.is_empty())
        {
            self.can_hit(&known)?;
        }
        self.packets.read().map(drop)
    }

    /// Checks that packets of these networks pass where they are dropped; none: everybody's do.
    fn can_hit(&self, networks: &[Network]) -> Result<(), ConfigError> {
        let left_alone = !self.loopback && self.packets.interface.is_none();
        let inside = !networks.is_empty() && networks.iter().all(|network| network.is_loopback());
        if !(left_alone && inside) {
            return Ok(());
        }
        let problem =
            "packets from and to them pass the loopback interface only, which is left alone";
        Err(ConfigError::field("addresses", problem)
            .help("`loopback: true` cuts that interface, too; in Rust `loopback(true)`"))
    }

    /// From and to whom traffic is dropped; empty: everybody.
    fn hosts(&self) -> Result<Vec<Host>, ConfigError> {
        let help =
            "addresses, networks and names such as 10.0.0.7, 10.0.0.0/8, fd00::/8 or postgres";
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
    fn what(&self, networks: &[Network], packets: &Packets) -> String {
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
        let verb = if self.answer.reject { "reject" } else { "drop" };
        let new = if self.answer.keep_established {
            ", of TCP only such as begin a connection,"
        } else {
            ""
        };
        let way = packets.direction();
        let packets = match packets.is_all() && packets.interface.is_none() {
            true => "packets".to_owned(),
            false => packets.to_string(),
        };
        format!("{verb} {packets}{new} {way} {whom}{loopback}")
    }

    #[cfg(target_os = "linux")]
    async fn plan_tables(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let (mut networks, plan) = super::look_up(&self.hosts()?, Plan::new()).await?;
        for name in &self.targets {
            let others = cx.sites_of(name).await?;
            networks.extend(super::addresses_of(name, &others, sites, cx).await?);
        }
        networks.sort_unstable();
        networks.dedup();
        self.can_hit(&networks)?;
        let packets = self.packets.read()?;
        let what = self.what(&networks, &packets);
        let table = crate::nft::Table {
            name: cx.mark(),
            networks,
            traffic: packets.direction(),
            loopback: self.loopback || packets.interface.is_some(),
            packets,
            share: None,
            new_only: self.answer.keep_established,
            reject: self.answer.reject,
        };
        super::plan_table(&table, &what, sites, cx, plan).await
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
        self.check()?;
        #[cfg(target_os = "linux")]
        {
            self.plan_tables(sites, cx).await
        }
        #[cfg(not(target_os = "linux"))]
        {
            let _ = cx;
            std::future::ready(crate::emulate::elsewhere(sites)).await
        }
    }
}
