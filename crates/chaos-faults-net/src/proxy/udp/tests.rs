//! The way of datagrams, in a time of its own.

use super::{
    super::{
        effect::{Effect, Hits},
        stack::{Active, Link, Stack},
    },
    line::Line,
    under_way::UnderWay,
};
use crate::{
    Bandwidth, Blackhole, Corrupt, Direction, Duplicate, Latency, Loss, Reorder,
    connections::Picked, direction::Flow,
};
use chaos_core::Seed;
use proptest::prelude::*;
use std::{
    sync::Arc,
    time::{Duration, Instant},
};

/// A line and the faults on it.
struct World {
    line: Line,
    stack: Stack,
    under_way: Arc<UnderWay>,
    now: Instant,
    next: u64,
    dropped: u64,
}

const LINK: Link = Link {
    number: 0,
    cuts: 0,
    client: None,
};

impl World {
    fn new() -> Self {
        let under_way = Arc::default();
        Self {
            line: Line::new(Flow::Upstream, &under_way),
            stack: Stack::default(),
            under_way,
            now: Instant::now(),
            next: 0,
            dropped: 0,
        }
    }

    fn put(&mut self, effect: Arc<dyn Effect>, seed: u64) -> (u64, Hits) {
        let (id, count) = (self.next, Hits::default());
        self.next += 1;
        self.stack = self.stack.with(Arc::new(Active {
            id,
            revision: 0,
            effect: effect.for_one_proxy().unwrap_or(effect),
            picked: Picked::default(),
            seed: Seed::new(seed),
            count: count.clone(),
            first: 0,
        }));
        self.line.follow(&self.stack, &LINK, self.now);
        (id, count)
    }

    fn take_off(&mut self, id: u64) {
        self.stack = self.stack.without(id);
        self.line.follow(&self.stack, &LINK, self.now);
    }

    fn come(&mut self, data: &[u8]) {
        self.line.come(data, self.now);
    }

    fn pass(&mut self, time: Duration) {
        self.now += time;
        self.line.advance(self.now);
    }

    /// What has come out.
    fn out(&mut self) -> Vec<Vec<u8>> {
        let mut out = Vec::new();
        while let Some(data) = self.line.first_out() {
            out.push(data.to_vec());
            self.line.sent();
        }
        self.dropped += self.line.take_dropped();
        out
    }
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn latency(ms: u64) -> Arc<dyn Effect> {
    Arc::new(Latency::ms(ms).direction(Direction::Both))
}

fn loss(percent: f64) -> Arc<dyn Effect> {
    Arc::new(Loss::percent(percent).direction(Direction::Both))
}

#[test]
fn faults_that_come_and_go_meet_what_is_under_way() {
    let mut world = World::new();
    let (first, _) = world.put(latency(100), 1);
    world.come(b"a");
    world.pass(ms(60));
    // It is still before the second one.
    let (second, count) = world.put(latency(100), 1);
    world.come(b"b");
    assert_eq!(world.line.next(), Some(world.now + ms(40)));
    world.pass(ms(40));
    assert_eq!((world.out().len(), count.get()), (0, 1));
    // What waited for the first one now waits for the second one, behind what was there before.
    world.take_off(first);
    world.pass(ms(99));
    assert!(world.out().is_empty());
    world.pass(ms(1));
    assert_eq!(world.out(), [b"a", b"b"]);
    world.come(b"c");
    world.take_off(second);
    assert_eq!(world.out(), [b"c"]);
    assert!(world.line.is_clear());
}

#[test]
fn what_faults_that_end_together_release_stays_in_order() {
    let mut world = World::new();
    world.put(latency(100), 1);
    world.put(latency(100), 1);
    world.come(b"a");
    world.pass(ms(100));
    // It waits for the second fault now, and the next one for the first.
    world.come(b"b");
    assert!(world.out().is_empty());
    world.stack = Stack::default();
    world.line.follow(&world.stack, &LINK, world.now);
    assert_eq!(world.out(), [b"a", b"b"]);
}

#[test]
fn late_wakes_do_not_add_up() {
    let mut world = World::new();
    world.put(latency(10), 1);
    world.put(latency(10), 1);
    world.come(b"a");
    world.pass(ms(15));
    world.pass(ms(5));
    assert_eq!(world.out(), [b"a"]);
}

#[test]
fn the_same_seed_loses_the_same_datagrams() {
    let lost = |seed| {
        let mut world = World::new();
        world.put(loss(30.0), seed);
        (0..100_u8).for_each(|n| world.come(&[n]));
        world.out()
    };
    assert_eq!(lost(7), lost(7));
    assert_ne!(lost(7), lost(8));
    assert!((50..90).contains(&lost(7).len()));
}

#[test]
fn copies_of_copies_have_an_end() {
    let mut world = World::new();
    for _ in 0..40 {
        world.put(
            Arc::new(Duplicate::percent(100.0).direction(Direction::Both)),
            1,
        );
    }
    world.come(&[0; 1000]);
    let kept = world.line.datagrams();
    assert_eq!(kept, 4 * 1024 * 1024 / 1128);
    assert_eq!(world.out().len() as u64, kept);
    assert!(world.dropped > 0);
    assert_eq!(world.under_way.bytes(), 0);
}

#[test]
fn all_sessions_together_have_so_much_room() {
    let under_way = Arc::default();
    let mut lines: Vec<_> = (0..20)
        .map(|_| Line::new(Flow::Upstream, &under_way))
        .collect();
    for line in &mut lines {
        for _ in 0..200 {
            line.come(&[0; 32 * 1024], Instant::now());
        }
    }
    let kept: u64 = lines.iter().map(Line::datagrams).sum();
    assert_eq!(kept, 64 * 1024 * 1024 / (32 * 1024 + 128));
    let dropped: u64 = lines.iter_mut().map(Line::take_dropped).sum();
    assert_eq!(dropped, 20 * 200 - kept);
    drop(lines);
    assert_eq!(under_way.bytes(), 0);
}

/// What a run does to a line.
#[derive(Debug, Clone)]
enum Step {
    Come(Vec<u8>),
    Pass(u64),
    Put(Kind, u64),
    /// The one at this place of those that are there.
    TakeOff(usize),
}

#[derive(Debug, Clone)]
enum Kind {
    Latency(u64, u64),
    Reorder(f64, u64, u32),
    Stall,
    Rate(u64, bool),
    Loss(f64, f64),
    Duplicate(f64),
    Corrupt(f64),
    Blackhole,
}

impl Kind {
    fn effect(&self) -> Arc<dyn Effect> {
        let both = Direction::Both;
        match *self {
            Self::Latency(latency, jitter) => {
                Arc::new(Latency::ms(latency).jitter_ms(jitter).direction(both))
            }
            Self::Reorder(percent, latency, gap) => {
                let reorder = serde_json::json!({ "reorder": percent, "latency": format!("{latency}ms"), "gap": gap });
                let config: crate::ReorderConfig = serde_json::from_value(reorder).unwrap();
                let fault: Reorder = chaos_core::FaultConfig::build(config).unwrap();
                Arc::new(fault.direction(both))
            }
            Self::Stall => Arc::new(Bandwidth::per_second(0).on_proxy(both)),
            Self::Rate(rate, true) => Arc::new(Bandwidth::per_second(rate).shared().on_proxy(both)),
            Self::Rate(rate, false) => Arc::new(Bandwidth::per_second(rate).on_proxy(both)),
            Self::Loss(percent, correlation) => {
                let loss = serde_json::json!({ "loss": percent, "correlation": correlation });
                let config: crate::LossConfig = serde_json::from_value(loss).unwrap();
                let fault: Loss = chaos_core::FaultConfig::build(config).unwrap();
                Arc::new(fault.direction(both))
            }
            Self::Duplicate(percent) => Arc::new(Duplicate::percent(percent).direction(both)),
            Self::Corrupt(percent) => Arc::new(Corrupt::percent(percent).direction(both)),
            Self::Blackhole => Arc::new(Blackhole::new()),
        }
    }
}

/// Faults that neither lose anything nor add to it.
fn keeping() -> impl Strategy<Value = Kind> {
    prop_oneof![
        (1..200_u64, 0..200_u64).prop_map(|(latency, jitter)| Kind::Latency(latency, jitter)),
        (1.0..=100.0, 1..200_u64, 1..5_u32).prop_map(|(p, l, gap)| Kind::Reorder(p, l, gap)),
        Just(Kind::Stall),
    ]
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        keeping(),
        (1..1_000_000_u64, any::<bool>()).prop_map(|(rate, shared)| Kind::Rate(rate, shared)),
        (1.0..=100.0, 0.0..=100.0).prop_map(|(percent, row)| Kind::Loss(percent, row)),
        (1.0..=100.0).prop_map(Kind::Duplicate),
        (1.0..=100.0).prop_map(Kind::Corrupt),
        Just(Kind::Blackhole),
    ]
}

fn steps(kind: impl Strategy<Value = Kind>) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => prop::collection::vec(any::<u8>(), 0..50).prop_map(Step::Come),
        2 => (0..300_u64).prop_map(Step::Pass),
        1 => (kind, any::<u64>()).prop_map(|(kind, seed)| Step::Put(kind, seed)),
        1 => (0..5_usize).prop_map(Step::TakeOff),
    ];
    prop::collection::vec(step, 0..80)
}

/// What went in and what came out in the end, when all faults are over.
fn run(steps: Vec<Step>) -> (Vec<Vec<u8>>, Vec<Vec<u8>>, World) {
    let mut world = World::new();
    let (mut came, mut out, mut there) = (Vec::new(), Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Come(data) => {
                world.come(&data);
                came.push(data);
            }
            Step::Pass(time) => world.pass(ms(time)),
            Step::Put(kind, seed) => there.push(world.put(kind.effect(), seed).0),
            Step::TakeOff(at) if at < there.len() => world.take_off(there.remove(at)),
            Step::TakeOff(_) => {}
        }
        out.extend(world.out());
    }
    there.into_iter().for_each(|id| world.take_off(id));
    out.extend(world.out());
    (came, out, world)
}

proptest! {
    #[test]
    fn what_only_delays_loses_nothing_and_adds_nothing(steps in steps(keeping())) {
        let (mut came, mut out, world) = run(steps);
        came.sort_unstable();
        out.sort_unstable();
        prop_assert_eq!(came, out);
        prop_assert_eq!(world.dropped, 0);
        prop_assert_eq!(world.under_way.bytes(), 0);
    }

    #[test]
    fn whatever_the_faults_nothing_is_invented_and_nothing_stays(steps in steps(any_kind())) {
        let corrupts = steps.iter().any(|step| matches!(step, Step::Put(Kind::Corrupt(_), _)));
        let (came, out, world) = run(steps);
        prop_assert!(world.line.is_clear() && world.line.is_empty());
        prop_assert_eq!(world.under_way.bytes(), 0);
        for data in out {
            // A wrong bit changes no length.
            let is_from = |from: &Vec<u8>| *from == data || corrupts && from.len() == data.len();
            prop_assert!(came.iter().any(is_from), "{:?}", data);
        }
    }
}
