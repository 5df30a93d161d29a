//! What the faults do, seen from outside.
#![cfg(target_os = "linux")]

mod world;

use chaos_core::{
    BlastRadius, Engine, FaultExt, Host, Placed, Target,
    units::{Rate, Size},
};
use chaos_faults_resource::{CpuBurn, DiskBurn, DiskFill, DiskMode, Kill, Pause, Process, Signal};
use std::{
    fs,
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::Path,
    time::{Duration, Instant},
};
use world::{Victim, engine, eventually, letter, threads};

/// A process that counts into a file.
struct Counter {
    victim: Victim,
    file: tempfile::NamedTempFile,
}

impl Counter {
    fn new() -> Self {
        let file = tempfile::NamedTempFile::new().unwrap();
        let path = file.path().display().to_string();
        let victim = Victim::running(&format!(
            "i=0; while :; do i=$((i+1)); echo $i >> '{path}'; done"
        ));
        Self { victim, file }
    }

    fn count(&self) -> u64 {
        fs::metadata(self.file.path()).unwrap().len()
    }

    fn goes_on(&self) {
        let before = self.count();
        eventually("the process goes on", || self.count() > before);
    }
}

#[tokio::test]
async fn a_paused_process_does_nothing_and_then_goes_on() {
    let state = tempfile::tempdir().unwrap();
    let engine = engine(state.path()).await;
    let (paused, other) = (Counter::new(), Counter::new());
    paused.goes_on();
    let target = Process::pid(paused.victim.pid());
    let injection = engine.inject(Pause::new().on(&target)).await.unwrap();
    assert_eq!(letter(paused.victim.pid()), 'T');
    let (before, theirs) = (paused.count(), other.count());
    eventually("the other one goes on", || other.count() > theirs + 1000);
    assert_eq!(paused.count(), before);
    let recovered = injection.recover().await.unwrap();
    assert_eq!((recovered.reverted, recovered.lost.len()), (1, 0));
    paused.goes_on();
}

#[tokio::test]
async fn somebody_else_who_lets_it_go_on_is_noticed() {
    let state = tempfile::tempdir().unwrap();
    let engine = engine(state.path()).await;
    let victim = Victim::sleeping();
    let pause = || Pause::new().on(&Process::pid(victim.pid()));
    let injection = engine.inject(pause()).await.unwrap();
    victim.signal("-CONT");
    eventually("it goes on", || letter(victim.pid()) != 'T');
    let recovered = injection.recover().await.unwrap();
    assert!(recovered.already_gone == 1 && !recovered.lost.is_empty());

    let injection = engine.inject(pause()).await.unwrap();
    victim.signal("-KILL");
    eventually("it has ended", || letter(victim.pid()) == 'Z');
    let recovered = injection.recover().await.unwrap();
    assert!(recovered.already_gone == 1 && !recovered.lost.is_empty());
    assert!(recovered.is_clean());
}

#[tokio::test]
async fn kill_ends_a_process_also_a_stopped_one() {
    let state = tempfile::tempdir().unwrap();
    let engine = engine(state.path()).await;
    for (kill, stopped) in [
        (Kill::new(), false),
        (Kill::new(), true),
        (Kill::with(Signal::Term), false),
    ] {
        let mut victim = Victim::sleeping();
        if stopped {
            victim.signal("-STOP");
        }
        let target = Process::pid(victim.pid());
        let placed = || kill.on(&target);
        let refused = engine.inject(placed()).await.unwrap_err().to_string();
        assert!(refused.contains("does not come back"), "{refused}");
        assert!(letter(victim.pid()) != 'Z');
        let injection = engine.inject(placed().allow_irreversible()).await.unwrap();
        if kill == Kill::new() {
            assert_eq!(
                letter(victim.pid()),
                'Z',
                "SIGKILL is done when it has ended"
            );
        }
        assert!(!victim.0.wait().unwrap().success());
        assert!(injection.recover().await.unwrap().is_clean());
    }
}

/// The CPU time of a thread of this process.
fn cpu_time(thread: &str) -> Duration {
    let path = format!("/proc/self/task/{thread}/schedstat");
    let text = fs::read_to_string(path).unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// Half of one CPU for two seconds is one second. On a busy machine the CPU may not be had: then it is tried again.
#[tokio::test]
async fn half_of_a_cpu_is_half_of_a_cpu() {
    let state = tempfile::tempdir().unwrap();
    let engine = engine(state.path()).await;
    let mut tried = Vec::new();
    while tried.len() < 5 {
        let burn = CpuBurn::workers(1).load(50).on(&Host).allow_host();
        let injection = engine.inject(burn).await.unwrap();
        let [thread] = &threads("chaos-cpu")[..] else {
            panic!("there is one worker")
        };
        let (start, before) = (Instant::now(), cpu_time(thread));
        tokio::time::sleep(Duration::from_secs(2)).await;
        let used = (cpu_time(thread) - before).as_secs_f64() / start.elapsed().as_secs_f64();
        let recovered = injection.recover().await.unwrap();
        assert!(recovered.hits >= 10, "{} periods", recovered.hits);
        assert!(threads("chaos-cpu").is_empty());
        assert!(used < 0.55, "never more than asked for: {used}");
        if used > 0.45 {
            return;
        }
        tried.push(used);
    }
    panic!("too little: {tried:?}");
}

#[tokio::test]
async fn a_filled_disk_has_less_room_by_that_much() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = engine(state.path()).await;
    let size = 32 << 20;
    let fill = DiskFill::size(dir.path(), Size::Bytes(size))
        .on(&Host)
        .allow_host();
    let injection = engine.inject(fill).await.unwrap();
    let files: Vec<_> = fs::read_dir(dir.path()).unwrap().flatten().collect();
    assert_eq!(files.len(), 1);
    let name = files[0].file_name().into_string().unwrap();
    assert!(
        name.starts_with("chaos-") && name.ends_with("-fill"),
        "{name}"
    );
    let found = files[0].metadata().unwrap();
    assert_eq!(found.len(), size);
    assert!(found.blocks() * 512 >= size, "{} blocks", found.blocks());
    assert_eq!(found.mode() & 0o777, 0o600);
    injection.recover().await.unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

/// Bytes that the threads of this name have read and written so far.
fn moved(thread: &str) -> (u64, u64) {
    let mut sum = (0, 0);
    for thread in threads(thread) {
        let text = fs::read_to_string(format!("/proc/self/task/{thread}/io")).unwrap();
        let field = |name: &str| -> u64 {
            let mut lines = text.lines();
            lines
                .find_map(|l| l.strip_prefix(name))
                .unwrap()
                .trim()
                .parse()
                .unwrap()
        };
        sum = (sum.0 + field("rchar:"), sum.1 + field("wchar:"));
    }
    sum
}

#[tokio::test]
async fn a_busy_disk_is_read_and_written() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = engine(state.path()).await;
    let size = Size::Bytes(4 << 20);
    let burn = |mode| {
        let burn = DiskBurn::in_dir(dir.path()).mode(mode).workers(2);
        burn.size(size).on(&Host).allow_host()
    };
    let injection = engine.inject(burn(DiskMode::Write)).await.unwrap();
    eventually("it writes", || moved("chaos-disk").1 > 32 << 20);
    assert_eq!(moved("chaos-disk").0, 0);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0, "no name");
    assert!(injection.recover().await.unwrap().hits >= 16);

    let injection = engine.inject(burn(DiskMode::Read)).await.unwrap();
    eventually("it reads", || moved("chaos-disk").0 > 32 << 20);
    assert!(
        moved("chaos-disk").1 <= 8 << 20,
        "each file is written once"
    );
    injection.recover().await.unwrap();

    // 1 MiB/s for both workers together.
    let slow = DiskBurn::in_dir(dir.path()).workers(2).size(size);
    let slow = slow.rate(Rate::bytes_per_second(1 << 20));
    let start = Instant::now();
    let injection = engine.inject(slow.on(&Host).allow_host()).await.unwrap();
    eventually("it writes slowly", || moved("chaos-disk").1 > 1 << 20);
    let took = start.elapsed();
    assert!(took > Duration::from_millis(700), "1 MiB in {took:?}");
    injection.recover().await.unwrap();
    assert!(threads("chaos-disk").is_empty());
}

/// The refusals of a dry run, and that nothing was done.
async fn refused(engine: &Engine, placed: Placed) -> String {
    let preview = engine.dry_run(placed).await.unwrap();
    let refusals = preview.refusals.iter().map(ToString::to_string);
    refusals.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn what_would_go_wrong_is_refused_in_the_plan() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = engine(state.path()).await;
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    let me = Process::pid(std::process::id());
    let victim = Victim::sleeping();
    victim.signal("-STOP");
    eventually("it is stopped", || letter(victim.pid()) == 'T');
    let stopped = Process::pid(victim.pid());
    let host = |placed: Placed| placed.allow_host();
    let all = Size::Percent(100.0);
    let huge = Size::Bytes(1 << 60);
    for (placed, says) in [
        (Pause::new().on(&Process::pid(1)), "pid 1"),
        (Pause::new().on(&me), "this very process"),
        (Pause::new().on(&stopped), "stopped already"),
        (Kill::new().on(&me), "this very process"),
        (Kill::new().on(&Process::pid(1)), "pid 1"),
        (Pause::new().on(&Host), "not a process"),
        (
            Pause::new().on(&Process::pid(4_000_000)),
            "no process has this pid",
        ),
        (CpuBurn::workers(1).on(&Host), "allow_host"),
        (
            host(chaos_faults_resource::MemFill::size(all).on(&Host)),
            "OOM killer",
        ),
        (
            host(DiskFill::size(&file, huge).on(&Host)),
            "not a directory",
        ),
        (
            host(DiskFill::size("/nonexistent", huge).on(&Host)),
            "no such directory",
        ),
        (
            host(DiskFill::size(dir.path(), huge).on(&Host)),
            "that are free there",
        ),
        (
            host(DiskFill::leaving(dir.path(), huge).on(&Host)),
            "are to be left",
        ),
        (
            host(DiskFill::size("here", huge).on(&Host)),
            "not an absolute path",
        ),
        (
            host(DiskBurn::in_dir(dir.path()).size(huge).on(&Host)),
            "that are free there",
        ),
        (
            host(DiskBurn::in_dir("/proc").on(&Host)),
            "are more than the",
        ),
        (host(CpuBurn::workers(0).on(&Host)), "1 to 1024"),
        (host(CpuBurn::workers(1).load(130).on(&Host)), "1 to 100"),
    ] {
        let name = format!("{} on {}", placed.kind(), placed.target());
        let said = refused(&engine, placed).await;
        assert!(said.contains(says), "{name}: {said}");
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

/// The sites of a target, as a dry run names them, or why there are none.
async fn sites(engine: &Engine, target: &(impl Target + Clone)) -> Result<Vec<String>, String> {
    let burn = CpuBurn::workers(1).on(target).allow_host();
    planned(engine, burn.radius(BlastRadius::All)).await
}

async fn planned(engine: &Engine, placed: Placed) -> Result<Vec<String>, String> {
    let preview = engine.dry_run(placed).await.unwrap();
    match &preview.refusals[..] {
        [] => Ok(preview.faults[0].sites.clone()),
        refusals => Err(refusals[0].to_string()),
    }
}

#[tokio::test]
async fn processes_are_found_by_name() {
    let (state, bin) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = engine(state.path()).await;
    // A program of a name that nobody else has, longer than what the kernel keeps of it.
    let program = bin.path().join(format!("sleeper-{}", std::process::id()));
    let name = program.file_name().unwrap().to_str().unwrap().to_owned();
    std::os::unix::fs::symlink("/bin/sleep", &program).unwrap();
    let start = || {
        let mut command = std::process::Command::new(&program);
        Victim(command.arg("1000").spawn().unwrap())
    };
    let target = Process::named(&name);
    let none = sites(&engine, &target).await.unwrap_err();
    assert!(none.contains("no process that can be seen"), "{none}");
    let (first, second) = (start(), start());
    // As chaos-core starts a watchdog, which must go on whatever happens.
    let mut watchdog = std::process::Command::new(&program);
    watchdog.arg("1000").env("CHAOS_WATCHDOG_OWNER", "1");
    let _watchdog = Victim(watchdog.spawn().unwrap());
    let found = sites(&engine, &target).await.unwrap();
    assert_eq!(found.len(), 2, "{found:?}");
    for victim in [&first, &second] {
        let pid = format!("(pid {})", victim.pid());
        assert!(found.iter().any(|site| site.contains(&pid)), "{found:?}");
    }

    // Without a wish for several, none of them.
    let some = planned(&engine, Pause::new().on(&target))
        .await
        .unwrap_err();
    let pids = [&first, &second].map(|victim| format!("(pid {})", victim.pid()));
    assert!(pids.iter().all(|pid| some.contains(pid)), "{some}");
    assert!(
        some.contains("`pid`, `port` or `pidfile`") && some.contains("`radius`"),
        "{some}"
    );
    let one = Pause::new().on(&target).radius(BlastRadius::One);
    assert_eq!(planned(&engine, one).await.unwrap().len(), 1);

    // A name is exact, and never this process's own.
    let part = Process::named(&name[..name.len() - 1]);
    assert!(sites(&engine, &part).await.is_err());
    let own = std::env::current_exe().unwrap();
    let own = Process::named(own.file_name().unwrap().to_str().unwrap());
    let me = format!("(pid {})", std::process::id());
    // Another run of this test may be under way.
    let found = sites(&engine, &own).await.unwrap_or_default();
    assert!(!found.iter().any(|site| site.contains(&me)), "{found:?}");

    // Nor that of a process that it was started from.
    let parent = std::os::unix::process::parent_id();
    let comm = fs::read_to_string(format!("/proc/{parent}/comm")).unwrap();
    let parents = Process::named(comm.trim_end());
    let found = sites(&engine, &parents).await.unwrap_or_default();
    let parent = format!("(pid {parent})");
    assert!(
        !found.iter().any(|site| site.contains(&parent)),
        "{found:?}"
    );
}

#[tokio::test]
async fn processes_are_found_by_port() {
    let state = tempfile::tempdir().unwrap();
    let engine = engine(state.path()).await;
    for address in ["127.0.0.1:0", "[::1]:0", "0.0.0.0:0"] {
        let Ok(listener) = TcpListener::bind(address) else {
            assert!(address.contains("::1"), "only IPv6 may be missing");
            continue;
        };
        let port = listener.local_addr().unwrap().port();
        let found = sites(&engine, &Process::listening_on(port)).await.unwrap();
        let me = format!("(pid {})", std::process::id());
        assert!(found.len() == 1 && found[0].contains(&me), "{found:?}");
        drop(listener);
        let none = sites(&engine, &Process::listening_on(port))
            .await
            .unwrap_err();
        assert!(
            none.contains(&format!("nothing listens on TCP port {port}")),
            "{none}"
        );
    }
}

#[tokio::test]
async fn processes_are_found_by_pidfile() {
    let (state, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let engine = engine(state.path()).await;
    let path = dir.path().join("x.pid");
    let target = Process::pidfile(&path);
    let victim = Victim::sleeping();
    let write = |text: &str| fs::write(&path, text).unwrap();

    let none = sites(&engine, &target).await.unwrap_err();
    assert!(none.contains("does not exist"), "{none}");
    for text in ["", "x", "-4", "0", "99999999999", "\u{fffd}"] {
        write(text);
        let none = sites(&engine, &target).await.unwrap_err();
        assert!(none.contains("does not begin with a pid"), "{text}: {none}");
    }
    write("4000000\n");
    let none = sites(&engine, &target).await.unwrap_err();
    assert!(none.contains("stale"), "{none}");
    write(&format!("{}\n/var/lib/x\n", victim.pid()));
    assert_eq!(sites(&engine, &target).await.unwrap().len(), 1);

    // Older than its process: the pid was used again.
    age(&path, Duration::from_secs(3600));
    let none = sites(&engine, &target).await.unwrap_err();
    assert!(
        none.contains("started after the file was written"),
        "{none}"
    );
}

fn age(path: &Path, by: Duration) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(std::time::SystemTime::now() - by)
        .unwrap();
}
