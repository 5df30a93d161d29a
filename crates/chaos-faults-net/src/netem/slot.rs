//! Packets that go in batches.

use super::Distribution;
use chaos_core::{ConfigError, units::Time};
use schemars::JsonSchema;
use serde::Deserialize;
use std::{fmt, time::Duration};

/// Packets go in batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) between: Between,
    /// How many packets one has at most; 0: any number.
    pub(crate) packets: u32,
    /// How many bytes one has at most; 0: any number.
    pub(crate) bytes: u32,
}

/// The time between two batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Between {
    /// Evenly from the least to the longest.
    Evenly(Duration, Duration),
    /// Around a mean, by a distribution that is not even; the jitter is above 0.
    Around {
        delay: Duration,
        jitter: Duration,
        distribution: Distribution,
    },
}

impl Between {
    /// The longest time, nearly always: six deviations, for the long tails.
    #[cfg(target_os = "linux")]
    pub(super) fn longest(self) -> Duration {
        match self {
            Self::Evenly(_, longest) => longest,
            Self::Around { delay, jitter, .. } => delay + jitter * 6,
        }
    }
}

#[cfg(any(target_os = "linux", test))]
impl Between {
    /// Whether it is not always the same.
    pub(super) fn varies(self) -> bool {
        match self {
            Self::Evenly(least, longest) => least < longest,
            Self::Around { .. } => true,
        }
    }
}

impl fmt::Display for Between {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Evenly(least, longest) => write!(f, "{least:?} to {longest:?}"),
            Self::Around {
                delay,
                jitter,
                distribution,
            } => write!(f, "{delay:?} ± {jitter:?} {distribution}"),
        }
    }
}

/// Packets go in batches. The time between two of them is said by `min_delay` and `max_delay`, or by `delay` and `jitter`.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct SlotConfig {
    /// The least time between two batches: a time up to 1h.
    pub min_delay: Option<Time>,
    /// The longest time between two batches: a time above 0 and up to 1h. Default: the least.
    pub max_delay: Option<Time>,
    /// The mean time between two batches: a time up to 1h, in the place of `min_delay`.
    pub delay: Option<Time>,
    /// How much the `delay` varies: a time up to 2s. Default: 0.
    pub jitter: Option<Time>,
    /// How the `jitter` is distributed: uniform, normal, pareto or paretonormal. Default: uniform.
    pub distribution: Option<Distribution>,
    /// How many packets a batch has at most. Default: any number.
    pub packets: u32,
    /// How many bytes a batch has at most. Default: any number.
    pub bytes: u32,
}

impl SlotConfig {
    /// The longest jitter: the kernel has 31 bits for its nanoseconds.
    const JITTER: Duration = Duration::from_secs(2);

    pub(super) fn build(self) -> Result<Slot, ConfigError> {
        let between = match (self.min_delay, self.delay) {
            (Some(least), None) => self.evenly(least.get()),
            (None, Some(delay)) => self.around(delay.get()),
            (Some(_), Some(_)) => Err(ConfigError::field(
                "slot.delay",
                "only one of `min_delay` and `delay` can be meant",
            )),
            (None, None) => Err(ConfigError::field(
                "slot",
                "it does not say how long after another a batch goes",
            )
            .help("a `min_delay`, or a `delay` and a `jitter`, such as 10ms")),
        }?;
        Ok(Slot {
            between,
            packets: self.packets,
            bytes: self.bytes,
        })
    }

    fn evenly(self, least: Duration) -> Result<Between, ConfigError> {
        let said = [
            ("slot.jitter", self.jitter.is_some()),
            ("slot.distribution", self.distribution.is_some()),
        ];
        if let Some((field, _)) = said.iter().find(|(_, said)| *said) {
            return Err(
                ConfigError::field(*field, "it varies a `delay`, and there is none")
                    .help("`delay` in the place of `min_delay`"),
            );
        }
        let longest = self.max_delay.map_or(least, Time::get);
        crate::check::at_most_an_hour("slot.max_delay", longest)?;
        if least > longest || longest.is_zero() {
            let problem = format!("{least:?} to {longest:?} is no time between batches");
            return Err(ConfigError::field("slot.min_delay", problem)
                .help("a time above 0, not above max_delay"));
        }
        Ok(Between::Evenly(least, longest))
    }

    fn around(self, delay: Duration) -> Result<Between, ConfigError> {
        if self.max_delay.is_some() {
            let problem = "it goes with a `min_delay`, and there is none";
            return Err(ConfigError::field("slot.max_delay", problem)
                .help("`jitter` says how much a `delay` varies"));
        }
        crate::check::at_most_an_hour("slot.delay", delay)?;
        let jitter = self.jitter.map_or(Duration::ZERO, Time::get);
        let distribution = self.distribution.unwrap_or_default();
        if jitter > Self::JITTER {
            return Err(
                ConfigError::field("slot.jitter", format!("{jitter:?} is too long"))
                    .help("0 to 2s: the kernel has no room for more"),
            );
        }
        if jitter.is_zero() && self.distribution.is_some() {
            return Err(
                ConfigError::field("slot.distribution", "there is no `jitter`")
                    .help("a `jitter`, such as 1ms"),
            );
        }
        if delay.is_zero() && jitter.is_zero() {
            return Err(ConfigError::field("slot.delay", "0 makes no batches")
                .help("a time above 0 and up to 1h, such as 10ms"));
        }
        Ok(match distribution {
            Distribution::Uniform => Between::Evenly(delay.saturating_sub(jitter), delay + jitter),
            distribution => Between::Around {
                delay,
                jitter,
                distribution,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(json: &str) -> Result<Slot, String> {
        let config: SlotConfig = serde_json::from_str(json).map_err(|e| e.to_string())?;
        config.build().map_err(|e| e.to_string())
    }

    #[test]
    fn the_time_between_batches_is_said_in_one_of_two_ways() {
        let ms = Duration::from_millis;
        for (json, between) in [
            (
                r#"{ "min_delay": "10ms" }"#,
                Between::Evenly(ms(10), ms(10)),
            ),
            (
                r#"{ "min_delay": "0s", "max_delay": "10ms" }"#,
                Between::Evenly(ms(0), ms(10)),
            ),
            (r#"{ "delay": "10ms" }"#, Between::Evenly(ms(10), ms(10))),
            (
                r#"{ "delay": "10ms", "jitter": "3ms" }"#,
                Between::Evenly(ms(7), ms(13)),
            ),
            (
                r#"{ "delay": "10ms", "jitter": "3ms", "distribution": "normal" }"#,
                Between::Around {
                    delay: ms(10),
                    jitter: ms(3),
                    distribution: Distribution::Normal,
                },
            ),
        ] {
            assert_eq!(slot(json).unwrap().between, between, "{json}");
        }
    }

    #[test]
    fn what_cannot_be_meant_of_batches_is_refused() {
        for (json, says) in [
            ("{}", "slot: "),
            (r#"{ "packets": 5 }"#, "slot: "),
            (r#"{ "min_delay": "1ms", "delay": "1ms" }"#, "slot.delay: "),
            (r#"{ "min_delay": "0s" }"#, "slot.min_delay: "),
            (
                r#"{ "min_delay": "2ms", "max_delay": "1ms" }"#,
                "slot.min_delay: ",
            ),
            (
                r#"{ "min_delay": "1ms", "jitter": "1ms" }"#,
                "slot.jitter: ",
            ),
            (
                r#"{ "min_delay": "1ms", "distribution": "normal" }"#,
                "slot.distribution: ",
            ),
            (r#"{ "delay": "0s" }"#, "slot.delay: "),
            (
                r#"{ "delay": "1ms", "max_delay": "2ms" }"#,
                "slot.max_delay: ",
            ),
            (
                r#"{ "delay": "1ms", "distribution": "normal" }"#,
                "slot.distribution: ",
            ),
            (r#"{ "delay": "9s", "jitter": "3s" }"#, "slot.jitter: "),
        ] {
            let said = slot(json).unwrap_err();
            assert!(said.starts_with(says), "{json}: {said}");
        }
    }
}
