//! Secrets that never reach a record, a report, a log or an error.

use crate::ConfigError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};

/// A secret value. It cannot be serialised and prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(secret.into())
    }

    /// The secret itself. Give it only to the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Where a secret is: what configuration files and undo records hold instead of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file; white space at its end is not part of the secret.
    File(PathBuf),
}

impl SecretRef {
    /// Reads the secret.
    ///
    /// # Errors
    /// The variable is not set, or the file cannot be read. The secret is not in the error.
    pub fn resolve(&self) -> Result<Secret, ConfigError> {
        match self {
            Self::Env(name) => std::env::var(name).map(Secret::new).map_err(|_| {
                ConfigError::new(format!("the environment variable `{name}` is not set"))
            }),
            Self::File(path) => std::fs::read_to_string(path)
                .map(|text| Secret::new(text.trim_end()))
                .map_err(|e| ConfigError::new(format!("could not read {}: {e}", path.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_prints_as_stars() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?}"), "*** ***");
        assert_eq!(secret.expose(), "hunter2");
        let error = SecretRef::Env("CHAOS_NO_SUCH_VARIABLE".into())
            .resolve()
            .unwrap_err();
        assert!(error.to_string().contains("CHAOS_NO_SUCH_VARIABLE"));
    }
}
