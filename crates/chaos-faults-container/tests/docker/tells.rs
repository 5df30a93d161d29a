//! An observer that tells somebody else when a fault is in place.

use chaos_core::{BoxError, Edge, EdgeKind, Event, Observer, RunHandle, Verdict, async_trait};
use std::sync::mpsc::Sender;

/// Tells when a fault is in place.
#[derive(Debug)]
pub(crate) struct Tells(Sender<()>);

impl Tells {
    pub(crate) const fn to(whom: Sender<()>) -> Self {
        Self(whom)
    }
}

#[async_trait]
impl Observer for Tells {
    async fn start(&self, _: &RunHandle) -> Result<(), BoxError> {
        Ok(())
    }
    fn on(&self, event: &Event) {
        if let Event::Edge(Edge {
            kind: EdgeKind::Injected,
            ..
        }) = event
        {
            // Who waited for the first is gone at the second.
            self.0.send(()).ok();
        }
    }
    fn steady(&self) -> Verdict {
        Verdict::Held
    }
    async fn finish(&self) {}
}
