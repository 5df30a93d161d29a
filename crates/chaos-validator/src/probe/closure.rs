//! Whatever a closure sees.

use async_trait::async_trait;
use chaos_core::{BoxError, Probe, Value};
use std::{fmt, future::Future, pin::Pin};

type Look = dyn Fn() -> Pin<Box<dyn Future<Output = Result<Value, BoxError>> + Send>> + Send + Sync;

/// Asks a closure. An error is an observation, too: the sample is missing, with the reason.
///
/// ```
/// use chaos_core::Value;
/// use chaos_validator::ClosureProbe;
/// let probe = ClosureProbe::new(|| async { Ok(Value::Number(42.0)) });
/// ```
pub struct ClosureProbe {
    look: Box<Look>,
}

impl ClosureProbe {
    /// Asks `look`.
    pub fn new<F, L>(look: L) -> Self
    where
        L: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<Value, BoxError>> + Send + 'static,
    {
        Self {
            look: Box::new(move || Box::pin(look())),
        }
    }
}

impl fmt::Debug for ClosureProbe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClosureProbe").finish_non_exhaustive()
    }
}

#[async_trait]
impl Probe for ClosureProbe {
    async fn sample(&self) -> Result<Value, BoxError> {
        (self.look)().await
    }
}
