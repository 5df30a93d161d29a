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
    ("a_peer_that_is_rejected_is_told", peer_rejected),
    ("icmp_is_that_of_both_families", icmp),
    (
        "an_interface_that_is_not_there_is_refused",
        unknown_interface,
    ),
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
    with(&world, Partition::of(["127.0.0.1", "10.9.0.2"]), || {
        assert!(world.reached("127.0.0.1:7") && !world.reached(RED));
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

fn peer_rejected() {
    let world = World::new();
    let soon = PATIENCE * 10;
    for direction in [Traffic::Ingress, Traffic::Both] {
        let rejected = Partition::all().reject().direction(direction);
        with(&world, rejected, || {
            for space in [&world.blue, &world.red] {
                space.ip("-6 neigh flush dev wire");
            }
            for address in ["10.9.0.1:4999", "[fd09::1]:4999"] {
                let address: SocketAddr = address.parse().unwrap();
                let (tcp, udp) = world.red.run(move || {
                    let tcp = TcpStream::connect_timeout(&address, soon).unwrap_err();
                    let any = if address.is_ipv4() {
                        "0.0.0.0:0"
                    } else {
                        "[::]:0"
                    };
                    let socket = UdpSocket::bind(any).unwrap();
                    socket.set_read_timeout(Some(soon)).unwrap();
                    socket.connect(address).unwrap();
                    socket.send(b"x").unwrap();
                    (tcp.kind(), socket.recv(&mut [0]).unwrap_err().kind())
                });
                let refused = ErrorKind::ConnectionRefused;
                assert_eq!((tcp, udp), (refused, refused), "{direction} {address}");
            }
        });
    }
}

/// Whether an echo of ICMP comes back from there.
fn pings(world: &World, address: &str) -> bool {
    use socket2::{Domain, Protocol, Socket, Type};
    let address: SocketAddr = format!("{address}:0").parse().unwrap();
    world.blue.run(move || {
        let (protocol, request, reply) = match address {
            SocketAddr::V4(_) => (Protocol::ICMPV4, 8, 0),
            SocketAddr::V6(_) => (Protocol::ICMPV6, 128, 129),
        };
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::RAW, Some(protocol)).unwrap();
        socket.connect(&address.into()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        // Type, code and checksum (the kernel's own for ICMPv6), number and sequence.
        let sum = 0xffff - (u16::from(request) << 8);
        let [high, low] = sum.to_be_bytes();
        if socket.send(&[request, 0, high, low, 0, 0, 0, 0]).is_err() {
            return false;
        }
        let mut socket = socket;
        let mut packet = [0; 128];
        while let Ok(length) = socket.read(&mut packet) {
            // Before it is the header of IPv4, and nothing of IPv6.
            let at = if address.is_ipv4() { 20 } else { 0 };
            if length > at && packet[at] == reply {
                return true;
            }
        }
        false
    })
}

fn icmp() {
    let world = World::new();
    let addresses = ["10.9.0.2", "[fd09::2]"];
    assert!(addresses.iter().all(|address| pings(&world, address)));
    let state = tempfile::tempdir().unwrap();
    for (kind, fields) in [
        ("net.partition", r#""protocol": "icmp""#),
        (
            "net.partition",
            r#""protocol": "icmp", "addresses": ["10.9.0.2", "fd09::2"]"#,
        ),
        (
            "net.loss",
            r#""loss": 100, "packets": { "protocol": "icmp" }"#,
        ),
    ] {
        let placed = placed(kind, &format!("{{ {fields} }}"), &world.blue.target());
        block_on(async {
            let engine = engine(state.path()).await;
            let during = async {
                for space in [&world.blue, &world.red] {
                    space.ip("-6 neigh flush dev wire");
                }
                assert!(world.reached(RED) && world.reached(RED_6), "{fields}");
                addresses.map(|address| pings(&world, address))
            };
            let reached = engine.during(placed, during).await.unwrap();
            assert_eq!(reached, [false, false], "{kind} {fields}");
        });
    }
    assert!(addresses.iter().all(|address| pings(&world, address)));
}

fn unknown_interface() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        for (kind, parameters) in [
            ("net.partition", r#"{ "interface": "eth99" }"#),
            (
                "net.bandwidth",
                r#"{ "rate": "1MB/s", "packets": { "interface": "eth99" } }"#,
            ),
            (
                "net.loss",
                r#"{ "loss": 10, "packets": { "interface": "eth99" } }"#,
            ),
            ("net.down", r#"{ "interface": "eth99" }"#),
        ] {
            let placed = placed(kind, parameters, &world.blue.target());
            let error = engine.inject(placed).await.unwrap_err().to_string();
            assert!(error.contains("interface eth99"), "{kind}: {error}");
            assert!(error.contains("there are lo, wire"), "{kind}: {error}");
        }
        let wire = placed(
            "net.partition",
            r#"{ "interface": "wire" }"#,
            &world.blue.target(),
        );
        let preview = engine.dry_run(wire).await.unwrap();
        let change = &preview.faults[0].changes[0].summary;
        assert!(change.contains("on wire"), "{change}");
    });
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
    let mut own = chaos_core::Targets::new();
    own.insert("red".into(), Arc::new(world.blue.target()));
    block_on(async {
        let engine = engine(state.path()).await;
        let placed = placed("net.partition", parameters, &world.blue.target()).others(own);
        let error = engine.inject(placed).await.unwrap_err().to_string();
        assert!(error.contains("that is to be cut off from it"), "{error}");
    });
    // A namespace is all of its addresses.
    let mut targets = chaos_core::Targets::new();
    targets.insert("red".into(), Arc::new(world.red.target()));
    block_on(async {
        let engine = engine(state.path()).await;
        let placed = placed("net.partition", parameters, &world.blue.target()).others(targets);
        let during = async { [RED, RED_TOO, RED_6, "127.0.0.1:7"].map(|a| world.reached(a)) };
        let reached = engine.during(placed, during).await.unwrap();
        assert_eq!(reached, [false, false, false, true]);
    });
}

fn by_name() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        // Left alone it would hit nothing.
        let idle = Partition::of(["localhost"]).on(&world.blue.target());
        let error = engine.inject(idle).await.unwrap_err();
        let said = chaos_core::Chain(&error).to_string();
        assert!(said.contains("`loopback: true`"), "{said}");
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
