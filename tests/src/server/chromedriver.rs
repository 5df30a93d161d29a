//! A real browser, to be driven.

use super::{Server, connects, directory, find};
use chaos_core::BoxError;
use nix::sys::signal::Signal;
use std::{
    fs,
    ops::Deref,
    path::{Path, PathBuf},
};

/// A `chromedriver` and the Chromium that it starts.
#[derive(Debug)]
pub struct Chromedriver {
    server: Server,
    browser: PathBuf,
}

impl Chromedriver {
    /// Starts one.
    ///
    /// # Errors
    /// There is no `chromedriver` or no `chromium`, or it does not start.
    pub async fn start() -> Result<Self, BoxError> {
        let program = find("chromedriver", Vec::new(), "chromium-driver")?;
        let browser = find("chromium", Vec::new(), "chromium")?;
        let arguments = |port: u16| vec![format!("--port={port}")];
        let server = Server::start(directory()?, &program, Signal::SIGTERM, arguments, connects);
        let server = server.await?;
        // Whoever it runs as may look into its own directory only.
        fs::create_dir(server.dir().join("pages"))?;
        Ok(Self { server, browser })
    }

    /// Where it is asked.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }

    /// The browser's program.
    pub fn browser(&self) -> &Path {
        &self.browser
    }

    /// The arguments of a browser that is nobody's: no window, no profile that stays, no calls home.
    pub fn arguments(&self) -> Vec<String> {
        let profile = format!(
            "--user-data-dir={}",
            self.server.dir().join("profile").display()
        );
        let quiet = [
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ];
        let quiet = quiet.into_iter().map(str::to_owned);
        quiet.chain([profile]).collect()
    }

    /// Keeps a page where the browser can read it, and gives back its address.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn keep(&self, name: &str, page: &str) -> Result<String, BoxError> {
        let path = self
            .server
            .dir()
            .join("pages")
            .join(name)
            .with_extension("html");
        fs::write(&path, page)?;
        Ok(format!("file://{}", path.display()))
    }
}

impl Deref for Chromedriver {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}
