//! The conformance suite on the suite's own fake, and on a fault inside this process.

use chaos_core::{
    Change, Context, Fault, FaultError, FaultExt, Held, Host, InProcess, Needs, Plan, Reach,
    Registry, Site, async_trait,
    testing::{Conformance, World},
};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

#[tokio::test]
async fn litter_keeps_the_promises() {
    let world = World::new();
    let (host, yard) = (world.host(), world.yard());
    let look = move || {
        let mut names: Vec<String> = std::fs::read_dir(&host)
            .unwrap()
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names.join("\n")
    };
    let mark = "chaos-old";
    let old = format!(
        r#"{{"path": "{}/{mark}-0", "mark": "{mark}"}}"#,
        world.host().display()
    );
    Conformance::new(World::registry(), move || {
        let mut config = chaos_core::testing::LitterConfig::default();
        (config.pieces, config.one_resource) = (3, true);
        chaos_core::testing::Litter::with(config).on(&yard)
    })
    .world(look)
    .nothing_foreign("a piece is named by a mark that only this injection has")
    .record("test.pick_up", 1, &old)
    .run()
    .await;
}

/// A switch inside this process.
#[derive(Debug, Clone)]
struct Flip(Arc<AtomicBool>);
#[derive(Debug)]
struct Flipped(Arc<AtomicBool>);

#[async_trait]
impl Fault for Flip {
    fn kind(&self) -> &'static str {
        "test.flip"
    }
    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }
    async fn plan(&self, _: &[Site], _: &Context) -> Result<Plan, FaultError> {
        Ok(Plan::new().then_in_process(self.clone()))
    }
}

impl InProcess for Flip {
    type Held = Flipped;
    fn change(&self) -> Change {
        Change::new("flip the switch", "switch", Reach::Process)
    }
    fn apply(&self) -> Result<Flipped, FaultError> {
        self.0.store(true, Ordering::SeqCst);
        Ok(Flipped(Arc::clone(&self.0)))
    }
}

impl Held for Flipped {
    fn in_place(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
    fn hits(&self) -> Option<u64> {
        Some(7)
    }
    fn release(self) -> Result<(), FaultError> {
        self.0.store(false, Ordering::SeqCst);
        Ok(())
    }
}

#[tokio::test]
async fn a_fault_inside_this_process_keeps_the_promises() {
    let switch = Arc::new(AtomicBool::new(false));
    let (seen, flip) = (Arc::clone(&switch), Flip(switch));
    Conformance::new(Registry::new(), move || flip.clone().on(&Host))
        .world(move || seen.load(Ordering::SeqCst).to_string())
        .run()
        .await;
}
