//! A fault on a target, and when.

use crate::{BlastRadius, Fault, Reach, Target, Targets};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{sync::Arc, time::Duration};

/// What to do when a fault is gone before its time: a container restarted, an interface vanished.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnLost {
    /// Say so and go on. The run is inconclusive.
    #[default]
    Report,
    /// End the run.
    Stop,
    /// Resolve the target again and put the fault where it is now.
    Follow,
}

/// A fault on a target, and when.
#[derive(Debug, Clone)]
#[must_use = "a placed fault does nothing until the engine injects it"]
pub struct Placed {
    pub(crate) fault: Arc<dyn Fault>,
    pub(crate) target: Arc<dyn Target>,
    pub(crate) after: Duration,
    pub(crate) hold: Option<Duration>,
    pub(crate) every: Option<Duration>,
    pub(crate) on_lost: OnLost,
    pub(crate) radius: Option<BlastRadius>,
    pub(crate) reach: Reach,
    pub(crate) irreversible: bool,
    /// The other targets, by name, for faults that take place between two of them.
    pub(crate) others: Arc<Targets>,
}

impl Placed {
    /// A fault on a target, from the start of the fault phase to its end.
    pub fn new(fault: Arc<dyn Fault>, target: Arc<dyn Target>) -> Self {
        Self {
            fault,
            target,
            after: Duration::ZERO,
            hold: None,
            every: None,
            on_lost: OnLost::Report,
            radius: None,
            reach: Reach::Namespace,
            irreversible: false,
            others: Arc::default(),
        }
    }

    /// The targets that the fault may refer to by name, such as the other side of a partition. Default: none.
    pub fn others(mut self, targets: Targets) -> Self {
        self.others = Arc::new(targets);
        self
    }

    /// Starts so long after the start of the fault phase. Default: at once.
    pub fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    /// Recovers after so long. Default: at the end of the fault phase.
    pub fn hold(mut self, hold: Duration) -> Self {
        self.hold = Some(hold);
        self
    }

    /// Injects again every so often, each time resolved and planned anew.
    pub fn every(mut self, every: Duration) -> Self {
        self.every = Some(every);
        self
    }

    /// What to do when the fault is gone before its time. Default: report it.
    pub fn on_lost(mut self, on_lost: OnLost) -> Self {
        self.on_lost = on_lost;
        self
    }

    /// How many of the target's sites are hit. Default: all, and a target that may match several by chance, such
    /// as a process by its name, has to match one.
    pub fn radius(mut self, radius: BlastRadius) -> Self {
        self.radius = Some(radius);
        self
    }

    /// Allows changes that everything on this machine feels.
    pub fn allow_host(mut self) -> Self {
        self.reach = Reach::Host;
        self
    }

    /// Allows changes that cannot be reversed.
    pub fn allow_irreversible(mut self) -> Self {
        self.irreversible = true;
        self
    }

    /// The fault's kind.
    pub fn kind(&self) -> &'static str {
        self.fault.kind()
    }

    /// The target in words.
    pub fn target(&self) -> String {
        self.target.describe()
    }

    /// The target itself, for [`Engine::sites`](crate::Engine::sites).
    pub fn aimed_at(&self) -> &Arc<dyn Target> {
        &self.target
    }
}

/// One or several placed faults.
#[derive(Debug, Clone, Default)]
#[must_use = "placed faults do nothing until the engine injects them"]
pub struct Placements(pub(crate) Vec<Placed>);

impl From<Placed> for Placements {
    fn from(placed: Placed) -> Self {
        Self(vec![placed])
    }
}

impl From<Vec<Placed>> for Placements {
    fn from(placed: Vec<Placed>) -> Self {
        Self(placed)
    }
}

impl<const N: usize> From<[Placed; N]> for Placements {
    fn from(placed: [Placed; N]) -> Self {
        Self(placed.into())
    }
}
