//! The inverse of a change, as data that a second process can act on.

use crate::{Context, FaultError};
use async_trait::async_trait;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::fmt;

/// How long a change can outlive the process that made it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Lifetime {
    /// Kernel or process state: after a reboot it is gone, and nothing is touched.
    Boot,
    /// A file or a stored setting: undone after a reboot, too.
    Disk,
}

/// The inverse of one change, as data.
///
/// # Behavior
/// - It is serialised into the undo log before the change is made, and decoded by whoever recovers, perhaps
///   another version of this program months later: add a version, never remove one.
/// - [`undo`](Self::undo) works from every state: never applied, half applied, applied, already undone.
/// - It touches only what carries our mark and identity. Anything else is left alone and said.
/// - A read that failed is an error, not a mismatch.
/// - It holds no secret, only references to them.
#[async_trait]
pub trait Undo: Serialize + DeserializeOwned + fmt::Debug + Send + Sync + 'static {
    /// The stable name in the undo log: `net.del_qdisc`.
    const KIND: &'static str;
    /// The version of the data.
    const VERSION: u32;
    /// How long the change can outlive its process.
    const LIFETIME: Lifetime;

    /// Puts the host back.
    ///
    /// # Errors
    /// The host could not be read or changed. The record stays in the log and is tried again.
    async fn undo(&self, cx: &Context) -> Result<Undone, FaultError>;

    /// Looks at the host: is the change in place right now?
    ///
    /// # Errors
    /// The host could not be read.
    async fn presence(&self, cx: &Context) -> Result<Presence, FaultError>;

    /// How often the change has acted, such as how many packets it dropped, if it is in place and the host counts that: what
    /// never acted proves nothing. Asked right before the change is undone; beside 50 ms each they have a second in a session, all
    /// of them together, and what is not asked any more is not known.
    ///
    /// # Errors
    /// The host could not be read; then it is not known.
    async fn hits(&self, cx: &Context) -> Result<Option<u64>, FaultError> {
        let _ = cx;
        Ok(None)
    }
}

/// What an undo did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Undone {
    /// The change was in place and is gone.
    Reverted,
    /// There was nothing to put back.
    AlreadyGone,
    /// Something that is not ours is in its place; it was left alone.
    LeftAlone {
        /// What was found.
        found: String,
    },
}

/// What is on the host where a change would be.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Presence {
    /// Our change.
    InPlace,
    /// Nothing.
    Gone,
    /// Something that is not ours.
    Foreign {
        /// What was found.
        found: String,
    },
}

/// One undo as it stands in the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UndoRecord {
    pub(crate) kind: String,
    pub(crate) version: u32,
    pub(crate) lifetime: Lifetime,
    pub(crate) payload: serde_json::Value,
}

impl UndoRecord {
    pub(crate) fn of<U: Undo>(undo: &U) -> Result<Self, FaultError> {
        Ok(Self {
            kind: U::KIND.to_owned(),
            version: U::VERSION,
            lifetime: U::LIFETIME,
            payload: serde_json::to_value(undo).map_err(|e| {
                FaultError::host(format!("encode the undo record `{}`", U::KIND), e)
            })?,
        })
    }

    /// The undo's kind.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// The version of the undo's data.
    pub fn version(&self) -> u32 {
        self.version
    }
}

/// The dyn-safe twin of [`Undo`].
#[async_trait]
pub(crate) trait ErasedUndo: fmt::Debug + Send + Sync {
    async fn undo_erased(&self, cx: &Context) -> Result<Undone, FaultError>;
    async fn presence_erased(&self, cx: &Context) -> Result<Presence, FaultError>;
    async fn hits_erased(&self, cx: &Context) -> Result<Option<u64>, FaultError>;
}

#[async_trait]
impl<U: Undo> ErasedUndo for U {
    async fn undo_erased(&self, cx: &Context) -> Result<Undone, FaultError> {
        self.undo(cx).await
    }

    async fn presence_erased(&self, cx: &Context) -> Result<Presence, FaultError> {
        self.presence(cx).await
    }

    async fn hits_erased(&self, cx: &Context) -> Result<Option<u64>, FaultError> {
        self.hits(cx).await
    }
}
