//! Dropped in every way: the host is put back before drop returns.

use chaos_core::testing::World;
use std::panic::{AssertUnwindSafe, catch_unwind};
use tokio::runtime::{Builder, Runtime};

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[tokio::test]
async fn on_a_current_thread_runtime() {
    let world = World::new();
    drop(world.engine().await.inject(world.litter()).await.unwrap());
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_multi_thread_runtime() {
    let world = World::new();
    drop(world.engine().await.inject(world.litter()).await.unwrap());
    assert_eq!(world.left(), (0, 0));
}

#[test]
fn without_any_runtime() {
    let world = World::new();
    let injection = current_thread()
        .block_on(async { world.engine().await.inject(world.litter()).await.unwrap() });
    std::thread::spawn(move || drop(injection)).join().unwrap();
    assert_eq!(world.left(), (0, 0));
}

#[test]
fn after_the_runtime_it_was_made_on() {
    let world = World::new();
    let runtime = current_thread();
    let injection =
        runtime.block_on(async { world.engine().await.inject(world.litter()).await.unwrap() });
    drop(runtime);
    assert_eq!(world.pieces(), 3);
    drop(injection);
    assert_eq!(world.left(), (0, 0));
}

#[test]
fn with_a_task_of_a_runtime_that_is_dropped() {
    let world = World::new();
    let runtime = current_thread();
    let injection =
        runtime.block_on(async { world.engine().await.inject(world.litter()).await.unwrap() });
    runtime.spawn(async move {
        std::future::pending::<()>().await;
        drop(injection);
    });
    assert_eq!(world.pieces(), 3);
    drop(runtime);
    assert_eq!(world.left(), (0, 0));
}

#[test]
fn while_unwinding() {
    let world = World::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        current_thread().block_on(async {
            let _injection = world.engine().await.inject(world.litter()).await.unwrap();
            assert_eq!(world.pieces(), 3);
            panic!("the test failed")
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(world.left(), (0, 0));
}

#[test]
fn a_panic_in_the_body_is_resumed_after_the_recovery() {
    let world = World::new();
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        current_thread().block_on(async {
            let engine = world.engine().await;
            engine
                .during(world.litter(), async { panic!("the body failed") })
                .await
                .unwrap()
        })
    }));
    assert_eq!(
        panicked.unwrap_err().downcast_ref::<&str>(),
        Some(&"the body failed")
    );
    assert_eq!(world.left(), (0, 0));
}

#[tokio::test]
async fn a_body_that_is_given_up() {
    let world = World::new();
    let engine = world.engine().await;
    let body = std::future::pending::<()>();
    let limit = std::time::Duration::from_millis(100);
    assert!(
        tokio::time::timeout(limit, engine.during(world.litter(), body))
            .await
            .is_err()
    );
    assert_eq!(world.left(), (0, 0));
}

#[test]
fn the_handles_are_as_free_to_move_as_they_look() {
    fn send_and_sync<T: Send + Sync>() {}
    fn send<T: Send>(_: &T) {}
    send_and_sync::<chaos_core::Engine>();
    send_and_sync::<chaos_core::Experiment>();
    send_and_sync::<chaos_core::EngineError>();
    let world = World::new();
    let engine = current_thread().block_on(world.engine());
    send(&engine.inject(world.litter()));
    send(&engine.during(world.litter(), async {}));
    let experiment = chaos_core::Experiment::named("x");
    send(&engine.run(&experiment));
}
