//! An engine to order.

use super::{Engine, Shared, Warden};
use crate::{EngineError, Registry, undo_log::StateDir, watchdog::Watchdog};
use std::{path::PathBuf, sync::Arc, time::Duration};

/// Makes an [`Engine`].
///
/// ```no_run
/// # use chaos_core::{Engine, EngineError, Registry};
/// # use std::time::Duration;
/// # async fn example(registry: Registry) -> Result<(), EngineError> {
/// let engine = Engine::builder()
///     .registry(registry)
///     .protect("postgres")
///     .max_duration(Duration::from_secs(60))
///     .open()
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a builder does nothing until `open`"]
pub struct EngineBuilder {
    registry: Registry,
    state_dir: Option<PathBuf>,
    step_limit: Duration,
    drop_grace: Duration,
    max_duration: Duration,
    protected: Vec<String>,
    watchdog: Option<Watchdog>,
    recover: bool,
}

impl Default for EngineBuilder {
    fn default() -> Self {
        Self {
            registry: Registry::new(),
            state_dir: None,
            step_limit: Duration::from_secs(10),
            drop_grace: Duration::from_secs(30),
            max_duration: Duration::from_secs(600),
            protected: Vec::new(),
            watchdog: None,
            recover: true,
        }
    }
}

impl EngineBuilder {
    /// What there is, by name. A change of the host needs its undo in here; default: empty.
    pub fn registry(mut self, registry: Registry) -> Self {
        self.registry = registry;
        self
    }

    /// Where the undo log is. Default: `$CHAOS_STATE_DIR`, else `/var/lib/chaos` for root and
    /// `$XDG_STATE_HOME/chaos` (`~/.local/state/chaos`) for others; below it a directory per machine. It is
    /// made when the first change of the host is planned, with mode 0700.
    pub fn state_dir(mut self, dir: impl Into<PathBuf>) -> Self {
        self.state_dir = Some(dir.into());
        self
    }

    /// How long one step of an injection or recovery may take. Default 10 s.
    pub fn step_limit(mut self, limit: Duration) -> Self {
        self.step_limit = limit;
        self
    }

    /// How long dropping an injection waits for its recovery, which goes on after that. Default 30 s.
    pub fn drop_grace(mut self, grace: Duration) -> Self {
        self.drop_grace = grace;
        self
    }

    /// How long an injection may be in place before it is recovered whatever happens. Default 10 min.
    pub fn max_duration(mut self, limit: Duration) -> Self {
        self.max_duration = limit;
        self
    }

    /// Protects targets whose description or site contains this word.
    pub fn protect(mut self, word: impl Into<String>) -> Self {
        self.protected.push(word.into());
        self
    }

    /// Starts a process that recovers when this one is killed or hangs.
    pub fn watchdog(mut self, watchdog: Watchdog) -> Self {
        self.watchdog = Some(watchdog);
        self
    }

    /// Does not recover at `open` what dead owners have left: for a dry run, and for whoever calls
    /// [`Engine::recover_orphans`] and shows the result. Their resources stay taken until then.
    pub fn leave_orphans(mut self) -> Self {
        self.recover = false;
        self
    }

    /// Starts the recovery thread and the watchdog, and recovers what dead owners have left.
    ///
    /// # Errors
    /// The thread or the watchdog could not be started, or the directory of the undo log cannot be trusted.
    pub async fn open(self) -> Result<Engine, EngineError> {
        let warden = Warden::start()?;
        let dir = StateDir::new(self.state_dir).map_err(EngineError::UndoLog)?;
        let watchdog = match self.watchdog {
            Some(watchdog) => {
                let dir = dir.clone();
                Some(warden.run(async move { watchdog.start(&dir) }).await??)
            }
            None => None,
        };
        let shared = Shared {
            registry: Arc::new(self.registry),
            dir,
            warden,
            step_limit: self.step_limit,
            drop_grace: self.drop_grace,
            max_duration: self.max_duration,
            protected: self.protected,
            watchdog,
        };
        Engine::start(shared, self.recover).await
    }
}
