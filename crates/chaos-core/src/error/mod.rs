//! What can go wrong, and what it means for the host.
//!
//! A verdict is never an error. An error says that a promise could not be kept, and every
//! [`EngineError`] says what happened to the host.

mod chain;
mod config;
mod engine;
mod fault;
mod refusal;
mod undo_log;

pub use chain::Chain;
pub use config::ConfigError;
pub use engine::{EngineError, Leftover};
pub use fault::FaultError;
pub use refusal::{Refusal, RefusalReason};
pub use undo_log::UndoLogError;

/// Any error, as probes and observers return it.
pub type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;
