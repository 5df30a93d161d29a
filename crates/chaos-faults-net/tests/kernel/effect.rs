//! What a partition does to traffic.

use super::{
    block_on,
    world::{PATIENCE, RED, RED_6, RED_TOO, World, engine},
};
use chaos_core::FaultExt;
use chaos_faults_net::{Partition, Traffic};
use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpStream, UdpSocket},
};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("everybody_is_cut_off_and_comes_back", everybody),
    ("only_the_given_addresses_are_cut_off", only_addresses),
    ("networks_are_cut_off_by_their_mask", by_mask),
    ("ingress_and_egress_are_cut_apart", directions),
    ("the_loopback_interface_is_cut_only_when_asked", loopback),
    ("a_live_connection_hangs_and_goes_on", live_connection),
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
