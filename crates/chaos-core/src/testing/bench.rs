//! What only a benchmark needs to reach.

use crate::{
    Change, InjectionId, Lifetime, Reach, UndoLogError, UndoRecord,
    undo_log::{Entry, FORMAT, Header, Log, StateDir},
};
use std::{path::Path, time::Duration};

/// An undo log to append to: what one record costs.
#[derive(Debug)]
pub struct Appender {
    log: Log,
    entry: Entry,
}

impl Appender {
    /// A log in `dir`, with a record of usual size ready.
    ///
    /// # Errors
    /// The log could not be made.
    pub fn new(dir: &Path) -> Result<Self, UndoLogError> {
        let header = Header {
            format: FORMAT,
            injection: InjectionId::new("bench"),
            pid: std::process::id(),
            owner: None,
            boot: String::new(),
            deadline: Duration::ZERO,
            kill_hung_owner: false,
        };
        let undo = UndoRecord {
            kind: "test.pick_up".into(),
            version: 1,
            lifetime: Lifetime::Disk,
            payload: serde_json::json!({ "path": "/tmp/somewhere/chaos-19a0-4711-0-0-0-0", "mark": "chaos-19a0-4711-0-0-0" }),
        };
        let change = Change::new(
            "create /tmp/somewhere/chaos-19a0-4711-0-0-0-0",
            "yard /tmp/somewhere/0",
            Reach::Namespace,
        );
        let entry = Entry::Intent {
            step: 0,
            fault: "test.litter".into(),
            change,
            undo,
        };
        let log = Log::create(&StateDir::new(Some(dir.to_owned()))?, header)?;
        Ok(Self { log, entry })
    }

    /// Appends one record and waits until it is on disk.
    ///
    /// # Errors
    /// It could not be written.
    pub fn append(&mut self) -> Result<(), UndoLogError> {
        self.log.append(&self.entry)
    }
}
