//! Any traffic in an open loop: the load that all loads are.

use super::{
    Counts, Load, Recording, Traffic,
    generator::Generator,
    limits::{Limits, Rates},
};
use async_trait::async_trait;
use chaos_core::{BoxError, ConfigError, Event, Observer, RunHandle, Verdict};
use std::{fmt, sync::Arc, time::Duration};

/// Sends traffic when it is due, whatever became of what was sent before (an open loop): at 50 requests per second with a
/// timeout of 2 s, when nothing else is said.
///
/// It runs on a thread and a runtime of its own, from the baseline until the run is over. A request is late, and not the
/// target's fault, when there is a slot free for it; when every slot waits for the target it waits, too, and fails after its
/// timeout.
pub struct OpenLoop<T> {
    pub(super) traffic: T,
    limits: Limits,
    generator: Generator,
}

impl<T: Traffic> OpenLoop<T> {
    /// Sends this.
    pub fn of(traffic: T) -> Self {
        Self {
            traffic,
            limits: Limits::default(),
            generator: Generator::default(),
        }
    }

    /// Sends so many requests per second.
    #[must_use]
    pub fn rate(mut self, per_second: f64) -> Self {
        self.limits.rates = Rates::Constant(per_second);
        self
    }

    /// Goes evenly from one rate per second to another, from the start of the baseline on, and stays there.
    #[must_use]
    pub fn ramp(mut self, from: f64, to: f64, over: Duration) -> Self {
        self.limits.rates = Rates::Ramp(from, to, over);
        self
    }

    /// Sends at one rate per second after the other, each for its time, from the start of the baseline on; the last one goes
    /// on.
    #[must_use]
    pub fn steps(mut self, steps: impl IntoIterator<Item = (f64, Duration)>) -> Self {
        self.limits.rates = Rates::Steps(steps.into_iter().collect());
        self
    }

    /// Fails a request that is not answered so long after it was meant to be sent.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// Fails a request that is answered later than this after it was meant to be sent, though it is not given up then. A target
    /// that freezes for less than the timeout has no other failure to show.
    #[must_use]
    pub fn slow_is_bad(mut self, after: Duration) -> Self {
        self.limits.slow = Some(after);
        self
    }

    /// Has at most so many requests under way. What is due while all of them wait for the target waits, too,
    /// and fails after its timeout. Default: as many as the highest rate needs when each takes its whole timeout, 64 at least and
    /// 4,096 at most.
    #[must_use]
    pub fn slots(mut self, slots: usize) -> Self {
        self.limits.slots = Some(slots);
        self
    }

    /// Looks for mistakes that [`start`](Observer::start) would report.
    ///
    /// # Errors
    /// A rate, timeout or number of slots out of range, or what the traffic finds wrong.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.limits.pace()?;
        self.traffic.prepare().map(drop)
    }

    /// Is paced by Tokio's timer, to show what the finer one is worth.
    #[doc(hidden)]
    #[must_use]
    pub fn coarse_timer(mut self) -> Self {
        self.limits.coarse = true;
        self
    }

    /// What is needed to send: the traffic, how much of it at once, and when to give up.
    pub(super) fn ready(&self) -> Result<(T::Work, usize, Duration), ConfigError> {
        let pace = self.limits.pace()?;
        Ok((self.traffic.prepare()?, pace.slots, pace.timeout))
    }

    fn describe(&self) -> String {
        format!("{} {}", self.traffic.describe(), self.limits)
    }
}

/// Without what may be secret.
impl<T: Traffic> fmt::Debug for OpenLoop<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenLoop")
            .field("load", &self.describe())
            .field("generator", &self.generator)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl<T: Traffic> Observer for OpenLoop<T> {
    async fn start(&self, run: &RunHandle) -> Result<(), BoxError> {
        let pace = self.limits.pace()?;
        self.generator.start(run, pace, self.traffic.prepare()?)
    }

    fn on(&self, event: &Event) {
        self.generator.on(event);
    }

    fn steady(&self) -> Verdict {
        self.generator.steady()
    }

    async fn finish(&self) {
        self.generator.finish(self.limits.timeout).await;
    }
}

impl<T: Traffic> Load for OpenLoop<T> {
    fn recording(&self) -> Recording {
        self.recent(Duration::ZERO)
    }

    fn recent(&self, from: Duration) -> Recording {
        self.generator
            .recording(self.describe(), self.limits.pace().ok(), from)
            .with_endpoints(self.traffic.endpoints())
    }

    fn counts(&self) -> Counts {
        self.generator.counts()
    }
}

impl<T: Traffic> From<OpenLoop<T>> for Arc<dyn Load> {
    fn from(load: OpenLoop<T>) -> Self {
        Arc::new(load)
    }
}
