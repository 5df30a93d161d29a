//! One of a file's `environments`, laid over the file.

use crate::{
    diagnose::Diagnostic,
    names,
    tree::{Node, Tree},
};
use chaos_core::ConfigError;

/// Takes the environments out of the file, and lays the wanted one over it.
pub(crate) fn over(tree: &mut Node, wanted: Option<&str>) -> Result<(), Diagnostic> {
    let environments = tree.take("environments");
    if let Some(environments) = &environments {
        are_maps(environments)?;
    }
    let Some(wanted) = wanted else { return Ok(()) };
    let mut known: Vec<String> = Vec::new();
    if let Some(mut environments) = environments {
        if let Some(chosen) = environments.take(wanted) {
            tree.merge(chosen);
            return Ok(());
        }
        known = names(&environments);
    }
    if known.is_empty() {
        return Err(Diagnostic::new(format!("unknown environment `{wanted}`"))
            .help("the file has no `environments`"));
    }
    let error = ConfigError::unknown("environment", wanted, known.iter().map(String::as_str));
    Err(Diagnostic::of(&error))
}

/// Whether they are a mapping of mappings, also those that nobody wants now.
fn are_maps(environments: &Node) -> Result<(), Diagnostic> {
    const WANTED: &str = "a mapping is wanted here";
    let wrong = |node: &Node, field: &str, help: &str| {
        let error = Diagnostic::new(WANTED).help(help);
        Err(error.at(node.at).within(field))
    };
    let Tree::Map(entries) = &environments.value else {
        return match &environments.value {
            Tree::Scalar(scalar) if scalar.is_null() => Ok(()),
            _ => wrong(
                environments,
                "environments",
                "environments by name, such as `{ staging: { seed: 1 } }`",
            ),
        };
    };
    for (name, at, _) in entries {
        names::check(name)
            .map_err(|error| Diagnostic::of(&error).at(*at).within("environments"))?;
    }
    let mut entries = entries.iter();
    match entries.find(|(.., node)| !matches!(node.value, Tree::Map(_))) {
        Some((name, _, node)) => wrong(
            node,
            &format!("environments.{name}"),
            "fields of the file by name, such as `{ seed: 1 }`",
        ),
        None => Ok(()),
    }
}

/// The keys of a map.
pub(crate) fn names(map: &Node) -> Vec<String> {
    match &map.value {
        Tree::Map(entries) => entries.iter().map(|(name, ..)| name.clone()).collect(),
        _ => Vec::new(),
    }
}
