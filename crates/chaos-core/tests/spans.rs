//! The spans that a run emits, and how they nest.

use chaos_core::{BoxError, Experiment, Probe, Value, async_trait, testing::World};
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Duration,
};
use tracing_subscriber::{Layer, Registry, layer::Context, prelude::*, registry::LookupSpan};

/// Remembers the path of every span: `experiment/inject/apply`.
#[derive(Clone, Default)]
struct Paths(Arc<Mutex<BTreeSet<String>>>);

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Paths {
    fn on_new_span(
        &self,
        _: &tracing::span::Attributes<'_>,
        id: &tracing::span::Id,
        cx: Context<'_, S>,
    ) {
        let scope = cx.span_scope(id).unwrap().from_root();
        let path: Vec<&str> = scope.map(|span| span.name()).collect();
        self.0.lock().unwrap().insert(path.join("/"));
    }
}

#[derive(Debug)]
struct Yes;

#[async_trait]
impl Probe for Yes {
    async fn sample(&self) -> Result<Value, BoxError> {
        Ok(Value::Flag(true))
    }
}

#[test]
fn a_run_is_told_as_nested_spans() {
    let paths = Paths::default();
    // Global, because most of it happens on the warden.
    tracing::subscriber::set_global_default(Registry::default().with(paths.clone())).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let world = World::new();
    runtime.block_on(async {
        let experiment = Experiment::named("litter")
            .baseline(Duration::from_millis(50))
            .hold(Duration::from_millis(50))
            .probe("yes", Duration::from_millis(10), Yes)
            .fault(world.litter());
        world.engine().await.run(&experiment).await.unwrap();
    });
    let seen = paths.0.lock().unwrap().clone();
    for path in [
        "experiment",
        "experiment/inject",
        "experiment/inject/apply",
        "experiment/inject/undo",
    ] {
        assert!(seen.contains(path), "{path} is missing: {seen:?}");
    }
    assert!(seen.iter().any(|path| path.ends_with("probe")), "{seen:?}");
}
