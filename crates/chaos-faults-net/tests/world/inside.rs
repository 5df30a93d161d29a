//! Tests that change what all processes share, such as the network, run in a namespace of their own.

use std::{
    env,
    process::{Command, ExitCode},
};

/// The namespace, as `unshare` of util-linux knows it, and what says that this process is in it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Inside {
    pub(crate) namespace: &'static str,
    pub(crate) variable: &'static str,
}

impl Inside {
    /// Whether this process is in a namespace of its own.
    pub(crate) fn is(self) -> bool {
        env::var_os(self.variable).is_some()
    }

    /// Runs this test in one.
    pub(crate) fn run(self) -> ExitCode {
        let status = Command::new("unshare")
            .arg(self.namespace)
            .arg(env::current_exe().unwrap())
            .args(env::args_os().skip(1))
            .env(self.variable, "1")
            .status();
        match status {
            Ok(status) if status.success() => ExitCode::SUCCESS,
            Ok(_) => ExitCode::FAILURE,
            Err(error) => panic!("unshare, of util-linux, cannot be run: {error}"),
        }
    }
}
