//! The forms that a report can have.

use super::{Paint, Summary, terminal_width};
use std::{fmt, path::Path, str::FromStr};

/// A form that a report can have. JSON is the source of truth: from it every other form can be made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// What a terminal shows.
    Table,
    /// Everything, for programs.
    Json,
    /// For a comment at a pull request.
    Markdown,
    /// One page for people.
    #[cfg(feature = "html")]
    Html,
    /// For a CI server: a suite a scenario, a case a promise.
    #[cfg(feature = "junit")]
    Junit,
    /// Annotations of a GitHub workflow.
    Github,
    /// Prometheus's text format, for the node exporter's textfile collector.
    Prometheus,
}

impl Format {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Table,
        Self::Json,
        Self::Markdown,
        #[cfg(feature = "html")]
        Self::Html,
        #[cfg(feature = "junit")]
        Self::Junit,
        Self::Github,
        Self::Prometheus,
    ];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Markdown => "markdown",
            #[cfg(feature = "html")]
            Self::Html => "html",
            #[cfg(feature = "junit")]
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Prometheus => "prometheus",
        }
    }

    /// The one that a file of this name has: `.txt`, `.json`, `.md`, `.html`, `.xml` or `.prom`.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Some(match extension.as_str() {
            "txt" => Self::Table,
            "json" => Self::Json,
            "md" => Self::Markdown,
            #[cfg(feature = "html")]
            "html" | "htm" => Self::Html,
            #[cfg(feature = "junit")]
            "xml" => Self::Junit,
            "prom" => Self::Prometheus,
            _ => return None,
        })
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let known = Self::ALL
            .iter()
            .copied()
            .find(|format| format.name() == name);
        known.ok_or_else(|| {
            let names: Vec<&str> = Self::ALL.iter().map(|format| format.name()).collect();
            format!("`{name}` is not one of {}", names.join(", "))
        })
    }
}

/// A report that cannot be written in a form.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FormatError {
    /// A number of a run's samples cannot be written as JSON.
    #[error("cannot write the report as JSON")]
    Json(#[source] serde_json::Error),
    /// A name cannot be written as XML.
    #[cfg(feature = "junit")]
    #[error("cannot write the report as JUnit XML")]
    Junit(#[source] quick_junit::SerializeError),
    /// The page cannot be made.
    #[cfg(feature = "html")]
    #[error(transparent)]
    Html(#[from] super::HtmlError),
}

impl Summary {
    /// The reports in a form, with a line's end at its end.
    ///
    /// # Errors
    /// They cannot be written in it.
    pub fn render(&self, format: Format) -> Result<String, FormatError> {
        let mut text = match format {
            Format::Table => match self.reports.as_slice() {
                [report] if self.refused.is_empty() && self.not_run.is_empty() => {
                    report.table_in(Paint::detect(), terminal_width())
                }
                _ => self.table_in(Paint::detect(), terminal_width()),
            },
            Format::Json => self.to_json().map_err(FormatError::Json)?,
            Format::Markdown => super::markdown::render(self),
            #[cfg(feature = "html")]
            Format::Html => self.to_html()?,
            #[cfg(feature = "junit")]
            Format::Junit => super::junit::render(self).map_err(FormatError::Junit)?,
            Format::Github => super::github::render(self),
            Format::Prometheus => super::prometheus::render(self),
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_files_say_which() {
        for format in Format::ALL {
            assert_eq!(format.name().parse::<Format>().unwrap(), *format);
        }
        let error = "xml".parse::<Format>().unwrap_err();
        assert!(error.contains("github"), "{error}");
        for (path, format) in [
            ("a/b.MD", Some(Format::Markdown)),
            #[cfg(feature = "junit")]
            ("junit.xml", Some(Format::Junit)),
            ("chaos.prom", Some(Format::Prometheus)),
            ("report", None),
            ("report.pdf", None),
        ] {
            assert_eq!(Format::of_path(Path::new(path)), format, "{path}");
        }
    }
}
