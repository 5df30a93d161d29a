//! The keys of a line, which of them are secret, and where their values end.

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

pub(super) fn is_auth(key: &str) -> bool {
    ["auth", "authorization"].contains(&key.to_ascii_lowercase().as_str())
}

pub(super) fn is_secret(key: &str) -> bool {
    let plain = key.to_ascii_lowercase().replace(['-', '_'], "");
    SECRET.iter().any(|part| plain.contains(part))
}

/// Whether a line may have a key that is secret. Quickly: most have none.
pub(super) fn may_be_secret(line: &str) -> bool {
    let plain = line.to_ascii_lowercase().replace(['-', '_'], "");
    plain.contains("auth") || SECRET.iter().any(|part| plain.contains(part))
}

/// A key of a line, from the left.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: String,
    pub(super) at: usize,
    pub(super) colon: usize,
    /// How many brackets are open around it.
    pub(super) depth: usize,
}

pub(super) fn keys(line: &[char]) -> Vec<Key> {
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
pub(super) fn end_of_value(line: &[char], from: usize, depth: usize) -> usize {
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
pub(super) fn closed(text: &[char], start: usize) -> Option<usize> {
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
