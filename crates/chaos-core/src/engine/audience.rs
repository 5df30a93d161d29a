//! The observers of a run. One that panics is told no more, and stops neither the run nor the recovery.

use crate::{
    Chain, Event, Observer, RunHandle, Verdict,
    guard::{catch_panic, panic_message},
};
use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// The observers of a run.
#[derive(Debug)]
pub(super) struct Audience(Vec<Watching>);

#[derive(Debug)]
struct Watching {
    observer: Arc<dyn Observer>,
    told: bool,
}

impl Audience {
    pub(super) fn new(observers: &[Arc<dyn Observer>]) -> Self {
        let watching = |observer: &Arc<dyn Observer>| Watching {
            observer: Arc::clone(observer),
            told: true,
        };
        Self(observers.iter().map(watching).collect())
    }

    /// Starts them; says what kept one from starting.
    pub(super) async fn start(&self, run: &RunHandle) -> Result<(), String> {
        for watching in &self.0 {
            match catch_panic(watching.observer.start(run)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    return Err(format!(
                        "an observer could not start: {}",
                        Chain(error.as_ref())
                    ));
                }
                Err(panic) => {
                    return Err(format!(
                        "an observer panicked: {}",
                        panic_message(panic.as_ref())
                    ));
                }
            }
        }
        Ok(())
    }

    /// Tells them; says who panicked.
    pub(super) fn tell(&mut self, event: &Event) -> Vec<String> {
        let mut panics = Vec::new();
        for watching in self.0.iter_mut().filter(|watching| watching.told) {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| watching.observer.on(event))) {
                watching.told = false;
                let message = panic_message(panic.as_ref());
                panics.push(format!(
                    "an observer panicked and was told no more: {message}"
                ));
            }
        }
        panics
    }

    /// What the least steady of them says.
    pub(super) fn steady(&self) -> Verdict {
        self.0.iter().fold(Verdict::Held, |worst, watching| {
            let asked = catch_unwind(AssertUnwindSafe(|| watching.observer.steady()));
            worst.and(asked.unwrap_or_else(|_| Verdict::unknown("an observer panicked")))
        })
    }

    /// Says that it is over; says who panicked.
    pub(super) async fn finish(&self) -> Vec<String> {
        let mut panics = Vec::new();
        for watching in &self.0 {
            if let Err(panic) = catch_panic(watching.observer.finish()).await {
                panics.push(format!(
                    "an observer panicked: {}",
                    panic_message(panic.as_ref())
                ));
            }
        }
        panics
    }
}
