//! A world for tests: a directory to litter and a directory for the undo log.

use super::{Litter, LitterConfig, Yard};
use crate::{Engine, FaultExt, Placed, Registry};
use std::{fs, path::PathBuf};

/// Two temporary directories: one that faults litter, and one for the undo log.
///
/// # Panics
/// Every method panics when the directories cannot be used, as a test should.
#[derive(Debug)]
pub struct World {
    host: tempfile::TempDir,
    state: tempfile::TempDir,
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "documented on the type"
)]
impl World {
    /// A new one.
    pub fn new() -> Self {
        Self {
            host: tempfile::tempdir().unwrap(),
            state: tempfile::tempdir().unwrap(),
        }
    }

    /// A registry that knows `test.litter`.
    pub fn registry() -> Registry {
        let mut registry = Registry::new();
        super::register(&mut registry);
        registry
    }

    /// The directory that faults litter.
    pub fn host(&self) -> PathBuf {
        self.host.path().to_owned()
    }

    /// The directory for an engine's `state_dir`.
    pub fn state(&self) -> PathBuf {
        self.state.path().join("chaos")
    }

    /// Where the logs of this machine are.
    pub fn logs(&self) -> PathBuf {
        self.state().join(crate::machine_id())
    }

    /// The directory that faults litter, as a target.
    pub fn yard(&self) -> Yard {
        Yard::new(self.host.path())
    }

    /// An engine that knows `test.litter`.
    pub async fn engine(&self) -> Engine {
        Engine::builder()
            .registry(Self::registry())
            .state_dir(self.state())
            .open()
            .await
            .unwrap()
    }

    /// A fault of three pieces.
    pub fn litter(&self) -> Placed {
        Litter::pieces(3).on(&self.yard())
    }

    /// A fault of three pieces, changed.
    pub fn litter_with(&self, change: impl FnOnce(&mut LitterConfig)) -> Placed {
        let mut config = LitterConfig {
            pieces: 3,
            ..LitterConfig::default()
        };
        change(&mut config);
        Litter::with(config).on(&self.yard())
    }

    /// How many pieces lie around.
    pub fn pieces(&self) -> usize {
        fs::read_dir(self.host.path()).unwrap().count()
    }

    /// How many logs and claims there are.
    pub fn logs_left(&self) -> usize {
        let count = |dir: PathBuf| {
            fs::read_dir(dir).map_or(0, |items| {
                items.flatten().filter(|i| i.path().is_file()).count()
            })
        };
        count(self.logs()) + count(self.logs().join("claims"))
    }

    /// Pieces, logs and claims: all zero when the host is put back.
    pub fn left(&self) -> (usize, usize) {
        (self.pieces(), self.logs_left())
    }
}
