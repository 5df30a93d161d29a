//! A port that is taken.

use super::{
    block_on,
    queues::{placed, with},
    world::{World, engine, registry},
};
use chaos_core::{EngineError, testing::Conformance};
use std::{
    net::{TcpListener, UdpSocket},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("a_taken_port_keeps_the_promises", conformance),
    ("a_port_is_taken_and_free_again", port),
];

/// What takes the port 4711.
pub(crate) const TCP: &str = r#"{ "port": 4711 }"#;
pub(crate) const UDP: &str = r#"{ "port": 4711, "protocol": "udp" }"#;

/// Whether the port 4711 is free for TCP and for UDP in blue, in which a service of IPv4 and one of IPv6 would want it. It is
/// looked at again, since a process that another test starts has copies of all sockets until it is another program.
pub(crate) fn is_free(world: &World) -> [bool; 4] {
    let start = Instant::now();
    loop {
        let free = world.blue.run(|| {
            let [v4, v6] = ["0.0.0.0:4711", "[::1]:4711"];
            [
                TcpListener::bind(v4).is_ok(),
                TcpListener::bind(v6).is_ok(),
                UdpSocket::bind(v4).is_ok(),
                UdpSocket::bind(v6).is_ok(),
            ]
        });
        if free == [true; 4] || start.elapsed() > Duration::from_secs(1) {
            return free;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn conformance() {
    for parameters in [TCP, UDP] {
        let world = World::new();
        let (target, shared) = (world.blue.target(), Arc::new(Mutex::new(world)));
        let looked_at = Arc::clone(&shared);
        let look = move || {
            let world = looked_at.lock().unwrap();
            format!("{}{:?}", world.blue.network(), is_free(&world))
        };
        let suite = Conformance::new(registry(), move || placed("net.port", parameters, &target))
            .world(look)
            .foreign(move || {
                let world = shared.lock().unwrap();
                let held = world.blue.run(move || match parameters {
                    TCP => (Some(TcpListener::bind("127.0.0.1:4711").unwrap()), None),
                    _ => (None, Some(UdpSocket::bind("[::]:4711").unwrap())),
                });
                move || drop(held)
            });
        block_on(suite.run());
    }
}

fn port() {
    let world = World::new();
    let free = [true; 4];
    assert_eq!(is_free(&world), free);
    for (parameters, during) in [
        (TCP, [false, false, true, true]),
        (UDP, [true, true, false, false]),
        (r#"{ "port": 4712 }"#, free),
    ] {
        let seen = with(&world, "net.port", parameters, || is_free(&world));
        assert_eq!(seen, during, "{parameters}");
        assert_eq!(is_free(&world), free, "{parameters}");
    }
    // One that is in use is refused, and left to its owner.
    let state = tempfile::tempdir().unwrap();
    let held = world
        .blue
        .run(|| TcpListener::bind("127.0.0.1:4713").unwrap());
    block_on(async {
        let engine = engine(state.path()).await;
        let taken = placed("net.port", r#"{ "port": 4713 }"#, &world.blue.target());
        let error = engine.inject(taken).await.unwrap_err();
        assert!(matches!(error, EngineError::Refused(_)), "{error}");
    });
    drop(held);
}
