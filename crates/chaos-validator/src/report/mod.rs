//! What a run has shown, as a value and in all its forms.

mod acted;
mod advice;
mod books;
mod compare;
mod format;
mod github;
#[cfg(feature = "html")]
mod html;
mod json;
#[cfg(feature = "junit")]
mod junit;
mod machine;
mod markdown;
mod measures;
mod model;
mod paint;
mod prometheus;
mod resources;
mod short;
mod summary;
mod table;
mod width;

pub use acted::acted;
pub use advice::Advice;
pub use compare::{Change, Comparison, Tolerance as CompareTolerance, Trend};
pub use format::{Format, FormatError};
#[cfg(feature = "html")]
pub use html::HtmlError;
pub use json::{ReportError, SCHEMA, Schema};
pub use machine::Machine;
pub use measures::Measure;
pub use model::{LoadFacts, Report};
pub use paint::{Paint, printable};
pub use summary::{RefusedScenario, Summary};
pub use width::{terminal_width, wrap};

pub(crate) use short::Short;
