//! A process of its own that computes prices.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    process::{Child, Command, ExitCode, Stdio},
    thread,
};

/// Set for the process that is to be the worker.
const MARK: &str = "CHAOS_EXAMPLE_WORKER";

/// A worker process. Dropping it ends the process; the process also ends with its parent.
#[derive(Debug)]
pub struct Worker {
    child: Child,
    address: SocketAddr,
}

impl Worker {
    /// Starts this very program again, as the worker.
    ///
    /// # Errors
    /// The process could not be started, or does not say where it listens.
    pub fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .env(MARK, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let address = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self { child, address })
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Is the worker, if this process was started as one: the first line of `main`.
    pub fn run_if_asked() -> Option<ExitCode> {
        std::env::var_os(MARK)?;
        Some(work().map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS))
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.child.kill().and_then(|()| self.child.wait()).ok();
    }
}

fn work() -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    writeln!(io::stdout(), "{}", listener.local_addr()?)?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            thread::spawn(move || price(stream));
        }
    });
    // Until the parent is gone.
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn price(stream: TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut writer = stream.try_clone()?;
    for article in BufReader::new(stream).lines() {
        let cents = article?
            .bytes()
            .fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 10_000);
        writer.write_all(format!("{cents}\n").as_bytes())?;
    }
    Ok(())
}
