//! A line of a file as it may be shown: without what is secret in it.
//!
//! It reads the text and not the tree: a file that is no YAML has no tree, and its passwords are secret all the same. When in
//! doubt it hides.

mod above;
mod keys;

use above::{Above, above};
use keys::{end_of_value, is_auth, is_secret, keys};
use std::ops::Range;

/// What stands for what is hidden.
const HIDDEN: &str = "***";

/// A line as it may be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) text: String,
    /// The column, from 1, of what stood at the column that was asked for.
    pub(crate) column: usize,
    /// Until the messages are told.
    hidden: Vec<String>,
    /// The line as it is, when a secret comes from a variable: its value is not in it.
    of_variable: Option<String>,
}

impl Shown {
    /// Line `number` of a text, from 1, and where `column` is in it.
    pub(crate) fn of(text: &str, number: usize, column: usize) -> Option<Self> {
        let lines: Vec<&str> = text.lines().collect();
        let at = number.checked_sub(1)?;
        let line: Vec<char> = lines.get(at)?.chars().collect();
        let hidden = match above(&lines, at) {
            Above::Secret => whole(&line).into_iter().collect(),
            Above::Auth => match keys(&line).first() {
                Some(first) => std::iter::once(first.colon + 1..line.len()).collect(),
                None => whole(&line).into_iter().collect(),
            },
            Above::Plain => secrets(&line),
        };
        let mut shown = Self {
            text: String::new(),
            column,
            hidden: Vec::new(),
            of_variable: None,
        };
        let mut from = 0;
        for Range { start, end } in hidden {
            let start = start + line[start..end].iter().take_while(|c| **c == ' ').count();
            if line[start..end].contains(&'$') {
                shown.of_variable = Some(line.iter().collect());
            }
            if start == end || is_variable(&line[start..end]) {
                continue;
            }
            shown.text.extend(&line[from..start]);
            if column > end {
                shown.column = (shown.column + HIDDEN.len()).saturating_sub(end - start);
            } else if column > start {
                shown.column = shown.text.chars().count() + 1;
            }
            shown.text += HIDDEN;
            shown.hidden.push(line[start..end].iter().collect());
            from = end;
        }
        shown.text.extend(&line[from..]);
        Some(shown)
    }

    /// The same without what it took to leave secrets out of messages.
    pub(crate) fn without_traces(mut self) -> Self {
        self.hidden.clear();
        self.of_variable = None;
        self
    }

    /// A message that does not repeat what is hidden. Keys are said.
    pub(crate) fn without_secrets(&self, message: &str) -> String {
        if let Some(line) = &self.of_variable
            && let Some(quoted) = quoted(message)
            && !message.starts_with("the variable `")
            && !line.contains(&message[quoted.clone()])
        {
            return [&message[..quoted.start], HIDDEN, &message[quoted.end..]].concat();
        }
        let mut out = String::new();
        for (n, part) in message.split_inclusive(['`', '"']).enumerate() {
            let quoted = part.trim_end_matches(['`', '"']);
            let is_value = |hidden: &String| {
                hidden.match_indices(quoted).any(|(at, _)| {
                    let behind = hidden[at + quoted.len()..].trim_start_matches(['"', '\'']);
                    !behind.starts_with(':')
                })
            };
            if n > 0 && quoted.len() > 1 && quoted != part && self.hidden.iter().any(is_value) {
                out += HIDDEN;
                out += &part[quoted.len()..];
            } else {
                out += part;
            }
        }
        out
    }
}

/// All that a message quotes, from the first quote to the last of its sort: what is quoted may hold quotes itself.
fn quoted(message: &str) -> Option<Range<usize>> {
    let start = message.find(['`', '"'])?;
    let quote = message[start..].chars().next()?;
    let end = message.rfind(quote).filter(|end| *end > start)?;
    Some(start + 1..end)
}

/// Whether a value only names a variable, which is no secret: `"${TOKEN}"`.
fn is_variable(value: &[char]) -> bool {
    let value: String = value.iter().collect();
    let name = value
        .trim()
        .trim_matches(['"', '\''])
        .strip_prefix("${")
        .and_then(|rest| rest.strip_suffix('}'));
    name.is_some_and(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
}

/// All of a line but its indentation.
fn whole(line: &[char]) -> Option<Range<usize>> {
    let start = line.iter().position(|c| !c.is_whitespace())?;
    Some(start..line.len())
}

/// The values of a line that are secret, with the passwords within addresses.
fn secrets(line: &[char]) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for key in keys(line) {
        let is_covered = found.iter().any(|range| range.contains(&key.at));
        if !is_covered && (is_auth(&key.name) || is_secret(&key.name)) {
            found.push(key.colon + 1..end_of_value(line, key.colon + 1, key.depth));
        }
    }
    for password in passwords(line) {
        if !found.iter().any(|range| range.contains(&password.start)) {
            found.push(password);
        }
    }
    found.sort_by_key(|range| range.start);
    found
}

/// The password of each `scheme://user:password@host`.
fn passwords(line: &[char]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for at in 0..line.len().saturating_sub(2) {
        if line[at..at + 3] != [':', '/', '/'] {
            continue;
        }
        let start = at + 3;
        let ends = |c: &char| c.is_whitespace() || "/\"'?#{}".contains(*c);
        let end = start + line[start..].iter().take_while(|c| !ends(c)).count();
        let host = line[start..end].iter().rposition(|c| *c == '@');
        let colon = line[start..end].iter().position(|c| *c == ':');
        if let (Some(colon), Some(host)) = (colon, host)
            && colon < host
        {
            found.push(start + colon + 1..start + host);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_values_of_secret_keys_are_hidden() {
        for (text, shown) in [
            ("auth: { bearer: hunter2 }", "auth: ***"),
            (
                "{ url: x, auth: { basic: { user: a, password: \"}h\" } }, rat: 5 }",
                "{ url: x, auth: ***, rat: 5 }",
            ),
            ("- password: a,b}c", "- password: ***"),
            (
                "{ a: 1, api-key: hunter2, b: 2 }",
                "{ a: 1, api-key: ***, b: 2 }",
            ),
            (
                "{\"db_password\":\"hunter2\",\"b\":2}",
                "{\"db_password\":***,\"b\":2}",
            ),
            ("Authorization: Bearer hunter2", "Authorization: ***"),
            (
                "url: postgres://me:hunter2@db:5432/x",
                "url: postgres://me:***@db:5432/x",
            ),
            (
                "url: \"http://127.0.0.1:80/a\"",
                "url: \"http://127.0.0.1:80/a\"",
            ),
            ("password:", "password:"),
            ("token: \"${TOKEN}\"", "token: \"${TOKEN}\""),
            ("token: ${A}hunter2", "token: ***"),
            ("# token: hunter2", "# token: ***"),
        ] {
            assert_eq!(Shown::of(text, 1, 1).unwrap().text, shown);
        }
    }

    #[test]
    fn what_stands_below_a_secret_key_is_hidden() {
        for (text, shown) in [
            (
                "auth:\n  basic:\n    user: me\n    passwrd: hunter2",
                "    passwrd: ***",
            ),
            ("auth:\n  - hunter2", "  ***"),
            ("auth:\n- hunter2", "***"),
            ("password: |\n  hunter: 2", "  ***"),
            ("password: >-\n\n  a\n\n  hunter2", "  ***"),
            ("{\"auth\": {\n\"a\": 1,\n\"b\": \"hunter2\"", "***"),
            ("{\"token\":\n\"hunter2\"}", "***"),
            ("token: 'a\nhunter2", "***"),
            ("auth:\n  bearer: x\nrate: 5", "rate: 5"),
            ("- password: x\n  rate: 5", "  rate: 5"),
            ("password: ''\nrate: 5", "rate: 5"),
        ] {
            let last = text.lines().count();
            assert_eq!(Shown::of(text, last, 1).unwrap().text, shown, "{text}");
        }
    }

    #[test]
    fn the_column_moves_with_the_text() {
        let text = "{ token: hunter2hunter2, rat: 5 }";
        for (column, now) in [(3, 3), (10, 10), (15, 10), (26, 15)] {
            assert_eq!(Shown::of(text, 1, column).unwrap().column, now, "{column}");
        }
        assert_eq!(text.chars().nth(25), Some('r'));
    }

    #[test]
    fn a_message_does_not_repeat_what_is_hidden() {
        let shown = Shown::of("auth: { basic: { usr: me }, bearer: hunter2 }", 1, 1).unwrap();
        for (message, said) in [
            ("unknown value `hunter2`", "unknown value `***`"),
            ("unknown field `usr`", "unknown field `usr`"),
            ("string \"hunter2\", expected", "string \"***\", expected"),
        ] {
            assert_eq!(shown.without_secrets(message), said);
        }
        assert!(!format!("{:?}", shown.without_traces()).contains("hunter2"));
        // The value of a variable is not in the line.
        let shown = Shown::of("auth: \"${TOKEN}\"", 1, 1).unwrap();
        for (message, said) in [
            ("unknown value `hunter2`", "unknown value `***`"),
            ("unknown value `hun`\"ter2`", "unknown value `***`"),
            ("unknown field `TOKEN`", "unknown field `TOKEN`"),
            (
                "the variable `TOKEN` is not set; `--var`",
                "the variable `TOKEN` is not set; `--var`",
            ),
        ] {
            assert_eq!(shown.without_secrets(message), said);
        }
    }
}
