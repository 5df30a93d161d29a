//! A real Redis.

use super::{Server, connects, directory, find, text};
use chaos_core::BoxError;
use nix::sys::signal::Signal;
use std::ops::{Deref, DerefMut};

/// A `redis-server` that writes nothing to disk.
#[derive(Debug)]
pub struct Redis(Server);

impl Redis {
    /// Starts one, with more arguments.
    ///
    /// # Errors
    /// There is no `redis-server`, or it does not start.
    pub async fn start(more: &[&str]) -> Result<Self, BoxError> {
        let program = find("redis-server", Vec::new(), "redis-server")?;
        let dir = directory()?;
        let path = text(dir.path());
        let arguments = |port: u16| {
            let own = [
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
                "--dir",
                &path,
            ];
            own.into_iter()
                .chain(more.iter().copied())
                .map(str::to_owned)
                .collect()
        };
        let server = Server::start(dir, &program, Signal::SIGTERM, arguments, connects);
        Ok(Self(server.await?))
    }
}

impl Deref for Redis {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}

impl DerefMut for Redis {
    fn deref_mut(&mut self) -> &mut Server {
        &mut self.0
    }
}
