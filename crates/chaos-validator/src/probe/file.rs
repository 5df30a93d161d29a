//! What is in a file.

use super::value::{ReadAs, text};
use async_trait::async_trait;
use chaos_core::{
    BoxError, ConfigError, Probe, ProbeConfig, Value,
    schemars::{self, JsonSchema},
};
use serde::Deserialize;
use std::{
    fs,
    io::{ErrorKind, Read},
    path::{Path, PathBuf},
};

/// The longest file that is read.
const LONGEST: u64 = 1 << 20;

/// Looks at a file: whether it is there, its size, or what is in it.
#[derive(Debug)]
pub struct FileProbe {
    path: PathBuf,
    look: FileLook,
}

/// What the value is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub enum FileLook {
    /// Whether it is there.
    #[default]
    Exists,
    /// Its size in bytes.
    Size,
    /// Its text, without the white space around it; at most 1 MiB.
    Text,
    /// Its text as a number; anything else is an error.
    Number,
    /// Whether its text has this in it.
    #[serde(skip)]
    Contains(String),
}

impl FileProbe {
    /// Looks at this file.
    pub fn new(path: impl Into<PathBuf>, look: FileLook) -> Self {
        Self {
            path: path.into(),
            look,
        }
    }
}

#[async_trait]
impl Probe for FileProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        let (path, look) = (self.path.clone(), self.look.clone());
        let seen = tokio::task::spawn_blocking(move || see(&path, &look)).await?;
        seen.map_err(|e| format!("{}: {e}", self.path.display()).into())
    }
}

fn see(path: &Path, look: &FileLook) -> Result<Value, BoxError> {
    let found = match fs::metadata(path) {
        Err(e) if e.kind() == ErrorKind::NotFound && *look == FileLook::Exists => {
            return Ok(Value::Flag(false));
        }
        found => found?,
    };
    match look {
        FileLook::Exists => Ok(Value::Flag(true)),
        FileLook::Size => Ok(Value::Number(found.len() as f64)),
        // A pipe would keep its reader for ever.
        _ if !found.is_file() => Err("is not a regular file".into()),
        FileLook::Text => ReadAs::Text.value(&content(path)?),
        FileLook::Number => ReadAs::Number.value(&content(path)?),
        FileLook::Contains(part) => Ok(Value::Flag(content(path)?.contains(part))),
    }
}

fn content(path: &Path) -> Result<String, BoxError> {
    let mut bytes = Vec::new();
    fs::File::open(path)?
        .take(LONGEST + 1)
        .read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LONGEST {
        true => Err("has more than 1 MiB".into()),
        false => text(bytes),
    }
}

/// A file: whether it is there, its size, or what is in it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "schemars")]
#[non_exhaustive]
pub struct FileProbeConfig {
    /// Which file.
    pub path: PathBuf,
    /// What the value is. Default exists.
    #[serde(default)]
    pub read: Option<FileLook>,
    /// The value is whether the file has this text in it.
    #[serde(default)]
    pub contains: Option<String>,
}

impl ProbeConfig for FileProbeConfig {
    const KIND: &'static str = "file";
    type Probe = FileProbe;

    fn build(self) -> Result<FileProbe, ConfigError> {
        if self.path.as_os_str().is_empty() {
            return Err(ConfigError::field("path", "is empty"));
        }
        let look = match (self.read, self.contains) {
            (Some(_), Some(_)) => {
                return Err(ConfigError::field("read", "is said by `contains`, too"));
            }
            (None, Some(part)) => FileLook::Contains(part),
            (read, None) => read.unwrap_or_default(),
        };
        Ok(FileProbe::new(self.path, look))
    }
}
