//! What only a kernel shows (tier 2): a disk under the undo log that is really full, on a file system mounted for the test, and
//! packet filters in a network namespace of the test's own.
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
        Trial::test("a_packet_filter_that_hit_nothing_proves_nothing", idle::run),
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

#[cfg(target_os = "linux")]
mod idle {
    use libtest_mimic::Failed;
    use std::{
        fs,
        process::{Command, Output},
    };

    /// Cuts a namespace off from somebody whom nobody there talks to, and from one whom somebody does.
    pub(super) fn run() -> Result<(), Failed> {
        let told = |output: &Output| {
            let [out, err] = [&output.stdout, &output.stderr].map(|of| String::from_utf8_lossy(of));
            format!("{out}{err}")
        };
        let nobody = partition("127.0.0.9")?;
        let said = told(&nobody);
        if nobody.status.code() != Some(3) || !said.contains("hit nothing") {
            return Err(format!("{}: {said}", nobody.status).into());
        }
        let there = partition("127.0.0.7")?;
        let said = told(&there);
        if there.status.code() != Some(0) || !said.contains(", acted ") {
            return Err(format!("{}: {said}", there.status).into());
        }
        Ok(())
    }

    /// Runs it in a namespace in which somebody sends datagrams to 127.0.0.7 all the time.
    fn partition(address: &str) -> Result<Output, Failed> {
        let dir = tempfile::tempdir()?;
        let file = dir.path().join("chaos.yaml");
        fs::write(
            &file,
            format!(
                "baseline: 200ms\nslo_targets: {{ mttr_seconds: null, max_error_rate_percent: null, \
                 min_availability_percent: null, max_latency_degradation_ms: null, max_recovery_time_seconds: null }}\n\
                 targets: {{ own: {{ netns: {{ path: /proc/self/ns/net }} }} }}\n\
                 scenarios:\n  - {{ name: Cut, type: net.partition, target: own, duration: 1s, allow_host: true, \
                 parameters: {{ addresses: [{address}], loopback: true, direction: ingress }} }}\n"
            ),
        )?;
        let script = "ip link set lo up\n\
            while :; do echo x >/dev/udp/127.0.0.7/9 2>/dev/null; sleep 0.05; done &\n\
            \"$0\" run \"$1\"; code=$?; kill $!; exit $code";
        let output = Command::new("unshare")
            .args(["-n", "bash", "-c", script])
            .arg(env!("CARGO_BIN_EXE_chaos"))
            .arg(&file)
            .current_dir(dir.path())
            .env("CHAOS_STATE_DIR", dir.path().join("state"))
            .env("NO_COLOR", "1")
            .output()?;
        Ok(output)
    }
}
