//! What undos are given in a test.

use chaos_core::{
    Context, Engine, Fault, FaultError, Host, Needs, Placed, Plan, Site, async_trait,
};
use std::sync::{Arc, Mutex};

/// A fault that keeps what it was given to plan with.
#[derive(Debug, Clone, Default)]
struct Keep(Arc<Mutex<Option<Context>>>);

#[async_trait]
impl Fault for Keep {
    fn kind(&self) -> &'static str {
        "test.keep"
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, _: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        *self.0.lock().unwrap() = Some(cx.clone());
        Ok(Plan::new())
    }
}

/// A context, as the engine makes it.
pub(crate) async fn context() -> Context {
    let state = tempfile::tempdir().unwrap();
    let builder = Engine::builder().state_dir(state.path().join("undo"));
    let engine = builder.open().await.unwrap();
    let keep = Keep::default();
    let placed = Placed::new(Arc::new(keep.clone()), Arc::new(Host));
    engine.dry_run(placed).await.unwrap();
    let cx = keep.0.lock().unwrap().take();
    cx.unwrap()
}
