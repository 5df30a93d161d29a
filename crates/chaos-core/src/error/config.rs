//! A configuration that cannot be used.

use std::fmt;

/// A configuration that cannot be used: an unknown name, a wrong unit, a value out of range.
///
/// Nothing was touched. [`field`](Self::field) is the path inside the configuration, so that a reader of a
/// file can point at the line.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ConfigError {
    subject: Option<String>,
    field: Option<String>,
    problem: String,
    help: Option<String>,
}

impl ConfigError {
    /// A problem that is not tied to one field.
    pub fn new(problem: impl Into<String>) -> Self {
        Self {
            subject: None,
            field: None,
            problem: problem.into(),
            help: None,
        }
    }

    /// A problem with one field, by its path: `load`, `parameters.latency`.
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self {
            field: Some(field.into()),
            ..Self::new(problem)
        }
    }

    /// An unknown name of some `what`, with the known names and the nearest of them.
    pub fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        let help = match (nearest(name, &known), known.is_empty()) {
            (_, true) => format!("no {what} is registered"),
            (Some(near), _) => format!("did you mean `{near}`? known: {}", known.join(", ")),
            (None, _) => format!("known: {}", known.join(", ")),
        };
        Self::new(format!("unknown {what} `{name}`")).help(help)
    }

    /// What serde said of the value at `path`; an unknown field gets the nearest of the known ones.
    pub fn from_serde(path: &str, message: &str) -> Self {
        let (problem, expected) = message.split_once(", expected ").unwrap_or((message, ""));
        let mut error =
            if problem.starts_with("unknown field") || problem.starts_with("unknown variant") {
                let names = |text: &str| -> Vec<String> {
                    text.split('`')
                        .skip(1)
                        .step_by(2)
                        .map(str::to_owned)
                        .collect()
                };
                let (name, known) = (names(problem).concat(), names(expected));
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                let what = if problem.starts_with("unknown field") {
                    "field"
                } else {
                    "value"
                };
                Self::unknown(what, &name, known.iter().copied())
            } else if let Some(allowed) = plain(expected) {
                Self::new(not_plain(problem, expected)).help(allowed)
            } else if problem.starts_with("invalid ") || expected.is_empty() {
                Self::new(message)
            } else {
                Self::new(problem).help(expected)
            };
        if !matches!(path, "" | "." | "?") {
            error.field = Some(path.to_owned());
        }
        error
    }

    /// Says what is allowed, or what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Names what is being configured: `net.latency`.
    #[must_use]
    pub fn of(mut self, subject: impl Into<String>) -> Self {
        self.subject = Some(subject.into());
        self
    }

    /// Puts `prefix` in front of the field's path.
    #[must_use]
    pub fn within(mut self, prefix: &str) -> Self {
        self.field = Some(match self.field.take() {
            Some(field) if prefix.is_empty() => field,
            Some(field) => format!("{prefix}.{field}"),
            None => prefix.to_owned(),
        });
        self
    }

    /// The path of the field, if the problem has one.
    pub fn field_path(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// What is wrong, without the field and the help.
    pub fn problem(&self) -> &str {
        &self.problem
    }

    /// What is allowed, or what to do.
    pub fn help_text(&self) -> Option<&str> {
        self.help.as_deref()
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(subject) = &self.subject {
            write!(f, "{subject}: ")?;
        }
        if let Some(field) = &self.field {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.problem)?;
        if let Some(help) = &self.help {
            write!(f, " ({help})")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigError {}

/// What a plain value of one of Rust's types is, in words; `None` when serde expected something else.
fn plain(expected: &str) -> Option<String> {
    let whole = |most: u64| format!("a whole number from 0 to {most}");
    Some(match expected {
        "u8" => whole(u8::MAX.into()),
        "u16" => whole(u16::MAX.into()),
        "u32" | "u64" | "usize" => "a whole number, 0 or more".into(),
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number".into(),
        "f32" | "f64" => "a number".into(),
        "a boolean" => "`true` or `false`".into(),
        _ => return None,
    })
}

/// What is wrong with a value that serde took for something else: ``invalid type: string "80%"``.
fn not_plain(problem: &str, expected: &str) -> String {
    let value = problem
        .split_once(['`', '"'])
        .and_then(|(_, value)| value.strip_suffix(['`', '"']));
    let Some(value) = value else {
        return problem.to_owned();
    };
    let number = value.strip_suffix('%').map(str::trim);
    match number.filter(|number| number.parse::<f64>().is_ok()) {
        Some(number) if expected != "a boolean" => {
            format!("`{value}` has a unit where none belongs; write `{number}`")
        }
        // In which unit the number is to be nobody can tell here; the field's name does.
        _ if expected != "a boolean" && has_unit(value) => {
            format!("`{value}` has a unit where none belongs; write a number alone")
        }
        _ if expected == "a boolean" => format!("`{value}` is neither true nor false"),
        _ if problem.starts_with("invalid value") => format!("`{value}` is out of range"),
        _ => format!("`{value}` is not such a number"),
    }
}

/// Whether it is a number and letters: `300ms`.
fn has_unit(value: &str) -> bool {
    let number = value.trim_end_matches(char::is_alphabetic).trim_end();
    number.len() < value.len() && number.parse::<f64>().is_ok()
}

/// The known name nearest to `name`, when one is near enough to be a typing error, or the same within some family.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let family = |k: &&&str| k.rsplit_once('.').is_some_and(|(_, own)| own == name);
    if let Some(k) = known.iter().find(family) {
        return Some(k);
    }
    known
        .iter()
        .map(|k| (strsim::jaro_winkler(name, k), *k))
        .filter(|(similarity, _)| *similarity > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| k)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_says_is_told_in_words() {
        fn told<T: serde::de::DeserializeOwned>(json: &str) -> String {
            let error = serde_json::from_str::<serde_json::Value>(json)
                .and_then(|value| serde_json::from_value::<T>(value).map(drop));
            let error = error.unwrap_err().to_string();
            ConfigError::from_serde("at", &error).to_string()
        }
        for (said, expected) in [
            (
                told::<u32>("\"80%\""),
                "at: `80%` has a unit where none belongs; write `80` (a whole number, 0 or more)",
            ),
            (
                told::<f64>("\"300ms\""),
                "at: `300ms` has a unit where none belongs; write a number alone (a number)",
            ),
            (
                told::<u32>("\"many\""),
                "at: `many` is not such a number (a whole number, 0 or more)",
            ),
            (
                told::<u32>("-1"),
                "at: `-1` is out of range (a whole number, 0 or more)",
            ),
            (
                told::<u32>("2.5"),
                "at: `2.5` is not such a number (a whole number, 0 or more)",
            ),
            (
                told::<u16>("99999"),
                "at: `99999` is out of range (a whole number from 0 to 65535)",
            ),
            (
                told::<bool>("\"yes\""),
                "at: `yes` is neither true nor false (`true` or `false`)",
            ),
            (
                told::<crate::units::Percent>("130"),
                "at: 130 % is not between 0 and 100 (a number from 0 to 100)",
            ),
            (
                told::<crate::units::Size>("\"130%\""),
                "at: 130 % is not between 0 and 100 (a share from 0% to 100%, or a size such as 256MiB)",
            ),
        ] {
            assert_eq!(said, expected);
        }
    }
}
