//! What clients and the engine see of each fault, and what is refused.

use super::{
    client::{Box, Gets, docker},
    engine, registry, trial,
    victim::{self, Victim},
};
use chaos_core::{Chain, Engine, EngineError, FaultExt, Parameters, Placed};
use chaos_faults_container::{Kill, Pause, Restart, Stop};
use libtest_mimic::Trial;
use std::{sync::Arc, time::Duration};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_paused_container_is_silent_and_then_goes_on", pause),
        trial("a_stopped_container_refuses_and_then_runs_again", stop),
        trial("a_stubborn_container_is_killed_after_its_grace", stubborn),
        trial("a_killed_container_has_no_time_to_end", kill),
        trial("a_killed_container_stays_down_whatever_its_policy", policy),
        trial("a_signal_that_ends_nothing_is_an_error", survives),
        trial("a_restart_must_be_allowed_and_runs_again", restart),
        trial("a_restart_ends_well_without_its_client", restart_alone),
        trial("what_somebody_else_has_paused_is_left_alone", foreign_pause),
        trial("what_does_not_run_is_refused", not_running),
        trial("what_vanishes_when_it_stops_is_not_stopped", auto_remove),
        trial("one_fault_of_one_container_at_a_time", taken),
    ]
}

async fn pause() {
    let made = Box::start();
    let (engine, _state) = engine().await;
    let during = engine.during(Pause::new().on(&made.target()), async {
        assert_eq!(made.status(), "paused");
        let before = made.beats();
        assert_eq!(made.client_gets(), Gets::Silence);
        assert_eq!(made.beats(), before);
        (made.started_at(), before)
    });
    let (run, before) = during.await.unwrap();
    made.works();
    // The same run has counted on.
    assert_eq!(made.started_at(), run);
    assert!(made.beats() > before);
}

async fn stop() {
    let made = Box::start();
    let (engine, _state) = engine().await;
    let run = made.started_at();
    let stopped = Stop::new().on(&made.target());
    let injection = engine.inject(stopped).await.unwrap();
    assert_eq!(made.status(), "exited");
    assert_eq!(made.inspect(".State.ExitCode"), "0");
    assert_eq!(made.client_gets(), Gets::Refusal);
    let recovered = injection.recover().await.unwrap();
    recovered.answered(Duration::from_secs(10)).await.unwrap();
    made.works();
    assert_ne!(made.started_at(), run);
}

async fn stubborn() {
    let made = Box::start_stubborn();
    let (engine, _state) = engine().await;
    let stopped = Stop::new().grace(Duration::from_secs(1)).on(&made.target());
    let injection = engine.inject(stopped).await.unwrap();
    assert!(made.was_asked_to_end());
    assert_eq!(made.inspect(".State.ExitCode"), "137");
    injection.recover().await.unwrap();
    made.works();
}

async fn kill() {
    let made = Box::start();
    let (engine, _state) = engine().await;
    let killed = Kill::new().on(&made.target());
    let injection = engine.inject(killed).await.unwrap();
    assert_eq!(made.inspect(".State.ExitCode"), "137");
    assert_eq!(made.client_gets(), Gets::Refusal);
    injection.recover().await.unwrap();
    made.works();
}

fn kill_with(signal: &str, target: &Box) -> Placed {
    let parameters = Parameters::new().with("signal", signal);
    let fault = registry().fault("container.kill", None, &parameters);
    Placed::new(fault.unwrap(), Arc::new(target.target()))
}

async fn policy() {
    let made = Box::start_with(["--restart", "always"]);
    let (engine, _state) = engine().await;
    for signal in ["SIGKILL", "SIGTERM", "SIGINT"] {
        let run = made.started_at();
        let injection = engine.inject(kill_with(signal, &made)).await.unwrap();
        // Longer than an engine waits before it applies a policy.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!((made.status(), made.started_at()), ("exited".into(), run));
        injection.recover().await.unwrap();
        made.works();
    }
}

/// Waits as long as a step may take, and takes it back.
async fn survives() {
    let made = Box::start_stubborn();
    let run = made.started_at();
    let state = tempfile::tempdir().unwrap();
    let builder = Engine::builder().registry(registry());
    let builder = builder.state_dir(state.path().join("chaos"));
    let limited = builder.step_limit(Duration::from_secs(1));
    let engine = limited.open().await.unwrap();
    let error = engine.inject(kill_with("SIGTERM", &made)).await;
    let error = Chain(&error.unwrap_err()).to_string();
    assert!(error.contains("everything was undone"), "{error}");
    assert!(error.contains("did not finish within 1s"), "{error}");
    made.works();
    assert!(made.was_asked_to_end());
    assert_eq!((made.started_at(), victim::logs(&state)), (run, 0));
}

async fn restart() {
    let made = Box::start();
    let (engine, _state) = engine().await;
    let run = made.started_at();
    let refused = engine.inject(Restart::new().on(&made.target())).await;
    let error = refused.unwrap_err();
    assert!(matches!(error, EngineError::Refused(_)), "{error}");
    let error = error.to_string();
    assert!(error.contains("allow_irreversible"), "{error}");
    assert_eq!(made.started_at(), run);

    let allowed = Restart::new().on(&made.target()).allow_irreversible();
    let injection = engine.inject(allowed).await.unwrap();
    assert_ne!(made.started_at(), run);
    let recovered = injection.recover().await.unwrap();
    assert!(recovered.is_clean() && recovered.lost.is_empty());
    recovered.answered(Duration::from_secs(10)).await.unwrap();
    made.works();
}

/// The engine carries a restart out also when nobody waits for it any more.
async fn restart_alone() {
    let made = Box::start_stubborn();
    let run = made.started_at();
    let state = tempfile::tempdir().unwrap();
    let mut victim = Victim::new("restart", &state, &[&made]).spawn();
    made.comes_to("being asked to end", Box::was_asked_to_end);
    assert_eq!(made.started_at(), run);
    victim.kill().unwrap();
    victim.wait().unwrap();
    made.comes_to("another run", |made| made.started_at() != run);
    made.works();
    // There is nothing to recover, and nothing is left of the log.
    let engine = super::engine_in(&state).await;
    assert!(engine.recover_orphans().await.unwrap().is_clean());
    assert_eq!(victim::logs(&state), 0);
}

async fn foreign_pause() {
    let made = Box::start();
    let (engine, state) = engine().await;
    docker(["pause", &made.id]);
    let target = made.target();
    for fault in [Pause::new().on(&target), Stop::new().on(&target)] {
        let error = engine.inject(fault).await.unwrap_err();
        assert!(matches!(error, EngineError::Refused(_)), "{error}");
        let error = Chain(&error).to_string();
        assert!(error.contains("paused already"), "{error}");
        assert_eq!(made.status(), "paused");
    }
    assert!(!state.path().join("chaos").exists());
    docker(["unpause", &made.id]);
    made.works();
}

async fn not_running() {
    let made = Box::start();
    docker(["stop", &made.id]);
    let (engine, _state) = engine().await;
    let target = made.target();
    for fault in [
        Pause::new().on(&target),
        Stop::new().on(&target),
        Kill::new().on(&target),
        Restart::new().on(&target).allow_irreversible(),
    ] {
        let error = engine.inject(fault).await.unwrap_err();
        let error = Chain(&error).to_string();
        assert!(error.contains("does not run"), "{error}");
        assert_eq!(made.status(), "exited");
    }
}

async fn auto_remove() {
    let made = Box::start_with(["--rm"]);
    let (engine, _state) = engine().await;
    let target = made.target();
    for fault in [Stop::new().on(&target), Kill::new().on(&target)] {
        let error = engine.inject(fault).await.unwrap_err();
        let error = Chain(&error).to_string();
        assert!(error.contains("--rm") && error.contains("pause"), "{error}");
        made.works();
    }
    // The advice is good.
    let paused = Pause::new().on(&target);
    let status = engine.during(paused, async { made.status() }).await;
    assert_eq!(status.unwrap(), "paused");
    made.works();
}

async fn taken() {
    let made = Box::start();
    let (engine, state) = engine().await;
    let paused = engine
        .inject(Pause::new().on(&made.target()))
        .await
        .unwrap();
    let other = super::engine_in(&state).await;
    let error = other.inject(Stop::new().on(&made.target())).await;
    assert!(matches!(error, Err(EngineError::Refused(_))), "{error:?}");
    assert_eq!(made.status(), "paused");
    paused.recover().await.unwrap();
    made.works();
}
