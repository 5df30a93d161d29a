//! Partitions on a real kernel, in network namespaces made for the test (tier 2).
//!
//! Runs when `CHAOS_TEST_KERNEL=1`, as root on Linux, and then must succeed. It starts itself again in a network
//! namespace of its own first, so that not even a mistake reaches the host's.

#[cfg(target_os = "linux")]
#[path = "kernel/mod.rs"]
mod kernel;

#[cfg(target_os = "linux")]
#[path = "world/inside.rs"]
mod inside;

/// The crate's own netlink, which the encoder uses.
#[cfg(target_os = "linux")]
#[path = "../src/netlink/mod.rs"]
#[expect(dead_code, unused_imports, reason = "not all of it is used here")]
mod netlink;

/// The crate's own encoder, to try what cannot be seen through a fault.
#[cfg(target_os = "linux")]
#[path = "../src/nft/mod.rs"]
#[expect(dead_code, unused_imports, reason = "not all of it is used here")]
mod nft;

/// The crate's own networks, which the encoder uses.
#[cfg(target_os = "linux")]
#[path = "../src/partition/network.rs"]
#[expect(dead_code, unused_imports, reason = "not all of it is used here")]
mod network;

/// The crate's own choice of packets, which the encoder uses.
#[cfg(target_os = "linux")]
#[path = "../src/packets/mod.rs"]
#[expect(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "not all of it is used here"
)]
mod packets;

#[cfg(target_os = "linux")]
mod partition {
    pub(crate) use super::network::Network;
}

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let asked = std::env::var_os("CHAOS_TEST_KERNEL").is_some_and(|value| value == "1");
    #[cfg(target_os = "linux")]
    {
        if let Some(code) = kernel::victim() {
            return code;
        }
        let inside = inside::Inside {
            namespace: "--net",
            variable: "CHAOS_TEST_INSIDE",
        };
        if asked && !inside.is() {
            return inside.run();
        }
    }
    let trials = trials().into_iter();
    let trials = trials
        .map(|trial| trial.with_ignored_flag(!asked))
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

#[cfg(target_os = "linux")]
fn trials() -> Vec<Trial> {
    kernel::trials()
}

#[cfg(not(target_os = "linux"))]
fn trials() -> Vec<Trial> {
    vec![Trial::test("partitions", || Err("needs Linux".into()))]
}
