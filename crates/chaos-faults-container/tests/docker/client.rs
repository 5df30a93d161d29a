//! The engine as others see it: through the command `docker`, a socket, and a file that a container writes.

use chaos_faults_container::Container;
use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Command, Stdio},
    sync::{
        LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

/// Longer than anything takes.
const PATIENCE: Duration = Duration::from_secs(30);
/// Another program may take a free port before a container does.
const TRIES: u32 = 3;

/// Part of the name of everything that this test makes.
fn mark() -> String {
    format!("chaos-test-{}", std::process::id())
}

/// What `docker ARGUMENTS` says; it must succeed.
pub(crate) fn docker<const N: usize>(arguments: [&str; N]) -> String {
    let output = Command::new("docker")
        .args(arguments)
        .output()
        .expect("needs the command `docker` (apt-get install docker.io)");
    assert!(
        output.status.success(),
        "docker {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// An image that holds the program `busybox`, made once.
static IMAGE: LazyLock<String> = LazyLock::new(|| {
    let busybox = busybox();
    let mut tar = Command::new("tar")
        .arg("-C")
        .arg(busybox.parent().unwrap())
        .args(["-c", "busybox"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let import = Command::new("docker")
        .args(["import", "-", &mark()])
        .stdin(tar.stdout.take().unwrap())
        .output()
        .unwrap();
    assert!(tar.wait().unwrap().success());
    let said = String::from_utf8_lossy(&import.stderr).into_owned();
    assert!(import.status.success(), "docker import: {said}");
    mark()
});

/// The program that containers are made of.
pub(crate) fn busybox() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|dir| dir.join("busybox"))
        .find(|file| file.is_file())
        .expect("needs a static `busybox` (apt-get install busybox-static)")
}

/// Removes what is left of this test: also after one that failed.
pub(crate) fn remove_everything() {
    let Ok(listed) = Command::new("docker")
        .args(["ps", "-aq", "--filter", &format!("label={}", mark())])
        .output()
    else {
        return;
    };
    let run = |arguments: &[&str]| {
        let mut command = Command::new("docker");
        command
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    for id in String::from_utf8_lossy(&listed.stdout).split_whitespace() {
        run(&["rm", "-f", id]);
    }
    run(&["rmi", &mark()]);
}

/// What a client gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gets {
    Answer,
    /// Connected, and then nothing.
    Silence,
    Refusal,
}

/// A container that answers HTTP on a loopback port and counts into a file. Removed when dropped.
#[derive(Debug)]
pub(crate) struct Box {
    pub(crate) id: String,
    pub(crate) name: String,
    address: SocketAddr,
    shared: tempfile::TempDir,
}

impl Box {
    /// One that runs and answers. It ends by itself on SIGTERM.
    pub(crate) fn start() -> Self {
        Self::start_with([])
    }

    /// One with more options of `docker run`.
    pub(crate) fn start_with<const N: usize>(options: [&str; N]) -> Self {
        Self::start_that("exit 0", &options)
    }

    /// One that only notes SIGTERM, in the file `asked`.
    pub(crate) fn start_stubborn() -> Self {
        Self::start_that("echo >> /shared/asked", &[])
    }

    fn start_that(on_term: &str, options: &[&str]) -> Self {
        for _ in 0..TRIES {
            let made = Self::on_a_free_port(on_term, options);
            // Who counts has got its port; it could be another that answers there.
            let answers = || made.has_counted() && made.client_gets() == Gets::Answer;
            made.comes_to("an answer or its end", |made| {
                answers() || made.status() == "exited"
            });
            if answers() {
                return made;
            }
        }
        panic!("no container has got the port that was free before");
    }

    fn on_a_free_port(on_term: &str, options: &[&str]) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("{}-{}", mark(), NEXT.fetch_add(1, Ordering::Relaxed));
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let shared = tempfile::tempdir().unwrap();
        let script = format!(
            "trap '{on_term}' TERM
            /busybox httpd -p {address} -h /shared || exit 9
            n=0
            while :; do
                n=$((n + 1))
                [ -e /shared/end ] && /busybox rm /shared/end && exit 7
                echo $n > /shared/new && /busybox mv /shared/new /shared/beats
                /busybox usleep 10000
            done"
        );
        let volume = format!("{}:/shared", shared.path().display());
        let label = mark();
        let mut command = Command::new("docker");
        command
            .args(["run", "-d", "--network", "host", "--name", &name])
            .args(["--label", &label, "-v", &volume])
            .args(options)
            .args([&IMAGE, "/busybox", "sh", "-c", &script]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "docker run: {said}");
        let id = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        Self {
            id,
            name,
            address,
            shared,
        }
    }

    /// As a target of faults.
    pub(crate) fn target(&self) -> Container {
        Container::named(&self.name)
    }

    /// What `docker inspect` says of it.
    pub(crate) fn inspect(&self, field: &str) -> String {
        docker(["inspect", "--format", &format!("{{{{{field}}}}}"), &self.id])
    }

    /// `running`, `paused`, `exited`.
    pub(crate) fn status(&self) -> String {
        self.inspect(".State.Status")
    }

    /// Which run it is in.
    pub(crate) fn started_at(&self) -> String {
        self.inspect(".State.StartedAt")
    }

    fn has_counted(&self) -> bool {
        self.shared.path().join("beats").exists()
    }

    /// How far it has counted; it starts afresh with each run.
    pub(crate) fn beats(&self) -> u64 {
        let read = || fs::read_to_string(self.shared.path().join("beats")).ok();
        let beats = read().and_then(|text| text.trim().parse().ok());
        beats.expect("the container has counted")
    }

    /// Puts a file there that it sees as `/shared/NAME`.
    pub(crate) fn put(&self, name: &str) {
        fs::write(self.shared.path().join(name), "").unwrap();
    }

    /// Ends it as if it had failed.
    pub(crate) fn end_from_inside(&self) {
        self.put("end");
    }

    /// Whether a stubborn one was asked to end.
    pub(crate) fn was_asked_to_end(&self) -> bool {
        self.asked_to_end().is_some()
    }

    /// When a stubborn one was asked to end, if it was.
    pub(crate) fn asked_to_end(&self) -> Option<SystemTime> {
        let noted = fs::metadata(self.shared.path().join("asked")).ok()?;
        Some(noted.modified().unwrap())
    }

    /// Connects and asks.
    pub(crate) fn client_gets(&self) -> Gets {
        let Ok(mut stream) = TcpStream::connect_timeout(&self.address, PATIENCE) else {
            return Gets::Refusal;
        };
        let timeout = Some(Duration::from_millis(300));
        stream.set_read_timeout(timeout).unwrap();
        let asked = stream.write_all(b"GET /beats HTTP/1.0\r\n\r\n");
        match asked.and_then(|()| stream.read(&mut [0; 64])) {
            Ok(1..) => Gets::Answer,
            _ => Gets::Silence,
        }
    }

    /// Waits until something is so.
    pub(crate) fn comes_to(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !so(self) {
            let log = || docker(["logs", &self.id]);
            assert!(
                start.elapsed() < PATIENCE,
                "{} never came to {what}; it is {}: {}",
                self.name,
                self.status(),
                log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// That it runs and serves.
    #[track_caller]
    pub(crate) fn works(&self) {
        assert_eq!(self.status(), "running");
        self.comes_to("an answer", |made| made.client_gets() == Gets::Answer);
        let before = self.beats();
        self.comes_to("counting", |made| made.beats() != before);
    }
}

impl Drop for Box {
    fn drop(&mut self) {
        // It may be gone already.
        let mut command = Command::new("docker");
        command.args(["rm", "-f", &self.id]);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command.status().ok();
    }
}
