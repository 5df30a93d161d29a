//! One fault, two back ends: on a proxy data is hit, in the kernel packets are.

use crate::{Direction, PacketsConfig, packets::Packets, proxy::is_a_proxy};
use chaos_core::{ConfigError, Needs, Site};

/// The schemes of the targets that faults of both back ends work on.
pub(crate) const BOTH: &[&str] = &["proxy", "netns", "process", "container", "host"];
/// The schemes of the targets that have a network namespace.
pub(crate) const KERNEL: &[&str] = &["netns", "process", "container", "host"];

/// What of a target is hit: of a proxy the data that flows one way, of a network namespace some packets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) direction: Option<Direction>,
    pub(crate) packets: Option<PacketsConfig>,
}

/// By what a fault is done.
#[derive(Debug)]
pub(crate) enum BackEnd {
    Proxy(Direction),
    Kernel(Packets),
}

impl Scope {
    /// What a fault hits when nothing is said.
    pub(crate) const DEFAULT: Self = Self {
        direction: None,
        packets: None,
    };

    /// Checks what can be checked without the sites.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        match &self.packets {
            Some(_) if self.direction.is_some() => Err(ConfigError::field(
                "packets",
                "`packets` is for the kernel and `direction` for a proxy, so only one can be meant",
            )
            .help("which packets of a network namespace: `packets: { direction: egress }`")),
            Some(packets) => packets.build().map(drop),
            None => Ok(()),
        }
    }

    /// By what a fault on these sites is done.
    pub(crate) fn back_end(&self, sites: &[Site]) -> Result<BackEnd, ConfigError> {
        self.check()?;
        if sites.iter().any(is_a_proxy) {
            return match self.packets {
                None => Ok(BackEnd::Proxy(self.direction.unwrap_or_default())),
                Some(_) => Err(
                    ConfigError::field("packets", "a proxy sees data, and no packets")
                        .help("which way: `direction: downstream`"),
                ),
            };
        }
        match self.direction {
            None => {
                let packets = self.packets.clone().unwrap_or_default();
                Ok(BackEnd::Kernel(packets.build()?))
            }
            Some(direction) => Err(ConfigError::field(
                "direction",
                format!("`{direction}` is said of a proxy; here packets go in or out"),
            )
            .help("`packets: { direction: egress }`, ingress or both")),
        }
    }
}

/// What a fault of both back ends needs on a site.
pub(crate) fn needs(site: &Site, kernel: fn(&Site) -> Needs) -> Needs {
    if is_a_proxy(site) {
        Needs::none()
    } else {
        kernel(site)
    }
}
