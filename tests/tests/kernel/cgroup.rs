//! What a real cgroup uses, made for the test.

use super::block_on;
use chaos_core::{BoxError, Engine, Observer, RunHandle, Seed};
use chaos_faults_resource::Process;
use chaos_validator::{ResourceSource, ResourceWatch, SiteResources, measure::Windows};
use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

const OFTEN: Duration = Duration::from_millis(100);

/// A cgroup and a process in it that waits for a line, and then has a child that works. All of it is gone when this is
/// dropped.
struct Group {
    dir: PathBuf,
    shell: Child,
    stranger: Option<Child>,
}

impl Group {
    fn new() -> Result<Self, BoxError> {
        let roots = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"].map(Path::new);
        let root = roots.iter().find(|dir| dir.join("cgroup.procs").exists());
        let root = root.ok_or("there is no cgroup v2 on this machine")?;
        let dir = root.join(format!("chaos-test-{}", std::process::id()));
        fs::create_dir(&dir)?;
        let shell = Command::new("sh")
            .args(["-c", "read line; while :; do :; done & wait"])
            .stdin(Stdio::piped())
            .spawn()?;
        let group = Self {
            dir,
            shell,
            stranger: None,
        };
        group.write("cgroup.procs", &group.shell.id().to_string())?;
        Ok(group)
    }

    fn write(&self, file: &str, text: &str) -> std::io::Result<()> {
        fs::write(self.dir.join(file), text)
    }

    /// Somebody who is no child of the shell.
    fn is_joined(&mut self) -> Result<(), BoxError> {
        let stranger = Command::new("sleep").arg("1000").spawn()?;
        self.write("cgroup.procs", &stranger.id().to_string())?;
        self.stranger = Some(stranger);
        Ok(())
    }

    fn cpu(&self) -> Result<f64, BoxError> {
        let text = fs::read_to_string(self.dir.join("cpu.stat"))?;
        let used = text.lines().find_map(|l| l.strip_prefix("usage_usec "));
        Ok(used.ok_or("no usage_usec")?.parse::<f64>()? / 1e6)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.write("cgroup.kill", "1").ok();
        for child in std::iter::once(&mut self.shell).chain(&mut self.stranger) {
            child.wait().ok();
        }
        let start = Instant::now();
        // Its child is reaped by somebody else.
        while fs::remove_dir(&self.dir).is_err() && start.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn seen(watch: &ResourceWatch) -> Result<SiteResources, BoxError> {
    let all = serde_json::json!({
        "baseline": null, "fault": { "start": 0.0, "end": 1000.0 }, "recovery": null, "judged": null, "removed": null,
    });
    let windows: Windows = serde_json::from_value(all)?;
    let mut sites = watch.resources(&windows).sites.into_iter();
    Ok(sites.next().ok_or("nobody is watched")?)
}

fn burnt(site: &SiteResources) -> f64 {
    let time =
        |p: &chaos_validator::ResourcePoint| p.cpu.unwrap_or_default() * p.length().as_secs_f64();
    site.points.iter().map(time).sum()
}

async fn until(
    watch: &ResourceWatch,
    what: &str,
    done: impl Fn(&SiteResources) -> bool,
) -> Result<(), BoxError> {
    let start = Instant::now();
    while !done(&seen(watch)?) {
        if start.elapsed() > Duration::from_secs(60) {
            return Err(format!("never: {what}: {:#?}", seen(watch)?).into());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

/// Watches the shell by its pid; that it has a cgroup of its own is to be found out.
async fn watch(group: &Group, state: &Path) -> Result<ResourceWatch, BoxError> {
    let engine = Engine::builder()
        .state_dir(state.join("state"))
        .open()
        .await?;
    let target = Arc::new(Process::pid(group.shell.id()));
    let watch = ResourceWatch::new().target(&engine, target).every(OFTEN);
    watch
        .start(&RunHandle::detached("test", Seed::new(1)))
        .await?;
    until(&watch, "it is seen", |site| site.points.len() > 1).await?;
    Ok(watch)
}

pub(super) fn is_watched() -> Result<(), BoxError> {
    block_on(async {
        let state = tempfile::tempdir()?;
        let mut group = Group::new()?;
        let before = group.cpu()?;
        let watch_all = watch(&group, state.path()).await?;
        let input = group.shell.stdin.as_mut().ok_or("no input")?;
        input.write_all(b"\n")?;
        until(&watch_all, "half a second is burnt", |site| {
            burnt(site) > 0.5
        })
        .await?;
        // Nothing is used any more, and what was used is known to both.
        group.write("cgroup.freeze", "1")?;
        let idle = |site: &SiteResources| site.points.last().is_some_and(|p| p.cpu == Some(0.0));
        until(&watch_all, "it is frozen", idle).await?;
        watch_all.finish().await;
        let (site, used) = (seen(&watch_all)?, group.cpu()? - before);
        let all = site.fault.ok_or("no fault")?;
        let wrong = |what: String| Err::<(), BoxError>(format!("{what}: {site:#?}").into());
        if site.lives[0].source != ResourceSource::Cgroup {
            return wrong("its cgroup is its own".into());
        }
        // The child's time is not the shell's; the first look came a little after the first reading.
        if (burnt(&site) - used).abs() > 0.01 + 0.01 * used {
            return wrong(format!("{used} s were used and {} seen", burnt(&site)));
        }
        if all.threads_max != Some(2) || all.descriptors_max < Some(6) {
            return wrong("a shell and its child have two threads and six descriptors".into());
        }
        let current = fs::read_to_string(group.dir.join("memory.current")).ok();
        let memory = all.memory_max.unwrap_or_default();
        match current.and_then(|text| text.trim().parse::<u64>().ok()) {
            Some(current) if memory < current / 2 => return wrong(format!("not {current} bytes")),
            None if memory < 1 << 20 => return wrong("two shells have more than a MiB".into()),
            _ => {}
        }
        // With a stranger in it, it is nobody's own.
        group.write("cgroup.freeze", "0")?;
        group.is_joined()?;
        let watch_one = watch(&group, state.path()).await?;
        watch_one.finish().await;
        match seen(&watch_one)?.lives[0].source {
            ResourceSource::Process => Ok(()),
            other => Err(format!("a stranger is in it, and it is seen by {other}").into()),
        }
    })
}
