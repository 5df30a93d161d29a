//! `disk.fill`: a file system without room.

use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Size,
};
use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// A file system runs out of room: `disk.fill`.
///
/// # What breaks
/// A file takes room until so much is used, or so little is left: writers get `ENOSPC`, logs stop, databases go
/// read-only. Shares are of the whole file system; free is what users without privilege can have, as `df` shows it,
/// so that root may have a little more. Quotas count.
///
/// # What it needs
/// Linux, a directory that this user may write, and the host or a process on it as the target. Everything feels the
/// root file system, so there the fault has host reach and needs
/// [`allow_host`](chaos_core::Placed::allow_host). More than what is free is refused.
///
/// # What is changed on the host
/// One file is made in the directory, `chaos-<injection>-fill`, exclusively, and given its room with `fallocate`, or,
/// where a file system cannot do that, by writing. When something fails half-way it is removed.
///
/// # How it is undone
/// The file is removed, also after a reboot, if it is in the very directory in which it was made, belongs to this user
/// and begins with our mark. Anything else is left alone.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_resource::register(&mut registry);
/// let parameters: Parameters =
///     serde_json::from_str(r#"{ "path": "/srv/data", "leave_free": "1%" }"#)?;
/// registry.fault("disk.fill", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Intensities: light leaves 20 % free, medium 10 %, heavy 5 %.
///
/// # Examples
/// ```
/// use chaos_core::{FaultExt, Host, units::Size};
/// use chaos_faults_resource::DiskFill;
/// let full = DiskFill::leaving("/srv/data", Size::Bytes(0)).on(&Host).allow_host();
/// # drop(full);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DiskFill {
    pub(super) path: PathBuf,
    pub(super) wanted: Wanted,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wanted {
    Size(Size),
    LeaveFree(Size),
}

impl DiskFill {
    /// Takes so much room in this directory: bytes, or a share of its file system.
    pub fn size(path: impl Into<PathBuf>, size: Size) -> Self {
        let (path, wanted) = (path.into(), Wanted::Size(size));
        Self { path, wanted }
    }

    /// Leaves so little free in this directory: bytes, or a share of its file system.
    pub fn leaving(path: impl Into<PathBuf>, free: Size) -> Self {
        let (path, wanted) = (path.into(), Wanted::LeaveFree(free));
        Self { path, wanted }
    }

    fn check(&self) -> Result<(), ConfigError> {
        super::burn::check_path(&self.path)?;
        let most = u64::MAX;
        match self.wanted {
            Wanted::Size(size) if size.of(most) == 0 => {
                Err(ConfigError::field("size", "0 fills nothing")
                    .help("a size such as 1GiB, or a share such as 50%"))
            }
            Wanted::LeaveFree(free) if free.of(most) == most => Err(ConfigError::field(
                "leave_free",
                "100 % free is an empty disk",
            )
            .help("less than 100%, or a size such as 1GiB")),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Fault for DiskFill {
    fn kind(&self) -> &'static str {
        DiskFillConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none().linux()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        let (fill, sites, mark) = (self.clone(), sites.to_vec(), cx.mark());
        cx.blocking(move || plan(&fill, &sites, mark)).await?
    }
}

#[cfg(target_os = "linux")]
use super::create::plan;

#[cfg(not(target_os = "linux"))]
fn plan(_: &DiskFill, sites: &[Site], _: String) -> Result<Plan, FaultError> {
    crate::elsewhere::refuse(sites, "a disk can be filled on Linux only")
}

/// Takes room in a directory until its file system is full, or nearly.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct DiskFillConfig {
    /// The directory in which the file is made: an absolute path.
    pub path: PathBuf,
    /// How much to take: a size such as 1GiB, or a share of the file system such as 50%. Either this or leave_free.
    #[serde(default)]
    pub size: Option<Size>,
    /// How much to leave free: a size such as 100MiB, or a share of the file system such as 5%. Either this or size.
    #[serde(default)]
    pub leave_free: Option<Size>,
}

impl FaultConfig for DiskFillConfig {
    const KIND: &'static str = "disk.fill";
    type Fault = DiskFill;
    const TARGETS: &'static [&'static str] = &["host", "process"];
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("path", "/var/tmp")];
    const EXCLUSIVE: &'static [&'static [&'static str]] = &[&["size", "leave_free"]];

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("leave_free", "20%")],
            Intensity::Medium => &[("leave_free", "10%")],
            Intensity::Heavy => &[("leave_free", "5%")],
            _ => &[],
        }
    }

    fn build(self) -> Result<DiskFill, ConfigError> {
        let fill = match (self.size, self.leave_free) {
            (Some(size), None) => DiskFill::size(self.path, size),
            (None, Some(free)) => DiskFill::leaving(self.path, free),
            (Some(_), Some(_)) => {
                let problem = "`size` and `leave_free` exclude each other";
                return Err(ConfigError::field("size", problem).help("give one of them"));
            }
            (None, None) => {
                return Err(ConfigError::new("how much to fill is missing")
                    .help("`size`, such as 1GiB, or `leave_free`, such as 5%"));
            }
        };
        fill.check()?;
        Ok(fill)
    }
}
