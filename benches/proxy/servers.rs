//! The dependencies behind the proxies.

use crate::{
    Result,
    process::{Process, await_port, free_port},
};
use std::{
    io::{self, Read, Write},
    net::{TcpListener, TcpStream},
    process::Command,
    thread,
};
use tempfile::TempDir;

/// The dependencies behind the proxies, by port.
#[derive(Debug)]
pub(crate) struct Servers {
    pub(crate) ports: Ports,
    _processes: [Process; 2],
    _dir: TempDir,
}

/// Where to find what: at the dependencies themselves or through a proxy.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ports {
    /// iperf3.
    pub(crate) bulk: u16,
    /// Redis.
    pub(crate) redis: u16,
    /// Answers one byte and closes.
    pub(crate) short: u16,
    /// Echoes for as long as the client stays.
    pub(crate) echo: u16,
}

impl Ports {
    pub(crate) fn all(self) -> [u16; 4] {
        [self.bulk, self.redis, self.short, self.echo]
    }

    /// In the order of [`all`](Self::all).
    pub(crate) fn of([bulk, redis, short, echo]: [u16; 4]) -> Self {
        Self {
            bulk,
            redis,
            short,
            echo,
        }
    }

    pub(crate) fn free() -> Result<Self> {
        let [a, b, c, d] = [(); 4].map(|()| free_port());
        Ok(Self::of([a?, b?, c?, d?]))
    }
}

impl Servers {
    pub(crate) fn start() -> Result<Self> {
        let dir = TempDir::new()?;
        let bulk = free_port()?;
        let iperf = Process::start(Command::new("iperf3").args(["-s", "-p", &bulk.to_string()]))?;
        let redis = free_port()?;
        let server = Process::start(
            Command::new("redis-server")
                .args(["--bind", "127.0.0.1", "--port", &redis.to_string()])
                .args(["--save", "", "--appendonly", "no", "--maxclients", "4000"])
                .current_dir(dir.path()),
        )?;
        await_port(bulk)?;
        await_port(redis)?;
        Ok(Self {
            ports: Ports {
                bulk,
                redis,
                short: short()?,
                echo: echo()?,
            },
            _processes: [iperf, server],
            _dir: dir,
        })
    }
}

/// Serves each connection on a thread of its own.
pub(crate) fn serve(handle: impl Fn(TcpStream) + Clone + Send + 'static) -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let handle = handle.clone();
            stream.set_nodelay(true).ok();
            // Small stacks, because there may be thousands.
            let thread = thread::Builder::new().stack_size(64 * 1024);
            thread.spawn(move || handle(stream)).ok();
        }
    });
    Ok(port)
}

/// Four threads that answer one byte and close.
fn short() -> io::Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let port = listener.local_addr()?.port();
    for _ in 0..4 {
        let listener = listener.try_clone()?;
        thread::spawn(move || {
            let mut byte = [0];
            for mut stream in listener.incoming().flatten() {
                if stream.read_exact(&mut byte).is_ok() {
                    stream.write_all(&byte).ok();
                }
            }
        });
    }
    Ok(port)
}

/// Sends back what it gets.
pub(crate) fn echo() -> io::Result<u16> {
    serve(|mut stream| {
        let mut buffer = [0; 1024];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            if stream.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
    })
}

/// Sends as much as is taken.
pub(crate) fn source() -> io::Result<u16> {
    serve(|mut stream| {
        let block = vec![7; 256 * 1024];
        while stream.write_all(&block).is_ok() {}
    })
}
