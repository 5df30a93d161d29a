//! One of a file's `environments`, laid over the file.

use crate::{
    diagnose::Diagnostic,
    tree::{Node, Tree},
};
use chaos_core::ConfigError;

/// Takes the environments out of the file, and lays the wanted one over it.
pub(crate) fn over(tree: &mut Node, wanted: Option<&str>) -> Result<(), Diagnostic> {
    let environments = tree.take("environments");
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

/// The keys of a map.
pub(crate) fn names(map: &Node) -> Vec<String> {
    match &map.value {
        Tree::Map(entries) => entries.iter().map(|(name, ..)| name.clone()).collect(),
        _ => Vec::new(),
    }
}
