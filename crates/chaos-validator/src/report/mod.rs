//! What a run has shown, as a value, as JSON and as a table.

#[cfg(feature = "html")]
mod html;
mod json;
mod model;
mod paint;
mod short;
mod summary;
mod table;
mod width;

#[cfg(feature = "html")]
pub use html::HtmlError;
pub use json::{ReportError, SCHEMA, Schema};
pub use model::{LoadFacts, Report};
pub use paint::Paint;
pub use summary::{RefusedScenario, Summary};
pub use width::{terminal_width, wrap};

pub(crate) use short::Short;
