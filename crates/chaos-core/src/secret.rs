//! Secrets that never reach a record, a report, a log or an error.

use crate::ConfigError;
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SecretRef {
    /// In an environment variable.
    Env(String),
    /// In a file; white space at its end is not part of the secret.
    File(PathBuf),
}

/// An error does not repeat what was written: it may be the secret itself.
impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Where;
        impl<'de> Visitor<'de> for Where {
            type Value = SecretRef;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`{ env: NAME }` or `{ file: PATH }`")
            }

            fn visit_str<E: Error>(self, _: &str) -> Result<SecretRef, E> {
                Err(E::custom(
                    "a secret does not stand in the file, expected `{ env: NAME }` or `{ file: PATH }`",
                ))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
                let wrong = || A::Error::custom("expected `{ env: NAME }` or `{ file: PATH }`");
                let found = match map.next_key::<String>()?.as_deref() {
                    Some("env") => SecretRef::Env(map.next_value()?),
                    Some("file") => SecretRef::File(map.next_value()?),
                    _ => return Err(wrong()),
                };
                match map.next_key::<IgnoredAny>()? {
                    None => Ok(found),
                    Some(_) => Err(wrong()),
                }
            }
        }
        deserializer.deserialize_any(Where)
    }
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

    #[test]
    fn where_a_secret_is_is_read_and_a_secret_is_not_repeated() {
        let read = |text: &str| serde_json::from_str::<SecretRef>(text);
        let env = SecretRef::Env("TOKEN".into());
        assert_eq!(read(r#"{ "env": "TOKEN" }"#).unwrap(), env);
        assert_eq!(read(&serde_json::to_string(&env).unwrap()).unwrap(), env);
        for text in [
            r#""hunter2""#,
            r#"{ "hunter2": 1 }"#,
            r#"{ "env": "a", "file": "hunter2" }"#,
            "[]",
        ] {
            let error = read(text).unwrap_err().to_string();
            assert!(
                error.contains("{ env: NAME }") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }
}
