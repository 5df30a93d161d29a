//! A real PostgreSQL.

use super::{Server, as_user, directory, find, text};
use chaos_core::BoxError;
use nix::sys::signal::Signal;
use std::{
    fs,
    net::SocketAddr,
    ops::Deref,
    path::{Path, PathBuf},
};
use tokio_postgres::{Config, NoTls};

/// A `postgres` with a cluster of its own, which trusts everybody.
#[derive(Debug)]
pub struct Postgres(Server);

impl Postgres {
    /// Starts one.
    ///
    /// # Errors
    /// PostgreSQL is not there, or does not start.
    pub async fn start() -> Result<Self, BoxError> {
        let answers = async |address| {
            Self::config(address)
                .connect(NoTls)
                .await
                .map(drop)
                .map_err(Into::into)
        };
        Self::start_with(&[], |_| Ok(()), answers).await
    }

    /// Starts one that recovers, for as long as nobody promotes it, and takes no sessions meanwhile.
    ///
    /// # Errors
    /// PostgreSQL is not there, or does not start.
    pub async fn start_recovering() -> Result<Self, BoxError> {
        let standby = |data: &Path| fs::write(data.join("standby.signal"), "");
        let connects = async |address: SocketAddr| {
            tokio::net::TcpStream::connect(address).await?;
            Ok(())
        };
        Self::start_with(&["-c", "hot_standby=off"], standby, connects).await
    }

    #[expect(
        clippy::future_not_send,
        reason = "a server belongs to the thread of its test"
    )]
    async fn start_with(
        more: &[&str],
        prepare: impl Fn(&Path) -> std::io::Result<()>,
        answers: impl AsyncFn(SocketAddr) -> Result<(), BoxError>,
    ) -> Result<Self, BoxError> {
        let dir = directory()?;
        let data = dir.path().join("data");
        let mut initdb = as_user(&program("initdb")?, Signal::SIGTERM)?;
        initdb.arg("-D").arg(&data);
        initdb.args([
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
            "--no-sync",
        ]);
        let output = initdb.output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("initdb: {said}").into());
        }
        prepare(&data)?;
        let (data, sockets) = (text(&data), text(dir.path()));
        let arguments = |port: u16| {
            let mut arguments = vec!["-D".to_owned(), data.clone()];
            for setting in [
                "listen_addresses=127.0.0.1".to_owned(),
                format!("port={port}"),
                format!("unix_socket_directories={sockets}"),
                "fsync=off".to_owned(),
            ] {
                arguments.extend(["-c".to_owned(), setting]);
            }
            arguments.extend(more.iter().map(|&more| more.to_owned()));
            arguments
        };
        let program = program("postgres")?;
        // An immediate shutdown: nothing in it is worth a checkpoint.
        let server = Server::start(dir, &program, Signal::SIGQUIT, arguments, answers);
        Ok(Self(server.await?))
    }

    /// Lets one that recovers take sessions.
    ///
    /// # Errors
    /// It has ended.
    pub fn promote(&self) -> Result<(), BoxError> {
        fs::write(self.dir().join("data/promote"), "")?;
        self.signal(Signal::SIGUSR1)
    }

    /// What a client is told.
    pub fn config(address: SocketAddr) -> Config {
        let mut config = Config::new();
        config
            .hostaddr(address.ip())
            .port(address.port())
            .user("postgres")
            .dbname("postgres");
        config
    }
}

impl Deref for Postgres {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

/// A program of the newest PostgreSQL of this machine; Debian's are not on the PATH.
fn program(name: &str) -> Result<PathBuf, BoxError> {
    let version = |dir: &PathBuf| -> Option<u32> { dir.file_name()?.to_str()?.parse().ok() };
    let mut versions: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .map(|items| items.flatten().map(|item| item.path()).collect())
        .unwrap_or_default();
    versions.sort_by_key(version);
    let dirs = versions.into_iter().rev().map(|dir| dir.join("bin"));
    find(name, dirs.collect(), "postgresql")
}
