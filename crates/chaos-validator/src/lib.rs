#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod judge;
mod load;
pub mod measure;
mod probe;
mod report;
mod run;
mod stop_watch;

pub use judge::{Conclusion, Judgement, Overall, Slo, SloResult, Slos, StopCondition, merge_lints};
pub use load::{
    Class, ClosureLoad, Counts, Exchange, HttpLoad, HttpLoadConfig, Load, LoadConfig, Recording,
    RequestRate,
};
pub use measure::Metrics;
pub use probe::{ClosureProbe, HttpProbe, HttpProbeConfig, TcpProbe, TcpProbeConfig, register};
pub use report::{
    LoadFacts, Paint, RefusedScenario, Report, ReportError, SCHEMA, Schema, Summary,
    terminal_width, wrap,
};
pub use run::run;
pub use stop_watch::StopWatch;
