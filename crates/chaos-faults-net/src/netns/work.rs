//! Working in a network namespace.

use super::{Inside, NetnsId};
use chaos_core::{Context, FaultError};
use std::sync::Arc;

impl NetnsId {
    /// Does something in the namespace, on a throw-away thread. When the future is dropped before the thread has come
    /// so far, it does nothing any more.
    pub(crate) async fn act(
        &self,
        cx: &Context,
        work: impl FnOnce(&Inside) -> Result<(), FaultError> + Send + 'static,
    ) -> Result<(), FaultError> {
        let netns = self.clone();
        let waiting = Arc::new(());
        let given_up = Arc::downgrade(&waiting);
        cx.blocking(move || {
            let inside = netns
                .enter()?
                .ok_or_else(|| FaultError::no_target(netns.to_string(), "it is gone"))?;
            if given_up.strong_count() == 0 {
                return Ok(());
            }
            work(&inside)
        })
        .await??;
        drop(waiting);
        Ok(())
    }

    /// Looks at the namespace, or at nothing when it is gone, on a throw-away thread.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        cx: &Context,
        work: impl FnOnce(Option<&Inside>) -> Result<T, FaultError> + Send + 'static,
    ) -> Result<T, FaultError> {
        let netns = self.clone();
        cx.blocking(move || work(netns.enter()?.as_ref())).await?
    }
}
