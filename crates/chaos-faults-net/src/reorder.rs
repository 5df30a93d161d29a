//! `net.reorder`: packets overtake each other.

use crate::{
    PacketsConfig, emulate,
    netem::{Chance, Netem},
    scope,
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait,
    units::{Percent, Time},
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::time::Duration;

/// Packets overtake each other: `net.reorder`.
///
/// # What breaks
/// Packets arrive late by `latency`, except for a share of them, which is not delayed and so overtakes what was sent
/// before.
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
///     serde_json::from_str(r#"{ "reorder": 25, "latency": "20ms", "gap": 5 }"#)?;
/// registry.fault("net.reorder", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// There are no intensities.
#[derive(Debug, Clone, PartialEq)]
pub struct Reorder {
    netem: Netem,
    packets: PacketsConfig,
}

impl Reorder {
    /// This share of the packets, 0 to 100, overtakes the others, which are this much later.
    pub fn percent(percent: f64, latency: Duration) -> Self {
        let chance = Chance {
            percent,
            correlation: 0.0,
        };
        Self {
            netem: Netem {
                reorder: chance,
                latency,
                gap: 1,
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
        let percent = Percent::try_from(self.netem.reorder.percent)
            .map_err(|e| ConfigError::field("reorder", e.to_string()).help(help))?;
        if percent.get() == 0.0 {
            return Err(ConfigError::field("reorder", "0 does nothing").help(help));
        }
        crate::check::at_most_an_hour("latency", self.netem.latency)?;
        if self.netem.latency.is_zero() {
            return Err(
                ConfigError::field("latency", "without it nothing can be overtaken")
                    .help("a time above 0 and up to 1h, such as 20ms"),
            );
        }
        if self.netem.gap == 0 {
            return Err(ConfigError::field("gap", "0 is no distance").help("1 or more"));
        }
        self.packets.build().map(drop)
    }
}

#[async_trait]
impl Fault for Reorder {
    fn kind(&self) -> &'static str {
        ReorderConfig::KIND
    }

    fn needs(&self, site: &Site) -> Needs {
        emulate::needs(site)
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        emulate::plan(&self.netem, &self.packets.build()?, sites, cx).await
    }
}

/// Lets packets overtake each other.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ReorderConfig {
    /// Which share of the packets, in percent: above 0 and up to 100.
    pub reorder: Percent,
    /// How much each depends on the one before, in percent. Default: 0.
    #[serde(default)]
    pub correlation: Percent,
    /// How much later the others arrive: a time above 0 and up to 1h. Default: 10ms.
    #[serde(default = "latency")]
    pub latency: Time,
    /// Only each so-manieth packet may overtake: 1 or more. Default: 1.
    #[serde(default = "gap")]
    pub gap: u32,
    /// Which packets. Default: all that go out.
    #[serde(default)]
    pub packets: PacketsConfig,
}

impl FaultConfig for ReorderConfig {
    const KIND: &'static str = "net.reorder";
    type Fault = Reorder;
    const TARGETS: &'static [&'static str] = scope::KERNEL;
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("reorder", "1")];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Reorder, ConfigError> {
        let netem = Netem {
            reorder: Chance {
                percent: self.reorder.get(),
                correlation: self.correlation.get(),
            },
            latency: self.latency.get(),
            gap: self.gap,
            ..Netem::default()
        };
        let fault = Reorder {
            netem,
            packets: self.packets,
        };
        fault.check()?;
        Ok(fault)
    }
}

fn latency() -> Time {
    Time::new(Duration::from_millis(10))
}

fn gap() -> u32 {
    1
}
