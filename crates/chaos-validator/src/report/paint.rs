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

/// Whether a character would steer a terminal, or turn around or hide what is read.
pub(crate) fn steers(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Text from files and targets, in which what would steer a terminal, or turn around or hide what is read, is `\u{fffd}`.
/// Ends of lines stay, tabs are spaces.
///
/// ```
/// assert_eq!(chaos_validator::printable("a\u{202e}b\u{1b}[2J\n"), "a\u{fffd}b\u{fffd}[2J\n");
/// ```
pub fn printable(text: &str) -> String {
    let shown = |c| match c {
        '\n' => c,
        '\t' => ' ',
        c if steers(c) => '\u{fffd}',
        c => c,
    };
    text.chars().map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_steer_the_terminal_or_the_reader() {
        for c in "\u{1b}\u{7f}\u{9b}\r\u{202e}\u{2066}\u{200f}\u{2028}\u{feff}".chars() {
            assert_eq!(printable(&format!("a{c}[2Jb\n")), "a\u{fffd}[2Jb\n");
        }
        assert_eq!(printable("ä 日本 עברית 👩‍🔬 %"), "ä 日本 עברית 👩‍🔬 %");
    }
}
