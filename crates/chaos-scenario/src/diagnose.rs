//! What is wrong with a file, and where.

use crate::{hide::Shown, path::join, tree::Node};
use chaos_core::ConfigError;
use std::{fmt, path::PathBuf};

/// A line and a column, both from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Position {
    /// The line.
    pub line: u64,
    /// The column, in characters.
    pub column: u64,
}

impl Position {
    pub(crate) const fn new(line: u64, column: u64) -> Self {
        Self { line, column }
    }
}

/// What is wrong with a file: where, in which field, why, and what is allowed.
///
/// It prints as editors and people read it:
///
/// ```text
/// chaos.yaml:9:47: scenarios[0].parameters.latency: `500` has no unit; write `500s` or `500ms`
///   |
/// 9 |   - { name: Slow, type: net.latency, parameters: { latency: 500 } }
///   |                                                             ^
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The file.
    pub file: Option<PathBuf>,
    /// Where in it.
    pub at: Option<Position>,
    /// The path of the field: `scenarios[0].parameters.latency`.
    pub field: Option<String>,
    /// What is wrong.
    pub problem: String,
    /// What is allowed, or what to do.
    pub help: Option<String>,
    /// The line of the file, without secrets.
    pub(crate) excerpt: Option<Shown>,
}

impl Diagnostic {
    pub(crate) fn new(problem: impl Into<String>) -> Self {
        Self {
            file: None,
            at: None,
            field: None,
            problem: problem.into(),
            help: None,
            excerpt: None,
        }
    }

    pub(crate) fn of(error: &ConfigError) -> Self {
        Self {
            field: error.field_path().map(str::to_owned),
            help: error.help_text().map(str::to_owned),
            ..Self::new(error.problem())
        }
    }

    pub(crate) fn at(mut self, at: Position) -> Self {
        self.at.get_or_insert(at);
        self
    }

    pub(crate) fn within(mut self, prefix: &str) -> Self {
        self.field = Some(match self.field.take() {
            Some(field) => join(prefix, &field),
            None => prefix.to_owned(),
        });
        self
    }

    /// Finds where its field stands.
    pub(crate) fn find_in(mut self, tree: &Node) -> Self {
        if let (None, Some(field)) = (self.at, &self.field) {
            let of_key = self.problem.starts_with("unknown field");
            self.at = Some(if of_key {
                tree.place_of_key(field)
            } else {
                tree.place(field)
            });
        }
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Adds the file and the line that it speaks of; secrets of that line are nowhere said.
    pub(crate) fn in_file(mut self, file: Option<PathBuf>, text: &str) -> Self {
        self.excerpt = self.at.and_then(|at| {
            let (line, column) = (at.line.try_into().ok()?, at.column.try_into().ok()?);
            Shown::of(text, line, column)
        });
        if let Some(shown) = &self.excerpt {
            self.problem = shown.without_secrets(&self.problem);
            self.help = self.help.map(|help| shown.without_secrets(&help));
        }
        self.excerpt = self.excerpt.map(Shown::without_traces);
        self.file = file;
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(f, "{}:", file.display())?;
        }
        if let Some(at) = self.at {
            write!(f, "{}:{}:", at.line, at.column)?;
        }
        if self.file.is_some() || self.at.is_some() {
            f.write_str(" ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.problem)?;
        if let (Some(at), Some(excerpt)) = (self.at, &self.excerpt) {
            // A long line is cut around the column; a tab counts as one character, as the column does.
            let column = excerpt.column.max(1) - 1;
            let from = column.saturating_sub(60);
            let shown: String = excerpt
                .text
                .chars()
                .skip(from)
                .take(100)
                .map(|c| if c == '\t' { ' ' } else { c })
                .collect();
            let number = at.line.to_string();
            let gutter = " ".repeat(number.len());
            let marker = " ".repeat(column - from);
            write!(f, "\n{gutter} |\n{number} | {shown}\n{gutter} | {marker}^")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostic {}

/// Everything that is wrong with a file, in its order; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(Vec<Diagnostic>);

impl Diagnostics {
    /// Sorts them by their place. `found` is not empty.
    pub(crate) fn new(mut found: Vec<Diagnostic>) -> Self {
        found.sort_by_key(|error| error.at);
        found.dedup();
        Self(found)
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// One after the other.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.0.iter()
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(error: Diagnostic) -> Self {
        Self(vec![error])
    }
}

/// One below the other, with an empty line between.
impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, error) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            error.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
