//! A disk under the undo log that is really full, on a file system mounted for the test (tier 2).
//!
//! Runs when `CHAOS_TEST_KERNEL=1`, as root on Linux, and then must succeed.

use libtest_mimic::{Arguments, Trial};
use std::process::ExitCode;

fn main() -> ExitCode {
    let asked = std::env::var_os("CHAOS_TEST_KERNEL").is_some_and(|value| value == "1");
    let trials = trials().into_iter();
    let trials = trials
        .map(|trial| trial.with_ignored_flag(!asked))
        .collect();
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

#[cfg(not(target_os = "linux"))]
fn trials() -> Vec<Trial> {
    vec![Trial::test("full_disk", || Err("needs Linux".into()))]
}

#[cfg(target_os = "linux")]
fn trials() -> Vec<Trial> {
    vec![
        Trial::test("a_full_disk_under_the_undo_log_is_refused_with_4", || {
            full_disk::run("fill", "REFUSED: could not use the undo log")
        }),
        Trial::test("a_disk_that_fills_up_in_the_baseline_aborts_with_4", || {
            full_disk::run("(sleep 1; fill) &", "ABORTED: by the engine: could not")
        }),
    ]
}

#[cfg(target_os = "linux")]
mod full_disk {
    use libtest_mimic::Failed;
    use std::{
        fs,
        process::{Child, Command},
    };

    /// Ends with its test.
    struct Victim(Child);

    impl Drop for Victim {
        fn drop(&mut self) {
            self.0.kill().ok();
            self.0.wait().ok();
        }
    }

    /// Runs an experiment on a process, its undo log on a file system of 256 KiB that `fill` fills up.
    pub(super) fn run(fill: &str, told: &str) -> Result<(), Failed> {
        let dir = tempfile::tempdir()?;
        let victim = Victim(Command::new("sleep").arg("1000").spawn()?);
        let pid = victim.0.id();
        let (state, file) = (dir.path().join("state"), dir.path().join("chaos.yaml"));
        fs::create_dir(&state)?;
        fs::write(
            &file,
            format!(
                "baseline: 2500ms\nslo_targets: {{}}\n\
                 targets: {{ victim: {{ process: {{ pid: {pid} }} }} }}\n\
                 scenarios:\n  - {{ name: Pause, type: process.pause, target: victim, duration: 1s }}\n"
            ),
        )?;
        // The mount is in a namespace of the command's own, and gone with it.
        let script = format!(
            "fill() {{ cat /dev/zero >\"$CHAOS_STATE_DIR/full\" 2>/dev/null; }}\n\
             mount -t tmpfs -o size=256k,mode=700 none \"$CHAOS_STATE_DIR\" || exit 99\n\
             {fill}\nexec \"$0\" run \"$1\""
        );
        let output = Command::new("unshare")
            .args(["-m", "--propagation", "private", "sh", "-c", &script])
            .arg(env!("CARGO_BIN_EXE_chaos"))
            .arg(&file)
            .current_dir(dir.path())
            .env("CHAOS_STATE_DIR", &state)
            .env("NO_COLOR", "1")
            .output()?;
        let text = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        if output.status.code() != Some(4) {
            return Err(format!("{}: {text}", output.status).into());
        }
        for needed in ["No space left on device", told] {
            if !text.contains(needed) {
                return Err(format!("does not say `{needed}`: {text}").into());
            }
        }
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let stopped = stat
            .rsplit_once(") ")
            .is_some_and(|(_, rest)| rest.starts_with('T'));
        if stopped {
            return Err("the process is left stopped".into());
        }
        Ok(())
    }
}
