//! The real clients of Toxiproxy, each with all its calls, against ours.

use super::Tested;
use chaos_core::BoxError;
use chaos_faults_net::toxiproxy::Server;
use chaos_tests::Tier;
use libtest_mimic::Trial;
use std::{
    fs::{self, File},
    io,
    net::{Shutdown, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Tier::trial("toxiproxy_python_does_not_notice", python),
        Tier::trial("toxiproxy_node_client_does_not_notice", node),
        Tier::trial("toxiproxy_rust_does_not_notice", rust),
    ]
}

/// Longer than any client takes to be installed or to run, on a machine with other things to do.
const PATIENCE: Duration = Duration::from_secs(600);

async fn python() -> Tested {
    let dir = TempDir::new()?;
    let venv = dir.path().join("venv");
    let requirements = clients().join("python/requirements.txt");
    let mut make = Command::new("python3");
    carry_out(make.arg("-m").arg("venv").arg(&venv), "python3-venv")?;
    let mut install = Command::new(venv.join("bin/pip"));
    install.args(["install", "--quiet", "--disable-pip-version-check", "-r"]);
    self::install(install.arg(requirements), "python3-venv")?;
    let mut client = Command::new(venv.join("bin/python"));
    client.arg(clients().join("python/client.py"));
    does_not_notice(client).await
}

async fn node() -> Tested {
    let dir = TempDir::new()?;
    for file in ["package.json", "package-lock.json", "client.js"] {
        fs::copy(clients().join("node").join(file), dir.path().join(file))?;
    }
    let mut install = Command::new("npm");
    install.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]);
    self::install(install.current_dir(&dir), "nodejs npm")?;
    let mut client = Command::new("node");
    client.arg("client.js").current_dir(&dir);
    let done = does_not_notice(client).await;
    // It is somebody's working directory until here.
    drop(dir);
    done
}

async fn rust() -> Tested {
    // Below the target directory, so that it is compiled once.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("toxiproxy-rust");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--locked", "--manifest-path"]);
    build.arg(clients().join("rust/Cargo.toml"));
    build.arg("--target-dir").arg(&target);
    carry_out(&mut build, "libssl-dev pkg-config")?;
    does_not_notice(Command::new(target.join("debug/chaos-toxiproxy-client"))).await
}

/// Runs a client against a server of ours.
async fn does_not_notice(mut client: Command) -> Tested {
    let server = Server::new().listen("127.0.0.1:0").start().await?;
    client.arg(server.address().to_string());
    client.arg(echo()?.to_string());
    let said = carry_out(&mut client, "")?;
    match said.contains("as with Toxiproxy") {
        true => Ok(()),
        false => Err(format!("it has not come to its end: {said}").into()),
    }
}

fn clients() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// A server that sends back what it gets, as long as this process lives.
fn echo() -> io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                stream.set_nodelay(true)?;
                let mut to = stream.try_clone()?;
                io::copy(&mut stream, &mut to)?;
                to.shutdown(Shutdown::Write)
            });
        }
    });
    Ok(address)
}

/// Runs a program that fetches something, three times where it must: a registry may be out for a moment.
fn install(command: &mut Command, packages: &str) -> Result<String, BoxError> {
    for _ in 1..3 {
        if let Ok(said) = carry_out(command, packages) {
            return Ok(said);
        }
        thread::sleep(Duration::from_secs(5));
    }
    carry_out(command, packages)
}

/// Runs a program to its end, and returns what it said; it must succeed. `packages` are what may be missing.
fn carry_out(command: &mut Command, packages: &str) -> Result<String, BoxError> {
    let name = command.get_program().to_string_lossy().into_owned();
    let missing = |error: io::Error| match packages {
        "" => format!("{name}: {error}"),
        _ => format!("{name}: {error} (apt-get install {packages})"),
    };
    let dir = TempDir::new()?;
    let path = dir.path().join("output");
    let output = File::create(&path)?;
    command.stdout(output.try_clone()?).stderr(output);
    let mut child = command.spawn().map_err(missing)?;
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            return Err(format!("{name} hangs: {}", read(&path)).into());
        }
        thread::sleep(Duration::from_millis(20));
    };
    let said = read(&path);
    match status.success() {
        true => Ok(said),
        false => Err(format!("{name}: {status}: {said}").into()),
    }
}

fn read(path: &Path) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
