//! What a load sends.

use super::Class;
use chaos_core::ConfigError;
use std::future::Future;

/// What a load sends, as it was asked for: the part that differs from protocol to protocol. [`OpenLoop`](super::OpenLoop) sends
/// it and writes down what becomes of it.
pub trait Traffic: Send + Sync + 'static {
    /// What is ready to be sent.
    type Work: Work;

    /// In words, without secrets: `GET http://127.0.0.1:8000/orders`.
    fn describe(&self) -> String;

    /// The names of what [`Work::endpoint`] tells apart, at most 16; none when there is one only.
    fn endpoints(&self) -> Vec<String>;

    /// Makes it ready; when the run starts, or to look for mistakes before.
    ///
    /// # Errors
    /// A setting that makes no sense, with the field and what is allowed.
    fn prepare(&self) -> Result<Self::Work, ConfigError>;
}

/// What is ready to be sent, request by request.
pub trait Work: Send + Sync + 'static {
    /// What one request needs for itself and the next one can use again, such as a connection.
    type Slot: Send + 'static;

    /// An unused slot.
    fn slot(&self) -> Self::Slot;

    /// Which endpoint the request at this place of the plan is for; 0 when there is one only.
    fn endpoint(&self, seq: u64) -> usize;

    /// Sends one request and waits for the whole answer. Dropped at the timeout; the slot is then replaced.
    fn exchange(
        &self,
        endpoint: usize,
        slot: &mut Self::Slot,
    ) -> impl Future<Output = Answer> + Send;
}

/// What came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answer {
    /// What became of the request.
    pub class: Class,
    /// The HTTP status, if there was one.
    pub status: Option<u16>,
}

impl Answer {
    /// An answer without a status, or none.
    pub const fn of(class: Class) -> Self {
        Self {
            class,
            status: None,
        }
    }

    /// An answer with a status.
    #[must_use]
    pub const fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }
}
