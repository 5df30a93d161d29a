//! A value from which what is wrong is taken out, so that the rest can be read.
//!
//! A reader stops at its first error. People want all of them: what was wrong is taken out, and what is left is read
//! again, until nothing wrong is found. Errors that only follow from what was taken out are left out.

use crate::{
    diagnose::Diagnostic,
    path::{self, contains, join},
};
use chaos_core::ConfigError;
use serde_json::Value as Json;

/// More errors than this help nobody.
pub(crate) const MOST: usize = 100;

/// A value, without what was wrong with it.
#[derive(Debug)]
pub(crate) struct Remaining {
    pub(crate) value: Json,
    /// The paths of what was taken out, as they were in the beginning.
    taken: Vec<String>,
}

/// A step into a value.
enum Step {
    Key(String),
    Index(usize),
}

impl Remaining {
    pub(crate) fn new(value: Json) -> Self {
        let taken = Vec::new();
        Self { value, taken }
    }

    /// Reads until there is nothing wrong any more; `None` when too little is left to be read.
    pub(crate) fn read<T>(
        &mut self,
        read: impl Fn(&Json) -> Result<T, ConfigError>,
        found: &mut Vec<Diagnostic>,
    ) -> Option<T> {
        // What was taken out may leave others that have to go, too, and are not told.
        for _ in 0..MOST * 4 {
            if found.len() >= MOST {
                break;
            }
            let error = match read(&self.value) {
                Ok(value) => return Some(value),
                Err(error) => error,
            };
            if !self.follows(&error) {
                found.push(self.in_the_beginning(Diagnostic::of(&error)));
            }
            if !self.take_out(&error) {
                return None;
            }
        }
        None
    }

    /// Whether an error is only about what was taken out.
    pub(crate) fn follows(&self, error: &ConfigError) -> bool {
        let at = self.original(error.field_path().unwrap_or_default());
        match between_backticks(error.problem(), "missing field") {
            Some(name) => {
                let missing = join(&at, name);
                self.taken
                    .iter()
                    .any(|taken| *taken == missing || *taken == at)
            }
            None => self.taken.iter().any(|taken| contains(&at, taken)),
        }
    }

    /// Whether what is at a path now was taken out.
    pub(crate) fn took(&self, path: &str) -> bool {
        self.taken.contains(&self.original(path))
    }

    /// An error with the path that its field had in the beginning.
    pub(crate) fn in_the_beginning(&self, mut error: Diagnostic) -> Diagnostic {
        error.field = error.field.map(|field| self.original(&field));
        error
    }

    /// The path that something had before anything was taken out of the lists on its way.
    fn original(&self, now: &str) -> String {
        let mut then = String::new();
        let mut rest = now;
        let mut value = Some(&self.value);
        while !rest.is_empty() {
            if let Some((mut index, after)) = path::index(rest) {
                value = value.and_then(|value| value.get(index));
                index = self.before(&then, index);
                then = join(&then, &format!("[{index}]"));
                rest = after;
            } else {
                let keys = value.and_then(Json::as_object);
                let keys = keys.into_iter().flat_map(|map| map.keys());
                let Some((key, after)) = path::key(rest, keys.map(String::as_str)) else {
                    return join(&then, rest);
                };
                value = value.and_then(|value| value.get(key));
                then = join(&then, key);
                rest = after;
            }
        }
        then
    }

    /// Takes out what an error is about, or the nearest thing that contains it. Says whether there was anything.
    fn take_out(&mut self, error: &ConfigError) -> bool {
        let path = error.field_path().unwrap_or_default();
        let mut steps = self.steps(path);
        let Some(last) = steps.pop() else {
            return false;
        };
        let parent_path = steps.iter().fold(String::new(), |path, step| match step {
            Step::Key(key) => join(&path, key),
            Step::Index(index) => join(&path, &format!("[{index}]")),
        });
        let parent_path = self.original(&parent_path);
        let mut parent = &mut self.value;
        for step in &steps {
            let next = match step {
                Step::Key(key) => parent.get_mut(key),
                Step::Index(index) => parent.get_mut(*index),
            };
            let Some(next) = next else { return false };
            parent = next;
        }
        match (last, parent) {
            (Step::Key(key), Json::Object(map)) => {
                map.remove(&key);
                self.taken.push(join(&parent_path, &key));
                // What was misspelt is not missing.
                let help = error.help_text().unwrap_or_default();
                if error.problem().starts_with("unknown field")
                    && let Some(meant) = between_backticks(help, "did you mean")
                {
                    self.taken.push(join(&parent_path, meant));
                }
                true
            }
            (Step::Index(index), Json::Array(items)) => {
                items.remove(index);
                let index = self.before(&parent_path, index);
                self.taken.push(join(&parent_path, &format!("[{index}]")));
                true
            }
            _ => false,
        }
    }

    /// The index that an item of a list had when all of the list was there.
    fn before(&self, list: &str, now: usize) -> usize {
        let mut gone: Vec<usize> = self
            .taken
            .iter()
            .filter_map(|taken| path::index(taken.strip_prefix(list)?))
            .filter(|(_, below)| below.is_empty())
            .map(|(index, _)| index)
            .collect();
        gone.sort_unstable();
        gone.iter()
            .fold(now, |index, gone| index + usize::from(*gone <= index))
    }

    /// The steps of a path, as far as they lead to something.
    fn steps(&self, mut path: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut value = &self.value;
        loop {
            let next = match value {
                Json::Object(map) => {
                    path::key(path, map.keys().map(String::as_str)).map(|(key, rest)| {
                        path = rest;
                        steps.push(Step::Key(key.to_owned()));
                        &map[key]
                    })
                }
                Json::Array(items) => path::index(path)
                    .filter(|(index, _)| *index < items.len())
                    .map(|(index, rest)| {
                        path = rest;
                        steps.push(Step::Index(index));
                        &items[index]
                    }),
                _ => None,
            };
            match next {
                Some(next) => value = next,
                None => return steps,
            }
        }
    }
}

/// The name between backticks behind `start`.
fn between_backticks<'t>(text: &'t str, start: &str) -> Option<&'t str> {
    text.strip_prefix(start)?.split('`').nth(1)
}
