//! The trials, each on a small file system of its own.

use super::world::{Victim, engine, letter, registry};
use chaos_core::{
    BoxError, Engine, EngineError, Event, Experiment, FaultExt, Host, Observer, Phase, Placed,
    Reach, RunHandle, Verdict, async_trait, testing::Conformance, units::Size,
};
use chaos_faults_resource::{DiskBurn, DiskFill, Pause, Process};
use libtest_mimic::Trial;
use std::{
    env, fs,
    io::{ErrorKind, Write},
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    sync::Arc,
    time::Duration,
};

const INSIDE: &str = "CHAOS_TEST_INSIDE";
/// Set for the one that is killed: the directory to fill, and where the undo log is.
const DIR: &str = "CHAOS_TEST_DIR";
const STATE: &str = "CHAOS_TEST_STATE";
/// Set for the one that runs as another user: a process that is not its own, and a port of this one.
const PID: &str = "CHAOS_TEST_PID";
const PORT: &str = "CHAOS_TEST_PORT";

/// Whether this process is in a mount namespace of its own.
pub(crate) fn is_inside() -> bool {
    env::var_os(INSIDE).is_some()
}

/// Runs this test in a mount namespace of its own.
pub(crate) fn run_inside() -> ExitCode {
    let status = Command::new("unshare")
        .args(["--mount", "--propagation", "private"])
        .arg(env::current_exe().unwrap())
        .args(env::args_os().skip(1))
        .env(INSIDE, "1")
        .status();
    match status {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => panic!("unshare, of util-linux, cannot be run: {error}"),
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let all: [(&str, fn()); 10] = [
        ("nothing_is_left_free_and_writers_feel_it", nothing_left),
        ("so_much_is_left_free", some_left),
        ("a_share_of_the_file_system_is_taken", share_taken),
        (
            "where_there_is_no_fallocate_it_is_written",
            without_fallocate,
        ),
        (
            "the_promises_are_kept_on_a_file_system_of_its_own",
            promises,
        ),
        ("killed_with_a_full_disk_a_second_process_recovers", killed),
        (
            "a_disk_that_others_fill_first_is_an_error_and_undone",
            others_first,
        ),
        (
            "a_full_disk_under_the_undo_log_is_refused",
            full_under_the_log,
        ),
        ("a_process_with_other_mounts_is_refused", other_mounts),
        ("what_belongs_to_another_user_is_refused", other_user),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    all.map(trial).into()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_all().build().unwrap().block_on(future)
}

/// A file system of 8 MiB. Dropping it unmounts it.
struct Disk {
    dir: tempfile::TempDir,
    image: Option<tempfile::NamedTempFile>,
}

impl Disk {
    /// In memory.
    fn tmpfs() -> Self {
        let dir = tempfile::tempdir().unwrap();
        run(
            "mount",
            &[
                "-t",
                "tmpfs",
                "-o",
                "size=8m",
                "chaos-test",
                path(dir.path()),
            ],
        );
        Self { dir, image: None }
    }

    /// On blocks, without extents, so that it does not know fallocate.
    fn ext2() -> Self {
        let (dir, image) = (
            tempfile::tempdir().unwrap(),
            tempfile::NamedTempFile::new().unwrap(),
        );
        image.as_file().set_len(8 << 20).unwrap();
        run("mkfs.ext2", &["-q", "-m", "0", path(image.path())]);
        run(
            "mount",
            &["-o", "loop", path(image.path()), path(dir.path())],
        );
        Self {
            dir,
            image: Some(image),
        }
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(self.path()).unwrap();
        stat.f_bavail * stat.f_frsize
    }

    /// Whether a writer finds room for so many bytes.
    fn has_room_for(&self, bytes: usize) -> bool {
        let path = self.path().join("theirs");
        let written = fs::File::create(&path).unwrap().write_all(&vec![1; bytes]);
        fs::remove_file(path).unwrap();
        match written {
            Ok(()) => true,
            Err(e) if e.kind() == ErrorKind::StorageFull => false,
            Err(e) => panic!("{e}"),
        }
    }

    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path()).unwrap().flatten();
        let names = entries.map(|entry| entry.file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("chaos-")).collect()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("umount").arg(self.path()).status().ok();
        drop(self.image.take());
    }
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
}

fn leaving(disk: &Disk, free: Size) -> Placed {
    DiskFill::leaving(disk.path(), free).on(&Host)
}

fn nothing_left() {
    let (disk, state) = (Disk::tmpfs(), tempfile::tempdir().unwrap());
    let before = disk.free();
    assert!(disk.has_room_for(1 << 20));
    block_on(async {
        let engine = engine(state.path()).await;
        let preview = engine
            .dry_run(leaving(&disk, Size::Bytes(0)))
            .await
            .unwrap();
        let change = &preview.faults[0].changes[0];
        assert_eq!(change.reach, Reach::Namespace, "not the root file system");
        assert_eq!(disk.free(), before);

        let injection = engine.inject(leaving(&disk, Size::Bytes(0))).await.unwrap();
        assert!(disk.free() < 4096, "{} free", disk.free());
        assert!(!disk.has_room_for(64 << 10));
        injection.recover().await.unwrap();
    });
    assert_eq!(disk.free(), before);
    assert!(disk.has_room_for(1 << 20));
    assert!(disk.files().is_empty());
}

fn some_left() {
    let (disk, state) = (Disk::tmpfs(), tempfile::tempdir().unwrap());
    for (free, bytes) in [
        (Size::Percent(25.0), 2 << 20),
        (Size::Bytes(1 << 20), 1 << 20),
    ] {
        block_on(async {
            let engine = engine(state.path()).await;
            let injection = engine.inject(leaving(&disk, free)).await.unwrap();
            let left = disk.free();
            assert!(left.abs_diff(bytes) <= 16 << 10, "{left} of {bytes}");
            assert!(disk.has_room_for(512 << 10));
            assert!(!disk.has_room_for(3 << 20));
            injection.recover().await.unwrap();
        });
    }
}

fn share_taken() {
    let (disk, state) = (Disk::tmpfs(), tempfile::tempdir().unwrap());
    let before = disk.free();
    block_on(async {
        let engine = engine(state.path()).await;
        let fill = || DiskFill::size(disk.path(), Size::Percent(50.0)).on(&Host);
        let injection = engine.inject(fill()).await.unwrap();
        assert_eq!(disk.free(), before - (4 << 20));
        // There is one fill of a file system at a time.
        let second = engine.inject(fill()).await.unwrap_err().to_string();
        assert!(second.contains("is taken by"), "{second}");
        injection.recover().await.unwrap();
        assert_eq!(disk.free(), before);

        let burn = DiskBurn::in_dir(disk.path()).size(Size::Percent(50.0));
        let injection = engine.inject(burn.on(&Host).allow_host()).await.unwrap();
        super::world::eventually("the nameless file takes room", || {
            disk.free() <= before - (4 << 20)
        });
        assert!(disk.files().is_empty());
        assert!(injection.recover().await.unwrap().hits > 0);
        assert_eq!(disk.free(), before);
    });
}

fn without_fallocate() {
    let (disk, state) = (Disk::ext2(), tempfile::tempdir().unwrap());
    let before = disk.free();
    block_on(async {
        let engine = engine(state.path()).await;
        let fill = DiskFill::size(disk.path(), Size::Bytes(3 << 20)).on(&Host);
        let injection = engine.inject(fill).await.unwrap();
        let taken = before - disk.free();
        assert!(taken >= 3 << 20, "{taken}");
        injection.recover().await.unwrap();
        assert_eq!(disk.free(), before);

        let injection = engine.inject(leaving(&disk, Size::Bytes(0))).await.unwrap();
        assert!(!disk.has_room_for(64 << 10), "{} free", disk.free());
        injection.recover().await.unwrap();
    });
    assert_eq!(disk.free(), before);
}

fn promises() {
    let disk = Disk::tmpfs();
    let (here, there) = (disk.path().to_owned(), disk.path().to_owned());
    let look = move || {
        let stat = rustix::fs::statvfs(&there).unwrap();
        let names = fs::read_dir(&there).unwrap().count();
        format!("{names} files, {} blocks free", stat.f_bavail)
    };
    let make = move || DiskFill::leaving(&here, Size::Percent(10.0)).on(&Host);
    block_on(
        Conformance::new(registry(), make)
            .world(look)
            .nothing_foreign("the file is named by a mark that only this injection has")
            .run(),
    );
}

pub(crate) fn is_victim() -> bool {
    env::var_os(DIR).is_some() || env::var_os(PID).is_some()
}

/// Fills the disk and is killed, or tries what another user may not.
pub(crate) fn victim() -> ExitCode {
    if env::var_os(PID).is_some() {
        return stranger();
    }
    let dir = PathBuf::from(env::var_os(DIR).unwrap());
    let state = PathBuf::from(env::var_os(STATE).unwrap());
    block_on(async {
        let engine = engine(&state).await;
        let fill = DiskFill::leaving(dir, Size::Bytes(0)).on(&Host);
        engine.inject(fill).await.unwrap().recover().await.unwrap();
    });
    ExitCode::SUCCESS
}

fn killed() {
    let (disk, state) = (Disk::tmpfs(), tempfile::tempdir().unwrap());
    let before = disk.free();
    for point in chaos_core::testing::crash_points(1) {
        let status = Command::new(env::current_exe().unwrap())
            .env(DIR, disk.path())
            .env(STATE, state.path())
            .env("CHAOS_CRASH_AT", &point)
            .status()
            .unwrap();
        assert_eq!(status.signal(), Some(9), "{point}: {status}");
        if matches!(
            &*point,
            "after-apply:0" | "after-applied:0" | "before-undo:0"
        ) {
            assert!(!disk.has_room_for(64 << 10), "{point}");
        }
        drop(block_on(engine(state.path())));
        assert_eq!(disk.free(), before, "{point}");
    }
}

/// Whether `text` stands in an error or one of its sources.
fn says(error: &EngineError, text: &str) -> bool {
    chaos_core::Chain(error).to_string().contains(text)
}

/// Writes 4 MiB into a file once the baseline has begun.
#[derive(Debug)]
struct Writes(PathBuf);

#[async_trait]
impl Observer for Writes {
    async fn start(&self, _: &RunHandle) -> Result<(), BoxError> {
        Ok(())
    }
    fn on(&self, event: &Event) {
        if let Event::PhaseStarted {
            phase: Phase::Baseline,
            ..
        } = event
        {
            fs::write(&self.0, vec![1; 4 << 20]).unwrap();
        }
    }
    fn steady(&self) -> Verdict {
        Verdict::Held
    }
    async fn finish(&self) {}
}

/// It fits in, as it is planned, and not any more when its time comes; and two that fill one disk are refused.
fn others_first() {
    let (disk, state) = (Disk::tmpfs(), tempfile::tempdir().unwrap());
    let before = disk.free();
    let theirs = disk.path().join("theirs");
    let fill = || DiskFill::size(disk.path(), Size::Bytes(5 << 20)).on(&Host);
    block_on(async {
        let engine = engine(state.path()).await;
        let error = engine.inject([fill(), fill()]).await.unwrap_err();
        assert!(says(&error, "at the same time"), "{error}");
        let later = Experiment::named("later")
            .baseline(Duration::from_millis(400))
            .fault(fill())
            .observer(Arc::new(Writes(theirs.clone())));
        let told = match engine.run(&later).await {
            Ok(run) => format!("{:?}", run.outcome),
            Err(error) => chaos_core::Chain(&error).to_string(),
        };
        assert!(told.contains("No space left"), "{told}");
    });
    fs::remove_file(theirs).unwrap();
    assert!(disk.files().is_empty());
    assert_eq!(disk.free(), before);
}

fn full_under_the_log() {
    let disk = Disk::tmpfs();
    let elsewhere = tempfile::tempdir().unwrap();
    let victim = Victim::sleeping();
    block_on(async {
        let builder = Engine::builder().registry(registry());
        let engine = builder
            .state_dir(disk.path().join("undo"))
            .open()
            .await
            .unwrap();
        let room = usize::try_from(disk.free()).unwrap();
        let full = disk.path().join("full");
        fs::File::create(&full)
            .unwrap()
            .write_all(&vec![1; room])
            .unwrap();
        assert!(!disk.has_room_for(1));

        let pause = || Pause::new().on(&Process::pid(victim.pid()));
        let fill = DiskFill::size(elsewhere.path(), Size::Bytes(1 << 20));
        for placed in [pause(), fill.on(&Host).allow_host()] {
            let error = engine.inject(placed).await.unwrap_err();
            assert!(says(&error, "the host was not touched"), "{error}");
            assert!(
                says(&error, "No space left"),
                "{}",
                chaos_core::Chain(&error)
            );
        }
        assert_ne!(letter(victim.pid()), 'T');
        assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 0);

        // With room again, the same engine works.
        fs::remove_file(full).unwrap();
        let injection = engine.inject(pause()).await.unwrap();
        assert_eq!(letter(victim.pid()), 'T');
        injection.recover().await.unwrap();
    });
}

fn other_mounts() {
    let (disk, state) = (Disk::tmpfs(), tempfile::tempdir().unwrap());
    let mut command = Command::new("unshare");
    let apart = Victim(command.args(["--mount", "sleep", "1000"]).spawn().unwrap());
    let own = |pid: &str| fs::read_link(format!("/proc/{pid}/ns/mnt")).unwrap();
    let pid = apart.pid();
    super::world::eventually("it has mounts of its own", || {
        own(&pid.to_string()) != own("self")
    });
    block_on(async {
        let engine = engine(state.path()).await;
        let fill = DiskFill::leaving(disk.path(), Size::Bytes(0));
        let error = engine
            .inject(fill.on(&Process::pid(pid)))
            .await
            .unwrap_err();
        assert!(says(&error, "file systems of its own"), "{error}");
    });
    assert!(disk.files().is_empty());
}

/// This very program, as a user without privilege. It lies where everybody may run it.
fn other_user() {
    let dir = tempfile::Builder::new()
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir()
        .unwrap();
    let program = dir.path().join("stranger");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let victim = Victim::sleeping();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let output = Command::new("setpriv")
        .args([
            "--reuid=65534",
            "--regid=65534",
            "--clear-groups",
            "--inh-caps=-all",
        ])
        .arg(&program)
        .env(PID, victim.pid().to_string())
        .env(PORT, server.local_addr().unwrap().port().to_string())
        .env("TMPDIR", "/tmp")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_ne!(letter(victim.pid()), 'T');
}

/// What another user is told.
fn stranger() -> ExitCode {
    let number = |name: &str| env::var(name).unwrap().parse::<u32>().unwrap();
    let state = tempfile::tempdir().unwrap();
    let own = Victim::sleeping();
    let port = u16::try_from(number(PORT)).unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let pause = |target: Process| Pause::new().on(&target);
        let fill = DiskFill::size("/usr", Size::Bytes(4096));
        for (placed, text) in [
            (pause(Process::pid(number(PID))), "belongs to another user"),
            (
                pause(Process::listening_on(port)),
                "a process of user 0 listens",
            ),
            (fill.on(&Host).allow_host(), "cannot be written"),
        ] {
            let error = engine.inject(placed).await.unwrap_err();
            assert!(says(&error, text), "{error}");
        }
        let injection = engine.inject(pause(Process::pid(own.pid()))).await.unwrap();
        assert_eq!(letter(own.pid()), 'T');
        injection.recover().await.unwrap();
    });
    ExitCode::SUCCESS
}
