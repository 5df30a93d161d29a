//! A line of a file as it may be shown: without what is secret in it.
//!
//! It reads the text and not the tree: a file that is no YAML has no tree, and its passwords are secret all the same. When in
//! doubt it hides.

use std::ops::Range;

/// What stands for what is hidden.
const HIDDEN: &str = "***";

/// Parts of the names of keys whose values are secret, without `-` and `_`.
const SECRET: [&str; 12] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "secret",
    "token",
    "apikey",
    "accesskey",
    "privatekey",
    "credential",
    "cookie",
    "bearer",
];

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
                Some(first) => vec![first.colon + 1..line.len()],
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

fn is_auth(key: &str) -> bool {
    ["auth", "authorization"].contains(&key.to_ascii_lowercase().as_str())
}

fn is_secret(key: &str) -> bool {
    let plain = key.to_ascii_lowercase().replace(['-', '_'], "");
    SECRET.iter().any(|part| plain.contains(part))
}

/// Whether a line may have a key that is secret. Quickly: most have none.
fn may_be_secret(line: &str) -> bool {
    let plain = line.to_ascii_lowercase().replace(['-', '_'], "");
    plain.contains("auth") || SECRET.iter().any(|part| plain.contains(part))
}

/// What a line stands below.
#[derive(Debug, PartialEq, Eq)]
enum Above {
    Plain,
    /// A key whose fields may be told, and their values not.
    Auth,
    /// A key whose value is secret.
    Secret,
}

/// What a line stands below: by its indentation, or within brackets or quotes that were opened before it.
fn above(lines: &[&str], at: usize) -> Above {
    if !lines[..at].iter().any(|line| may_be_secret(line)) {
        return Above::Plain;
    }
    let mut line: Vec<char> = lines[at].chars().collect();
    let is_item = |line: &[char]| line.iter().find(|c| !c.is_whitespace()) == Some(&'-');
    let indent = |line: &[char]| line.iter().take_while(|c| c.is_whitespace()).count();
    let bare = keys(&line).is_empty();
    let mut within = indent(&line) + usize::from(is_item(&line));
    let mut is_next = true;
    for before in lines[..at].iter().rev() {
        if within == 0 && !is_next {
            break;
        }
        line = before.chars().collect();
        if line.iter().all(|c| c.is_whitespace()) {
            continue;
        }
        let keys = keys(&line);
        let is_open = |key: &Key| bare && is_next && key.colon + 1 >= line.len();
        for key in keys.iter().filter(|key| key.at < within || is_open(key)) {
            match key {
                key if is_auth(&key.name) => return Above::Auth,
                key if is_secret(&key.name) => return Above::Secret,
                _ => {}
            }
        }
        is_next = false;
        within = within.min(indent(&line) + usize::from(is_item(&line)));
    }
    if is_within_open(lines, at) {
        return Above::Secret;
    }
    Above::Plain
}

/// Whether a line stands within brackets or quotes that a secret key opened on an earlier one.
fn is_within_open(lines: &[&str], at: usize) -> bool {
    (0..at).filter(|n| may_be_secret(lines[*n])).any(|n| {
        let line: Vec<char> = lines[n].chars().collect();
        let keys = keys(&line);
        let secret = keys
            .iter()
            .filter(|key| is_auth(&key.name) || is_secret(&key.name));
        secret.into_iter().any(|key| {
            let mut value: Vec<char> = line[key.colon + 1..].to_vec();
            let start = value.iter().position(|c| !c.is_whitespace());
            let Some(start) = start.filter(|at| "{[\"'".contains(value[*at])) else {
                return false;
            };
            if closed(&value, start).is_some() {
                return false;
            }
            for more in &lines[n + 1..at] {
                value.push('\n');
                value.extend(more.chars());
            }
            closed(&value, start).is_none()
        })
    })
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

/// A key of a line, from the left.
#[derive(Debug)]
struct Key {
    name: String,
    at: usize,
    colon: usize,
    /// How many brackets are open around it.
    depth: usize,
}

fn keys(line: &[char]) -> Vec<Key> {
    let mut keys = Vec::new();
    let (mut depth, mut start, mut i) = (0_usize, 0, 0);
    // Behind the last thing that is no space, which tells whether something begins here.
    let mut seen = 0;
    while let Some(&c) = line.get(i) {
        let is_first = seen <= start;
        if !c.is_whitespace() {
            seen = i + 1;
        }
        let next = line.get(i + 1);
        match c {
            '"' | '\'' if is_first => {
                i = closed(line, i).unwrap_or(line.len());
                seen = i;
                continue;
            }
            '{' | '[' if is_first => (depth, start) = (depth + 1, i + 1),
            '}' | ']' if depth > 0 => (depth, start) = (depth - 1, i + 1),
            ',' if depth > 0 => start = i + 1,
            '-' | '?' if is_first && next == Some(&' ') => start = i + 1,
            ':' if next.is_none_or(|c| c.is_whitespace() || "{[\"'".contains(*c))
                || i > 0 && "\"'".contains(line[i - 1]) =>
            {
                let name: String = line[start..i].iter().collect();
                let at = start + line[start..i].iter().take_while(|c| **c == ' ').count();
                keys.push(Key {
                    name: name.trim().trim_matches(['"', '\'']).to_owned(),
                    at,
                    colon: i,
                    depth,
                });
                start = i + 1;
            }
            _ => {}
        }
        i += 1;
    }
    keys
}

/// Where a value ends that begins at `from`.
fn end_of_value(line: &[char], from: usize, depth: usize) -> usize {
    let start = from
        + line[from..]
            .iter()
            .take_while(|c| c.is_whitespace())
            .count();
    match line.get(start) {
        Some('{' | '[' | '"' | '\'') => closed(line, start).unwrap_or(line.len()),
        Some(_) if depth > 0 => {
            let ends = |c: &char| ",}]".contains(*c);
            let end = line[start..].iter().position(ends);
            end.map_or(line.len(), |end| start + end)
        }
        _ => line.len(),
    }
}

/// Behind the bracket or quote that closes the one at `start`.
fn closed(text: &[char], start: usize) -> Option<usize> {
    let (mut depth, mut quote) = (0_usize, None);
    let mut i = start;
    while let Some(&c) = text.get(i) {
        match (quote, c) {
            (Some('"'), '\\') => i += 1,
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '[') => depth += 1,
            (None, '}' | ']') => depth = depth.saturating_sub(1),
            _ => {}
        }
        i += 1;
        if depth == 0 && quote.is_none() {
            return Some(i);
        }
    }
    None
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
