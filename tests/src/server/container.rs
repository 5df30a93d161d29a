//! A real Redis in a real container.

use super::{PATIENCE, find, free_address, text};
use chaos_core::BoxError;
use nix::unistd::{Gid, Uid};
use std::{
    ffi::OsStr,
    io::Write,
    net::SocketAddr,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// This machine's `redis-server` in a container of an empty image, with the host's network, on a free loopback port. It
/// keeps what is written. Dropping it removes the container and the image.
#[derive(Debug)]
pub struct RedisContainer {
    name: String,
    address: SocketAddr,
    dir: TempDir,
}

impl RedisContainer {
    /// Starts one, and waits until it answers.
    ///
    /// # Errors
    /// There is no Docker Engine or no `redis-server`, or it does not start.
    pub async fn start() -> Result<Self, BoxError> {
        let program = text(&find("redis-server", Vec::new(), "redis-server")?);
        let dir = tempfile::Builder::new().prefix("chaos-tests-").tempdir()?;
        let address = free_address()?;
        let name = format!("chaos-test-redis-{}", address.port());
        import_empty(&name)?;
        let started = Self {
            name: name.clone(),
            address,
            dir,
        };
        let data = format!("{}:/data", text(started.dir.path()));
        let port = address.port().to_string();
        // What it writes can be removed by this user.
        let user = format!("{}:{}", Uid::effective(), Gid::effective());
        let mut run = vec![
            "run",
            "-d",
            "--network",
            "host",
            "--name",
            &name,
            "--user",
            &user,
            "-v",
            &data,
        ];
        for read_only in [
            "/usr:/usr:ro",
            "/lib:/lib:ro",
            "/lib64:/lib64:ro",
            "/etc:/etc:ro",
        ] {
            run.extend(["-v", read_only]);
        }
        run.extend([&name, &program, "--port", &port, "--bind", "127.0.0.1"]);
        run.extend(["--dir", "/data", "--save", "", "--appendonly", "yes"]);
        docker(run)?;
        let start = Instant::now();
        while tokio::net::TcpStream::connect(address).await.is_err() {
            if start.elapsed() > PATIENCE {
                return Err(format!("Redis does not start: {}", docker(["logs", &name])?).into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(started)
    }

    /// Its container's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for RedisContainer {
    fn drop(&mut self) {
        docker(["rm", "-f", &self.name]).ok();
        docker(["rmi", &self.name]).ok();
    }
}

/// An image without any file: two blocks of zeros are the end of a tape archive.
fn import_empty(name: &str) -> Result<(), BoxError> {
    let mut import = Command::new("docker")
        .args(["import", "-", name])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()?;
    if let Some(mut archive) = import.stdin.take() {
        archive.write_all(&[0; 1024])?;
    }
    match import.wait()?.success() {
        true => Ok(()),
        false => Err("docker import failed".into()),
    }
}

fn docker(arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Result<String, BoxError> {
    let output = Command::new("docker").args(arguments).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
