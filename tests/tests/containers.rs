//! The main job against a real Redis in a real container (tier 3).
//!
//! Runs when `CHAOS_TEST_DOCKER=1`, and then must succeed. Needs the packages `docker.io` and `redis-server` and a
//! Docker Engine; `tests/docker-engine.sh` starts one.

#[cfg(target_os = "linux")]
#[path = "containers/mod.rs"]
mod containers;

use chaos_tests::Tier;
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return Tier::DOCKER.run(containers::trials());
    #[cfg(not(target_os = "linux"))]
    Tier::DOCKER.run(vec![libtest_mimic::Trial::test("containers", || {
        Err("needs Linux".into())
    })])
}
