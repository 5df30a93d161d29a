//! An error with its sources, on one line.

use std::fmt;

/// Displays an error with all its sources on one line: `could not open x: permission denied`.
#[derive(Debug)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a wrapper for display, made with `Chain(&error)`"
)]
pub struct Chain<'a>(pub &'a (dyn std::error::Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut source = self.0.source();
        while let Some(error) = source {
            write!(f, ": {error}")?;
            source = error.source();
        }
        Ok(())
    }
}
