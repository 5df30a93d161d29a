//! What can be wrong with the undo log.

use std::path::PathBuf;

/// The undo log could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UndoLogError {
    /// The directory or file must not be trusted: wrong owner, open to others, a symbolic link.
    #[error("{path} cannot be trusted: {why}")]
    Untrusted {
        /// The directory or file.
        path: PathBuf,
        /// What is wrong with it, and what it should be.
        why: String,
    },
    /// Nothing says where it is to be.
    #[error(
        "there is no place for the undo log: neither a home directory nor CHAOS_STATE_DIR is set"
    )]
    NoPlace,
    /// Reading or writing failed: a full disk, a missing permission.
    #[error("could not {operation} {path}")]
    Io {
        /// What was tried.
        operation: &'static str,
        /// The directory or file.
        path: PathBuf,
        /// What the operating system said.
        #[source]
        source: std::io::Error,
    },
    /// A watchdog has undone this injection: its time was over or its owner hung.
    #[error("the watchdog has taken over {path}")]
    TakenOver {
        /// The log that was taken over.
        path: PathBuf,
    },
    /// There is no log of this name.
    #[error("there is no undo log `{injection}`{}", or_these(.known))]
    Unknown {
        /// The name that was given.
        injection: String,
        /// The names that there are.
        known: Vec<String>,
    },
    /// The owner of the log lives, and will put back what it says.
    #[error("{path} belongs to a process that runs; end that process, and it will be put back")]
    Alive {
        /// The log.
        path: PathBuf,
    },
    /// An entry that this version cannot read.
    #[error("{path} line {line} cannot be read: {why}")]
    Malformed {
        /// The log.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it.
        why: String,
    },
}

fn or_these(known: &[String]) -> String {
    if known.is_empty() {
        "; there is none".into()
    } else {
        format!("; there are: {}", known.join(", "))
    }
}
