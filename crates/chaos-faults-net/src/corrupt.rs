//! `net.corrupt`: packets arrive with a wrong bit.

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

/// Packets arrive with a wrong bit: `net.corrupt`.
///
/// # What breaks
/// One bit somewhere in a share of the packets is turned over. Checksums find that nearly always, so it mostly acts as
/// loss; what has no checksum, or one that was computed by the network card before, arrives wrong.
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
///     serde_json::from_str(r#"{ "corrupt": 1, "correlation": 25 }"#)?;
/// registry.fault("net.corrupt", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There are no intensities.
#[derive(Debug, Clone, PartialEq)]
pub struct Corrupt {
    netem: Netem,
    packets: PacketsConfig,
}

impl Corrupt {
    /// This share of the packets gets a wrong bit, 0 to 100.
    pub fn percent(percent: f64) -> Self {
        let chance = Chance {
            percent,
            correlation: 0.0,
        };
        Self {
            netem: Netem {
                corrupt: chance,
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
        let percent = Percent::try_from(self.netem.corrupt.percent)
            .map_err(|e| ConfigError::field("corrupt", e.to_string()).help(help))?;
        if percent.get() == 0.0 {
            return Err(ConfigError::field("corrupt", "0 does nothing").help(help));
        }
        self.packets.build().map(drop)
    }
}

#[async_trait]
impl Fault for Corrupt {
    fn kind(&self) -> &'static str {
        CorruptConfig::KIND
    }

    fn needs(&self, site: &Site) -> Needs {
        emulate::needs(site)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        emulate::plan(&self.netem, &self.packets.build()?, sites, cx).await
    }
}

/// Turns over one bit of packets.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CorruptConfig {
    /// Which share of the packets, in percent: above 0 and up to 100.
    pub corrupt: Percent,
    /// How much each depends on the one before, in percent. Default: 0.
    #[serde(default)]
    pub correlation: Percent,
    /// Which packets. Default: all that go out.
    #[serde(default)]
    pub packets: PacketsConfig,
}

impl FaultConfig for CorruptConfig {
    const KIND: &'static str = "net.corrupt";
    type Fault = Corrupt;
    const TARGETS: &'static [&'static str] = scope::KERNEL;

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Corrupt, ConfigError> {
        let netem = Netem {
            corrupt: Chance {
                percent: self.corrupt.get(),
                correlation: self.correlation.get(),
            },
            ..Netem::default()
        };
        let fault = Corrupt {
            netem,
            packets: self.packets,
        };
        fault.check()?;
        Ok(fault)
    }
}
