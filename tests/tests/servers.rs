//! The main job against real servers and real clients (tier 3).
//!
//! Runs when `CHAOS_TEST_SERVERS=1`, and then must succeed. Needs the packages `bind9-dnsutils`, `curl`, `dnsmasq-base`,
//! `nginx-light`, `postgresql` and `redis-server`; every test starts servers of its own on loopback, with throw-away
//! directories.

#[cfg(target_os = "linux")]
#[path = "servers/mod.rs"]
mod servers;

use chaos_tests::Tier;
use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return Tier::SERVERS.run(servers::trials());
    #[cfg(not(target_os = "linux"))]
    Tier::SERVERS.run(vec![libtest_mimic::Trial::test("servers", || {
        Err("needs Linux".into())
    })])
}
