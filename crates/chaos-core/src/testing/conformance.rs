//! The promises that every fault keeps, as a suite that every fault crate runs.

use crate::{
    Engine, EngineError, Placed, Presence, Registry, Undone, engine::Recovered, fault::Context,
    plan::How, seed::Seed, undo::UndoRecord,
};
use std::fmt;

type Make = Box<dyn Fn() -> Placed + Send + Sync>;
type Look = Box<dyn Fn() -> String + Send + Sync>;
type Foreign = Box<dyn Fn() -> Box<dyn FnOnce() + Send> + Send + Sync>;

/// Runs a fault through the promises: plan, dry run, inject, recover, drop, die.
///
/// ```
/// use chaos_core::{FaultExt, Registry, testing::{self, Conformance, Litter, Yard}};
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().to_owned();
/// let mut registry = Registry::new();
/// testing::register(&mut registry);
/// let yard = Yard::new(&path);
/// tokio::runtime::Runtime::new()?.block_on(
///     Conformance::new(registry, move || Litter::pieces(3).on(&yard))
///         .world(move || std::fs::read_dir(&path).unwrap().count().to_string())
///         .nothing_foreign("a piece is named by a mark that only this injection has")
///         .run(),
/// );
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use = "the suite does nothing until `run`"]
pub struct Conformance {
    registry: Registry,
    make: Make,
    world: Option<Look>,
    foreign: Option<Foreign>,
    nothing_foreign: Option<&'static str>,
    records: Vec<(String, u32, String)>,
}

impl fmt::Debug for Conformance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conformance")
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}

impl Conformance {
    /// The suite for a fault on a target made for the test. `registry` is all that a second process has.
    pub fn new(registry: Registry, make: impl Fn() -> Placed + Send + Sync + 'static) -> Self {
        Self {
            registry,
            make: Box::new(make),
            world: None,
            foreign: None,
            nothing_foreign: None,
            records: Vec::new(),
        }
    }

    /// How to see what the fault changes, as text: the files of a directory, the tables of a namespace. It must
    /// differ while the fault is in place, and be the same before and after. Without it only the fault's own
    /// `presence` is believed.
    pub fn world(mut self, look: impl Fn() -> String + Send + Sync + 'static) -> Self {
        self.world = Some(Box::new(look));
        self
    }

    /// How to put somebody else's state where the change would go; returns how to take it away. The fault must
    /// refuse then, and leave it as it is.
    pub fn foreign<F: FnOnce() + Send + 'static>(
        mut self,
        put: impl Fn() -> F + Send + Sync + 'static,
    ) -> Self {
        self.foreign = Some(Box::new(move || Box::new(put())));
        self
    }

    /// Why nobody else's state can be where the change would go, such as a name that no other injection gets. A fault
    /// with records needs this or [`foreign`](Self::foreign).
    pub fn nothing_foreign(mut self, why: &'static str) -> Self {
        self.nothing_foreign = Some(why);
        self
    }

    /// A record as an older version has written it: it must still be read.
    pub fn record(mut self, kind: &str, version: u32, payload: &str) -> Self {
        self.records
            .push((kind.to_owned(), version, payload.to_owned()));
        self
    }

    /// Runs the suite.
    ///
    /// # Panics
    /// When a promise is broken, with what was promised.
    pub async fn run(self) {
        self.the_plan_only_reads().await;
        self.an_injection_does_what_the_plan_says_and_recovers()
            .await;
        self.undo_works_from_every_state().await;
        self.a_second_process_needs_only_the_records().await;
        self.one_resource_one_injection().await;
        self.dropping_recovers().await;
        self.foreign_state_is_refused_and_left_alone().await;
        self.older_records_are_read();
    }

    #[expect(clippy::expect_used, reason = "a test that cannot set up must fail")]
    async fn engine(&self, state: &tempfile::TempDir) -> Engine {
        let engine = Engine::builder()
            .registry(self.registry.clone())
            .state_dir(state.path().join("state"));
        engine
            .open()
            .await
            .expect("an engine opens in an empty directory")
    }

    fn look(&self) -> String {
        self.world.as_ref().map_or_else(String::new, |look| look())
    }

    /// The changes and records of one plan, made with a given context.
    async fn plan(&self, engine: &Engine, seed: u64) -> (Vec<String>, Vec<UndoRecord>, bool) {
        let placed = (self.make)();
        let session = engine.session(
            crate::Placements(Vec::new()),
            Seed::new(seed),
            std::time::Duration::MAX,
            &[],
        );
        let cx = engine.context(session.id(), seed);
        let sites = expect(placed.target.sites(&cx).await, "the target resolves");
        let first = expect(placed.fault.plan(&sites, &cx).await, "the fault is planned");
        let second = expect(
            placed.fault.plan(&sites, &cx).await,
            "the fault is planned again",
        );
        assert!(
            first.same_as(&second),
            "two plans of one context on an unchanged host are the same"
        );
        let in_process = first
            .steps
            .iter()
            .all(|step| matches!(step.how, How::InProcess(_)));
        let changes = first.changes().map(ToString::to_string).collect();
        (changes, first.records().cloned().collect(), in_process)
    }

    async fn the_plan_only_reads(&self) {
        let state = temp();
        let engine = self.engine(&state).await;
        let before = self.look();
        let preview = expect(engine.dry_run((self.make)()).await, "a dry run succeeds");
        assert!(
            preview.refusals.is_empty(),
            "the dry run refuses: {:?}",
            preview.refusals
        );
        let (changes, ..) = self.plan(&engine, 7).await;
        assert!(!changes.is_empty(), "the plan changes something");
        assert_eq!(
            preview.faults[0].changes.len(),
            changes.len(),
            "a dry run prints every change"
        );
        assert_eq!(self.look(), before, "a plan and a dry run change nothing");
        assert!(
            !state.path().join("state").exists(),
            "a dry run writes no undo log"
        );
    }

    async fn an_injection_does_what_the_plan_says_and_recovers(&self) {
        let state = temp();
        let engine = self.engine(&state).await;
        let (_, records, in_process) = self.plan(&engine, 7).await;
        let before = self.look();
        let injection = expect(engine.inject((self.make)()).await, "the fault is injected");
        if self.world.is_some() {
            assert_ne!(self.look(), before, "an injection is seen in the world");
        }
        let logged = engine.outstanding();
        assert_eq!(
            logged.len(),
            records.len(),
            "every reversible change of the plan is in the log"
        );
        for record in &logged {
            let presence = self.presence(&engine, record).await;
            assert_eq!(
                presence,
                Presence::InPlace,
                "an injected change is in place: {record:?}"
            );
        }
        assert_eq!(
            in_process,
            logged.is_empty(),
            "only changes inside this process need no record"
        );
        let recovered = expect(injection.recover().await, "the injection is recovered");
        assert!(
            recovered.lost.is_empty(),
            "nothing was lost in between: {:?}",
            recovered.lost
        );
        assert_eq!(self.look(), before, "the world is the same after as before");
        for record in &logged {
            let presence = self.presence(&engine, record).await;
            assert_ne!(
                presence,
                Presence::InPlace,
                "a recovered change is gone: {record:?}"
            );
        }
        assert!(
            engine.outstanding().is_empty(),
            "nothing is left in the log"
        );
    }

    async fn undo_works_from_every_state(&self) {
        let state = temp();
        let engine = self.engine(&state).await;
        let before = self.look();
        let (_, never_applied, _) = self.plan(&engine, 8).await;
        for record in &never_applied {
            let undone = self.undo(&engine, record).await;
            assert_ne!(
                undone,
                Undone::Reverted,
                "undoing what was never done does nothing: {record:?}"
            );
            assert_eq!(
                self.look(),
                before,
                "undoing what was never done changes nothing: {record:?}"
            );
        }
        let injection = expect(engine.inject((self.make)()).await, "the fault is injected");
        let records = engine.outstanding();
        for attempt in 0..2 {
            for record in records.iter().rev() {
                let undone = self.undo(&engine, record).await;
                if attempt == 1 {
                    assert_ne!(
                        undone,
                        Undone::Reverted,
                        "undoing twice does nothing: {record:?}"
                    );
                }
            }
        }
        let recovered: Recovered = expect(
            injection.recover().await,
            "recovering what is undone succeeds",
        );
        assert!(
            records.is_empty() || !recovered.lost.is_empty(),
            "what was gone early is told"
        );
        assert_eq!(self.look(), before, "the world is the same after as before");
    }

    /// The records go through JSON, as they do through the log.
    async fn a_second_process_needs_only_the_records(&self) {
        let state = temp();
        let engine = self.engine(&state).await;
        let before = self.look();
        let injection = expect(engine.inject((self.make)()).await, "the fault is injected");
        let json = expect(
            serde_json::to_string(&engine.outstanding()),
            "records are JSON",
        );
        let records: Vec<UndoRecord> = expect(serde_json::from_str(&json), "records are read back");
        let other_state = temp();
        let other = self.engine(&other_state).await;
        for record in records.iter().rev() {
            self.undo(&other, record).await;
            let presence = self.presence(&other, record).await;
            assert_ne!(
                presence,
                Presence::InPlace,
                "a second process undoes it: {record:?}"
            );
        }
        if !records.is_empty() {
            assert_eq!(
                self.look(),
                before,
                "the world is the same after a second process has undone it"
            );
        }
        expect(
            injection.recover().await,
            "recovering what another has undone succeeds",
        );
    }

    async fn one_resource_one_injection(&self) {
        let state = temp();
        let engine = self.engine(&state).await;
        let injection = expect(engine.inject((self.make)()).await, "the fault is injected");
        if !engine.outstanding().is_empty() {
            let other = self.engine(&state).await;
            let during = self.look();
            let second = other.inject((self.make)()).await;
            assert!(
                matches!(second, Err(EngineError::Refused(_))),
                "a second injection of a resource that is taken is refused, it was: {second:?}"
            );
            assert_eq!(self.look(), during, "a refused injection changes nothing");
        }
        expect(injection.recover().await, "the first one is recovered");
    }

    async fn dropping_recovers(&self) {
        let state = temp();
        let engine = self.engine(&state).await;
        let before = self.look();
        drop(expect(
            engine.inject((self.make)()).await,
            "the fault is injected",
        ));
        assert_eq!(self.look(), before, "dropping an injection recovers it");
        assert!(
            engine.outstanding().is_empty(),
            "dropping an injection empties its log"
        );
    }

    async fn foreign_state_is_refused_and_left_alone(&self) {
        let state = temp();
        let engine = self.engine(&state).await;
        let Some(put) = &self.foreign else {
            let (_, records, _) = self.plan(&engine, 9).await;
            assert!(
                records.is_empty() || self.nothing_foreign.is_some_and(|why| !why.is_empty()),
                "somebody else's state where the change would go is refused: say how to put it there with `foreign`, or \
                 why there can be none with `nothing_foreign`"
            );
            return;
        };
        let take_away = put();
        let before = self.look();
        let result = engine.inject((self.make)()).await;
        assert!(
            matches!(result, Err(EngineError::Refused(_))),
            "foreign state is refused before the first change, it was: {result:?}"
        );
        assert_eq!(self.look(), before, "foreign state is left alone");
        take_away();
    }

    fn older_records_are_read(&self) {
        for (kind, version, payload) in &self.records {
            let record = UndoRecord {
                kind: kind.clone(),
                version: *version,
                lifetime: crate::Lifetime::Disk,
                payload: expect(serde_json::from_str(payload), "a record is JSON"),
            };
            let decoded = self.registry.decode(&record);
            assert!(
                decoded.is_ok(),
                "an older record is still read: {kind} {version}: {decoded:?}"
            );
        }
    }

    async fn presence(&self, engine: &Engine, record: &UndoRecord) -> Presence {
        let cx = self.second_context(engine);
        let undo = expect(self.registry.decode(record), "the record is read");
        expect(
            engine
                .on_warden(async move { undo.presence_erased(&cx).await })
                .await,
            "the host is looked at",
        )
    }

    async fn undo(&self, engine: &Engine, record: &UndoRecord) -> Undone {
        let cx = self.second_context(engine);
        let undo = expect(self.registry.decode(record), "the record is read");
        expect(
            engine
                .on_warden(async move { undo.undo_erased(&cx).await })
                .await,
            "the change is undone",
        )
    }

    /// A context that shares nothing with the one that injected.
    fn second_context(&self, engine: &Engine) -> Context {
        engine.context(&crate::InjectionId::new("second"), 0)
    }
}

#[expect(clippy::expect_used, reason = "a test that cannot set up must fail")]
fn temp() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

/// Like `Result::expect`, with all the sources of the error.
#[expect(clippy::panic, reason = "a broken promise ends the test")]
fn expect<T, E: std::error::Error + 'static>(result: Result<T, E>, promise: &str) -> T {
    result.unwrap_or_else(|error| panic!("{promise}: {}", crate::Chain(&error)))
}
