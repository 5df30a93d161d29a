//! Numbers from what was seen. Pure: the same recording gives the same numbers.

mod availability;
#[cfg(test)]
pub(crate) mod coverage;
mod detection;
mod endpoints;
mod error_rate;
mod interval;
mod latency_buckets;
mod metrics;
mod outage;
mod part;
mod phase;
mod quantile;
mod recovery;
mod repair;
mod shift;
mod starved;
mod survival;
mod tally;
mod timeline;
mod window;

pub use availability::Availability;
pub use detection::Detection;
pub use endpoints::{EndpointMetrics, EndpointPhase};
pub use error_rate::ErrorRate;
pub use interval::wilson;
pub use latency_buckets::{BUCKETS_PER_DECADE, LatencyBucket};
pub use metrics::{Degradation, Instrument, Metrics};
pub use outage::{Detector, Outage};
pub use phase::PhaseMetrics;
pub use quantile::{Quantiles, Timing};
pub use repair::{MeanInterval, Repair};
pub use shift::Shift;
pub use timeline::{Percentile, Slice, SliceLatency, Timeline};
pub use window::{Window, Windows};

pub(crate) use error_rate::{commonest_failure, share};
pub(crate) use interval::least_for_share;
pub(crate) use metrics::least_for_quantile;
pub(crate) use part::Part;
pub(crate) use quantile::Ranked;
pub(crate) use recovery::{Hold, Norm, noise};
pub(crate) use tally::Tally;
