//! Whole runs: a real engine, a real service, a fault in between.

mod support;

use chaos_core::{
    Change, Context, Engine, Experiment, Fault, FaultError, FaultExt, Held, Host, InProcess, Needs,
    Placed, Plan, Reach, Site, async_trait,
};
use chaos_validator::{ClosureLoad, Conclusion, HttpLoad, Judgement, Report, Slo, SloResult, Slos};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use support::{Knobs, Service, ms, nobody};

/// Turns the knobs of a service while it is in place.
#[derive(Debug, Clone)]
struct Turn {
    knobs: Arc<Knobs>,
    delay_ms: u64,
    fail_every: u64,
    active: bool,
}

impl Turn {
    fn slow(service: &Service, delay_ms: u64) -> Placed {
        Self::placed(service, delay_ms, 0, true)
    }

    fn failing(service: &Service) -> Placed {
        Self::placed(service, 0, 1, true)
    }

    /// In place, and nothing goes through it.
    fn aside(service: &Service) -> Placed {
        Self::placed(service, 0, 0, false)
    }

    fn placed(service: &Service, delay_ms: u64, fail_every: u64, active: bool) -> Placed {
        let turn = Self {
            knobs: Arc::clone(&service.knobs),
            delay_ms,
            fail_every,
            active,
        };
        turn.on(&Host)
    }
}

#[async_trait]
impl Fault for Turn {
    fn kind(&self) -> &'static str {
        "test.turn"
    }
    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }
    async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
        Ok(Plan::new().then_in_process(self.clone()))
    }
}

impl InProcess for Turn {
    type Held = Turned;
    fn change(&self) -> Change {
        Change::new("turn the knobs", "knobs", Reach::Process)
    }
    fn apply(&self) -> Result<Turned, FaultError> {
        self.knobs.delay_ms.store(self.delay_ms, Ordering::SeqCst);
        self.knobs
            .fail_every
            .store(self.fail_every, Ordering::SeqCst);
        Ok(Turned {
            knobs: Arc::clone(&self.knobs),
            before: self.knobs.seen.load(Ordering::SeqCst),
            active: self.active,
        })
    }
}

#[derive(Debug)]
struct Turned {
    knobs: Arc<Knobs>,
    before: u64,
    active: bool,
}

impl Held for Turned {
    fn in_place(&self) -> bool {
        true
    }
    fn hits(&self) -> Option<u64> {
        Some(if self.active {
            self.knobs.seen.load(Ordering::SeqCst) - self.before
        } else {
            0
        })
    }
    fn release(self) -> Result<(), FaultError> {
        self.knobs.delay_ms.store(0, Ordering::SeqCst);
        self.knobs.fail_every.store(0, Ordering::SeqCst);
        Ok(())
    }
}

/// How often a run is repeated that could tell nothing.
const TRIES: usize = 12;

/// A run; again, where the machine was too busy to measure anything.
async fn run(name: &str, url: String, fault: Placed) -> Report {
    for _ in 1..TRIES {
        let report = run_once(name, url.clone(), fault.clone()).await;
        let verdict = report.verdict();
        // That a fault hit nothing is not the doing of the instrument.
        if verdict.conclusion != Conclusion::Inconclusive || verdict.why.contains("hit nothing") {
            return report;
        }
    }
    run_once(name, url, fault).await
}

/// The median of three: a moment in which the machine has no time spoils one of them.
async fn median_of<T: Ord, F: Future<Output = T>>(measure: impl Fn() -> F) -> T {
    let mut found = [measure().await, measure().await, measure().await];
    found.sort();
    let [_, median, _] = found;
    median
}

async fn run_once(name: &str, url: String, fault: Placed) -> Report {
    let state = std::env::temp_dir().join(format!("chaos-validator-{}-{name}", std::process::id()));
    let engine = Engine::builder().state_dir(&state).open().await.unwrap();
    let experiment = Experiment::named(name)
        .baseline(ms(1000))
        .hold(ms(2000))
        .recovery_limit(Duration::from_secs(5))
        .fault(fault);
    let load = HttpLoad::get(url).rate(100.0).timeout(ms(1000));
    let report = chaos_validator::run(&engine, experiment, load, &Slos::default())
        .await
        .unwrap();
    drop(engine);
    std::fs::remove_dir_all(state).ok();
    report
}

fn result(report: &Report, slo: Slo) -> &SloResult {
    report.slos.iter().find(|r| r.slo == slo).unwrap()
}

#[tokio::test]
async fn a_short_run_with_a_slow_dependency_is_held() {
    let slower = median_of(slowed).await;
    assert!((80..300).contains(&slower), "{slower} ms");
}

/// By how many milliseconds a service is slower whose dependency is 100 ms slower.
async fn slowed() -> i64 {
    let service = Service::start();
    let report = run("slow", service.url(), Turn::slow(&service, 100)).await;
    report.assert_held();
    let counts = report.metrics.instrument.counts;
    assert_eq!(
        counts.planned,
        counts.done() + counts.unsent + counts.cancelled
    );
    assert!(
        report.metrics.recovery_time.unwrap().exact().is_some(),
        "{report}"
    );
    let json = report.to_json().unwrap();
    assert_eq!(
        Report::from_json(&json).unwrap().verdict(),
        report.verdict()
    );
    (report.metrics.degradation.unwrap().seconds * 1e3) as i64
}

#[tokio::test]
async fn a_service_that_fails_with_its_dependency_is_told_so() {
    // Each failure is counted, and the outage is as long as the fault was in place.
    let (miscounted, off) = median_of(failing).await;
    assert_eq!(miscounted, 0);
    assert!(off < ms(60), "{off:?}");
}

/// A service that fails with its dependency: how far the count of its failures is from its own, and the length of the
/// outage from that of the fault.
async fn failing() -> (u64, Duration) {
    let service = Service::start();
    let report = run("failing", service.url(), Turn::failing(&service)).await;
    assert_eq!(report.exit_code(), 1, "{report}");
    assert_eq!(result(&report, Slo::ErrorRate).judgement, Judgement::Fail);
    assert_eq!(report.metrics.outages.len(), 1, "{report}");
    let bad = report.metrics.judged.as_ref().unwrap().counts.bad;
    let failed = service.knobs.failed.load(Ordering::SeqCst);
    // The service is back at once; a busy machine may be slow for a moment.
    let recovery = report.metrics.recovery_time.unwrap().exact().unwrap();
    assert!(recovery < ms(2000), "{report}");
    let fault = report.metrics.windows.fault.unwrap().length();
    let outage = report.metrics.outages[0].length().exact().unwrap();
    (bad.abs_diff(failed), outage.abs_diff(fault))
}

#[tokio::test]
async fn a_target_that_is_down_from_the_start_is_not_broken_further() {
    let service = Service::start();
    let down = format!("http://{}/", nobody().await);
    let report = run("down", down, Turn::slow(&service, 100)).await;
    assert_eq!(
        report.verdict().conclusion,
        Conclusion::NotSteady,
        "{report}"
    );
    assert_eq!(report.exit_code(), 4);
    assert!(report.run.injected().is_none());
    assert!(report.verdict().why.contains("refused"), "{report}");
}

#[tokio::test]
async fn a_fault_beside_the_traffic_proves_nothing() {
    let service = Service::start();
    let report = run("aside", service.url(), Turn::aside(&service)).await;
    assert_eq!(report.exit_code(), 3, "{report}");
    assert!(
        report.verdict().why.contains("not proven active"),
        "{report}"
    );
}

#[tokio::test]
async fn an_address_that_is_wrong_is_named_and_nothing_is_injected() {
    let service = Service::start();
    let report = run("wrong", "localhost".into(), Turn::slow(&service, 100)).await;
    assert_eq!(report.exit_code(), 4);
    assert!(report.verdict().why.contains("url"), "{report}");
}

/// This very process.
#[cfg(target_os = "linux")]
#[derive(Debug)]
struct Me;

#[cfg(target_os = "linux")]
#[async_trait]
impl chaos_core::Target for Me {
    fn describe(&self) -> String {
        "me".into()
    }
    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        let id = chaos_core::ProcessId::of(std::process::id())
            .map_err(|e| FaultError::host("look at this process", e))?;
        Ok(vec![Site::named("process", "me").with_pid(id)])
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn what_the_target_of_a_fault_used_is_in_the_report_without_asking() {
    let service = Service::start();
    let turn = Turn {
        knobs: Arc::clone(&service.knobs),
        delay_ms: 20,
        fail_every: 0,
        active: true,
    };
    let placed = chaos_core::Placed::new(Arc::new(turn), Arc::new(Me));
    let report = run("used", service.url(), placed).await;
    let [me] = report.resources.sites.as_slice() else {
        panic!("{:#?}", report.resources);
    };
    assert_eq!((me.name.as_str(), me.restarts), ("me", 0));
    for used in [me.baseline.unwrap(), me.fault.unwrap()] {
        assert!(used.memory_max.unwrap() > 1 << 20, "{me:#?}");
        assert!(used.cpu_mean.unwrap() > 0.0, "{me:#?}");
        assert!(used.threads_max.unwrap() > 1, "{me:#?}");
        assert_eq!(used.missing, Duration::ZERO);
    }
    assert!(report.to_string().contains("most memory"), "{report}");
    // A fault on what is no process has nothing to tell.
    let report = run("unused", service.url(), Turn::slow(&service, 20)).await;
    assert!(report.resources.is_empty(), "{:#?}", report.resources);
}

/// Neither a pass nor a failure: who measures badly has shown nothing, however well or badly the target did.
#[tokio::test]
async fn a_sabotaged_instrument_tells_nothing() {
    for delay in [0, 5000] {
        let service = Service::start();
        // Blocks the thread of the load, as a machine would that has no time for it.
        let load = ClosureLoad::new(|| async {
            std::thread::sleep(ms(60));
            Ok(())
        });
        let engine = Engine::open().await.unwrap();
        let experiment = Experiment::named("sabotage")
            .baseline(ms(1500))
            .hold(ms(1500))
            .recovery_limit(ms(1500))
            .fault(Turn::slow(&service, delay));
        let slos = Slos::default();
        let report = chaos_validator::run(&engine, experiment, load.rate(50.0), &slos);
        let report = report.await.unwrap();
        let conclusion = report.verdict().conclusion;
        assert!(
            matches!(conclusion, Conclusion::Inconclusive | Conclusion::NotSteady),
            "{report}"
        );
    }
}

/// The target is well; who asks it has no time.
#[tokio::test]
async fn a_generator_that_cannot_keep_up_is_inconclusive_and_breaks_nothing() {
    let service = Service::start();
    let load = ClosureLoad::new(|| {
        std::thread::sleep(ms(20));
        async { Ok(()) }
    });
    let engine = Engine::open().await.unwrap();
    let experiment = Experiment::named("too fast")
        .baseline(ms(1500))
        .hold(ms(500))
        .fault(Turn::slow(&service, 0));
    let slos = Slos::default();
    let report = chaos_validator::run(&engine, experiment, load.rate(500.0), &slos);
    let report = report.await.unwrap();
    assert_eq!(report.exit_code(), 3, "{report}");
    assert!(report.run.injected().is_none(), "{report}");
    let why = &report.verdict().why;
    for said in ["too late to send", "lower rate", "less busy machine"] {
        assert!(why.contains(said), "{why}");
    }
}

/// It kept up before the fault, and no more after that.
#[tokio::test]
async fn a_generator_that_falls_behind_later_does_not_blame_the_target() {
    let mut report = falls_behind().await;
    for _ in 1..TRIES {
        // The machine itself may keep it from anything in the baseline.
        if report.run.injected().is_some() {
            break;
        }
        report = falls_behind().await;
    }
    assert_eq!(report.exit_code(), 3, "{report}");
    assert!(report.run.injected().is_some(), "{report}");
    let why = &report.verdict().why;
    assert!(
        why.contains("too late to send") || why.contains("could not send"),
        "{why}"
    );
}

async fn falls_behind() -> Report {
    let service = Service::start();
    let load = ClosureLoad::new(|| {
        std::thread::sleep(ms(5));
        async { Ok(()) }
    });
    let engine = Engine::open().await.unwrap();
    let experiment = Experiment::named("too fast later")
        .baseline(ms(1500))
        .hold(ms(1500))
        .recovery_limit(ms(1500))
        .fault(Turn::slow(&service, 0));
    let load = load.steps([(20.0, ms(1600)), (2000.0, ms(1000))]);
    let slos = Slos::default();
    chaos_validator::run(&engine, experiment, load, &slos)
        .await
        .unwrap()
}
