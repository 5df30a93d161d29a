//! Where a run was measured.

use serde::{Deserialize, Serialize};
use std::{fmt, thread};

/// Where a run was measured: what must be alike for two reports to be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Machine {
    /// The version of this library.
    pub version: String,
    /// The system and its architecture, with the kernel's release where it is known: `Linux 6.1.0 x86_64`.
    pub system: String,
    /// How many processors this process may use; 0 when that is not known.
    pub processors: usize,
}

impl Machine {
    /// This machine, now. Nothing that names it or who uses it.
    pub fn here() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            system: system(),
            processors: thread::available_parallelism().map_or(0, usize::from),
        }
    }
}

#[cfg(unix)]
fn system() -> String {
    let name = rustix::system::uname();
    let parts = [name.sysname(), name.release(), name.machine()];
    parts.map(std::ffi::CStr::to_string_lossy).join(" ")
}

#[cfg(not(unix))]
fn system() -> String {
    format!("{} {}", std::env::consts::OS, std::env::consts::ARCH)
}

/// `Linux 6.1.0 x86_64, 2 processors, chaos-validator 0.1.0`.
impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, ", self.system)?;
        match self.processors {
            0 => {}
            1 => f.write_str("1 processor, ")?,
            n => write!(f, "{n} processors, ")?,
        }
        write!(f, "chaos-validator {}", self.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_is_told_by_its_system_and_its_processors() {
        let here = Machine::here();
        assert!(here.processors > 0, "{here:?}");
        let said = here.to_string();
        assert!(said.contains(std::env::consts::ARCH), "{said}");
        assert!(said.ends_with(env!("CARGO_PKG_VERSION")), "{said}");
        assert_eq!(cfg!(target_os = "linux"), said.starts_with("Linux "));
    }
}
