//! What a line stands below, of a text that need not be YAML.

use super::keys::{Key, closed, is_auth, is_secret, keys, may_be_secret};

/// What a line stands below.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Above {
    Plain,
    /// A key whose fields may be told, and their values not.
    Auth,
    /// A key whose value is secret.
    Secret,
}

/// What a line stands below: by its indentation, or within brackets or quotes that were opened before it.
pub(super) fn above(lines: &[&str], at: usize) -> Above {
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
