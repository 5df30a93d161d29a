//! The configuration of a partition.

use super::{Partition, fault::Answer};
use crate::{
    PacketsConfig, Protocol, Traffic,
    packets::{PortText, texts},
};
use chaos_core::{ConfigError, FaultConfig, Intensity};
use schemars::JsonSchema;
use serde::Deserialize;

/// Drops the packets of a network namespace from and to some addresses, or all of them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct PartitionConfig {
    /// From and to whom traffic is dropped: addresses, networks and names, such as 10.0.0.7, fd00::/8 or postgres. A
    /// name is looked up when the fault is planned. Default: everybody.
    pub addresses: Option<Vec<String>>,
    /// The same, by the names of other targets: their addresses when the fault is planned; of a network namespace all but
    /// those of its loopback interface and its links.
    pub targets: Vec<String>,
    /// Which way: ingress, egress or both. Default: both.
    pub direction: Option<Traffic>,
    /// The interface, such as eth0. Default: any but the loopback interface.
    pub interface: Option<String>,
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
    /// Whether the loopback interface of the namespace is cut, too. Default: false.
    pub loopback: bool,
    /// Whether the sender is told: TCP by a reset, anything else by ICMP. Default: false, it is dropped without a word;
    /// only a UDP `send` on its way out fails (EPERM), for which `direction: ingress` is silent.
    pub reject: bool,
    /// Whether connections of TCP that are there go on, and only new ones are cut off. Default: false, both are.
    pub keep_established: bool,
}

impl FaultConfig for PartitionConfig {
    const KIND: &'static str = "net.partition";
    type Fault = Partition;
    const TARGETS: &'static [&'static str] = crate::scope::KERNEL;
    const OTHERS: &'static [&'static str] = &["targets"];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Partition, ConfigError> {
        let mut partition = match self.addresses {
            None => Partition::all(),
            Some(addresses) => Partition::of(addresses),
        };
        partition.targets = self.targets;
        partition.packets = PacketsConfig {
            interface: self.interface,
            direction: Some(self.direction.unwrap_or(Traffic::Both)),
            protocol: self.protocol,
            local_ports: self.local_ports,
            remote_ports: self.remote_ports,
            ..PacketsConfig::default()
        };
        partition = partition.loopback(self.loopback);
        partition.answer = Answer {
            reject: self.reject,
            keep_established: self.keep_established,
        };
        partition.check()?;
        Ok(partition)
    }
}
