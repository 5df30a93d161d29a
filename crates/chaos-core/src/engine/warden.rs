//! The one thread that touches the host.
//!
//! It has a runtime of its own, so that a recovery needs nobody's: it works from a current-thread runtime,
//! from none, while unwinding, and after the caller has gone.

use crate::EngineError;
use std::{future::Future, sync::Mutex, thread};
use tokio::runtime::{Builder, Handle};

/// A handle on the thread; there is one thread per process.
#[derive(Debug, Clone)]
pub(crate) struct Warden {
    runtime: Handle,
}

static WARDEN: Mutex<Option<Warden>> = Mutex::new(None);
const NAME: &str = "chaos-warden";

impl Warden {
    /// The process's warden, started when it is first asked for.
    pub(crate) fn start() -> Result<Self, EngineError> {
        let mut warden = WARDEN
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(warden) = &*warden {
            return Ok(warden.clone());
        }
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(EngineError::Warden)?;
        let started = Self {
            runtime: runtime.handle().clone(),
        };
        thread::Builder::new()
            .name(NAME.into())
            .spawn(move || runtime.block_on(std::future::pending::<()>()))
            .map_err(EngineError::Warden)?;
        Ok(warden.insert(started).clone())
    }

    /// Runs a job to its end, whether or not anybody waits for it.
    pub(crate) fn spawn(&self, job: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(job);
    }

    /// Runs a job and waits for what it returns.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, EngineError> {
        self.runtime
            .spawn(job)
            .await
            .map_err(|_| EngineError::WardenGone)
    }

    /// Whether this is the warden's own thread, which must not wait for itself.
    pub(crate) fn is_current() -> bool {
        thread::current().name() == Some(NAME)
    }
}
