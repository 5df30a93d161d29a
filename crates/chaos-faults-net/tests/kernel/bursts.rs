//! Which packets the emulator loses.

use super::{
    block_on,
    netem::{felt, has_netem},
    one_way::{Datagrams, rows, send},
    queues::placed,
    world::{World, engine},
};
use chaos_core::{
    BoxError, EdgeKind, Event, Experiment, Observer, RunHandle, Seed, Verdict, async_trait,
};
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

pub(crate) const ALL: &[(&str, fn())] = &[
    ("losses_come_in_rows_where_that_is_asked_for", bursts),
    ("what_may_be_marked_is_marked_instead_of_lost", marked),
    ("a_seed_repeats_its_losses_where_the_kernel_takes_it", seed),
];

const COUNT: u32 = 3000;

/// Many, in about a second.
const MANY: Datagrams = Datagrams::new(COUNT, Duration::from_micros(350));

fn bursts() {
    let world = World::new();
    // The share that is lost and the mean row, with five standard deviations of 3000 packets (of 0.013 to 0.016, and of 0.2
    // or less; for the correlation as a simulation of the kernel's way to draw tells). Each by itself a quarter of them
    // would be lost in rows of 1.33.
    for (loss, (share, within), row) in [
        (r#""loss": 25"#, (0.25, 0.04), 1.15..1.5),
        (r#""loss_gemodel": [10, 30]"#, (0.25, 0.08), 2.4..4.4),
        (r#""loss_state": [10, 30]"#, (0.25, 0.08), 2.4..4.4),
        // In the bad state 60 % of the packets are lost, in the good one none.
        (r#""loss_gemodel": [10, 30, 60, 0]"#, (0.15, 0.06), 1.4..2.1),
        (
            r#""loss": 40, "loss_correlation": 75"#,
            (0.19, 0.075),
            1.7..3.0,
        ),
    ] {
        felt(&world, &format!("{{ {loss} }}"), || {
            let came = send(&world, MANY, Duration::ZERO);
            let (lost, mean) = rows(&came, COUNT);
            assert!((lost - share).abs() < within, "{loss}: {lost} lost");
            assert!(row.contains(&mean), "{loss}: {mean} in a row");
        });
    }
    // Nothing else is lost on the way.
    assert_eq!(send(&world, MANY, Duration::ZERO).len(), 3000);
}

fn marked() {
    let world = World::new();
    let plain = Datagrams::new(200, Duration::ZERO);
    let markable = Datagrams {
        markable: true,
        ..plain
    };
    let sent = |datagrams| {
        let came = send(&world, datagrams, Duration::ZERO);
        (came.len(), came.iter().filter(|one| one.marked).count())
    };
    felt(&world, r#"{ "loss": 100, "ecn": true }"#, || {
        let shown = world.blue.network();
        assert!(shown.contains("loss 100% ecn"), "{shown}");
        assert_eq!(sent(markable), (200, 200));
        assert_eq!(sent(plain), (0, 0));
    });
    assert_eq!(sent(markable), (200, 0));
}

/// Sends while it is told that the fault is in place.
#[derive(Debug)]
struct Sends {
    world: Arc<World>,
    came: Arc<Mutex<Vec<u32>>>,
}

#[async_trait]
impl Observer for Sends {
    async fn start(&self, _: &RunHandle) -> Result<(), BoxError> {
        Ok(())
    }

    fn on(&self, event: &Event) {
        if matches!(event, Event::Edge(edge) if edge.kind == EdgeKind::Injected) {
            let came = send(
                &self.world,
                Datagrams::new(64, Duration::ZERO),
                Duration::ZERO,
            );
            *self.came.lock().unwrap() = came.iter().map(|one| one.number).collect();
        }
    }

    fn steady(&self) -> Verdict {
        Verdict::Held
    }

    async fn finish(&self) {}
}

/// Which come through in an experiment with this seed.
fn came(world: &Arc<World>, seed: u64) -> Vec<u32> {
    let came = Arc::default();
    let state = tempfile::tempdir().unwrap();
    // Of UDP only, so that nobody else draws.
    let loss = r#"{ "loss": 50, "packets": { "protocol": "udp" } }"#;
    let experiment = Experiment::named("Lossy")
        .seed(Seed::new(seed))
        .baseline(Duration::from_millis(1))
        .hold(Duration::from_millis(1))
        .fault(placed("net.loss", loss, &world.blue.target()))
        .observer(Arc::new(Sends {
            world: Arc::clone(world),
            came: Arc::clone(&came),
        }));
    block_on(async {
        let engine = engine(state.path()).await;
        engine.run(&experiment).await.unwrap();
    });
    let came: Vec<u32> = came.lock().unwrap().clone();
    // Seven standard deviations, of 4.
    assert!((4..60).contains(&came.len()), "{came:?}");
    came
}

/// What a plan of these losses notes.
fn notes(world: &World) -> String {
    let state = tempfile::tempdir().unwrap();
    let loss = placed("net.loss", r#"{ "loss": 50 }"#, &world.blue.target());
    let preview = block_on(async { engine(state.path()).await.dry_run(loss).await.unwrap() });
    preview.faults[0].notes.join(" ")
}

/// Whether the kernel is Linux 6.6 or newer.
fn is_new() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release
        .split(['.', '-'])
        .map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(6), Some(6))
}

fn seed() {
    let world = Arc::new(World::new());
    let (first, again, other) = (came(&world, 7), came(&world, 7), came(&world, 8));
    assert_ne!(first, other);
    let none = "takes no seed (Linux 6.6 and newer do)";
    if has_netem() && is_new() {
        assert_eq!(first, again);
        assert!(!notes(&world).contains(none));
    } else if has_netem() {
        // Such a kernel ignores the seed. That is all that can be shown on it, and that it is said.
        assert_ne!(first, again);
        assert!(notes(&world).contains(none), "{}", notes(&world));
    } else {
        // By nftables, whose numbers nobody can seed.
        assert_ne!(first, again);
        assert!(notes(&world).contains("lost by nftables"));
    }
}
