//! A fault on a directory: it leaves pieces of litter there. As real as a fault gets without a kernel.

use crate::{
    Action, Change, ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Lifetime,
    Needs, Plan, Presence, Reach, Registry, Site, Target, Undo, Undone,
};
use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    fs,
    io::{ErrorKind, Write},
    path::PathBuf,
    time::Duration,
};

/// Registers `test.litter` and its undo.
pub fn register(registry: &mut Registry) {
    registry.add_fault::<LitterConfig>().add_undo::<PickUp>();
}

/// A directory, as a target.
#[derive(Debug, Clone)]
pub struct Yard(PathBuf);

impl Yard {
    /// The directory to litter.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }
}

#[async_trait]
impl Target for Yard {
    fn describe(&self) -> String {
        format!("yard {}", self.0.display())
    }

    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        Ok(vec![Site::named("yard", self.0.display().to_string())])
    }
}

/// What `test.litter` can be told, also what is to go wrong.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[non_exhaustive]
pub struct LitterConfig {
    /// How many files, each a step of its own.
    pub pieces: usize,
    /// How long each step takes after its file is there, in milliseconds.
    pub slow_ms: u64,
    /// The step that fails after its file is there.
    pub fail_at: Option<usize>,
    /// The step that reports success without doing anything.
    pub lie_at: Option<usize>,
    /// The step that panics after its file is there.
    pub panic_at: Option<usize>,
    /// The step that blocks its whole thread for this long after its file is there, in milliseconds.
    pub block_ms_at: Option<(usize, u64)>,
    /// All steps change one resource.
    pub one_resource: bool,
}

impl FaultConfig for LitterConfig {
    const KIND: &'static str = "test.litter";
    type Fault = Litter;

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("pieces", "1")],
            Intensity::Medium => &[("pieces", "3")],
            Intensity::Heavy => &[("pieces", "10")],
        }
    }

    fn build(self) -> Result<Litter, ConfigError> {
        if self.pieces > 1000 {
            return Err(ConfigError::field(
                "pieces",
                format!("{} is too much litter", self.pieces),
            )
            .help("at most 1000"));
        }
        Ok(Litter(self))
    }
}

/// Leaves pieces of litter in a directory.
#[derive(Debug, Clone)]
pub struct Litter(LitterConfig);

impl Litter {
    /// So many pieces.
    pub fn pieces(pieces: usize) -> Self {
        Self(LitterConfig {
            pieces,
            ..LitterConfig::default()
        })
    }

    /// As told.
    pub fn with(config: LitterConfig) -> Self {
        Self(config)
    }
}

#[async_trait]
impl Fault for Litter {
    fn kind(&self) -> &'static str {
        LitterConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let mut plan = Plan::new();
        for site in sites {
            let dir = PathBuf::from(site.name());
            if !dir.is_dir() {
                return Err(FaultError::no_target(site.to_string(), "no such directory"));
            }
            for piece in 0..self.0.pieces {
                let mark = cx.mark();
                plan = plan.then(Throw {
                    path: dir.join(format!("{mark}-{piece}")),
                    mark,
                    resource: if self.0.one_resource {
                        site.to_string()
                    } else {
                        format!("{site}/{piece}")
                    },
                    slow: Duration::from_millis(self.0.slow_ms),
                    fail: self.0.fail_at == Some(piece),
                    lie: self.0.lie_at == Some(piece),
                    panic: self.0.panic_at == Some(piece),
                    block: self
                        .0
                        .block_ms_at
                        .filter(|(at, _)| *at == piece)
                        .map(|(_, ms)| Duration::from_millis(ms)),
                });
            }
        }
        Ok(plan)
    }
}

#[derive(Debug)]
struct Throw {
    path: PathBuf,
    mark: String,
    resource: String,
    slow: Duration,
    fail: bool,
    lie: bool,
    panic: bool,
    block: Option<Duration>,
}

#[async_trait]
impl Action for Throw {
    type Undo = PickUp;

    fn change(&self) -> Change {
        Change::new(
            format!("create {}", self.path.display()),
            &self.resource,
            Reach::Namespace,
        )
    }

    fn undo(&self) -> PickUp {
        PickUp {
            path: self.path.clone(),
            mark: self.mark.clone(),
        }
    }

    async fn apply(&self, _: &Context) -> Result<(), FaultError> {
        if self.lie {
            return Ok(());
        }
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&self.path)
            .and_then(|mut file| file.write_all(self.mark.as_bytes()))
            .map_err(|e| FaultError::host(format!("create {}", self.path.display()), e))?;
        if let Some(block) = self.block {
            std::thread::sleep(block);
        }
        tokio::time::sleep(self.slow).await;
        assert!(!self.panic, "asked to panic");
        if self.fail {
            return Err(FaultError::host("go on", "asked to fail"));
        }
        Ok(())
    }
}

/// Removes one piece of litter, if it is ours.
#[derive(Debug, Serialize, Deserialize)]
pub struct PickUp {
    path: PathBuf,
    mark: String,
}

impl PickUp {
    /// What is there: our piece, nothing, or something else. A piece that was not written to its end is ours
    /// by its name.
    fn look(&self) -> Result<Presence, FaultError> {
        let named = self
            .path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with(&self.mark));
        match fs::symlink_metadata(&self.path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Presence::Gone),
            Err(e) => {
                return Err(FaultError::host(
                    format!("look at {}", self.path.display()),
                    e,
                ));
            }
            Ok(found) if !found.is_file() || !named || !self.mark.starts_with("chaos-") => {
                return Ok(Presence::Foreign {
                    found: self.path.display().to_string(),
                });
            }
            Ok(_) => {}
        }
        let text = fs::read_to_string(&self.path)
            .map_err(|e| FaultError::host(format!("read {}", self.path.display()), e))?;
        Ok(if self.mark.starts_with(&text) {
            Presence::InPlace
        } else {
            Presence::Foreign { found: text }
        })
    }
}

#[async_trait]
impl Undo for PickUp {
    const KIND: &'static str = "test.pick_up";
    const VERSION: u32 = 1;
    const LIFETIME: Lifetime = Lifetime::Disk;

    async fn undo(&self, _: &Context) -> Result<Undone, FaultError> {
        match self.look()? {
            Presence::Gone => Ok(Undone::AlreadyGone),
            Presence::Foreign { found } => Ok(Undone::LeftAlone { found }),
            Presence::InPlace => fs::remove_file(&self.path)
                .map(|()| Undone::Reverted)
                .map_err(|e| FaultError::host(format!("remove {}", self.path.display()), e)),
        }
    }

    async fn presence(&self, _: &Context) -> Result<Presence, FaultError> {
        self.look()
    }
}
