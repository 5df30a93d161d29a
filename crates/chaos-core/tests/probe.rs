//! When probes are asked, and what becomes of what they see.

use chaos_core::{
    BoxError, Engine, Experiment, Mode, Outcome, Phase, Probe, ProbeSettings, Run, Tolerance,
    Value, async_trait, testing::World,
};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// True while nothing lies around.
#[derive(Debug, Clone)]
struct Clean(PathBuf);

#[async_trait]
impl Probe for Clean {
    async fn sample(&self) -> Result<Value, BoxError> {
        Ok(Value::Flag(std::fs::read_dir(&self.0)?.next().is_none()))
    }
}

/// Answers when it is asked for the so-many-th time: each time, and once more after that.
#[derive(Debug, Clone, Default)]
struct Moody {
    asked: Arc<AtomicU32>,
    good_every: u32,
}

#[async_trait]
impl Probe for Moody {
    async fn sample(&self) -> Result<Value, BoxError> {
        let nth = self.asked.fetch_add(1, Ordering::SeqCst) + 1;
        match nth.is_multiple_of(self.good_every) {
            true => Ok(Value::Number(f64::from(nth))),
            false => Err("not in the mood".into()),
        }
    }
}

fn settings(mode: Mode) -> ProbeSettings {
    ProbeSettings::named("clean").every(ms(10)).mode(mode)
}

fn experiment(world: &World) -> Experiment {
    Experiment::named("litter")
        .baseline(ms(150))
        .hold(ms(250))
        .recovery_limit(ms(2000))
        .fault(world.litter())
}

async fn run(world: &World, settings: ProbeSettings, probe: impl Probe) -> Run {
    let engine: Engine = world.engine().await;
    let experiment = experiment(world).probe_with(settings, probe);
    engine.run(&experiment).await.unwrap()
}

fn is(flag: bool) -> Tolerance {
    Tolerance::Is(Value::Flag(flag))
}

#[tokio::test]
async fn a_probe_is_asked_in_the_phases_of_its_mode() {
    for mode in Mode::ALL {
        let world = World::new();
        let run = run(&world, settings(mode), Clean(world.host())).await;
        assert_eq!(run.outcome, Outcome::Held, "{mode}: {run:?}");
        let samples = run.samples.of("clean");
        for phase in [Phase::Baseline, Phase::Fault] {
            let span = run.phase(phase).unwrap();
            let asked = samples
                .iter()
                .any(|s| (span.start..span.end).contains(&s.at));
            let always = matches!(mode, Mode::Edge | Mode::Continuous);
            assert_eq!(asked, always || mode.judges(phase), "{mode} {phase}");
        }
        let seen = |flag| samples.iter().any(|s| s.value == Value::Flag(flag));
        match mode {
            Mode::Start | Mode::End => assert!(!seen(false), "{mode}: {samples:?}"),
            // Asked only once the fault is in place, and not while it is taken back.
            Mode::OnChaos => assert!(seen(false) && !seen(true), "{samples:?}"),
            _ => assert!(seen(true) && seen(false), "{mode}: {samples:?}"),
        }
    }
}

#[tokio::test]
async fn a_probe_is_judged_in_the_phases_of_its_mode() {
    for (mode, tolerance, held) in [
        (Mode::Start, is(true), true),
        (Mode::End, is(true), true),
        (Mode::Edge, is(true), true),
        (Mode::Continuous, is(true), false),
        (Mode::OnChaos, is(true), false),
        (Mode::OnChaos, is(false), true),
    ] {
        let world = World::new();
        let settings = settings(mode).expect(tolerance.clone());
        let run = run(&world, settings, Clean(world.host())).await;
        match held {
            true => assert_eq!(run.outcome, Outcome::Held, "{mode} {tolerance}"),
            false => assert!(
                matches!(run.outcome, Outcome::Deviated { .. }),
                "{mode} {tolerance}: {}",
                run.outcome
            ),
        }
        assert_eq!(world.left(), (0, 0));
    }
}

#[tokio::test]
async fn what_is_not_as_expected_before_or_after_ends_in_the_verdict_of_that_phase() {
    let world = World::new();
    let start = settings(Mode::Start).expect(is(false));
    let not_steady = run(&world, start, Clean(world.host())).await;
    assert!(matches!(not_steady.outcome, Outcome::NotSteady { .. }));
    let experiment = experiment(&world)
        .recovery_limit(ms(200))
        .probe_with(settings(Mode::End).expect(is(false)), Clean(world.host()));
    let run = world.engine().await.run(&experiment).await.unwrap();
    assert!(
        matches!(&run.outcome, Outcome::Deviated { why } if why.contains("not steady again")),
        "{}",
        run.outcome
    );
}

#[tokio::test]
async fn a_retried_probe_is_bad_only_when_every_try_is() {
    for (retries, held) in [(1, false), (2, true)] {
        let world = World::new();
        let moody = Moody {
            good_every: 3,
            ..Moody::default()
        };
        let asked = Arc::clone(&moody.asked);
        let settings = settings(Mode::Continuous)
            .expect(Tolerance::Above(0.0))
            .retries(retries);
        let run = run(&world, settings, moody).await;
        match held {
            true => {
                assert_eq!(run.outcome, Outcome::Held);
                let samples = run.samples.of("clean").len() as u32;
                assert!(asked.load(Ordering::SeqCst) >= 3 * samples);
            }
            false => assert!(
                run.outcome.to_string().contains("not in the mood"),
                "{}",
                run.outcome
            ),
        }
    }
}

#[tokio::test]
async fn a_value_that_is_not_as_expected_is_retried_too() {
    let world = World::new();
    let moody = Moody {
        good_every: 1,
        ..Moody::default()
    };
    // 1 is not good enough, 2 is.
    let settings = settings(Mode::Edge)
        .expect(Tolerance::AtLeast(2.0))
        .retries(1);
    let run = run(&world, settings, moody).await;
    assert_eq!(run.outcome, Outcome::Held);
    assert_eq!(run.samples.of("clean")[0].value, Value::Number(2.0));
}

#[tokio::test]
async fn a_delayed_probe_is_asked_later_counted_from_its_first_phase() {
    for mode in [Mode::Edge, Mode::OnChaos, Mode::End] {
        let world = World::new();
        let delayed = settings(mode)
            .delay(ms(80))
            .expect(is(mode != Mode::OnChaos));
        // Phases in which there is time to ask after the delay.
        let experiment = experiment(&world).baseline(ms(1000)).hold(ms(1000));
        let experiment = experiment.probe_with(delayed, Clean(world.host()));
        let run = world.engine().await.run(&experiment).await.unwrap();
        assert_eq!(run.outcome, Outcome::Held, "{mode}");
        let phase = match mode {
            Mode::OnChaos => Phase::Fault,
            Mode::End => Phase::Recovery,
            _ => Phase::Baseline,
        };
        let begin = run.phase(phase).unwrap().start;
        let first = run.samples.of("clean")[0].at;
        assert!(first >= begin + ms(79), "{mode}: {first:?} {begin:?}");
    }
}

#[tokio::test]
async fn times_in_which_nothing_can_be_seen_are_refused() {
    let world = World::new();
    for (settings, field) in [
        (settings(Mode::Edge).timeout(ms(0)), "probes.clean.timeout"),
        (settings(Mode::Edge).delay(ms(150)), "probes.clean.delay"),
        (settings(Mode::OnChaos).delay(ms(250)), "probes.clean.delay"),
        (settings(Mode::End).delay(ms(3000)), "probes.clean.delay"),
    ] {
        let experiment = experiment(&world).probe_with(settings, Clean(world.host()));
        let error = world.engine().await.run(&experiment).await.unwrap_err();
        let said = chaos_core::Chain(&error).to_string();
        assert!(said.contains(field), "{said}");
    }
}

#[tokio::test]
async fn a_probe_has_its_own_timeout() {
    #[derive(Debug)]
    struct Silent;
    #[async_trait]
    impl Probe for Silent {
        async fn sample(&self) -> Result<Value, BoxError> {
            std::future::pending().await
        }
    }
    let world = World::new();
    let silent = settings(Mode::Start).timeout(ms(30)).expect(is(true));
    let run = run(&world, silent, Silent).await;
    let said = run.outcome.to_string();
    assert!(said.contains("no answer within 30ms"), "{said}");
}

#[tokio::test]
async fn a_failing_probe_ends_the_run_where_it_is_judged() {
    let long = |world: &World| {
        experiment(world)
            .baseline(ms(500))
            .hold(Duration::from_secs(60))
    };
    // Before the fault: nothing is injected, and the rest of the baseline is not waited for.
    let world = World::new();
    let stop = settings(Mode::Edge).expect(is(false)).stop_on_failure();
    let experiment = long(&world)
        .baseline(Duration::from_secs(60))
        .probe_with(stop, Clean(world.host()));
    let run = world.engine().await.run(&experiment).await.unwrap();
    assert!(
        matches!(&run.outcome, Outcome::NotSteady { why }
            if why.contains("the probe `clean`, which saw true, expected false")),
        "{}",
        run.outcome
    );
    assert!(run.edges.is_empty() && run.took < Duration::from_secs(30));
    // Under the fault: it is recovered at once.
    for mode in [Mode::Continuous, Mode::OnChaos] {
        let world = World::new();
        let stop = settings(mode).expect(is(true)).stop_on_failure();
        let experiment = long(&world).probe_with(stop, Clean(world.host()));
        let run = world.engine().await.run(&experiment).await.unwrap();
        assert!(
            matches!(&run.outcome, Outcome::Aborted { by }
                if by == "the probe `clean`, which saw false, expected true"),
            "{mode}: {}",
            run.outcome
        );
        assert!(run.took < Duration::from_secs(30), "{:?}", run.took);
        assert_eq!(world.left(), (0, 0));
    }
}

#[tokio::test]
async fn where_it_is_not_judged_a_bad_sample_ends_nothing() {
    let world = World::new();
    let stop = settings(Mode::Edge).expect(is(true)).stop_on_failure();
    let edge = run(&world, stop, Clean(world.host())).await;
    assert_eq!(edge.outcome, Outcome::Held, "{:?}", edge.samples);
    // After the fault good is waited for.
    let moody = Moody {
        good_every: 5,
        ..Moody::default()
    };
    let end = settings(Mode::End)
        .expect(Tolerance::Above(0.0))
        .stop_on_failure();
    let experiment = experiment(&world).probe_with(end, moody);
    let run = world.engine().await.run(&experiment).await.unwrap();
    assert!(run.stopped.is_none(), "{:?}", run.stopped);
}

#[tokio::test]
async fn a_number_that_no_report_can_hold_is_missing() {
    #[derive(Debug)]
    struct Odd(f64);
    #[async_trait]
    impl Probe for Odd {
        async fn sample(&self) -> Result<Value, BoxError> {
            Ok(Value::Number(self.0))
        }
    }
    for (odd, why) in [(f64::NAN, "NaN"), (f64::INFINITY, "inf")] {
        let world = World::new();
        let run = run(&world, settings(Mode::Edge), Odd(odd)).await;
        let said = run.outcome.to_string();
        assert!(said.contains(&format!("{why} is no value")), "{said}");
        let json = serde_json::to_string(&run).unwrap();
        serde_json::from_str::<Run>(&json).unwrap();
    }
}
