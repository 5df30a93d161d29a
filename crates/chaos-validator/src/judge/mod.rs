//! Verdicts from numbers. Pure: a report that is read back can be judged again.

mod doubt;
mod lint;
mod never;
mod overall;
mod slo;
mod slos;
mod stop;
mod verdict;

pub use lint::merge_lints;
pub use overall::{Conclusion, Overall};
pub use slo::Slo;
pub use slos::Slos;
pub use stop::StopCondition;
pub use verdict::{Judgement, SloResult};

pub(crate) use doubt::doubts;
#[cfg(feature = "html")]
pub(crate) use doubt::instrument as instrument_doubt;
pub(crate) use lint::lint;
pub(crate) use stop::Seen;
pub(crate) use verdict::judge;
