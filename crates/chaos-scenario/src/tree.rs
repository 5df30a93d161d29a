//! A file as a tree that knows where everything stands. The only module that knows the YAML library.

use crate::diagnose::{Diagnostic, Position};
use chaos_core::units::Bytes;
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value as Json};
use serde_saphyr::{Error, NonFiniteFloatPolicy, Spanned, budget::BudgetBreach};
use std::fmt;

/// The largest file that is read.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// What is said of a file that is larger.
pub(crate) fn too_large() -> Diagnostic {
    let problem = format!("it is larger than {}", Bytes(MAX_BYTES as u64));
    Diagnostic::new(problem).help(format!("a scenario file has at most {MAX_BYTES} bytes"))
}

/// What the library found wrong, without its advice to programmers.
fn problem(error: &Error) -> Diagnostic {
    match error {
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            Diagnostic::new(format!("`{key}` stands there twice")).help("remove one of them")
        }
        Error::DuplicateMappingKey { key: None, .. } => {
            Diagnostic::new("a key stands there twice").help("remove one of them")
        }
        Error::Budget {
            breach: BudgetBreach::Depth { .. },
            ..
        } => Diagnostic::new(format!("it is nested more than {MAX_DEPTH} levels deep")),
        Error::Budget { .. }
        | Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => {
            Diagnostic::new("it holds too much, or repeats too much by aliases (`*name`)")
                .help("write out what is repeated")
        }
        Error::MultipleDocuments { .. } => {
            Diagnostic::new("a second document begins here").help("a scenario file has one")
        }
        Error::MergeKeyNotAllowed { .. } => Diagnostic::new("merge keys (`<<`) are not read"),
        other => {
            let told = other.to_string();
            // The library puts the place in front or behind; it has a place of its own here.
            Diagnostic::new(told.split(" at line ").next().unwrap_or(&told))
        }
    }
}

/// How deep lists and maps are read; each level needs stack, of which a test's thread has little.
const MAX_DEPTH: usize = 24;

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: Position,
    pub(crate) value: Tree,
}

/// A value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Tree {
    Scalar(Json),
    /// `.nan`, `.inf` or `-.inf`, of which JSON has none.
    NotFinite(f64),
    List(Vec<Node>),
    /// In the order of the file, each key with its place.
    Map(Vec<(String, Position, Node)>),
}

impl Node {
    /// Reads YAML, of which JSON is a part.
    pub(crate) fn parse(text: &str) -> Result<Self, Diagnostic> {
        if text.len() > MAX_BYTES {
            return Err(too_large());
        }
        let options = serde_saphyr::options! {
            with_snippet: false,
            // As YAML 1.2 has it: `y`, `on` and `no` are text, such as the name of a target.
            strict_booleans: true,
            // Told with everything else that is wrong.
            non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
            budget: serde_saphyr::budget! { max_depth: MAX_DEPTH },
        };
        let spanned: Spanned<Tree> =
            serde_saphyr::from_str_with_options(text, options).map_err(|error| {
                let at = error
                    .location()
                    .map(|l| Position::new(l.line(), l.column()));
                Diagnostic {
                    at,
                    ..problem(error.without_snippet())
                }
            })?;
        Ok(spanned.into())
    }

    /// The value under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Tree::Map(entries) => entries
                .iter()
                .find(|(k, ..)| k == key)
                .map(|(.., node)| node),
            _ => None,
        }
    }

    /// Removes and returns the value under a key.
    pub(crate) fn take(&mut self, key: &str) -> Option<Self> {
        let Tree::Map(entries) = &mut self.value else {
            return None;
        };
        let at = entries.iter().position(|(k, ..)| k == key)?;
        Some(entries.remove(at).2)
    }

    /// Puts `over` on top: maps are merged, everything else is replaced.
    pub(crate) fn merge(&mut self, over: Self) {
        match (&mut self.value, over.value) {
            (Tree::Map(entries), Tree::Map(others)) => {
                for (key, at, node) in others {
                    match entries.iter_mut().find(|(k, ..)| *k == key) {
                        Some((.., own)) => own.merge(node),
                        None => entries.push((key, at, node)),
                    }
                }
            }
            (_, value) => *self = Self { at: over.at, value },
        }
    }

    /// The value without places.
    pub(crate) fn to_json(&self) -> Json {
        match &self.value {
            Tree::Scalar(scalar) => scalar.clone(),
            Tree::NotFinite(number) => number.to_string().into(),
            Tree::List(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Tree::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, _, node)| (key.clone(), node.to_json()));
                Json::Object(entries.collect::<Map<_, _>>())
            }
        }
    }

    /// Says of every number that is not finite where it stands.
    pub(crate) fn not_finite(&self, found: &mut Vec<Diagnostic>) {
        match &self.value {
            Tree::Scalar(_) => {}
            Tree::NotFinite(number) => {
                let written = match number {
                    _ if number.is_nan() => ".nan",
                    _ if *number > 0.0 => ".inf",
                    _ => "-.inf",
                };
                found.push(
                    Diagnostic::new(format!("`{written}` is not a finite number"))
                        .help("write a number, or quote it where a text is meant")
                        .at(self.at),
                );
            }
            Tree::List(items) => items.iter().for_each(|node| node.not_finite(found)),
            Tree::Map(entries) => entries.iter().for_each(|(.., node)| node.not_finite(found)),
        }
    }

    /// Calls `change` on every scalar.
    pub(crate) fn scalars(&mut self, change: &mut impl FnMut(&mut Json, Position)) {
        match &mut self.value {
            Tree::Scalar(scalar) => change(scalar, self.at),
            Tree::NotFinite(_) => {}
            Tree::List(items) => items.iter_mut().for_each(|node| node.scalars(change)),
            Tree::Map(entries) => entries
                .iter_mut()
                .for_each(|(.., node)| node.scalars(change)),
        }
    }
}

/// An empty map.
impl Default for Node {
    fn default() -> Self {
        Self {
            at: Position::new(1, 1),
            value: Tree::Map(Vec::new()),
        }
    }
}

impl From<Spanned<Tree>> for Node {
    fn from(spanned: Spanned<Tree>) -> Self {
        let at = Position::new(spanned.referenced.line(), spanned.referenced.column());
        Self {
            at,
            value: spanned.value,
        }
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Tree, E> {
        Ok(match Number::from_f64(value) {
            Some(number) => Tree::Scalar(Json::Number(number)),
            None => Tree::NotFinite(value),
        })
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Scalar(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Json::Null))
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Scalar(Json::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Tree, D::Error> {
        Tree::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Spanned<Tree>>()? {
            list.push(item.into());
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some((key, value)) = entries.next_entry::<Spanned<String>, Spanned<Tree>>()? {
            let at = Position::new(key.referenced.line(), key.referenced.column());
            map.push((key.value, at, value.into()));
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_read_as_well_as_yaml() {
        let tree = Node::parse("{ \"a\": [1, 2.5, true, null, \"x\"] }").unwrap();
        assert_eq!(
            tree.to_json(),
            serde_json::json!({ "a": [1, 2.5, true, null, "x"] })
        );
    }

    #[test]
    fn only_true_and_false_are_booleans() {
        for text in ["y", "n", "yes", "no", "on", "off", "Y", "NO", "Off"] {
            let tree = Node::parse(&format!("{{ name: {text}, {text}: [{text}] }}")).unwrap();
            let expected = serde_json::json!({ "name": text, text: [text] });
            assert_eq!(tree.to_json(), expected);
        }
        let tree = Node::parse("[true, false]").unwrap();
        assert_eq!(tree.to_json(), serde_json::json!([true, false]));
    }

    #[test]
    fn an_environment_goes_over_the_file() {
        let mut tree = Node::parse("slo: { a: 1, b: 2 }\nlist: [1, 2]").unwrap();
        tree.merge(Node::parse("slo: { b: 3, c: 4 }\nlist: [9]").unwrap());
        assert_eq!(
            tree.to_json(),
            serde_json::json!({ "slo": { "a": 1, "b": 3, "c": 4 }, "list": [9] })
        );
    }

    #[test]
    fn malformed_text_is_told_with_its_place() {
        for (text, line) in [
            ("a: [1, 2\nb: 3", None),
            ("a: 1\na: 2", Some(2)),
            ("a:\n\t- x", Some(2)),
        ] {
            let error = Node::parse(text).unwrap_err();
            assert!(error.at.is_some(), "{text:?}: {error:?}");
            if let Some(line) = line {
                assert_eq!(
                    error.at.map(|at| at.line),
                    Some(line),
                    "{text:?}: {error:?}"
                );
            }
        }
        assert!(Node::parse(&"x".repeat(MAX_BYTES + 1)).is_err());
    }

    #[test]
    fn the_library_does_not_speak_to_programmers() {
        for (text, expected) in [
            ("a: 1\na: 2", "`a` stands there twice"),
            ("a: 1\n---\nb: 2", "a second document begins here"),
            (
                &("[".repeat(100) + &"]".repeat(100)),
                "it is nested more than 24 levels deep",
            ),
        ] {
            let error = Node::parse(text).unwrap_err();
            assert_eq!(error.problem, expected, "{text:?}");
            assert!(error.at.is_some(), "{error}");
        }
        let error = Node::parse(&"x".repeat(MAX_BYTES + 1)).unwrap_err();
        assert!(error.problem.contains("larger than 1MiB"), "{error}");
    }

    #[test]
    fn an_alias_bomb_is_refused_quickly() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for i in 1..12 {
            let refs = vec![format!("*a{}", i - 1); 10].join(",");
            bomb += &format!("a{i}: &a{i} [{refs}]\n");
        }
        let start = std::time::Instant::now();
        assert!(Node::parse(&bomb).is_err());
        assert!(start.elapsed() < std::time::Duration::from_secs(5));
    }
}
