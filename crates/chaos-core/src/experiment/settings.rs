//! How a probe is asked.

use crate::{Mode, Probe, Steady, Tolerance, Value};
use std::{sync::Arc, time::Duration};

/// How often a probe is asked when nothing is said.
const USUAL: Duration = Duration::from_millis(500);
/// A probe that has not answered after this long, or after its interval if that is longer, has seen nothing, when nothing
/// is said.
const MIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How a probe is asked, and what it must see.
///
/// ```
/// use chaos_core::{Mode, ProbeSettings, Tolerance};
/// use std::time::Duration;
/// let settings = ProbeSettings::named("queue length")
///     .every(Duration::from_millis(250))
///     .timeout(Duration::from_secs(1))
///     .retries(2)
///     .mode(Mode::Continuous)
///     .expect(Tolerance::Below(1000.0))
///     .stop_on_failure();
/// ```
#[derive(Debug, Clone)]
#[must_use = "settings do nothing until an experiment has them"]
pub struct ProbeSettings {
    pub(crate) name: String,
    pub(crate) every: Duration,
    pub(crate) mode: Mode,
    pub(crate) timeout: Option<Duration>,
    pub(crate) delay: Duration,
    pub(crate) retries: u32,
    pub(crate) expect: Option<Tolerance>,
    pub(crate) stop_on_failure: bool,
}

impl ProbeSettings {
    /// Asked every 500 ms, all the time, once each time; nothing is expected.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            every: USUAL,
            mode: Mode::Edge,
            timeout: None,
            delay: Duration::ZERO,
            retries: 0,
            expect: None,
            stop_on_failure: false,
        }
    }

    /// How often it is asked. Default 500 ms.
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// In which phases it is asked and judged. Default: [`Mode::Edge`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// After what time it has seen nothing, at each try. Default 1 s, or the interval if that is longer.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// How long after the beginning of its first phase it is asked first. Default 0.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// How many more times it is asked, right away, when it sees nothing or not what is expected; the last try counts.
    /// Default 0.
    pub fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// What it must see in the phases of its mode: the experiment gets this as a hypothesis, a [`Steady`].
    pub fn expect(mut self, tolerance: Tolerance) -> Self {
        self.expect = Some(tolerance);
        self
    }

    /// Ends the run at the first sample that is missing or not as expected, in a phase that is judged: in the baseline nothing
    /// is injected, under the fault it is recovered. In the recovery a bad sample ends nothing: there things are waited
    /// for to be good again.
    pub fn stop_on_failure(mut self) -> Self {
        self.stop_on_failure = true;
        self
    }

    /// The hypothesis of these settings.
    pub(crate) fn steady(&self) -> Option<Steady> {
        let tolerance = self.expect.clone()?;
        Some(Steady::new(&self.name, tolerance).mode(self.mode))
    }

    /// How long one try may take.
    pub(crate) fn limit(&self) -> Duration {
        self.timeout.unwrap_or_else(|| self.every.max(MIN_TIMEOUT))
    }

    /// Whether a value is as expected.
    pub(crate) fn accepts(&self, value: &Value) -> bool {
        match &self.expect {
            Some(tolerance) => tolerance.accepts(value),
            None => !matches!(value, Value::Missing(_)),
        }
    }
}

/// A probe of an experiment.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) settings: ProbeSettings,
    pub(crate) probe: Arc<dyn Probe>,
}
