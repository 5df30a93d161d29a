//! Inject and recover: plans of 1, 3 and 10 steps that do nothing, and a fault inside this process.

use chaos_benches::{Inside, NoOp, registry};
use chaos_core::{Engine, FaultExt, Host};
use criterion::{Criterion, criterion_group, criterion_main};

fn inject_and_recover(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let dir = tempfile::tempdir().expect("a directory");
    let builder = Engine::builder()
        .registry(registry())
        .state_dir(dir.path().join("log"));
    let engine = runtime.block_on(builder.open()).expect("an engine");
    let mut group = c.benchmark_group("inject_and_recover");
    for steps in [1, 3, 10] {
        group.bench_function(format!("{steps}_steps"), |b| {
            b.to_async(&runtime).iter(|| async {
                let injection = engine
                    .inject(NoOp::steps(steps).on(&Host))
                    .await
                    .expect("injected");
                injection.recover().await.expect("recovered")
            });
        });
    }
    group.bench_function("in_process", |b| {
        b.to_async(&runtime).iter(|| async {
            let injection = engine
                .inject(Inside::default().on(&Host))
                .await
                .expect("injected");
            injection.recover().await.expect("recovered")
        });
    });
    group.finish();
}

criterion_group!(benches, inject_and_recover);
criterion_main!(benches);
