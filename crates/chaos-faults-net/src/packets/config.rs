//! Which packets, as a file says it.

use super::{Host, PortText, Ports, Traffic, texts};
use chaos_core::ConfigError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What packets carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP, and ICMPv6 for IPv6. Packet filters spare that by which IPv6 finds its neighbours (types 133 to 137); a queue has it, too.
    Icmp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// Whether it has ports.
    pub(crate) const fn has_ports(self) -> bool {
        !matches!(self, Self::Icmp)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Icmp => "ICMP",
            Self::Sctp => "SCTP",
        })
    }
}

/// Which packets of a network namespace are hit, as seen from it. A packet must match all that is said; with nothing
/// said it is every packet of the interface.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PacketsConfig {
    /// The interface, such as eth0. Default: every interface that is up, without the loopback interface.
    pub interface: Option<String>,
    /// Which way: egress (what goes out), ingress (what comes in) or both. Default: egress.
    pub direction: Option<Traffic>,
    /// The other end: addresses, networks and names, such as 10.0.0.7, fd00::/8 or postgres. A name is looked up when
    /// the fault is planned. Default: everybody.
    pub hosts: Vec<String>,
    /// What the packets carry: tcp, udp, icmp or sctp. Default: anything; with ports, TCP and UDP.
    pub protocol: Option<Protocol>,
    /// The ports at this end: such as 8080 or 8000-8100. Default: any.
    #[serde(deserialize_with = "texts")]
    #[schemars(with = "Vec<PortText>")]
    pub local_ports: Vec<String>,
    /// The ports at the other end: such as 5432 or 8000-8100. Default: any.
    #[serde(deserialize_with = "texts")]
    #[schemars(with = "Vec<PortText>")]
    pub remote_ports: Vec<String>,
}

/// Which packets are hit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Packets {
    pub(crate) interface: Option<String>,
    pub(crate) direction: Option<Traffic>,
    pub(crate) hosts: Vec<Host>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) local_ports: Vec<Ports>,
    pub(crate) remote_ports: Vec<Ports>,
}

impl Packets {
    /// Which way.
    #[cfg(target_os = "linux")]
    pub(crate) fn direction(&self) -> Traffic {
        self.direction.unwrap_or(Traffic::Egress)
    }

    /// Whether it is every packet of the interface.
    pub(crate) fn is_all(&self) -> bool {
        self.hosts.is_empty()
            && self.protocol.is_none()
            && self.local_ports.is_empty()
            && self.remote_ports.is_empty()
    }

    /// The protocols that it takes filters for; `None`: any.
    #[cfg(target_os = "linux")]
    pub(crate) fn protocols(&self) -> Vec<Option<Protocol>> {
        match self.protocol {
            Some(protocol) => vec![Some(protocol)],
            None if self.local_ports.is_empty() && self.remote_ports.is_empty() => vec![None],
            None => vec![Some(Protocol::Tcp), Some(Protocol::Udp)],
        }
    }
}

impl PacketsConfig {
    /// What it says under `packets`, if that can be meant.
    pub(crate) fn build(&self) -> Result<Packets, ConfigError> {
        self.read().map_err(|e| e.within("packets"))
    }

    /// What it says, if that can be meant.
    pub(crate) fn read(&self) -> Result<Packets, ConfigError> {
        let interface = self.interface.clone();
        if let Some(name) = &interface {
            let plain = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
            if name.is_empty() || name.len() > 15 || !name.bytes().all(plain) {
                let problem = format!("`{name}` is not the name of an interface");
                return Err(ConfigError::field("interface", problem)
                    .help("at most 15 characters, such as eth0"));
            }
        }
        let packets = Packets {
            interface,
            direction: self.direction,
            hosts: read(
                "hosts",
                "such as 10.0.0.7, fd00::/8 or postgres",
                &self.hosts,
            )?,
            protocol: self.protocol,
            local_ports: read(
                "local_ports",
                "such as 8080 or 8000-8100",
                &self.local_ports,
            )?,
            remote_ports: read(
                "remote_ports",
                "such as 5432 or 8000-8100",
                &self.remote_ports,
            )?,
        };
        let ports = !packets.local_ports.is_empty() || !packets.remote_ports.is_empty();
        match packets.protocol {
            Some(protocol) if ports && !protocol.has_ports() => {
                let problem = format!("{protocol} has no ports");
                Err(ConfigError::field("protocol", problem).help("tcp, udp or sctp"))
            }
            _ => Ok(packets),
        }
    }
}

fn read<T: std::str::FromStr<Err = String>>(
    field: &str,
    help: &'static str,
    texts: &[String],
) -> Result<Vec<T>, ConfigError> {
    let read = |(n, text): (usize, &String)| {
        text.parse().map_err(|problem: String| {
            ConfigError::field(format!("{field}[{n}]"), problem).help(help)
        })
    };
    texts.iter().enumerate().map(read).collect()
}

impl fmt::Display for Packets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |items: Vec<String>| items.join(", ");
        match self.protocol {
            Some(protocol) => write!(f, "{protocol} packets")?,
            None if self.is_all() => f.write_str("all packets")?,
            None => f.write_str("packets")?,
        }
        if let Some(interface) = &self.interface {
            write!(f, " on {interface}")?;
        }
        if !self.hosts.is_empty() {
            let hosts = self.hosts.iter().map(Host::to_string).collect();
            write!(f, " of {}", list(hosts))?;
        }
        for (what, ports) in [("local", &self.local_ports), ("remote", &self.remote_ports)] {
            if !ports.is_empty() {
                let ports = ports.iter().map(Ports::to_string).collect();
                write!(f, ", {what} port {}", list(ports))?;
            }
        }
        Ok(())
    }
}
