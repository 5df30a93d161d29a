//! From a text to a checked file, or to everything that is wrong with it.

use crate::{
    base_url,
    check::{Check, Names},
    diagnose::{Diagnostic, Diagnostics, Position},
    environment,
    file::File,
    options::Options,
    remaining::{MOST, Remaining},
    scenarios::{Scenarios, Source},
    tree::{MAX_BYTES, Node, too_large},
    variables::substitute,
};
use chaos_core::{Registry, read_config};
use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
    sync::Arc,
};

impl Scenarios {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line, column and field.
    pub fn load(path: &Path, registry: &Registry, options: &Options) -> Result<Self, Diagnostics> {
        let file = Some(path.to_owned());
        // By what is read and not by what the file says of itself: devices and pipes say nothing.
        let mut bytes = Vec::new();
        let limit = MAX_BYTES as u64 + 1;
        let text = fs::File::open(path)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes))
            .map_err(|e| Diagnostic::new(format!("could not be read: {e}")))
            .and_then(|_| text(&bytes));
        let text = text.map_err(|error| error.in_file(file.clone(), ""))?;
        Self::parse(text, file, registry, options)
    }

    /// Checks a text; `file` is what errors call it.
    ///
    /// # Errors
    /// Everything that is wrong, with file, line, column and field.
    pub fn parse(
        text: &str,
        file: Option<PathBuf>,
        registry: &Registry,
        options: &Options,
    ) -> Result<Self, Diagnostics> {
        let told = |error: Diagnostic| error.in_file(file.clone(), text);
        let mut tree = Node::parse(text).map_err(told)?;
        let environments = tree
            .get("environments")
            .map(environment::names)
            .unwrap_or_default();
        environment::over(&mut tree, options.environment.as_deref()).map_err(told)?;
        let mut unused = None;
        if let Some(target) = &options.target {
            base_url::check(target).map_err(told)?;
            unused = base_url::unused(&mut tree);
        }
        let mut found = variables(&mut tree, options);
        found.extend(unused);
        tree.not_finite(&mut found);
        let unset: Vec<_> = found.iter().filter_map(|error| error.at).collect();

        let mut rest = Remaining::new(tree.to_json());
        let mut wrong = Vec::new();
        let checked = rest
            .read(|value| read_config::<File>(value), &mut wrong)
            .map(|file| {
                let names = Names::of(&tree);
                let check = Check::new(&rest, &names, registry);
                check.file(file, &mut wrong)
            });
        // What a missing variable would have said is not known; what is no number is told.
        let wrong = wrong.into_iter().map(|error| error.find_in(&tree));
        found.extend(wrong.filter(|error| error.at.is_none_or(|at| !unset.contains(&at))));
        match checked {
            Some(checked) if found.is_empty() => Ok(Self {
                environments,
                source: Arc::new(Source {
                    file,
                    text: text.to_owned(),
                    tree,
                }),
                ..checked
            }),
            _ => {
                found.truncate(MOST);
                Err(Diagnostics::new(found.into_iter().map(told).collect()))
            }
        }
    }
}

/// The text of a file that is not too large; where it is none.
fn text(bytes: &[u8]) -> Result<&str, Diagnostic> {
    if bytes.len() > MAX_BYTES {
        return Err(too_large());
    }
    std::str::from_utf8(bytes).map_err(|error| {
        let good = &bytes[..error.valid_up_to()];
        let line = good.iter().filter(|byte| **byte == b'\n').count() + 1;
        let start = good
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        let column = String::from_utf8_lossy(&good[start..]).chars().count() + 1;
        let bad = bytes[good.len()];
        Diagnostic::new(format!("the byte 0x{bad:02x} is no text"))
            .at(Position::new(line as u64, column as u64))
            .help("a scenario file is YAML or JSON in UTF-8")
    })
}

/// Replaces the variables; says which are not known.
fn variables(tree: &mut Node, options: &Options) -> Vec<Diagnostic> {
    let mut given = options.variables.clone();
    let base_url = options.target.clone();
    given.extend(base_url.map(|target| ("base_url".to_owned(), target)));
    substitute(tree, &given, |name| std::env::var(name).ok())
}
