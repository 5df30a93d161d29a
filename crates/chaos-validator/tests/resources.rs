//! What real processes use. They are this very program, hence its own `main`. Linux only.

#[cfg(target_os = "linux")]
#[path = "resources/mod.rs"]
mod resources;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    {
        if let Some(code) = resources::victim::is_asked_for() {
            return code;
        }
        let arguments = libtest_mimic::Arguments::from_args();
        libtest_mimic::run(&arguments, resources::trials()).exit_code()
    }
    #[cfg(not(target_os = "linux"))]
    ExitCode::SUCCESS
}
