//! What the queues of a kernel do to packets, and that those of others are left alone.

use super::{
    block_on,
    echoed::{echo, flood},
    netem::has_netem,
    one_way::{Datagrams, send, send_back},
    world::{PATIENCE, RED, RED_6, RED_TOO, World, engine, registry},
};
use chaos_core::{EngineError, Parameters, Placed, testing::Conformance};
use chaos_faults_net::Netns;
use std::{
    net::{TcpStream, UdpSocket},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("every_queue_keeps_the_promises", conformance),
    (
        "a_queue_of_somebody_else_is_refused_and_left_alone",
        foreign,
    ),
    ("a_queue_that_took_our_place_is_left_alone", replaced),
    ("a_rate_is_kept_both_ways", rates),
    (
        "the_largest_packets_of_an_interface_go_through_a_rate",
        large_packets,
    ),
    ("two_faults_do_not_share_an_interface", two_at_once),
    ("how_many_packets_were_hit_is_told", hits),
    ("only_what_the_filters_name_is_slowed", filters),
    ("a_share_of_the_packets_is_lost", losses),
    ("what_cannot_be_meant_is_refused", refused),
    ("an_interface_is_down_and_has_its_routes_again", down),
];

/// Faults that every kernel here can do, and ones that need the emulator.
pub(crate) const EVERYWHERE: &[(&str, &str)] = &[
    ("net.bandwidth", r#"{ "rate": "8mbit" }"#),
    (
        "net.bandwidth",
        r#"{ "rate": "8mbit", "packets": { "direction": "both", "interface": "wire",
             "hosts": ["10.9.0.2", "fd09::/64"], "protocol": "tcp", "remote_ports": ["7", "1000-1023"] } }"#,
    ),
    ("net.loss", r#"{ "loss": 30 }"#),
    (
        "net.loss",
        r#"{ "loss": 30, "packets": { "direction": "both", "protocol": "udp", "remote_ports": ["7"] } }"#,
    ),
    ("net.down", r#"{ "interface": "wire" }"#),
];
pub(crate) const EMULATED: &[(&str, &str)] = &[
    (
        "net.latency",
        r#"{ "latency": "50ms", "jitter": "5ms", "distribution": "normal", "correlation": 25 }"#,
    ),
    (
        "net.netem",
        r#"{ "latency": "20ms", "jitter": "5ms", "distribution": "pareto", "loss_gemodel": [1, 10, 70, 0.1],
             "duplicate": 1, "corrupt": 1, "reorder": 10, "gap": 5, "rate": "100mbit", "packet_overhead": 20,
             "slot": { "min_delay": "1ms", "packets": 100 }, "limit": 5000,
             "packets": { "direction": "both", "hosts": ["10.9.0.0/24", "fd09::/64"], "local_ports": ["1-65535"] } }"#,
    ),
    (
        "net.netem",
        r#"{ "loss_state": [1, 50, 10, 90, 1], "ecn": true,
             "slot": { "delay": "2ms", "jitter": "1ms", "distribution": "pareto", "packets": 50 } }"#,
    ),
    ("net.duplicate", r#"{ "duplicate": 10 }"#),
    ("net.corrupt", r#"{ "corrupt": 10 }"#),
    ("net.reorder", r#"{ "reorder": 25, "latency": "10ms" }"#),
];

/// A fault by name, as a file would say it.
pub(crate) fn placed(kind: &str, parameters: &str, target: &Netns) -> Placed {
    let parameters: Parameters = serde_json::from_str(parameters).unwrap();
    let fault = registry().fault(kind, None, &parameters);
    let fault = fault.unwrap_or_else(|e| panic!("{kind} {parameters:?}: {e}"));
    Placed::new(fault, Arc::new(target.clone()))
}

fn kinds() -> Vec<(&'static str, &'static str)> {
    let mut kinds = EVERYWHERE.to_vec();
    if has_netem() {
        kinds.extend(EMULATED);
    }
    kinds
}

/// Runs `during` while the fault is in place on blue.
pub(crate) fn with<T>(
    world: &World,
    kind: &str,
    parameters: &str,
    during: impl FnOnce() -> T,
) -> T {
    let state = tempfile::tempdir().unwrap();
    let before = (world.blue.network(), world.red.network());
    let result = block_on(async {
        let engine = engine(state.path()).await;
        let placed = placed(kind, parameters, &world.blue.target());
        engine.during(placed, async { during() }).await.unwrap()
    });
    assert_eq!((world.blue.network(), world.red.network()), before);
    world.wait_for_all();
    result
}

fn conformance() {
    for (kind, parameters) in kinds() {
        let world = World::new();
        let (target, shared) = (world.blue.target(), Arc::new(Mutex::new(world)));
        let looked_at = Arc::clone(&shared);
        let look = move || looked_at.lock().unwrap().blue.network();
        let mut suite = Conformance::new(registry(), move || placed(kind, parameters, &target))
            .world(look)
            .record(
                "net.set_up",
                1,
                &record(r#""name": "eth0", "index": 2, "operation": 6, "had": [{ "route": [2, 16, 0] }, { "address": [10] }, { "neighbour": [2] }]"#),
            )
            .record("net.del_ifb", 1, &record(r#""name": "chaos0123456789""#))
            .record(
                "net.del_ingress",
                1,
                &record(r#""interface": { "name": "eth0", "index": 2 }, "block": 3221225473"#),
            )
            .record(
                "net.del_queue",
                1,
                &record(
                    r#""interface": { "name": "eth0", "index": null }, "kind": "htb", "major": 49154,
                       "drain": [3221356545, 3221422080, { "longest": { "secs": 1, "nanos": 0 } }]"#,
                ),
            );
        let (put, take) = match kind {
            "net.down" => ("ip link set wire down", "ip link set wire up"),
            _ => (
                "tc qdisc add dev wire root handle 99: tbf rate 1gbit burst 100kb limit 1mb",
                "tc qdisc del dev wire root handle 99:",
            ),
        };
        suite = if kind == "net.loss" && !has_netem() {
            suite.nothing_foreign("the table is named by a mark that only this injection has")
        } else {
            suite.foreign(move || {
                shared.lock().unwrap().blue.command(put);
                let shared = Arc::clone(&shared);
                move || shared.lock().unwrap().blue.command(take)
            })
        };
        block_on(suite.run());
    }
}

fn record(fields: &str) -> String {
    format!(
        r#"{{ "netns": {{ "path": "/run/netns/blue", "inode": 4026532281, "cookie": 4097 }}, {fields} }}"#
    )
}

fn foreign() {
    for put in [
        "qdisc add dev wire root handle 99: tbf rate 1gbit burst 100kb limit 1mb",
        "qdisc add dev wire clsact",
        "qdisc add dev wire ingress",
    ] {
        let world = World::new();
        world.blue.tc(put);
        let before = world.blue.network();
        let state = tempfile::tempdir().unwrap();
        block_on(async {
            let engine = engine(state.path()).await;
            let both = r#"{ "rate": "8mbit", "packets": { "direction": "both" } }"#;
            let placed = placed("net.bandwidth", both, &world.blue.target());
            let error = engine.inject(placed).await.unwrap_err();
            assert!(matches!(error, EngineError::Refused(_)), "{put}: {error}");
        });
        assert_eq!(world.blue.network(), before, "{put}");
    }
}

fn replaced() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let placed = placed(
            "net.bandwidth",
            r#"{ "rate": "8mbit" }"#,
            &world.blue.target(),
        );
        let injection = engine.inject(placed).await.unwrap();
        world
            .blue
            .tc("qdisc replace dev wire root handle 99: tbf rate 1gbit burst 100kb limit 1mb");
        let theirs = world.blue.network();
        let recovered = injection.recover().await.unwrap();
        assert_eq!(recovered.left_alone.len(), 1, "{recovered:?}");
        assert_eq!(world.blue.network(), theirs);
    });
}

fn rates() {
    let world = World::new();
    for direction in ["egress", "ingress"] {
        let parameters =
            format!(r#"{{ "rate": "250kB/s", "packets": {{ "direction": "{direction}" }} }}"#);
        with(&world, "net.bandwidth", &parameters, || {
            // A machine that stalls makes it less and never more, so one of three is enough to say that it is that much.
            let kept = (0..3).any(|_| {
                let [least, most] = flood(&world, 250_000).map(|rate| rate / 250_000.0);
                assert!(least < 1.05, "{direction}: {least}");
                most > 0.95
            });
            assert!(kept, "{direction}");
        });
        // A connection that loses its last packets waits for its timer, some times: it has no such upper bound.
        let parameters =
            format!(r#"{{ "rate": "1MB/s", "packets": {{ "direction": "{direction}" }} }}"#);
        let took = with(&world, "net.bandwidth", &parameters, || {
            echo(&world, RED, 500_000)
        });
        let seconds = took.as_secs_f64();
        assert!((0.45..5.0).contains(&seconds), "{direction}: {took:?}");
    }
    assert!(soon(&world, RED, 500_000, Duration::from_millis(400)));
}

/// Whether an echo takes less than so long. A machine may stall for longer, so once in three times is enough.
fn soon(world: &World, address: &str, bytes: usize, time: Duration) -> bool {
    (0..3).any(|_| echo(world, address, bytes) < time)
}

fn large_packets() {
    let world = World::new();
    for space in [&world.blue, &world.red] {
        space.ip("link set wire mtu 9000");
    }
    for (interface, address, parameters) in [
        ("wire", RED, r#""direction": "egress""#),
        ("wire", RED, r#""direction": "ingress""#),
        ("wire", RED, r#""direction": "egress", "protocol": "tcp""#),
        ("lo", "127.0.0.1:7", r#""direction": "egress""#),
    ] {
        let parameters = format!(
            r#"{{ "rate": "250kB/s", "packets": {{ "interface": "{interface}", {parameters} }} }}"#
        );
        let took = with(&world, "net.bandwidth", &parameters, || {
            echo(&world, address, 400_000)
        });
        // On the loopback interface both ways go out of it; what goes at once counts, too.
        let seconds = took.as_secs_f64();
        assert!((0.9..5.0).contains(&seconds), "{parameters}: {took:?}");
    }
}

fn two_at_once() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    let slow = |rate: &str| {
        let parameters = format!(r#"{{ "rate": "{rate}" }}"#);
        placed("net.bandwidth", &parameters, &world.blue.target())
    };
    block_on(async {
        let engine = engine(state.path()).await;
        let both = engine.dry_run(vec![slow("1MB/s"), slow("2MB/s")]).await;
        let refusals = both.unwrap().refusals;
        let told: Vec<String> = refusals.iter().map(ToString::to_string).collect();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("at the same time"), "{told:?}");
    });
}

fn hits() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    let hit = |kind: &str, parameters: &str| {
        let placed = placed(kind, parameters, &world.blue.target());
        block_on(async {
            let engine = engine(state.path()).await;
            let injection = engine.inject(placed).await.unwrap();
            world
                .blue
                .run(|| TcpStream::connect_timeout(&RED.parse().unwrap(), PATIENCE).is_ok());
            injection.recover().await.unwrap().hits
        })
    };
    for (kind, fields) in [
        (
            "net.bandwidth",
            r#""rate": "1MB/s", "packets": { "direction": "both", "hosts": ["ADDRESS"] }"#,
        ),
        (
            "net.bandwidth",
            r#""rate": "1MB/s", "packets": { "direction": "ingress", "hosts": ["ADDRESS"] }"#,
        ),
        (
            "net.loss",
            r#""loss": 100, "packets": { "hosts": ["ADDRESS"] }"#,
        ),
        ("net.partition", r#""addresses": ["ADDRESS"]"#),
        (
            "net.partition",
            r#""addresses": ["ADDRESS"], "reject": true"#,
        ),
    ] {
        let fields = format!("{{ {fields} }}");
        let there = hit(kind, &fields.replace("ADDRESS", "10.9.0.2"));
        assert!(there > 0, "{fields}");
        let nobody = hit(kind, &fields.replace("ADDRESS", "10.99.99.99"));
        assert_eq!(nobody, 0, "{fields}");
    }
}

fn filters() {
    let world = World::new();
    // A kernel that is emulated takes its time, too.
    let (slow, fast) = (Duration::from_millis(800), Duration::from_millis(650));
    for (packets, slowed, free) in [
        (
            r#""hosts": ["10.9.0.2"]"#,
            &[RED][..],
            &[RED_TOO, RED_6][..],
        ),
        (r#""hosts": ["fd09::/64"]"#, &[RED_6], &[RED, RED_TOO]),
        (
            r#""protocol": "tcp", "remote_ports": ["5-8"]"#,
            &[RED, RED_6],
            &[],
        ),
        (r#""protocol": "udp""#, &[], &[RED, RED_6]),
        (r#""remote_ports": ["8-9"]"#, &[], &[RED]),
        (
            r#""hosts": ["10.9.0.3"], "remote_ports": ["7"]"#,
            &[RED_TOO],
            &[RED],
        ),
    ] {
        for direction in ["egress", "ingress"] {
            let parameters = format!(
                r#"{{ "rate": "250kB/s", "packets": {{ "direction": "{direction}", {packets} }} }}"#
            );
            with(&world, "net.bandwidth", &parameters, || {
                for address in slowed {
                    let took = echo(&world, address, 250_000);
                    assert!(took > slow, "{direction} {packets} {address}: {took:?}");
                }
                for address in free {
                    let is_free = soon(&world, address, 250_000, fast);
                    assert!(is_free, "{direction} {packets} {address}");
                }
            });
        }
    }
}

fn losses() {
    let world = World::new();
    let sent = Datagrams::new(1000, Duration::from_micros(300));
    let come = || {
        [send, send_back]
            .map(|send| u32::try_from(send(&world, sent, Duration::ZERO).len()).unwrap())
    };
    for (direction, expected) in [
        ("egress", [700, 1000]),
        ("ingress", [1000, 700]),
        ("both", [700, 700]),
    ] {
        let parameters = format!(
            r#"{{ "loss": 30, "packets": {{ "direction": "{direction}", "hosts": ["10.9.0.2"], "protocol": "udp" }} }}"#
        );
        let seen = with(&world, "net.loss", &parameters, come);
        for (seen, expected) in seen.into_iter().zip(expected) {
            // More than four standard deviations, of about 15.
            let within = if expected == 1000 { 0 } else { 65 };
            assert!(
                seen.abs_diff(expected) <= within,
                "{direction}: {seen} of 1000"
            );
        }
    }
    assert_eq!(come(), [1000; 2]);
}

fn refused() {
    let world = World::new();
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        for (kind, parameters, says) in [
            (
                "net.bandwidth",
                r#"{ "rate": "1mbit", "packets": { "interface": "eth9" } }"#,
                "there are lo, wire",
            ),
            (
                "net.bandwidth",
                r#"{ "rate": "1mbit", "direction": "upstream" }"#,
                "packets: { direction: egress }",
            ),
            (
                "net.bandwidth",
                r#"{ "rate": "1mbit", "packets": { "hosts": ["no-such-host.invalid"] } }"#,
                "no-such-host.invalid",
            ),
        ] {
            let placed = placed(kind, parameters, &world.blue.target());
            let error = engine.inject(placed).await.unwrap_err();
            let said = chaos_core::Chain(&error).to_string();
            assert!(said.contains(says), "{kind} {parameters}: {said}");
        }
    });
}

fn down() {
    let world = World::new();
    world
        .blue
        .ip("route add 10.77.0.0/16 via 10.9.0.2 metric 7");
    world.blue.ip("route add default via 10.9.0.3");
    world.blue.ip("-6 route add fd77::/32 via fd09::2 metric 9");
    world.blue.ip("route add 10.78.0.1 dev wire table 42");
    // The one that was added last is the one that connections are made from.
    world.blue.ip("addr add fd09::11/64 dev wire nodad");
    for neighbour in ["10.9.0.77", "fd09::77"] {
        world.blue.ip(&format!(
            "neigh add {neighbour} lladdr 02:00:00:00:00:77 dev wire nud permanent"
        ));
    }
    world.blue.ip("neigh add proxy 10.9.0.78 dev wire");
    world.blue.ip("neigh add proxy fd09::78 dev wire");
    let before = world.blue.network();
    // Somebody talks to them all the time, so that the kernel looks for them as soon as it can.
    let talks = Arc::new(AtomicBool::new(true));
    let goes_on = Arc::clone(&talks);
    let talker = world.blue.spawn(move || {
        let [v4, v6] = ["0.0.0.0:0", "[::]:0"].map(|any| UdpSocket::bind(any).unwrap());
        while goes_on.load(Ordering::Relaxed) {
            v4.send_to(b"x", "10.9.0.77:9").ok();
            v6.send_to(b"x", "[fd09::77]:9").ok();
            std::thread::sleep(Duration::from_micros(200));
        }
    });
    with(&world, "net.down", r#"{ "interface": "wire" }"#, || {
        let during = world.blue.network();
        assert!(
            !during.contains("10.77.0.0/16")
                && !during.contains("fd09::1")
                && !during.contains(":77"),
            "{during}"
        );
        let connect = || {
            TcpStream::connect_timeout(&RED.parse().unwrap(), Duration::from_millis(200)).is_err()
        };
        assert!(world.blue.run(connect));
    });
    talks.store(false, Ordering::Relaxed);
    talker.join().unwrap();
    assert_eq!(world.blue.network(), before);
}
