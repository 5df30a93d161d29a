//! Anything at a constant rate.

use super::{
    Class, Load, Recording,
    generator::Generator,
    limits::Limits,
    open_loop::{Answer, Work},
};
use async_trait::async_trait;
use chaos_core::{BoxError, Event, Observer, RunHandle, Verdict};
use futures_util::FutureExt;
use std::{fmt, future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc, time::Duration};

type Call = dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> + Send + Sync;

/// Calls a closure at a constant rate, whatever becomes of the calls before (an open loop).
///
/// The futures run on a current-thread runtime of the load's own thread: they must not block it. A future
/// that is not ready at the timeout is dropped. An error or a panic is a failure.
///
/// ```
/// use chaos_validator::ClosureLoad;
/// let load = ClosureLoad::new(|| async { Ok(()) }).named("ping").rate(100.0);
/// ```
pub struct ClosureLoad {
    name: String,
    call: Arc<Call>,
    limits: Limits,
    generator: Generator,
}

impl ClosureLoad {
    /// Calls `call` 50 times per second, timeout 2 s, 64 slots.
    pub fn new<F, C>(call: C) -> Self
    where
        C: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self {
            name: "closure".into(),
            call: Arc::new(move || Box::pin(call())),
            limits: Limits::default(),
            generator: Generator::default(),
        }
    }

    /// Names it in the report.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Calls it so many times per second.
    #[must_use]
    pub fn rate(mut self, per_second: f64) -> Self {
        self.limits.rate = per_second;
        self
    }

    /// Fails a call that is not over so long after it was meant to start.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// Has at most so many calls under way.
    #[must_use]
    pub fn slots(mut self, slots: usize) -> Self {
        self.limits.slots = slots;
        self
    }

    fn describe(&self) -> String {
        format!("{} {}", self.name, self.limits)
    }
}

impl fmt::Debug for ClosureLoad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosureLoad")
            .field("load", &self.describe())
            .field("generator", &self.generator)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Observer for ClosureLoad {
    async fn start(&self, run: &RunHandle) -> Result<(), BoxError> {
        let pace = self.limits.pace()?;
        self.generator
            .start(run, pace, ClosureWork(Arc::clone(&self.call)))
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

impl Load for ClosureLoad {
    fn recording(&self) -> Recording {
        self.recent(Duration::ZERO)
    }

    fn recent(&self, from: Duration) -> Recording {
        self.generator
            .recording(self.describe(), self.limits.pace().ok(), from)
    }
}

impl From<ClosureLoad> for Arc<dyn Load> {
    fn from(load: ClosureLoad) -> Self {
        Arc::new(load)
    }
}

struct ClosureWork(Arc<Call>);

impl Work for ClosureWork {
    type Slot = ();

    fn slot(&self) {}

    async fn exchange(&self, (): &mut ()) -> Answer {
        let call = AssertUnwindSafe(async { (self.0)().await });
        match call.catch_unwind().await {
            Ok(Ok(())) => Answer::of(Class::Ok),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a call of the load failed");
                Answer::of(Class::Failed)
            }
            Err(_) => Answer::of(Class::Failed),
        }
    }
}
