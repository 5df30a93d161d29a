//! One fault, two back ends: on a proxy data is hit, in the kernel packets are.

use crate::{
    Direction, PacketsConfig, connections::Connections, packets::Packets, proxy::is_a_proxy,
};
use chaos_core::{ConfigError, Needs, Site, units::Percent};

/// The schemes of the targets that faults of both back ends work on.
pub(crate) const BOTH: &[&str] = &["proxy", "netns", "process", "container", "host"];
/// The schemes of the targets that have a network namespace.
pub(crate) const KERNEL: &[&str] = &["netns", "process", "container", "host"];

/// What of a target is hit: of a proxy the data that flows one way, of a network namespace some packets.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Scope {
    pub(crate) direction: Option<Direction>,
    pub(crate) connections: Connections,
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
        connections: Connections::ALL,
        packets: None,
    };

    /// As a configuration says it.
    pub(crate) fn new(
        direction: Option<Direction>,
        toxicity: Option<Percent>,
        clients: Option<Vec<String>>,
        packets: Option<PacketsConfig>,
    ) -> Self {
        Self {
            direction,
            connections: Connections::new(toxicity, clients),
            packets,
        }
    }

    /// Which way data of a proxy is hit.
    pub(crate) fn direction(&self) -> Direction {
        self.direction.unwrap_or_default()
    }

    /// Checks what can be checked without the sites.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.connections.check()?;
        if let (Some(_), Some(said)) = (&self.packets, self.connections.said()) {
            return Err(no_connections(said));
        }
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
                None => Ok(BackEnd::Proxy(self.direction())),
                Some(_) => Err(
                    ConfigError::field("packets", "a proxy sees data, and no packets")
                        .help("which way: `direction: downstream`"),
                ),
            };
        }
        if let Some(said) = self.connections.said() {
            return Err(no_connections(said));
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

/// Connections can be picked on a proxy only.
fn no_connections(said: &str) -> ConfigError {
    let problem = format!("`{said}` picks connections of a proxy; the kernel hits packets");
    let help = match said {
        "clients" => "which packets of a network namespace: `packets: { hosts: [10.0.0.0/8] }`",
        _ => "use a proxy as the target, or leave it out",
    };
    ConfigError::field(said, problem).help(help)
}

/// What a fault of both back ends needs on a site.
pub(crate) fn needs(site: &Site, kernel: fn(&Site) -> Needs) -> Needs {
    if is_a_proxy(site) {
        Needs::none()
    } else {
        kernel(site)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_picked_on_a_proxy_only() {
        let sites = [Site::named("netns", "blue")];
        let scope = |toxicity, clients: Option<&str>| Scope {
            connections: Connections {
                toxicity,
                clients: clients.map(|client| vec![client.to_owned()]),
            },
            ..Scope::DEFAULT
        };
        assert!(scope(None, None).back_end(&sites).is_ok());
        for (scope, field) in [
            (scope(Some(5.0), None), "toxicity"),
            (scope(None, Some("::1")), "clients"),
        ] {
            scope.check().unwrap();
            let error = scope.back_end(&sites).unwrap_err().to_string();
            let says = format!("{field}: `{field}` picks connections of a proxy; the kernel hits");
            assert!(error.contains(&says), "{error}");
        }
    }
}
