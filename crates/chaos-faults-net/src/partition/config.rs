//! The configuration of a partition.

use super::Partition;
use crate::Traffic;
use chaos_core::{ConfigError, FaultConfig, Intensity};
use schemars::JsonSchema;
use serde::Deserialize;

/// Drops the packets of a network namespace from and to some addresses, or all of them.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct PartitionConfig {
    /// From and to whom traffic is dropped: addresses and networks, IPv4 and IPv6, such as 10.0.0.7, 10.0.0.0/8
    /// or fd00::/8. Default: everybody.
    #[serde(default)]
    pub addresses: Option<Vec<String>>,
    /// Which way: ingress, egress or both. Default: both.
    #[serde(default)]
    pub direction: Traffic,
    /// Whether the loopback interface of the namespace is cut, too. Default: false.
    #[serde(default)]
    pub loopback: bool,
}

impl FaultConfig for PartitionConfig {
    const KIND: &'static str = "net.partition";
    type Fault = Partition;
    const TARGETS: &'static [&'static str] = crate::scope::KERNEL;

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Partition, ConfigError> {
        let partition = match self.addresses {
            None => Partition::all(),
            Some(addresses) => Partition::of(addresses),
        };
        let partition = partition.direction(self.direction).loopback(self.loopback);
        partition.networks()?;
        Ok(partition)
    }
}
