//! What was seen of processes of which it is known.

pub(crate) mod victim;

use chaos_core::{
    Context, Engine, FaultError, Observer, ProcessId, RunHandle, Seed, Site, Target, async_trait,
};
use chaos_validator::{
    ResourcePoint, ResourceSource, ResourceUse, ResourceWatch, SiteResources, measure::Windows,
};
use libtest_mimic::Trial;
use std::{
    fs,
    future::Future,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};
use victim::Victim;

const MIB: u64 = 1 << 20;

pub(crate) fn trials() -> Vec<Trial> {
    fn trial<F: Future<Output = ()> + 'static>(name: &str, test: fn() -> F) -> Trial {
        let name = name.to_owned();
        Trial::test(name, move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(test());
            Ok(())
        })
    }
    vec![
        trial("cpu_time_is_as_much_as_was_burnt", cpu),
        trial("memory_is_as_much_as_was_touched", memory),
        trial("every_open_file_is_counted", descriptors),
        trial(
            "a_target_that_dies_and_is_restarted_is_found_again",
            restart,
        ),
        trial("a_target_that_never_was_is_a_gap_to_the_end", never),
        trial("a_watch_that_is_dropped_leaves_no_thread", dropped),
    ]
}

/// The whole run is the fault.
fn windows() -> Windows {
    serde_json::from_value(serde_json::json!({
        "baseline": null, "fault": { "start": 0.0, "end": 1000.0 }, "recovery": null, "judged": null, "removed": null,
    }))
    .unwrap()
}

fn seen(watch: &ResourceWatch) -> SiteResources {
    watch.resources(&windows()).sites.remove(0)
}

fn used(watch: &ResourceWatch) -> ResourceUse {
    seen(watch).fault.unwrap()
}

fn last(watch: &ResourceWatch) -> Option<ResourcePoint> {
    seen(watch).points.last().copied()
}

async fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "never: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Watches a victim before and while it does what it was told to.
async fn watched(what: &str) -> (ResourceWatch, Victim, ResourcePoint) {
    let mut victim = Victim::new(what);
    let watch = ResourceWatch::pid(victim.pid()).every(Duration::from_millis(100));
    let run = RunHandle::detached("test", Seed::new(1));
    watch.start(&run).await.unwrap();
    until("it is seen", || {
        last(&watch).is_some_and(|p| p.cpu.is_some())
    })
    .await;
    let before = last(&watch).unwrap();
    victim.goes_on();
    let done = run.elapsed();
    until("it is seen afterwards", || {
        last(&watch).is_some_and(|p| p.from > done)
    })
    .await;
    watch.finish().await;
    (watch, victim, before)
}

async fn cpu() {
    let (watch, _victim, before) = watched("burn 1000").await;
    let site = seen(&watch);
    assert_eq!(site.lives[0].source, ResourceSource::Process);
    assert!(before.cpu.unwrap() < 0.2, "{before:?}");
    // Of the first sample it may not be known; nothing is burnt in that.
    let time = |p: &ResourcePoint| p.cpu.unwrap_or_default() * p.length().as_secs_f64();
    let burnt: f64 = site.points.iter().map(time).sum();
    assert!((0.95..1.1).contains(&burnt), "{burnt} {:#?}", site.points);
    // A hundredth of a second more or less in a tenth.
    let most = site.fault.unwrap().cpu_max.unwrap();
    assert!(most <= 1.25, "{most}");
}

async fn memory() {
    let (watch, _victim, before) = watched("memory 64").await;
    let more = last(&watch).unwrap().memory.unwrap() - before.memory.unwrap();
    assert!((64 * MIB..72 * MIB).contains(&more), "{more}");
    let most = used(&watch).memory_max.unwrap() - before.memory.unwrap();
    assert!((64 * MIB..72 * MIB).contains(&most), "{most}");
}

async fn descriptors() {
    let (watch, victim, before) = watched("files 100").await;
    let now = fs::read_dir(format!("/proc/{}/fd", victim.pid())).unwrap();
    let more = |open: u64| open - before.descriptors.unwrap();
    assert_eq!(more(used(&watch).descriptors_max.unwrap()), 100);
    assert_eq!(more(now.count() as u64), 100);
    assert_eq!(used(&watch).threads_max, Some(1));
    assert_eq!(used(&watch).missing, Duration::ZERO);
}

/// A process by a pid in a file, as of a pidfile.
#[derive(Debug)]
struct InFile(PathBuf);

#[async_trait]
impl Target for InFile {
    fn describe(&self) -> String {
        "victim".into()
    }
    async fn sites(&self, _: &Context) -> Result<Vec<Site>, FaultError> {
        let gone = || FaultError::no_target("victim", "it does not run");
        let text = fs::read_to_string(&self.0).map_err(|_| gone())?;
        let id = ProcessId::of(text.parse().map_err(|_| gone())?).map_err(|_| gone())?;
        Ok(vec![Site::named("process", text).with_pid(id)])
    }
}

async fn in_file(dir: &std::path::Path) -> ResourceWatch {
    let engine = Engine::builder().state_dir(dir.join("state"));
    let engine = engine.open().await.unwrap();
    let target = Arc::new(InFile(dir.join("pid")));
    let watch = ResourceWatch::new().target(&engine, target);
    watch.every(Duration::from_millis(100))
}

async fn restart() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("pid");
    let watch = in_file(dir.path()).await;
    let run = RunHandle::detached("test", Seed::new(1));
    watch.start(&run).await.unwrap();
    // It is not there yet, then it is, then it is not, then it is again.
    let is_there = |watch: &ResourceWatch| last(watch).is_some_and(|p| p.cpu.is_some());
    let is_gone = |watch: &ResourceWatch| last(watch).is_some_and(|p| p.is_gap());
    until("it is not there", || is_gone(&watch)).await;
    let first = Victim::new("nothing 1");
    fs::write(&file, first.pid().to_string()).unwrap();
    until("it is there", || is_there(&watch)).await;
    drop(first);
    until("it is gone", || is_gone(&watch)).await;
    let second = Victim::new("nothing 1");
    fs::write(&file, second.pid().to_string()).unwrap();
    until("it is there again", || is_there(&watch)).await;
    watch.finish().await;
    let site = seen(&watch);
    assert_eq!((site.name.as_str(), site.restarts), ("victim", 1));
    let lives: Vec<u32> = site.lives.iter().map(|l| l.site.parse().unwrap()).collect();
    assert_eq!(lives[1], second.pid());
    // Nothing is zero where it was not there.
    let gaps = site.points.iter().filter(|p| p.is_gap());
    assert!(gaps.clone().count() >= 2, "{:#?}", site.points);
    assert!(
        gaps.clone()
            .all(|p| (p.memory, p.descriptors) == (None, None))
    );
    let there = site.points.iter().filter(|p| !p.is_gap());
    assert!(there.clone().all(|p| p.memory_max.unwrap() > 0));
    let missing: Duration = gaps.map(ResourcePoint::length).sum();
    assert_eq!(site.fault.unwrap().missing, missing);
}

async fn never() {
    let dir = tempfile::tempdir().unwrap();
    let watch = in_file(dir.path()).await;
    let run = RunHandle::detached("test", Seed::new(1));
    watch.start(&run).await.unwrap();
    until("it was looked for", || seen(&watch).points.len() > 3).await;
    watch.finish().await;
    let site = seen(&watch);
    assert!(site.lives.is_empty() && site.points.iter().all(ResourcePoint::is_gap));
    assert!(site.fault.unwrap().is_unknown());
}

/// Those of this name in this process: its names are at most 15 bytes long.
fn threads(of: &str) -> usize {
    let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
    let names = tasks.filter_map(|t| fs::read_to_string(t.path().join("comm")).ok());
    names.filter(|name| name.trim() == of).count()
}

async fn dropped() {
    let watch = ResourceWatch::pid(std::process::id());
    watch
        .start(&RunHandle::detached("test", Seed::new(1)))
        .await
        .unwrap();
    until("its thread runs", || threads("chaos-resources") > 0).await;
    drop(watch);
    // Those of the other tests end, too.
    until("its thread has ended", || threads("chaos-resources") == 0).await;
}
