//! Measuring one thing without changing it.

use crate::{BoxError, seconds};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use std::{fmt, sync::Arc, time::Duration};

/// Measures one thing; changes nothing.
///
/// # Behavior
/// - An error is an observation, too: the sample says [`Value::Missing`] and why. It is never a zero.
/// - A probe that does not return within its interval's timeout is sampled as missing.
#[async_trait]
pub trait Probe: fmt::Debug + Send + Sync + 'static {
    /// Looks once.
    ///
    /// # Errors
    /// What kept it from seeing.
    async fn sample(&self) -> Result<Value, BoxError>;
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Probe for Arc<dyn Probe> {
    async fn sample(&self) -> Result<Value, BoxError> {
        self.as_ref().sample().await
    }
}

/// What a probe saw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Value {
    /// Yes or no.
    Flag(bool),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
    /// Nothing, and why.
    Missing(String),
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Missing(why) => write!(f, "nothing ({why})"),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// One observation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Sample {
    /// When the probe was asked, since the start of the run.
    #[serde(with = "seconds")]
    pub at: Duration,
    /// How long it took.
    #[serde(with = "seconds")]
    pub took: Duration,
    /// What it saw.
    pub value: Value,
}

impl Sample {
    /// An observation.
    pub fn new(at: Duration, took: Duration, value: Value) -> Self {
        Self { at, took, value }
    }
}
