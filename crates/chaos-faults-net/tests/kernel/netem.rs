//! What the kernel's network emulator does to packets, where there is one.

use super::{
    block_on,
    echoed::{datagrams, median},
    queues::{placed, with},
    world::{RED, Space, World, engine},
};
use std::{net::UdpSocket, sync::OnceLock, time::Duration};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("the_virtual_machine_has_the_emulator", emulator),
    ("late_packets_are_as_late_as_said", latency),
    ("packets_under_way_arrive_when_the_fault_ends", under_way),
    ("twice_wrong_and_overtaken", others),
];

/// What this kernel can do, by the word of another program.
pub(crate) fn has_netem() -> bool {
    static HAS_IT: OnceLock<bool> = OnceLock::new();
    let tried = || {
        Space::new().run(|| {
            let mut tc = std::process::Command::new("tc");
            let add = tc.args(["qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms"]);
            add.output().unwrap().status.success()
        })
    };
    *HAS_IT.get_or_init(tried)
}

/// Without it the virtual machine would try only what was tried elsewhere.
fn emulator() {
    let in_the_machine = std::env::var_os("CHAOS_TEST_VM").is_some();
    assert!(
        has_netem() || !in_the_machine,
        "its kernel has no sch_netem"
    );
}

/// What the emulator does where there is one, and that all is as before then; elsewhere that it is refused.
fn emulated(world: &World, kind: &str, parameters: &str, during: impl FnOnce()) {
    if has_netem() {
        with(world, kind, parameters, during);
    } else {
        refused(world, kind, parameters);
    }
}

/// The same, and nothing is looked at but what `during` looks at: in the virtual machine that takes long.
pub(crate) fn felt(world: &World, parameters: &str, during: impl FnOnce()) {
    if !has_netem() {
        return refused(world, "net.netem", parameters);
    }
    let state = tempfile::tempdir().unwrap();
    block_on(async {
        let engine = engine(state.path()).await;
        let placed = placed("net.netem", parameters, &world.blue.target());
        engine.during(placed, async { during() }).await.unwrap();
    });
}

/// Without the emulator it is said what to do.
fn refused(world: &World, kind: &str, parameters: &str) {
    let state = tempfile::tempdir().unwrap();
    let before = world.blue.network();
    block_on(async {
        let engine = engine(state.path()).await;
        let placed = placed(kind, parameters, &world.blue.target());
        let error = engine.inject(placed).await.unwrap_err();
        let said = chaos_core::Chain(&error).to_string();
        // A proxy for UDP duplicates and reorders, too.
        for needed in ["modprobe sch_netem", "`proxy`", "net.reorder", "udp"] {
            assert!(said.contains(needed), "{kind}: {said}");
        }
    });
    assert_eq!(world.blue.network(), before);
}

fn latency() {
    let world = World::new();
    let ms = Duration::from_millis;
    let send = || datagrams(&world, 300, ms(3), ms(400));
    let usual = median(&send());
    for (direction, least) in [("egress", 50), ("ingress", 50), ("both", 100)] {
        let parameters =
            format!(r#"{{ "latency": "50ms", "packets": {{ "direction": "{direction}" }} }}"#);
        emulated(&world, "net.latency", &parameters, || {
            let middle = median(&send());
            assert!(
                middle >= ms(least) && middle < ms(least + 30) + usual * 3,
                "{direction}: {middle:?}"
            );
        });
    }
    let jitter = r#"{ "latency": "100ms", "jitter": "20ms", "distribution": "normal" }"#;
    emulated(&world, "net.latency", jitter, || {
        let mut late: Vec<Duration> = send().into_iter().map(|(_, late)| late).collect();
        late.sort_unstable();
        let [first, half, third] = [1, 2, 3].map(|quarter| late[late.len() * quarter / 4]);
        assert!((ms(90)..ms(130)).contains(&half), "{half:?}");
        // Between the quarters of a bell curve are 1.35 deviations: 27 ms.
        let middle = third - first;
        assert!((ms(18)..ms(40)).contains(&middle), "{middle:?}");
    });
}

fn under_way() {
    let world = World::new();
    let parameters = r#"{ "latency": "400ms" }"#;
    let ms = Duration::from_millis;
    let (sender, receiver) = std::sync::mpsc::channel();
    emulated(&world, "net.latency", parameters, || {
        let seen = world.blue.spawn(move || {
            let socket = UdpSocket::bind("10.9.0.1:0").unwrap();
            socket.connect(RED).unwrap();
            socket.set_read_timeout(Some(ms(3000))).unwrap();
            for n in 0..20_u8 {
                socket.send(&[n]).unwrap();
            }
            let arrived = (0..20).filter(|_| socket.recv(&mut [0; 8]).is_ok()).count();
            sender.send(arrived).unwrap();
        });
        std::thread::sleep(ms(100));
        drop(seen);
    });
    if has_netem() {
        assert_eq!(
            receiver.recv().unwrap(),
            20,
            "none is dropped with its queue"
        );
    }
}

fn others() {
    let world = World::new();
    let ms = Duration::from_millis;
    let send = |every| datagrams(&world, 1000, every, ms(400));
    emulated(&world, "net.duplicate", r#"{ "duplicate": 20 }"#, || {
        let seen = send(Duration::from_millis(2)).len();
        assert!((1120..1290).contains(&seen), "{seen}");
    });
    emulated(
        &world,
        "net.reorder",
        r#"{ "reorder": 25, "latency": "20ms" }"#,
        || {
            let seen = send(Duration::from_millis(2));
            let overtaken = seen.windows(2).filter(|two| two[1].0 < two[0].0).count();
            assert!(overtaken > 20, "{overtaken}");
        },
    );
    emulated(&world, "net.corrupt", r#"{ "corrupt": 50 }"#, || {
        // Checksums find it, so half of them are lost on the way.
        let seen = send(Duration::from_millis(2)).len();
        assert!((300..750).contains(&seen), "{seen}");
    });
}
