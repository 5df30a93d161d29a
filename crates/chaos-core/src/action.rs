//! One change of the host, and how it is made.

use crate::{Context, FaultError, Undo};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How far a change reaches, from near to far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reach {
    /// One process: this one, or the target.
    Process,
    /// One container.
    Container,
    /// One network namespace, cgroup or mount.
    Namespace,
    /// Everything on this machine. Needs `allow_host`.
    Host,
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Process => "process",
            Self::Container => "container",
            Self::Namespace => "namespace",
            Self::Host => "host",
        })
    }
}

/// One line of a plan: what a dry run prints, and what is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Change {
    /// What will be done, as a command or a file where there is one: `create /srv/fill (1 GiB)`.
    pub summary: String,
    /// What it is done to, as a stable name: two changes of one resource exclude each other.
    pub resource: String,
    /// How far it reaches.
    pub reach: Reach,
}

impl Change {
    /// A change of `resource` that reaches as far as `reach`.
    pub fn new(summary: impl Into<String>, resource: impl Into<String>, reach: Reach) -> Self {
        Self {
            summary: summary.into(),
            resource: resource.into(),
            reach,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)
    }
}

/// Makes exactly one change that a record can reverse.
///
/// # Behavior
/// - [`undo`](Self::undo) is computed before `apply` and is on disk when `apply` starts, so the identity of
///   what is made (a name, a handle) is chosen in the plan.
/// - `apply` creates exclusively and never replaces what somebody else has made.
/// - When the `apply` future is dropped (a step limit), nothing of it may act later: own your connections.
/// - `apply` may be killed at any instant. The undo must work from every state in between.
#[async_trait]
pub trait Action: fmt::Debug + Send + Sync + 'static {
    /// The inverse, as data.
    type Undo: Undo;

    /// What a dry run prints.
    fn change(&self) -> Change;

    /// The inverse of this change.
    fn undo(&self) -> Self::Undo;

    /// Makes the change.
    ///
    /// # Errors
    /// Anything that kept the change from being made. The undo runs all the same.
    async fn apply(&self, cx: &Context) -> Result<(), FaultError>;
}

/// A change that cannot be reversed, such as SIGKILL. Runs only behind `allow_irreversible`.
#[async_trait]
pub trait OneWay: fmt::Debug + Send + Sync + 'static {
    /// What a dry run prints.
    fn change(&self) -> Change;

    /// Makes the change.
    ///
    /// # Errors
    /// Anything that kept the change from being made.
    async fn apply(&self, cx: &Context) -> Result<(), FaultError>;
}

/// The dyn-safe twin of [`Action`].
#[async_trait]
pub(crate) trait ErasedAction: fmt::Debug + Send + Sync {
    async fn apply_erased(&self, cx: &Context) -> Result<(), FaultError>;
}

#[async_trait]
impl<A: Action> ErasedAction for A {
    async fn apply_erased(&self, cx: &Context) -> Result<(), FaultError> {
        self.apply(cx).await
    }
}
