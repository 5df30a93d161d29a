//! The report as one page that needs nothing else: its own pictures, styles and a small script, and no network.
//!
//! Everything is readable without the script; it only adds what hovering and the arrow keys tell. A policy in the page lets
//! nothing run but this script, whatever a target or a file is named.

mod classes;
mod columns;
mod curve_panel;
mod fault_bar;
mod frame;
mod heatmap_panel;
mod latency_panel;
mod mini;
mod outages_panel;
mod page;
mod phases_panel;
mod resource_table;
mod resources_panel;
mod scale;
mod section;
mod slo_rows;
mod strip_panel;
mod svg;
mod tables;
mod throughput_panel;
mod tiles;
mod words;

use super::{Report, Summary};

/// A report that cannot be written as a page.
#[derive(Debug, thiserror::Error)]
#[error("cannot write the report as a page")]
#[non_exhaustive]
pub struct HtmlError(#[source] minijinja::Error);

impl Report {
    /// The report as one HTML page that needs nothing else.
    ///
    /// # Errors
    /// The page's template does not take the report, which is a mistake of this library.
    pub fn to_html(&self) -> Result<String, HtmlError> {
        page::of_report(self).map_err(HtmlError)
    }
}

impl Summary {
    /// All reports as one HTML page that needs nothing else, with what was refused and what was not run.
    ///
    /// # Errors
    /// The page's template does not take a report, which is a mistake of this library.
    pub fn to_html(&self) -> Result<String, HtmlError> {
        page::of_summary(self).map_err(HtmlError)
    }
}
