#![cfg_attr(feature = "testing", doc = include_str!("../README.md"))]
#![cfg_attr(
    not(feature = "testing"),
    doc = "Break a running system on purpose, and always put it back."
)]
#![forbid(unsafe_code)]
#![warn(clippy::unwrap_used)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod action;
mod by_name;
mod config;
mod engine;
mod error;
mod experiment;
mod fault;
mod guard;
mod hypothesis;
mod identity;
mod in_process;
mod injection;
mod jittered;
mod needs;
mod observer;
mod placed;
mod plan;
mod probe;
mod protect;
mod registry;
mod run;
mod samples;
pub mod seconds;
mod secret;
mod seed;
mod stack;
mod stop;
mod target;
pub mod testing;
mod tolerance;
mod undo;
mod undo_log;
pub mod units;
pub mod watchdog;

pub use action::{Action, Change, OneWay, Reach};
pub use async_trait::async_trait;
pub use by_name::read_config;
pub use config::{FaultConfig, Intensity, Parameters, ProbeConfig, TargetConfig};
pub use engine::{Engine, EngineBuilder, Preview, PreviewedFault, Recovered};
pub use error::{
    BoxError, Chain, ConfigError, EngineError, FaultError, Leftover, Refusal, RefusalReason,
    UndoLogError,
};
pub use experiment::{Experiment, ExperimentSpec, FaultSpec, Mode, ProbeSettings, Targets};
pub use fault::{Context, Fault, FaultExt, InjectionId};
pub use hypothesis::{Hypothesis, Phase, Steady, Verdict};
pub use identity::{ProcessId, boot_id, machine_id, since_boot};
pub use in_process::{Held, InProcess};
pub use injection::Injection;
pub use jittered::Jittered;
pub use needs::{Capability, Missing, Needs};
pub use observer::{Event, Observer, RunHandle};
pub use placed::{OnLost, Placed, Placements};
pub use plan::{Plan, Ready};
pub use probe::{Probe, Sample, Value};
pub use protect::protects;
pub use registry::Registry;
pub use run::{Edge, EdgeKind, Judged, Outcome, PhaseSpan, Run};
pub use samples::Samples;
pub use schemars;
pub use secret::{Secret, SecretRef};
pub use seed::Seed;
pub use stack::{Active, Stack, Stacked};
pub use stop::{Stop, StopReason};
pub use target::{BlastRadius, Host, Site, Target};
pub use tolerance::{Pattern, Tolerance};
pub use undo::{Lifetime, Presence, Undo, UndoRecord, Undone};
pub use undo_log::Forgotten;
pub use watchdog::Watchdog;
