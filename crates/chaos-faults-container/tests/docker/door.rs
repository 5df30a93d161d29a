//! A TCP port in front of the engine's socket.

use std::{
    io::{self, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// It can be shut, and hold up one kind of request.
#[derive(Debug)]
pub(crate) struct Door {
    pub(crate) address: String,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    shut: AtomicBool,
    seen: AtomicBool,
    /// What is held up, and how long.
    slow: Option<(&'static str, Duration)>,
}

impl Door {
    pub(crate) fn open() -> Self {
        Self::with(None)
    }

    /// Requests that contain this come later to the engine, also when their client has gone by then.
    pub(crate) fn slow_for(request: &'static str, time: Duration) -> Self {
        Self::with(Some((request, time)))
    }

    pub(crate) fn shut(&self, shut: bool) {
        self.state.shut.store(shut, Ordering::SeqCst);
    }

    /// Whether a request was held up.
    pub(crate) fn has_seen(&self) -> bool {
        self.state.seen.load(Ordering::SeqCst)
    }

    fn with(slow: Option<(&'static str, Duration)>) -> Self {
        let host = std::env::var("DOCKER_HOST").unwrap_or_default();
        let socket = match host.strip_prefix("unix://") {
            Some(path) => path.to_owned(),
            None => "/var/run/docker.sock".to_owned(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            shut: AtomicBool::new(false),
            seen: AtomicBool::new(false),
            slow,
        });
        let door = Arc::clone(&state);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if !door.shut.load(Ordering::SeqCst) {
                    let engine = UnixStream::connect(&socket).unwrap();
                    forward(client, engine, &door).unwrap();
                }
            }
        });
        Self { address, state }
    }
}

fn forward(client: TcpStream, engine: UnixStream, state: &Arc<State>) -> io::Result<()> {
    let (from, mut to) = (client.try_clone()?, engine.try_clone()?);
    let state = Arc::clone(state);
    thread::spawn(move || {
        ask(from, &to, &state).ok();
        to.flush().and_then(|()| to.shutdown(Shutdown::Write)).ok();
    });
    let (mut from, mut to) = (engine, client);
    thread::spawn(move || {
        io::copy(&mut from, &mut to).ok();
        to.shutdown(Shutdown::Write).ok();
    });
    Ok(())
}

/// A request is short enough to come in one piece.
fn ask(mut from: TcpStream, mut to: &UnixStream, state: &State) -> io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        let piece = match from.read(&mut buffer)? {
            0 => return Ok(()),
            length => &buffer[..length],
        };
        if let Some((request, time)) = state.slow
            && String::from_utf8_lossy(piece).contains(request)
        {
            state.seen.store(true, Ordering::SeqCst);
            thread::sleep(time);
        }
        to.write_all(piece)?;
    }
}
