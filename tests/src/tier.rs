//! Tests that need something: not asked for they are counted as ignored, asked for they must run.

use chaos_core::{BoxError, Chain};
use libtest_mimic::{Arguments, Failed, Trial};
use std::process::ExitCode;

/// A tier of tests, behind an environment variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tier {
    variable: &'static str,
}

impl Tier {
    /// The kernel, in namespaces made for the test: `CHAOS_TEST_KERNEL=1`.
    pub const KERNEL: Self = Self {
        variable: "CHAOS_TEST_KERNEL",
    };

    /// Real servers of this machine: `CHAOS_TEST_SERVERS=1`.
    pub const SERVERS: Self = Self {
        variable: "CHAOS_TEST_SERVERS",
    };

    /// Real containers: `CHAOS_TEST_DOCKER=1`.
    pub const DOCKER: Self = Self {
        variable: "CHAOS_TEST_DOCKER",
    };

    /// A real browser: `CHAOS_TEST_BROWSER=1`.
    pub const BROWSER: Self = Self {
        variable: "CHAOS_TEST_BROWSER",
    };

    /// Whether somebody asked for it.
    pub fn is_asked_for(self) -> bool {
        std::env::var_os(self.variable).is_some_and(|value| value == "1")
    }

    /// Is the `main` of a test binary.
    pub fn run(self, trials: Vec<Trial>) -> ExitCode {
        let arguments = Arguments::from_args();
        let asked = self.is_asked_for();
        let trials = trials.into_iter();
        let trials = trials.map(|trial| trial.with_ignored_flag(!asked));
        libtest_mimic::run(&arguments, trials.collect()).exit_code()
    }

    /// A trial that is a future, on a runtime of its own.
    pub fn trial<F>(name: impl Into<String>, test: impl FnOnce() -> F + Send + 'static) -> Trial
    where
        F: Future<Output = Result<(), BoxError>>,
    {
        Trial::test(name, move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let failed = |error: BoxError| Failed::from(Chain(error.as_ref()).to_string());
            runtime.block_on(test()).map_err(failed)
        })
    }
}
