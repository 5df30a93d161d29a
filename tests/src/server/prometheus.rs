//! A real Prometheus.

use super::{Server, connects, directory, find, text};
use chaos_core::BoxError;
use nix::sys::signal::Signal;
use std::{fs, ops::Deref};

/// A `prometheus` that measures itself every second.
#[derive(Debug)]
pub struct Prometheus(Server);

impl Prometheus {
    /// Starts one.
    ///
    /// # Errors
    /// There is no `prometheus`, or it does not start.
    pub async fn start() -> Result<Self, BoxError> {
        let program = find("prometheus", Vec::new(), "prometheus")?;
        let dir = directory()?;
        let path = text(dir.path());
        let arguments = |port: u16| {
            let file = format!("{path}/{port}.yml");
            let configuration = format!(
                "global: {{ scrape_interval: 1s, scrape_timeout: 1s }}\n\
                 scrape_configs: [{{ job_name: itself, static_configs: [{{ targets: ['127.0.0.1:{port}'] }}] }}]\n"
            );
            // Without it Prometheus says so.
            fs::write(&file, configuration).ok();
            vec![
                format!("--config.file={file}"),
                format!("--storage.tsdb.path={path}/data"),
                format!("--web.listen-address=127.0.0.1:{port}"),
            ]
        };
        let server = Server::start(dir, &program, Signal::SIGTERM, arguments, connects);
        Ok(Self(server.await?))
    }
}

impl Deref for Prometheus {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.0
    }
}
