//! What to do, in one value.

mod mode;
mod settings;
mod spec;

pub use mode::Mode;
pub(crate) use settings::Asked;
pub use settings::ProbeSettings;
pub use spec::{ExperimentSpec, FaultSpec, Targets};

use crate::{Hypothesis, Observer, Placed, Probe, seed::Seed};
use std::{sync::Arc, time::Duration};

/// Faults, probes, hypotheses and observers: all of one run.
///
/// ```
/// use chaos_core::{Experiment, Steady, Tolerance, Value};
/// use std::time::Duration;
/// let experiment = Experiment::named("database is slow")
///     .baseline(Duration::from_secs(5))
///     .hold(Duration::from_secs(30))
///     .hypothesis(Steady::new("health", Tolerance::Is(Value::Flag(true))));
/// assert_eq!(experiment.name(), "database is slow");
/// ```
#[derive(Debug, Clone)]
#[must_use = "an experiment does nothing until the engine runs it"]
pub struct Experiment {
    pub(crate) name: String,
    pub(crate) seed: Option<Seed>,
    pub(crate) baseline: Duration,
    pub(crate) hold: Duration,
    pub(crate) recovery_limit: Duration,
    pub(crate) max_duration: Duration,
    pub(crate) faults: Vec<Placed>,
    pub(crate) probes: Vec<Asked>,
    pub(crate) hypotheses: Vec<Arc<dyn Hypothesis>>,
    pub(crate) observers: Vec<Arc<dyn Observer>>,
    pub(crate) protected: Vec<String>,
}

impl Experiment {
    /// An experiment without faults: baseline 5 s, fault 30 s, recovery at most 30 s, 5 min in all.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            seed: None,
            baseline: Duration::from_secs(5),
            hold: Duration::from_secs(30),
            recovery_limit: Duration::from_secs(30),
            max_duration: Duration::from_secs(300),
            faults: Vec::new(),
            probes: Vec::new(),
            hypotheses: Vec::new(),
            observers: Vec::new(),
            protected: Vec::new(),
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Repeats the random choices of an earlier run. Default: a fresh seed.
    pub fn seed(mut self, seed: Seed) -> Self {
        self.seed = Some(seed);
        self
    }

    /// How long normal is watched before the fault. Default 5 s.
    pub fn baseline(mut self, baseline: Duration) -> Self {
        self.baseline = baseline;
        self
    }

    /// How long the fault phase lasts. Default 30 s.
    pub fn hold(mut self, hold: Duration) -> Self {
        self.hold = hold;
        self
    }

    /// How long is waited, after the faults are gone, until things are steady again. Default 30 s.
    pub fn recovery_limit(mut self, limit: Duration) -> Self {
        self.recovery_limit = limit;
        self
    }

    /// The hard limit on the time that a fault may be in place; past it the faults are recovered whatever
    /// happens. Default 5 min.
    pub fn max_duration(mut self, limit: Duration) -> Self {
        self.max_duration = limit;
        self
    }

    /// Adds a fault.
    pub fn fault(mut self, placed: Placed) -> Self {
        self.faults.push(placed);
        self
    }

    /// Adds a probe that is asked every so often, from the baseline to the end.
    pub fn probe(self, name: impl Into<String>, every: Duration, probe: impl Probe) -> Self {
        self.probe_with(ProbeSettings::named(name).every(every), probe)
    }

    /// Adds a probe that is asked as the settings say, and what they expect of it as a hypothesis.
    pub fn probe_with(mut self, settings: ProbeSettings, probe: impl Probe) -> Self {
        if let Some(steady) = settings.steady() {
            self.hypotheses.push(Arc::new(steady));
        }
        self.probes.push(Asked {
            settings,
            probe: Arc::new(probe),
        });
        self
    }

    /// Adds a hypothesis.
    pub fn hypothesis(mut self, hypothesis: impl Hypothesis) -> Self {
        self.hypotheses.push(Arc::new(hypothesis));
        self
    }

    /// Adds an observer: a load, a recorder, a progress bar.
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Protects targets from every fault of this experiment: those whose description or site names this, as a whole
    /// word or with `*`; see [`protects`](crate::protects).
    pub fn protect(mut self, word: impl Into<String>) -> Self {
        self.protected.push(word.into());
        self
    }

    /// The faults.
    pub fn faults(&self) -> &[Placed] {
        &self.faults
    }
}
