//! What a partition does to traffic.

use super::{
    block_on,
    queues::placed,
    world::{PATIENCE, RED, RED_6, RED_TOO, World, engine},
};
use chaos_core::FaultExt;
use chaos_faults_net::{Partition, Traffic};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
    sync::Arc,
};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("everybody_is_cut_off_and_comes_back", everybody),
    ("only_the_given_addresses_are_cut_off", only_addresses),
    ("networks_are_cut_off_by_their_mask", by_mask),
    ("ingress_and_egress_are_cut_apart", directions),
    ("the_loopback_interface_is_cut_only_when_asked", loopback),
    ("a_live_connection_hangs_and_goes_on", live_connection),
    (
        "a_live_connection_goes_on_when_it_is_to_be_kept",
        kept_connection,
    ),
    ("who_is_rejected_is_told", rejected),
    ("only_some_ports_are_cut_off", ports),
    ("a_side_is_named_by_its_target", between_targets),
    ("a_host_is_named_by_its_name", by_name),
];

/// Runs `during` while the partition is in place.
fn with(world: &World, partition: Partition, during: impl FnOnce()) {
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let placed = partition.on(&world.blue.target());
        engine.during(placed, async { during() }).await.unwrap();
    });
    assert!(world.all_reached(), "all is as before");
}

fn everybody() {
    let world = World::new();
    with(&world, Partition::all(), || {
        for address in [RED, RED_TOO, RED_6] {
            assert!(!world.reached(address), "{address}");
        }
        assert!(world.reached("127.0.0.1:7"));
    });
}

fn only_addresses() {
    let world = World::new();
    with(&world, Partition::of(["10.9.0.2"]), || {
        assert!(!world.reached(RED));
        assert!(world.reached(RED_TOO) && world.reached(RED_6));
    });
    with(&world, Partition::of(["10.9.0.3", "fd09::2"]), || {
        assert!(world.reached(RED));
        assert!(!world.reached(RED_TOO) && !world.reached(RED_6));
    });
}

fn by_mask() {
    let world = World::new();
    with(&world, Partition::of(["10.9.0.3/32", "fd09::/16"]), || {
        assert!(world.reached(RED));
        assert!(!world.reached(RED_TOO) && !world.reached(RED_6));
    });
    with(&world, Partition::of(["10.9.0.2/31"]), || {
        assert!(!world.reached(RED) && !world.reached(RED_TOO));
        assert!(world.reached(RED_6));
    });
    with(&world, Partition::of(["0.0.0.0/0"]), || {
        assert!(!world.reached(RED) && world.reached(RED_6));
    });
    with(&world, Partition::of(["10.8.0.0/15", "::/0"]), || {
        assert!(!world.reached(RED) && !world.reached(RED_6));
    });
}

fn directions() {
    let world = World::new();
    let ask = |world: &World| {
        world.blue.run(|| {
            let socket = UdpSocket::bind("10.9.0.1:0").unwrap();
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            socket.send_to(b"x", RED)?;
            socket.recv(&mut [0])
        })
    };
    assert_eq!(ask(&world).unwrap(), 1);
    let ingress = Partition::all().direction(Traffic::Ingress);
    with(&world, ingress, || {
        // Sent, arrived, and the answer is lost without a word.
        let error = ask(&world).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    });
    let egress = Partition::all().direction(Traffic::Egress);
    with(&world, egress, || {
        let error = ask(&world).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::PermissionDenied);
        assert!(!world.reached(RED));
    });
}

fn loopback() {
    let world = World::new();
    with(&world, Partition::all().loopback(true), || {
        assert!(!world.reached("127.0.0.1:7") && !world.reached(RED));
    });
    with(&world, Partition::of(["127.0.0.1"]), || {
        assert!(world.reached("127.0.0.1:7"));
    });
    assert!(world.reached("127.0.0.1:7"));
}

fn live_connection() {
    let world = World::new();
    let address: SocketAddr = RED.parse().unwrap();
    let connect = move || TcpStream::connect_timeout(&address, PATIENCE).unwrap();
    let mut stream = world.blue.run(connect);
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    with(&world, Partition::all(), || {
        stream.write_all(b"x").unwrap();
        let error = stream.read(&mut [0]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
    });
    // The kernel sends it again within its own time.
    let patience = Some(PATIENCE * 20);
    stream.set_read_timeout(patience).unwrap();
    stream.read_exact(&mut [0]).unwrap();
}

fn kept_connection() {
    let world = World::new();
    let address: SocketAddr = RED.parse().unwrap();
    let mut stream = world
        .blue
        .run(move || TcpStream::connect_timeout(&address, PATIENCE).unwrap());
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut ping = move || {
        stream.write_all(b"x").unwrap();
        stream.read_exact(&mut [0]).unwrap();
    };
    ping();
    with(&world, Partition::all().keep_established(), || {
        ping();
        assert!(!world.reached(RED), "a new one is cut off");
        ping();
    });
    ping();
}

fn rejected() {
    let world = World::new();
    let connect = |world: &World| {
        let address: SocketAddr = RED.parse().unwrap();
        world.blue.run(move || {
            let start = std::time::Instant::now();
            let error = TcpStream::connect_timeout(&address, PATIENCE * 10).unwrap_err();
            (error.kind(), start.elapsed() < PATIENCE)
        })
    };
    for direction in [Traffic::Egress, Traffic::Ingress, Traffic::Both] {
        with(
            &world,
            Partition::all().reject().direction(direction),
            || {
                let (kind, soon) = connect(&world);
                // What comes in is the answer, to which the peer is told; this end waits.
                if direction == Traffic::Ingress {
                    assert_eq!((kind, soon), (ErrorKind::TimedOut, false));
                } else {
                    assert!(
                        soon && kind == ErrorKind::ConnectionRefused,
                        "{direction}: {kind:?}"
                    );
                }
            },
        );
    }
}

fn ports() {
    let world = World::new();
    for (fields, reached) in [
        (r#""remote_ports": ["7"]"#, false),
        (r#""remote_ports": ["1-6", "8-65535"]"#, true),
        (r#""protocol": "tcp""#, false),
        (r#""protocol": "udp""#, true),
        (r#""local_ports": ["1-65535"], "protocol": "tcp""#, false),
        (r#""interface": "wire""#, false),
        (r#""interface": "lo""#, true),
    ] {
        for address in [RED, RED_6] {
            let parameters = format!(
                r#"{{ {fields}, "addresses": ["10.9.0.2", "fd09::2"], "direction": "egress" }}"#
            );
            let state = tempfile::tempdir().unwrap();
            block_on(async {
                let engine = engine(state.path()).await;
                let placed = placed("net.partition", &parameters, &world.blue.target());
                let during = async { world.reached(address) };
                assert_eq!(
                    engine.during(placed, during).await.unwrap(),
                    reached,
                    "{fields}"
                );
            });
        }
    }
    assert!(world.all_reached());
}

/// A target with an address.
#[derive(Debug)]
struct At(SocketAddr);

#[chaos_core::async_trait]
impl chaos_core::Target for At {
    fn describe(&self) -> String {
        self.0.to_string()
    }

    async fn sites(
        &self,
        _: &chaos_core::Context,
    ) -> Result<Vec<chaos_core::Site>, chaos_core::FaultError> {
        Ok(vec![
            chaos_core::Site::named("test", "at").with_address(self.0),
        ])
    }
}

fn between_targets() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    let mut targets = chaos_core::Targets::new();
    targets.insert("red".into(), Arc::new(At(RED.parse().unwrap())));
    let parameters = r#"{ "targets": ["red"] }"#;
    block_on(async {
        let engine = engine(state.path()).await;
        let unknown = placed("net.partition", parameters, &world.blue.target());
        let error = engine.inject(unknown).await.unwrap_err().to_string();
        assert!(error.contains("unknown target `red`"), "{error}");
        let placed = placed("net.partition", parameters, &world.blue.target()).others(targets);
        let during = async { (world.reached(RED), world.reached(RED_TOO)) };
        let reached = engine.during(placed, during).await.unwrap();
        assert_eq!(reached, (false, true));
    });
}

fn by_name() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let placed = || {
            Partition::of(["localhost"])
                .loopback(true)
                .on(&world.blue.target())
        };
        let preview = engine.dry_run(placed()).await.unwrap();
        let notes = preview.faults[0].notes.join(" ");
        assert!(notes.contains("localhost is 127.0.0.1"), "{notes}");
        let during = async { (world.reached("127.0.0.1:7"), world.reached(RED)) };
        let reached = engine.during(placed(), during).await.unwrap();
        assert_eq!(reached, (false, true));
    });
}
