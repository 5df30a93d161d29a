//! Colour, where it helps.

use std::{
    env,
    io::{self, IsTerminal},
};

/// Whether a table is coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Paint {
    /// No escape sequences.
    Plain,
    /// Green, yellow and red marks.
    Colour,
}

impl Paint {
    /// Colour when standard output is a terminal and `NO_COLOR` is not set (<https://no-color.org>).
    pub fn detect() -> Self {
        let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || env::var_os("TERM").is_some_and(|term| term == "dumb");
        if refused || !io::stdout().is_terminal() {
            Self::Plain
        } else {
            Self::Colour
        }
    }

    /// Colours the marks of a finished table; they have the same width with and without.
    pub(crate) fn marks(self, text: String) -> String {
        match self {
            Self::Plain => text,
            Self::Colour => text
                .replace('✓', "\u{1b}[32m✓\u{1b}[0m")
                .replace('✗', "\u{1b}[31m✗\u{1b}[0m"),
        }
    }

    /// Makes a line bold.
    pub(crate) fn bold(self, text: &str) -> String {
        match self {
            Self::Plain => text.to_owned(),
            Self::Colour => format!("\u{1b}[1m{text}\u{1b}[0m"),
        }
    }
}

/// Text from files and targets, without characters that would steer a terminal.
pub(crate) fn safe(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => '\n',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_steer_the_terminal() {
        assert_eq!(safe("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\n");
    }
}
