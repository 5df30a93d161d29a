//! `mem.fill`: somebody else has the memory.

use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Size,
};
use schemars::JsonSchema;
use serde::Deserialize;

/// Memory is scarce: `mem.fill`.
///
/// # What breaks
/// So much memory is in use that caches shrink and, where there is swap, others are swapped out. The memory is written
/// page by page and touched twice a second, so that it stays resident. It is filled at about 1 GiB/s after the fault
/// has begun.
///
/// # What it needs
/// Linux, the host or a process on it as the target, and [`allow_host`](chaos_core::Placed::allow_host). No privilege.
/// The OOM killer is not to be woken: a size is refused that would leave less than 5 % of the memory, or 64 MiB, of
/// what is available now. All counts are those of the host, or of this process's cgroups where their limits are
/// lower. When others take so much meanwhile that less than this is left, all of it is given back and the fault counts
/// as lost.
///
/// # What is changed on the host
/// Nothing. The memory is this process's own, filled by a thread named `chaos-mem`.
///
/// # How it is undone
/// The memory is unmapped, which gives it back to the kernel at once. It is gone with the process, too.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_resource::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(r#"{ "size": "25%" }"#)?;
/// registry.fault("mem.fill", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// Intensities: light 256MiB, medium 512MiB, heavy 1GiB.
///
/// # Examples
/// ```
/// use chaos_core::{FaultExt, Host};
/// use chaos_faults_resource::MemFill;
/// let tight = MemFill::mib(512).on(&Host).allow_host();
/// # drop(tight);
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MemFill {
    size: Size,
}

impl MemFill {
    /// So much: bytes, or a share of all memory.
    pub const fn size(size: Size) -> Self {
        Self { size }
    }

    /// So many MiB.
    pub const fn mib(mib: u64) -> Self {
        Self::size(Size::Bytes(mib << 20))
    }

    fn check(&self) -> Result<(), ConfigError> {
        if self.size.of(u64::MAX) > 0 {
            return Ok(());
        }
        Err(ConfigError::field("size", "0 fills nothing")
            .help("a size such as 256MiB, or a share such as 25%"))
    }
}

#[async_trait]
impl Fault for MemFill {
    fn kind(&self) -> &'static str {
        MemFillConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none().linux()
    }

    async fn plan(&self, sites: &[Site], _: &Context) -> Result<Plan, FaultError> {
        self.check()?;
        plan(self, sites)
    }
}

#[cfg(target_os = "linux")]
fn plan(fill: &MemFill, sites: &[Site]) -> Result<Plan, FaultError> {
    use super::{room::Room, work::Work};
    let plan = crate::beside::plan(MemFillConfig::KIND, sites)?;
    let room = Room::look()?;
    // At least a page, so that the smallest share does something.
    let bytes = fill.size.of(room.total).max(4096);
    let most = room.available.saturating_sub(room.reserve());
    if bytes > most {
        let mib = |bytes: u64| format!("{} MiB", bytes >> 20);
        return Err(FaultError::unsupported(
            "memory",
            format!(
                "{} is more than the {} that can be had: of {}, {} are available, and {} stay free so that the OOM \
                 killer sleeps",
                mib(bytes),
                mib(most),
                mib(room.total),
                mib(room.available),
                mib(room.reserve()),
            ),
        ));
    }
    Ok(plan.then_in_process(Work {
        bytes: usize::try_from(bytes).unwrap_or(usize::MAX),
        size: fill.size,
    }))
}

#[cfg(not(target_os = "linux"))]
fn plan(_: &MemFill, sites: &[Site]) -> Result<Plan, FaultError> {
    let why = "how much memory is safe to take can be read on Linux only";
    crate::elsewhere::refuse(sites, why)
}

/// Fills memory and keeps it resident.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct MemFillConfig {
    /// How much: a size such as 256MiB, or a share of all memory such as 25%. What would wake the OOM killer is refused.
    pub size: Size,
}

impl FaultConfig for MemFillConfig {
    const KIND: &'static str = "mem.fill";
    type Fault = MemFill;
    const TARGETS: &'static [&'static str] = &["host", "process"];

    fn preset(intensity: Intensity) -> &'static [(&'static str, &'static str)] {
        match intensity {
            Intensity::Light => &[("size", "256MiB")],
            Intensity::Medium => &[("size", "512MiB")],
            Intensity::Heavy => &[("size", "1GiB")],
            _ => &[],
        }
    }

    fn build(self) -> Result<MemFill, ConfigError> {
        let fill = MemFill::size(self.size);
        fill.check()?;
        Ok(fill)
    }
}
