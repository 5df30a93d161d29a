#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod action;
mod config;
mod error;
mod experiment;
mod fault;
mod hypothesis;
mod identity;
mod in_process;
mod needs;
mod observer;
mod placed;
mod plan;
mod probe;
mod registry;
mod run;
mod samples;
mod secret;
mod seed;
mod stop;
mod target;
mod undo;
pub mod units;

pub use action::{Action, Change, OneWay, Reach};
pub use async_trait::async_trait;
pub use config::{FaultConfig, Intensity, Parameters, ProbeConfig, TargetConfig};
pub use error::{
    BoxError, Chain, ConfigError, EngineError, FaultError, Leftover, Refusal, RefusalReason,
    UndoLogError,
};
pub use experiment::{Experiment, ExperimentSpec, FaultSpec, Targets};
pub use fault::{Context, Fault, FaultExt, InjectionId};
pub use hypothesis::{Hypothesis, Phase, Steady, Tolerance, Verdict};
pub use identity::{ProcessId, boot_id, machine_id, since_boot};
pub use in_process::{Held, InProcess};
pub use needs::{Capability, Missing, Needs};
pub use observer::{Event, Observer, RunHandle};
pub use placed::{OnLost, Placed, Placements};
pub use plan::{Plan, Ready};
pub use probe::{Probe, Sample, Value};
pub use registry::Registry;
pub use run::{Edge, EdgeKind, Judged, Outcome, PhaseSpan, Run};
pub use samples::Samples;
pub use schemars;
pub use secret::{Secret, SecretRef};
pub use seed::Seed;
pub use stop::{Stop, StopReason};
pub use target::{BlastRadius, Host, Site, Target};
pub use undo::{Lifetime, Presence, Undo, UndoRecord, Undone};
