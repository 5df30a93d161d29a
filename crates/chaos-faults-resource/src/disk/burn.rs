//! `disk.burn`: a busy disk.

use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait,
    units::{Rate, Size},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{
    fmt,
    path::{Path, PathBuf},
};

/// What a busy disk is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DiskMode {
    /// Reading.
    Read,
    /// Writing.
    #[default]
    Write,
    /// Writing and reading back.
    Both,
}

impl fmt::Display for DiskMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Both => "write and read",
        })
    }
}

/// A disk is busy: `disk.burn`.
///
/// # What breaks
/// Workers read or write files of their own, over and over, in pieces of up to 1 MiB: others wait for the disk. They go
/// past the page cache (`O_DIRECT`), or, where that cannot be had, write through it and drop what they have touched,
/// so that it is the disk that is busy and not the memory. On a file system in memory, such as tmpfs, there is no disk
/// to be busy.
///
/// # What it needs
/// Linux, a directory that this user may write, on a file system that has files without a name (`O_TMPFILE`: ext4,
/// xfs, btrfs, tmpfs and others), the host or a process on it as the target, and
/// [`allow_host`](chaos_core::Placed::allow_host). More room than is free is refused.
///
/// # What is changed on the host
/// Nothing that has a name. Each worker, a thread of this process named `chaos-disk`, has one open file without a name,
/// which takes `size` on the disk.
///
/// # How it is undone
/// The files are closed, and with that they are gone. They are gone with the process, too.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_resource::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "path": "/srv/data", "mode": "both", "workers": 2, "size": "64MiB", "rate": "10MB/s" }"#,
/// )?;
/// registry.fault("disk.burn", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Intensities: light 1 worker, medium 2, heavy 4, without a limit.
///
/// # Examples
/// ```
/// use chaos_core::{FaultExt, Host};
/// use chaos_faults_resource::{DiskBurn, DiskMode};
/// let busy = DiskBurn::in_dir("/srv/data").mode(DiskMode::Both).workers(2).on(&Host).allow_host();
/// # drop(busy);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DiskBurn {
    pub(super) path: PathBuf,
    pub(super) mode: DiskMode,
    pub(super) workers: u32,
    pub(super) size: Size,
    pub(super) rate: Option<Rate>,
}

impl DiskBurn {
    /// One worker that writes a file of 64 MiB in this directory, as fast as it can.
    pub fn in_dir(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            mode: DiskMode::Write,
            workers: 1,
            size: Size::Bytes(64 << 20),
            rate: None,
        }
    }

    /// Whether to read, to write or both. Default: write.
    #[must_use]
    pub const fn mode(mut self, mode: DiskMode) -> Self {
        self.mode = mode;
        self
    }

    /// How many workers, each with a file of its own. Default: 1.
    #[must_use]
    pub const fn workers(mut self, workers: u32) -> Self {
        self.workers = workers;
        self
    }

    /// How large each file is. Default: 64 MiB.
    #[must_use]
    pub const fn size(mut self, size: Size) -> Self {
        self.size = size;
        self
    }

    /// The most that all workers together read and write. Default: no limit.
    #[must_use]
    pub const fn rate(mut self, rate: Rate) -> Self {
        self.rate = Some(rate);
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        check_path(&self.path)?;
        if !(1..=64).contains(&self.workers) {
            let problem = format!("{} is not a number of workers", self.workers);
            return Err(ConfigError::field("workers", problem).help("1 to 64"));
        }
        if self.size.of(u64::MAX) < 4096 {
            let problem = format!("{} is less than one block", self.size);
            return Err(ConfigError::field("size", problem).help("4KiB or more, such as 64MiB"));
        }
        match self.rate {
            Some(rate) if rate.get() == 0 => {
                Err(ConfigError::field("rate", "0 reads and writes nothing")
                    .help("such as 10MB/s; leave it out for no limit"))
            }
            _ => Ok(()),
        }
    }
}

/// Sees that a path does not depend on where this process happens to be.
pub(super) fn check_path(path: &Path) -> Result<(), ConfigError> {
    if path.is_absolute() {
        return Ok(());
    }
    let problem = format!("`{}` is not an absolute path", path.display());
    Err(ConfigError::field("path", problem).help("a directory, such as /srv/data"))
}

#[async_trait]
impl Fault for DiskBurn {
    fn kind(&self) -> &'static str {
        DiskBurnConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none().linux()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let (burn, sites) = (self.clone(), sites.to_vec());
        cx.blocking(move || plan(&burn, &sites)).await?
    }
}

#[cfg(target_os = "linux")]
use super::burner::plan;

#[cfg(not(target_os = "linux"))]
fn plan(_: &DiskBurn, sites: &[Site]) -> Result<Plan, FaultError> {
    crate::elsewhere::refuse(sites, "a disk can be kept busy on Linux only")
}

/// Keeps a disk busy with reading or writing.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DiskBurnConfig {
    /// The directory on the disk: an absolute path.
    pub path: PathBuf,
    /// Whether to read, to write or both. Default: write.
    #[serde(default)]
    pub mode: DiskMode,
    /// How many workers, each with a file of its own: 1 to 64. Default: 1.
    #[serde(default)]
    #[schemars(range(min = 1, max = 64))]
    pub workers: Option<u32>,
    /// How large each file is: 4KiB or more, or a share of the file system. Default: 64MiB.
    #[serde(default)]
    pub size: Option<Size>,
    /// The most that all workers together read and write, such as 10MB/s. Default: no limit.
    #[serde(default)]
    pub rate: Option<Rate>,
}

impl FaultConfig for DiskBurnConfig {
    const KIND: &'static str = "disk.burn";
    type Fault = DiskBurn;
    const TARGETS: &'static [&'static str] = &["host", "process"];
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("path", "/var/tmp")];

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("workers", "1")],
            Intensity::Medium => &[("workers", "2")],
            Intensity::Heavy => &[("workers", "4")],
            _ => &[],
        }
    }

    fn build(self) -> Result<DiskBurn, ConfigError> {
        let mut burn = DiskBurn::in_dir(self.path).mode(self.mode);
        burn.workers = self.workers.unwrap_or(burn.workers);
        burn.size = self.size.unwrap_or(burn.size);
        burn.rate = self.rate;
        burn.check()?;
        Ok(burn)
    }
}
