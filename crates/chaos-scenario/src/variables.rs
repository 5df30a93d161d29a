//! `${NAME}` in any scalar.

use crate::{
    diagnose::Diagnostic,
    tree::{Node, Tree},
};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Replaces every `${NAME}` by a given variable, a scalar at the top of the file, or an environment variable, in
/// this order. `$${` stands for `${`. A scalar that is one variable and nothing else takes the type of its value.
/// Returns what is wrong; those scalars stay as they are.
pub(crate) fn substitute(
    tree: &mut Node,
    given: &BTreeMap<String, String>,
    environment: impl Fn(&str) -> Option<String>,
) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    if let Tree::Map(entries) = &tree.value {
        for (key, _, node) in entries {
            match &node.value {
                Tree::Scalar(Json::String(text)) => known.insert(key.clone(), text.clone()),
                Tree::Scalar(scalar) if !scalar.is_null() => {
                    known.insert(key.clone(), scalar.to_string())
                }
                _ => None,
            };
        }
    }
    known.extend(given.clone());
    tree.scalars(&mut |scalar, at| {
        let Json::String(text) = scalar else {
            return;
        };
        if !text.contains("${") {
            return;
        }
        let value = |name: &str| known.get(name).cloned().or_else(|| environment(name));
        let replaced = match expand(text, &value) {
            Ok(replaced) => replaced,
            Err(problem) => {
                found.push(Diagnostic::new(problem).at(at));
                return;
            }
        };
        let alone = text.starts_with("${") && text.find('}') == Some(text.len() - 1);
        *scalar = if alone {
            typed(&replaced)
        } else {
            Json::String(replaced)
        };
    });
    found
}

/// A text with its variables replaced; values may name further variables, a few levels deep.
fn expand(text: &str, value: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    fn level(
        text: &str,
        value: &dyn Fn(&str) -> Option<String>,
        depth: u8,
    ) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = text;
        while let Some(start) = rest.find("${") {
            if rest[..start].ends_with('$') {
                out += &rest[..start - 1];
                out += "${";
                rest = &rest[start + 2..];
                continue;
            }
            out += &rest[..start];
            let end = rest[start..]
                .find('}')
                .ok_or_else(|| format!("`{}` has no closing brace", &rest[start..]))?;
            let name = &rest[start + 2..start + end];
            let found = value(name).ok_or_else(|| {
                format!("the variable `{name}` is not set; give it with `--var {name}=…` or in the environment")
            })?;
            if depth == 0 {
                return Err(format!("the variable `{name}` goes round in circles"));
            }
            out += &level(&found, value, depth - 1)?;
            rest = &rest[start + end + 1..];
        }
        out += rest;
        Ok(out)
    }
    level(text, value, 8)
}

/// A number or a boolean where the text is one.
fn typed(text: &str) -> Json {
    match serde_json::from_str(text) {
        Ok(json @ (Json::Bool(_) | Json::Number(_))) => json,
        _ => Json::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn substituted(file: &str) -> Result<Json, Diagnostic> {
        let mut tree = Node::parse(file).unwrap();
        let given = BTreeMap::from([
            ("PORT".to_owned(), "8000".to_owned()),
            ("a".to_owned(), "given".to_owned()),
        ]);
        let environment = |name: &str| (name == "HOME_TOWN").then(|| "Utrecht".to_owned());
        match substitute(&mut tree, &given, environment).pop() {
            Some(error) => Err(error),
            None => Ok(tree.to_json()),
        }
    }

    #[test]
    fn variables_come_from_the_command_the_file_and_the_environment() {
        let json = substituted("a: file\nb: http://x\nc: \"${a} ${b}/y ${HOME_TOWN}\"").unwrap();
        assert_eq!(json["c"], "given http://x/y Utrecht");
    }

    #[test]
    fn a_lone_variable_takes_the_type_of_its_value() {
        let json = substituted("p: ${PORT}\nq: \"x${PORT}\"\nr: \"$${PORT}\"").unwrap();
        assert_eq!(
            (&json["p"], &json["q"], &json["r"]),
            (&8000.into(), &"x8000".into(), &"${PORT}".into())
        );
    }

    #[test]
    fn an_unknown_variable_is_told_with_its_place() {
        let error = substituted("x: 1\ny: ${NOPE}").unwrap_err();
        assert_eq!(error.at.map(|at| (at.line, at.column)), Some((2, 4)));
        assert!(error.problem.contains("--var NOPE=…"), "{error}");
        assert!(
            substituted("x: ${y}\ny: ${x}")
                .unwrap_err()
                .problem
                .contains("circles")
        );
        assert!(
            substituted("x: ${y")
                .unwrap_err()
                .problem
                .contains("closing brace")
        );
    }
}
