//! The path of a field, such as `scenarios[0].parameters.latency`, and what stands at its end.

use crate::{
    diagnose::Position,
    tree::{Node, Tree},
};

/// The key that a path begins with, and the rest of the path. Keys may hold dots: the longest counts.
pub(crate) fn key<'k, 'p>(
    path: &'p str,
    keys: impl Iterator<Item = &'k str>,
) -> Option<(&'k str, &'p str)> {
    let begins = |key: &'k str| {
        let rest = path.strip_prefix(key)?;
        (rest.is_empty() || rest.starts_with(['.', '['])).then(|| (key, without_dot(rest)))
    };
    keys.filter_map(begins).max_by_key(|(key, _)| key.len())
}

/// The index that a path begins with, and the rest of the path.
pub(crate) fn index(path: &str) -> Option<(usize, &str)> {
    let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
    Some((index.parse().ok()?, without_dot(rest)))
}

fn without_dot(rest: &str) -> &str {
    rest.strip_prefix('.').unwrap_or(rest)
}

/// A path and one more step.
pub(crate) fn join(path: &str, step: &str) -> String {
    if path.is_empty() || step.starts_with('[') {
        format!("{path}{step}")
    } else {
        format!("{path}.{step}")
    }
}

/// Whether a path is `inner`, or leads to what contains it.
pub(crate) fn contains(path: &str, inner: &str) -> bool {
    path.is_empty()
        || inner
            .strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// One step into a tree.
struct Step<'n, 'p> {
    node: &'n Node,
    /// Where the key of the node stands, if it has one.
    key: Option<Position>,
    rest: &'p str,
}

impl Node {
    fn step<'n, 'p>(&'n self, path: &'p str) -> Option<Step<'n, 'p>> {
        match &self.value {
            Tree::Map(entries) => {
                let (name, rest) = key(path, entries.iter().map(|(key, ..)| key.as_str()))?;
                let (_, at, node) = entries.iter().find(|(key, ..)| key == name)?;
                let key = Some(*at);
                Some(Step { node, key, rest })
            }
            Tree::List(items) => {
                let (at, rest) = index(path)?;
                let node = items.get(at)?;
                let key = None;
                Some(Step { node, key, rest })
            }
            Tree::Scalar(_) | Tree::NotFinite(_) => None,
        }
    }

    /// Where the value of a path stands, or the nearest thing that contains it. An unknown key stands where it is
    /// written.
    pub(crate) fn place(&self, mut path: &str) -> Position {
        let (mut node, mut at) = (self, self.at);
        while let Some(step) = node.step(path) {
            // A map has no place of its own in block style: its key is what a reader looks for.
            at = match (&step.node.value, step.key) {
                (Tree::Scalar(_) | Tree::NotFinite(_), _) | (_, None) => step.node.at,
                (_, Some(key)) => key,
            };
            (node, path) = (step.node, step.rest);
        }
        at
    }

    /// Where the key at the end of a path stands.
    pub(crate) fn place_of_key(&self, path: &str) -> Position {
        let (mut node, mut rest) = (self, path);
        while let Some(step) = node.step(rest) {
            match step.key {
                Some(key) if step.rest.is_empty() => return key,
                _ => (node, rest) = (step.node, step.rest),
            }
        }
        self.place(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_path_has_a_place() {
        let file = "name: x\nscenarios:\n  - type: net.latency\n    parameters: { latency: 500ms }\n  - type: y\na.b:\n  c: 1\n";
        let tree = Node::parse(file).unwrap();
        for (path, line, column) in [
            ("name", 1, 7),
            ("scenarios", 2, 1),
            ("scenarios[0].type", 3, 11),
            ("scenarios[0].parameters.latency", 4, 28),
            ("scenarios[0].parameters.latncy", 4, 5),
            ("scenarios[1].type", 5, 11),
            ("scenarios[7]", 2, 1),
            ("a.b.c", 7, 6),
        ] {
            assert_eq!(tree.place(path), Position::new(line, column), "{path}");
        }
        assert_eq!(tree.place_of_key("a.b.c"), Position::new(7, 3));
        assert_eq!(
            tree.place_of_key("scenarios[0].parameters.latency"),
            Position::new(4, 19)
        );
    }

    #[test]
    fn a_path_contains_what_is_below_it() {
        for (path, inner, contained) in [
            ("a", "a", true),
            ("a", "a.b", true),
            ("a", "a[0]", true),
            ("a", "ab", false),
            ("a.b", "a", false),
            ("", "a", true),
        ] {
            assert_eq!(contains(path, inner), contained, "{path} {inner}");
        }
    }
}
