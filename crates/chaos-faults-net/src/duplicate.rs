//! `net.duplicate`: packets arrive twice.

use crate::{
    PacketsConfig, emulate,
    netem::{Chance, Netem},
    scope,
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Percent,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Packets arrive twice: `net.duplicate`.
///
/// # What breaks
/// A share of the packets is sent twice, one after the other. TCP throws the second one away; who uses UDP has to.
///
/// # What it needs
/// Linux 5.14 or newer with `sch_netem`, `CAP_NET_ADMIN` and `CAP_SYS_ADMIN`; no `tc` program. When the target is in the
/// network namespace of the host, the fault has host reach and needs `allow_host`.
///
/// # What is changed on the host
/// The queues of the interfaces, as by [`net.netem`](crate::NetemFault).
///
/// # How it is undone
/// As [`net.netem`](crate::NetemFault).
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_net::register(&mut registry);
/// let parameters: Parameters =
///     serde_json::from_str(r#"{ "duplicate": 5, "packets": { "protocol": "udp" } }"#)?;
/// registry.fault("net.duplicate", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There are no intensities.
#[derive(Debug, Clone, PartialEq)]
pub struct Duplicate {
    netem: Netem,
    packets: PacketsConfig,
}

impl Duplicate {
    /// This share of the packets arrives twice, 0 to 100.
    pub fn percent(percent: f64) -> Self {
        let chance = Chance {
            percent,
            correlation: 0.0,
        };
        Self {
            netem: Netem {
                duplicate: chance,
                ..Netem::default()
            },
            packets: PacketsConfig::default(),
        }
    }

    /// Which packets. Default: all that go out.
    #[must_use]
    pub fn packets(mut self, packets: PacketsConfig) -> Self {
        self.packets = packets;
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        let help = "a number above 0 and up to 100";
        let percent = Percent::try_from(self.netem.duplicate.percent)
            .map_err(|e| ConfigError::field("duplicate", e.to_string()).help(help))?;
        if percent.get() == 0.0 {
            return Err(ConfigError::field("duplicate", "0 does nothing").help(help));
        }
        self.packets.build().map(drop)
    }
}

#[async_trait]
impl Fault for Duplicate {
    fn kind(&self) -> &'static str {
        DuplicateConfig::KIND
    }

    fn needs(&self, site: &Site) -> Needs {
        emulate::needs(site)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        emulate::plan(&self.netem, &self.packets.build()?, sites, cx).await
    }
}

/// Sends packets twice.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DuplicateConfig {
    /// Which share of the packets, in percent: above 0 and up to 100.
    pub duplicate: Percent,
    /// How much each depends on the one before, in percent. Default: 0.
    #[serde(default)]
    pub correlation: Percent,
    /// Which packets. Default: all that go out.
    #[serde(default)]
    pub packets: PacketsConfig,
}

impl FaultConfig for DuplicateConfig {
    const KIND: &'static str = "net.duplicate";
    type Fault = Duplicate;
    const TARGETS: &'static [&'static str] = scope::KERNEL;
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("duplicate", "1")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Duplicate, ConfigError> {
        let netem = Netem {
            duplicate: Chance {
                percent: self.duplicate.get(),
                correlation: self.correlation.get(),
            },
            ..Netem::default()
        };
        let fault = Duplicate {
            netem,
            packets: self.packets,
        };
        fault.check()?;
        Ok(fault)
    }
}
