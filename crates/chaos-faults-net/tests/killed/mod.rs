//! Proxies whose process is killed.

use chaos_core::{Engine, FaultError, FaultExt};
use chaos_faults_net::{Proxy, Refuse};
use libtest_mimic::Trial;
use std::{
    env, fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpListener,
    os::unix::{
        fs::{MetadataExt, lchown},
        net::UnixStream,
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

const VICTIM: &str = "CHAOS_TEST_VICTIM";
const LIMIT: Duration = Duration::from_secs(20);

pub(crate) fn trials() -> Vec<Trial> {
    let all: [(&str, fn()); 4] = [
        ("the_next_proxy_takes_the_place_of_a_killed_one", killed),
        (
            "a_proxy_that_lives_is_left_alone_also_when_it_is_shut",
            lives,
        ),
        (
            "a_killed_ones_socket_that_was_changed_is_left_alone",
            changed,
        ),
        ("of_many_that_want_the_place_one_gets_it", many),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    // Only root can give a file to somebody else.
    let asked = env::var_os("CHAOS_TEST_KERNEL").is_some_and(|value| value == "1");
    let another = (
        "a_killed_ones_socket_of_another_user_is_left_alone",
        another as fn(),
    );
    let trials = all.into_iter().map(trial);
    let root = trial(another).with_ignored_flag(!asked);
    trials.chain([root]).collect()
}

/// Listens and waits to be killed, if this process was started for that.
#[expect(
    clippy::print_stdout,
    reason = "this is how it says what has become of it"
)]
pub(crate) fn victim() -> Option<ExitCode> {
    let path = PathBuf::from(env::var_os(VICTIM)?);
    block_on(async {
        match listen(&path, "127.0.0.1:1").await {
            Ok(_proxy) => {
                println!("listens");
                std::future::pending::<()>().await;
            }
            Err(_) => println!("refused"),
        }
    });
    Some(ExitCode::SUCCESS)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(future)
}

async fn listen(path: &Path, upstream: &str) -> Result<Proxy, FaultError> {
    Proxy::listen(format!("unix:{}", path.display()), upstream).await
}

/// Another process that wants to listen there, which is killed in the end; and what it says.
struct Other(Child);

impl Other {
    fn start(path: &Path) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.env(VICTIM, path).stdout(Stdio::piped());
        Self(command.spawn().unwrap())
    }

    fn says(&mut self) -> String {
        let mut said = String::new();
        let output = self.0.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut said).unwrap();
        said.trim().to_owned()
    }
}

/// SIGKILL.
impl Drop for Other {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

/// A directory with the socket of a proxy whose process was killed.
fn leave_behind() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.sock");
    let mut other = Other::start(&path);
    assert_eq!(other.says(), "listens");
    // Neither who connects nor who is refused changes what tells that it is a proxy's.
    drop(UnixStream::connect(&path).unwrap());
    drop(other);
    let refused = UnixStream::connect(&path).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
    (dir, path)
}

fn refused(path: &Path) {
    let inode = fs::symlink_metadata(path).unwrap().ino();
    let error = block_on(listen(path, "127.0.0.1:1")).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("there is something already"), "{said}");
    assert_eq!(fs::symlink_metadata(path).unwrap().ino(), inode);
}

fn killed() {
    let (dir, path) = leave_behind();
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let upstream = server.local_addr().unwrap().to_string();
    let serving = thread::spawn(move || server.accept().unwrap().0.write_all(b"hello").unwrap());
    block_on(async {
        let proxy = listen(&path, &upstream).await.unwrap();
        let mut client = UnixStream::connect(&path).unwrap();
        client.set_read_timeout(Some(LIMIT)).unwrap();
        let mut said = String::new();
        client.read_to_string(&mut said).unwrap();
        assert_eq!(said, "hello");
        drop(proxy);
    });
    serving.join().unwrap();
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 0);
}

fn lives() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("proxy.sock");
    let mut other = Other::start(&path);
    assert_eq!(other.says(), "listens");
    refused(&path);
    UnixStream::connect(&path).unwrap();
    drop(other);
    block_on(async {
        let proxy = listen(&path, "127.0.0.1:1").await.unwrap();
        let engine = Engine::open().await.unwrap();
        let fault = engine.inject(Refuse::new().on(&proxy)).await.unwrap();
        // To a client it looks like one that is dead.
        let error = UnixStream::connect(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        assert_eq!(Other::start(&path).says(), "refused");
        fault.recover().await.unwrap();
        UnixStream::connect(&path).unwrap();
    });
}

fn changed() {
    let (_dir, path) = leave_behind();
    let touched = Command::new("touch").arg("-m").arg(&path).status();
    assert!(touched.unwrap().success());
    refused(&path);
    fs::remove_file(&path).unwrap();
    // A file with the time of a proxy's socket is none.
    let (_dir, left) = leave_behind();
    fs::write(&path, "mine").unwrap();
    let touched = Command::new("touch")
        .arg("-r")
        .arg(&left)
        .arg(&path)
        .status();
    assert!(touched.unwrap().success());
    refused(&path);
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
}

fn another() {
    let (_dir, path) = leave_behind();
    lchown(&path, Some(65534), None).unwrap();
    refused(&path);
    lchown(&path, Some(0), None).unwrap();
    drop(block_on(listen(&path, "127.0.0.1:1")).unwrap());
}

fn many() {
    let (_dir, path) = leave_behind();
    let mut others: Vec<_> = (0..8).map(|_| Other::start(&path)).collect();
    let said: Vec<_> = others.iter_mut().map(Other::says).collect();
    let listen = said.iter().filter(|said| *said == "listens").count();
    assert_eq!(listen, 1, "{said:?}");
    assert!(
        said.iter()
            .all(|said| said == "listens" || said == "refused")
    );
    UnixStream::connect(&path).unwrap();
}
