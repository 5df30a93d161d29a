//! Anything that a closure does.

use super::{Answer, Class, OpenLoop, Traffic, Work};
use chaos_core::{BoxError, ConfigError};
use futures_util::FutureExt;
use std::{fmt, future::Future, panic::AssertUnwindSafe, pin::Pin, sync::Arc};

type Call = dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>> + Send + Sync;

/// Calls a closure when it is due, whatever becomes of the calls before (an open loop).
///
/// The futures run on a current-thread runtime of the load's own thread: they must not block it. A future
/// that is not ready at the timeout is dropped. An error or a panic is a failure.
///
/// ```
/// use chaos_validator::ClosureLoad;
/// let load = ClosureLoad::new(|| async { Ok(()) }).named("ping").rate(100.0);
/// ```
pub type ClosureLoad = OpenLoop<Calls>;

/// Calls of a closure.
#[derive(Clone)]
pub struct Calls {
    name: String,
    call: Arc<Call>,
}

impl OpenLoop<Calls> {
    /// Calls `call` 50 times per second, timeout 2 s.
    pub fn new<F, C>(call: C) -> Self
    where
        C: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self::of(Calls {
            name: "closure".into(),
            call: Arc::new(move || Box::pin(call())),
        })
    }

    /// Names it in the report.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.traffic.name = name.into();
        self
    }
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Calls")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Traffic for Calls {
    type Work = Self;

    fn describe(&self) -> String {
        self.name.clone()
    }

    fn endpoints(&self) -> Vec<String> {
        Vec::new()
    }

    fn prepare(&self) -> Result<Self, ConfigError> {
        Ok(self.clone())
    }
}

impl Work for Calls {
    type Slot = ();

    fn slot(&self) {}

    fn endpoint(&self, _: u64) -> usize {
        0
    }

    async fn exchange(&self, _: usize, (): &mut ()) -> Answer {
        let call = AssertUnwindSafe(async { (self.call)().await });
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
