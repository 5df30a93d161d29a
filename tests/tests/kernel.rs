//! The crash matrix over real changes of three kinds at once (tier 2): a file that fills a directory, a process that is
//! stopped, and an nftables table in a network namespace made for the test. Killed with SIGKILL at every point; a second
//! process, or the watchdog alone, puts all of it back. And what a real cgroup uses.
//!
//! Runs when `CHAOS_TEST_KERNEL=1`, and then must succeed. Needs root, and the packages `nftables` (to look at the tables
//! with somebody else's eyes) and `util-linux`. Its own `main`, because the watchdog and the victim are this very program.

#[cfg(target_os = "linux")]
#[path = "kernel/mod.rs"]
mod kernel;

use chaos_tests::Tier;
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    {
        if let Some(code) = kernel::part_asked_for() {
            return code;
        }
        Tier::KERNEL.run(kernel::trials())
    }
    #[cfg(not(target_os = "linux"))]
    Tier::KERNEL.run(vec![libtest_mimic::Trial::test("kernel", || {
        Err("needs Linux".into())
    })])
}
