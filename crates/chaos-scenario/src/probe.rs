//! A probe of a scenario file.

use crate::{expect::tolerance, file::Tagged};
use chaos_core::{ConfigError, Mode, ProbeSettings, units::Time};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::Value as Json;
use std::{fmt, time::Duration};

/// How often a probe is asked when nothing is said.
const USUAL: Duration = Duration::from_millis(500);
/// How often a probe is asked at most.
const SHORTEST: Duration = Duration::from_millis(1);
/// How many more times a probe is asked at most.
const MOST_RETRIES: u32 = 100;

/// A probe's kind with its parameters, and how it is asked and judged.
#[derive(Debug, Clone)]
pub(crate) struct ProbeSpec {
    pub(crate) probe: Tagged,
    pub(crate) every: Duration,
    /// When nothing is said: true, or a status of success.
    pub(crate) expect: Option<Json>,
    pub(crate) during_fault: Option<bool>,
    pub(crate) mode: Option<Mode>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) delay: Duration,
    pub(crate) retries: u32,
    pub(crate) stop_on_failure: bool,
}

impl ProbeSpec {
    /// In which phases it counts.
    pub(crate) fn mode(&self) -> Mode {
        match (self.mode, self.during_fault) {
            (Some(mode), _) => mode,
            (None, Some(true)) => Mode::Continuous,
            (None, _) => Mode::Edge,
        }
    }

    /// How the engine is to ask it.
    pub(crate) fn settings(&self, name: &str) -> Result<ProbeSettings, ConfigError> {
        let mut settings = ProbeSettings::named(name)
            .every(self.every)
            .mode(self.mode())
            .delay(self.delay)
            .retries(self.retries)
            .expect(tolerance(self.expect.as_ref()).map_err(|e| e.within("expect"))?);
        if let Some(timeout) = self.timeout {
            settings = settings.timeout(timeout);
        }
        if self.stop_on_failure {
            settings = settings.stop_on_failure();
        }
        Ok(settings)
    }

    /// What is wrong with how it is to be asked.
    pub(crate) fn problems(&self) -> Vec<ConfigError> {
        let mut found = Vec::new();
        if let Err(error) = tolerance(self.expect.as_ref()) {
            found.push(error.within("expect"));
        }
        if self.every < SHORTEST {
            found.push(ConfigError::field("every", "is shorter than 1ms"));
        }
        if self.timeout.is_some_and(|timeout| timeout.is_zero()) {
            let problem = "is 0; nothing can be seen in no time";
            found.push(ConfigError::field("timeout", problem));
        }
        if self.retries > MOST_RETRIES {
            let problem = format!("{} is more than {MOST_RETRIES}", self.retries);
            found.push(ConfigError::field("retries", problem));
        }
        if self.mode.is_some() && self.during_fault.is_some() {
            let error = ConfigError::field("during_fault", "is said by `mode`, too");
            found.push(error.help("leave it out; `mode: continuous` is the same as true"));
        }
        found
    }
}

// Field by field, so that an error knows its own.
impl<'de> Deserialize<'de> for ProbeSpec {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = ProbeSpec;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a probe, such as `{ http: { … }, every: 500ms }`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ProbeSpec, A::Error> {
                let mut probes = Vec::new();
                let mut expect = None;
                let mut during_fault = None;
                let mut mode = None;
                let mut retries: Option<u32> = None;
                let mut stop_on_failure: Option<bool> = None;
                let [mut every, mut timeout, mut delay]: [Option<Time>; 3] = [None; 3];
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "every" => every = map.next_value()?,
                        "expect" => expect = map.next_value()?,
                        "during_fault" => during_fault = map.next_value()?,
                        "mode" => mode = map.next_value()?,
                        "timeout" => timeout = map.next_value()?,
                        "delay" => delay = map.next_value()?,
                        "retries" => retries = map.next_value()?,
                        "stop_on_failure" => stop_on_failure = map.next_value()?,
                        _ => {
                            let parameters = map.next_value::<Option<_>>()?;
                            probes.push(Tagged {
                                tag: key,
                                parameters: parameters.unwrap_or_default(),
                            });
                        }
                    }
                }
                let only =
                    |_| A::Error::custom("expected exactly one kind, such as `{ http: { … } }`");
                let [probe] = <[Tagged; 1]>::try_from(probes).map_err(only)?;
                Ok(ProbeSpec {
                    probe,
                    every: every.map_or(USUAL, Time::get),
                    expect,
                    during_fault,
                    mode,
                    timeout: timeout.map(Time::get),
                    delay: delay.unwrap_or_default().get(),
                    retries: retries.unwrap_or_default(),
                    stop_on_failure: stop_on_failure.unwrap_or_default(),
                })
            }
        }
        deserializer.deserialize_map(Fields)
    }
}
