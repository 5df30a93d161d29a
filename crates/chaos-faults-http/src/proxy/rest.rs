//! What is still to come of a body.

use bytes::Bytes;
use futures_util::future::BoxFuture;
use hyper::body::{Body as Stream, Frame, Incoming, SizeHint};
use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

/// Whether a body broke off, as who sends it said nonsense or is gone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Broken(Arc<AtomicBool>);

impl Broken {
    pub(crate) fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What is still to come of a body.
pub(crate) struct Rest {
    incoming: Incoming,
    /// It broke off while it was collected: who reads on is told so, as its end would look like a good one.
    error: Option<hyper::Error>,
    broken: Broken,
    /// It is not asked for before this is over.
    held: Option<BoxFuture<'static, ()>>,
}

impl Rest {
    pub(crate) fn new(incoming: Incoming) -> Self {
        Self {
            incoming,
            error: None,
            broken: Broken::default(),
            held: None,
        }
    }

    /// Whether it broke off, also when it has been read by then.
    pub(crate) fn broken(&self) -> Broken {
        self.broken.clone()
    }

    /// Does not ask for it before this is over.
    pub(crate) fn hold(&mut self, until: impl Future<Output = ()> + Send + 'static) {
        self.held = Some(Box::pin(until));
    }

    /// It broke off with this, and nobody was told.
    pub(crate) fn broke(&mut self, error: hyper::Error) {
        self.error = Some(error);
    }
}

impl fmt::Debug for Rest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rest").field(&self.incoming).finish()
    }
}

impl Stream for Rest {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let Some(error) = self.error.take() {
            return Poll::Ready(Some(Err(error)));
        }
        if let Some(held) = &mut self.held {
            ready!(held.as_mut().poll(cx));
            self.held = None;
        }
        let polled = Pin::new(&mut self.incoming).poll_frame(cx);
        if matches!(polled, Poll::Ready(Some(Err(_)))) {
            self.broken.0.store(true, Ordering::Relaxed);
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.error.is_none() && self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
