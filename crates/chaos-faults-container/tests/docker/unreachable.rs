//! No engine, another engine, an engine that is gone in between.

use super::{
    client::Box,
    trial,
    victim::{Victim, logs, second_process_recovers},
};
use libtest_mimic::Trial;
use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("an_engine_that_is_not_there_is_named", not_there),
        trial(
            "an_engine_that_is_gone_is_tried_again_later",
            gone_in_between,
        ),
    ]
}

async fn not_there() {
    let made = Box::start();
    for (host, expected) in [
        (
            "unix:///nonexistent/docker.sock",
            "/nonexistent/docker.sock",
        ),
        ("tcp://127.0.0.1:1", "tcp://127.0.0.1:1"),
        ("nonsense", "nonsense"),
    ] {
        let state = tempfile::tempdir().unwrap();
        let victim = Victim::new("pause", &state, &[&made, &made]);
        let output = victim.env("DOCKER_HOST", host).spawn();
        let output = output.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(9), "{host}: {said}");
        assert!(said.contains("the host was not touched"), "{said}");
        assert!(
            said.contains("Docker Engine at") && said.contains(expected),
            "{said}"
        );
        assert!(!state.path().join("chaos").exists(), "{host}");
    }
    made.works();
}

/// An engine behind a TCP port that can be shut. Its address is what a record holds.
async fn gone_in_between() {
    let made = Box::start();
    let door = Door::open();
    let state = tempfile::tempdir().unwrap();
    let victim = Victim::new("stop", &state, &[&made]);
    let mut victim = victim.env("DOCKER_HOST", &door.address).spawn();
    let mut said = BufReader::new(victim.stdout.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "in place");
    assert_eq!(made.status(), "exited");

    door.shut.store(true, Ordering::SeqCst);
    victim.stdin.take().unwrap().write_all(b"\n").unwrap();
    line.clear();
    said.read_to_string(&mut line).unwrap();
    assert_eq!(victim.wait().unwrap().code(), Some(8), "{line}");
    assert!(line.contains("the host may still be changed"), "{line}");
    assert!(
        line.contains("docker stop") && line.contains("to retry"),
        "{line}"
    );
    assert_eq!((made.status(), logs(&state)), ("exited".into(), 1));

    door.shut.store(false, Ordering::SeqCst);
    second_process_recovers(&state).await;
    made.works();
}

/// A TCP port in front of the engine's socket.
struct Door {
    address: String,
    shut: Arc<AtomicBool>,
}

impl Door {
    fn open() -> Self {
        let host = std::env::var("DOCKER_HOST").unwrap_or_default();
        let socket = match host.strip_prefix("unix://") {
            Some(path) => path.to_owned(),
            None => "/var/run/docker.sock".to_owned(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("tcp://{}", listener.local_addr().unwrap());
        let shut = Arc::new(AtomicBool::new(false));
        let is_shut = Arc::clone(&shut);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                if is_shut.load(Ordering::SeqCst) {
                    continue;
                }
                let engine = UnixStream::connect(&socket).unwrap();
                forward(client, engine).unwrap();
            }
        });
        Self { address, shut }
    }
}

fn forward(client: TcpStream, engine: UnixStream) -> io::Result<()> {
    let (mut from, mut to) = (client.try_clone()?, engine.try_clone()?);
    thread::spawn(move || {
        io::copy(&mut from, &mut to).ok();
        to.shutdown(Shutdown::Write).ok();
    });
    let (mut from, mut to) = (engine, client);
    thread::spawn(move || {
        io::copy(&mut from, &mut to).ok();
        to.shutdown(Shutdown::Write).ok();
    });
    Ok(())
}
