//! What benchmarks share: faults that do nothing, so that the engine alone is measured; programs and targets.

pub mod arguments;
pub mod process;
pub mod report;
mod turns;

pub use turns::turns;

use async_trait::async_trait;
use chaos_core::{
    Action, Change, Context, Fault, FaultError, Held, InProcess, Lifetime, Needs, Plan, Presence,
    Reach, Registry, Site, Undo, Undone,
};
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeSet,
    sync::{LazyLock, Mutex, PoisonError},
};

/// What a benchmark may fail with; it is shown and ends the run.
pub type Result<T, E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

/// What the no-op steps have "changed".
static IN_PLACE: LazyLock<Mutex<BTreeSet<String>>> = LazyLock::new(Mutex::default);

/// A plan of so many steps that change nothing outside this process, through the log all the same.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct NoOp(usize);

impl NoOp {
    /// So many steps.
    pub fn steps(steps: usize) -> Self {
        Self(steps)
    }
}

/// A registry with the undo of [`NoOp`].
pub fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.add_undo::<Nothing>();
    registry
}

#[async_trait]
impl Fault for NoOp {
    fn kind(&self) -> &'static str {
        "bench.no_op"
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, _: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let step = |i| Nothing {
            name: format!("{}-{i}", cx.mark()),
        };
        Ok((0..self.0).map(step).fold(Plan::new(), Plan::then))
    }
}

/// One step and its undo.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Nothing {
    name: String,
}

#[async_trait]
impl Action for Nothing {
    type Undo = Self;

    fn change(&self) -> Change {
        Change::new("do nothing", "nothing", Reach::Process)
    }

    fn undo(&self) -> Self {
        self.clone()
    }

    async fn apply(&self, _: &Context) -> Result<(), FaultError> {
        IN_PLACE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(self.name.clone());
        Ok(())
    }
}

#[async_trait]
impl Undo for Nothing {
    const KIND: &'static str = "bench.nothing";
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Lifetime::Boot;

    async fn undo(&self, _: &Context) -> Result<Undone, FaultError> {
        let was_there = IN_PLACE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.name);
        Ok(if was_there {
            Undone::Reverted
        } else {
            Undone::AlreadyGone
        })
    }

    async fn presence(&self, _: &Context) -> Result<Presence, FaultError> {
        let there = IN_PLACE
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains(&self.name);
        Ok(if there {
            Presence::InPlace
        } else {
            Presence::Gone
        })
    }
}

/// A fault inside this process that does nothing.
#[derive(Debug, Clone, Copy, Default)]
#[non_exhaustive]
pub struct Inside;

#[async_trait]
impl Fault for Inside {
    fn kind(&self) -> &'static str {
        "bench.inside"
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
        Ok(Plan::new().then_in_process(*self))
    }
}

impl InProcess for Inside {
    type Held = Self;

    fn change(&self) -> Change {
        Change::new("do nothing", "nothing", Reach::Process)
    }

    fn apply(&self) -> Result<Self, FaultError> {
        Ok(*self)
    }
}

impl Held for Inside {
    fn in_place(&self) -> bool {
        true
    }

    fn hits(&self) -> Option<u64> {
        Some(0)
    }

    fn release(self) -> Result<(), FaultError> {
        Ok(())
    }
}
