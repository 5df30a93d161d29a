#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]

mod client;
mod judge;
mod load;
pub mod measure;
mod probe;
mod report;
mod resource;
mod run;
mod stop_watch;

pub use judge::{Conclusion, Judgement, Overall, Slo, SloResult, Slos, StopCondition, merge_lints};
pub use load::{
    Answer, Auth, Calls, Ceiling, Class, ClosureLoad, Counts, Exchange, HttpLoad, HttpLoadConfig,
    HttpRequest, HttpRequestConfig, HttpSlot, HttpTraffic, HttpWork, Load, LoadConfig, OpenLoop,
    Ramp, Recorder, Recording, RequestRate, Schedule, Statuses, Step, TcpLoad, TcpLoadConfig,
    TcpTraffic, TcpWork, Ticket, Traffic, Work,
};
#[cfg(feature = "postgres")]
pub use load::{
    PostgresConnection, PostgresLoad, PostgresLoadConfig, PostgresTraffic, PostgresWork,
};
#[cfg(feature = "redis")]
pub use load::{RedisLoad, RedisLoadConfig, RedisTraffic, RedisWork};
pub use measure::{Metrics, wilson};
pub use probe::{
    ClosureProbe, CommandProbe, CommandProbeConfig, DnsProbe, DnsProbeConfig, FileLook, FileProbe,
    FileProbeConfig, HttpProbe, HttpProbeConfig, ProcessProbe, ProcessProbeConfig, PrometheusProbe,
    PrometheusProbeConfig, ReadAs, TcpProbe, TcpProbeConfig, register,
};
#[cfg(feature = "postgres")]
pub use probe::{PostgresProbe, PostgresProbeConfig};
#[cfg(feature = "redis")]
pub use probe::{RedisProbe, RedisProbeConfig};
#[cfg(feature = "html")]
pub use report::HtmlError;
pub use report::{
    Advice, Change, CompareTolerance, Comparison, Format, FormatError, LoadFacts, Machine, Measure,
    Paint, RefusedScenario, Report, ReportError, SCHEMA, Schema, Summary, Trend, acted, printable,
    terminal_width, wrap,
};
pub use resource::{
    Life, ResourcePoint, ResourceSource, ResourceUse, ResourceWatch, Resources, SiteResources,
};
pub use run::run;
pub use stop_watch::StopWatch;
