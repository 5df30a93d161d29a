//! What a stage may do to a connection.

use super::{connection, put};
use crate::proxy::{
    Effect, Fate, Leg, Piece, Stage,
    stage::{Carried, Then},
};
use bytes::Bytes;
use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

/// What one test does to each piece.
#[derive(Debug, Clone)]
struct Script {
    longest: usize,
    carried: Carried,
    delay: Duration,
    then: Then,
    deadline: Option<(Duration, Then)>,
}

const PLAIN: Script = Script {
    longest: usize::MAX,
    carried: Carried::AsItIs,
    delay: Duration::ZERO,
    then: Then::GoOn,
    deadline: None,
};

/// A stage that follows a script.
#[derive(Debug)]
struct Following {
    script: Script,
    began: Instant,
    free: Option<Instant>,
}

impl Effect for Script {
    fn stage(&self, leg: &Leg<'_>) -> Option<Box<dyn Stage>> {
        (leg.flow.name() == "downstream").then(|| -> Box<dyn Stage> {
            Box::new(Following {
                script: self.clone(),
                began: Instant::now(),
                free: None,
            })
        })
    }
}

impl Stage for Following {
    fn judge(&mut self, piece: &Piece<'_>) -> Fate {
        let at = self.free.unwrap_or(piece.at).max(piece.at) + self.script.delay;
        self.free = Some(at);
        let fate = Fate::at(at).and_then(self.script.then);
        match &self.script.carried {
            Carried::AsItIs => fate,
            Carried::Changed(data) if !piece.data.is_empty() => fate.changed(data.clone()),
            Carried::Changed(_) => fate,
            Carried::Lost => fate.lost(),
        }
    }

    fn longest(&mut self) -> usize {
        self.script.longest
    }

    fn deadline(&self) -> Option<(Instant, Then)> {
        let (after, then) = self.script.deadline?;
        Some((self.began + after, then))
    }
}

fn read(client: &mut TcpStream) -> Result<Vec<u8>, ErrorKind> {
    let mut all = Vec::new();
    match client.read_to_end(&mut all) {
        Ok(_) => Ok(all),
        Err(e) => Err(e.kind()),
    }
}

#[tokio::test]
async fn a_piece_is_replaced_and_the_connection_closed_after_it() {
    let (proxy, mut client, mut server) = connection().await;
    let _fault = put(
        &proxy,
        Script {
            carried: Carried::Changed(Bytes::from_static(b"something else")),
            then: Then::Close,
            ..PLAIN
        },
    );
    server.write_all(b"original").unwrap();
    assert_eq!(read(&mut client).unwrap(), b"something else");
}

#[tokio::test]
async fn the_connection_is_reset_after_so_many_bytes() {
    let (proxy, mut client, mut server) = connection().await;
    let _fault = put(
        &proxy,
        Script {
            longest: 5,
            then: Then::Reset,
            delay: Duration::from_millis(20),
            ..PLAIN
        },
    );
    server.write_all(b"12345678").unwrap();
    let mut first = [0; 5];
    // The reset may overtake what the client has not read.
    match client.read_exact(&mut first) {
        Ok(()) => assert_eq!(&first, b"12345"),
        Err(e) => assert_eq!(e.kind(), ErrorKind::ConnectionReset),
    }
    assert_eq!(read(&mut client), Err(ErrorKind::ConnectionReset));
    assert_eq!(read(&mut server), Err(ErrorKind::ConnectionReset));
}

#[tokio::test]
async fn a_piece_is_lost_and_what_comes_after_the_fault_is_not() {
    let (proxy, mut client, mut server) = connection().await;
    let fault = put(
        &proxy,
        Script {
            carried: Carried::Lost,
            ..PLAIN
        },
    );
    server.write_all(b"lost").unwrap();
    client.set_nonblocking(true).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let error = client.read(&mut [0]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    client.set_nonblocking(false).unwrap();
    drop(fault);
    server.write_all(b"kept").unwrap();
    drop(server);
    assert_eq!(read(&mut client).unwrap(), b"kept");
}

#[tokio::test]
async fn a_piece_is_cut_into_slices_with_a_delay_each() {
    let (proxy, mut client, mut server) = connection().await;
    let delay = Duration::from_millis(100);
    let _fault = put(
        &proxy,
        Script {
            longest: 3,
            delay,
            ..PLAIN
        },
    );
    let start = Instant::now();
    server.write_all(b"0123456789").unwrap();
    let mut reads = Vec::new();
    let mut buffer = [0; 16];
    while reads.iter().sum::<usize>() < 10 {
        reads.push(client.read(&mut buffer).unwrap());
    }
    assert!(start.elapsed() >= delay * 4);
    assert!(reads.len() > 1, "{reads:?}");
}

#[tokio::test]
async fn a_stage_ends_an_idle_connection() {
    for (then, expected) in [
        (Then::Close, Ok(Vec::new())),
        (Then::Reset, Err(ErrorKind::ConnectionReset)),
    ] {
        let (proxy, mut client, _server) = connection().await;
        let after = Duration::from_millis(50);
        let start = Instant::now();
        let _fault = put(
            &proxy,
            Script {
                deadline: Some((after, then)),
                ..PLAIN
            },
        );
        assert_eq!(read(&mut client), expected);
        assert!(start.elapsed() >= after);
    }
}
