//! One target and its sites.

use super::{origin::Origin, phases::SiteResources, process::Proc, slot::Slot};
use crate::measure::Windows;
use chaos_core::{FaultError, ProcessId, Site};
use futures_util::future::BoxFuture;
use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

/// More sites of one target than this are not watched.
const MOST_SITES: usize = 16;
/// So many that it was are remembered by their pids.
const MOST_MET: usize = 64;
/// How often a target that is gone is looked for, at first and after a minute.
const LOOK_FOR: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(5)];
/// When it is looked for less often.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) type Found = Result<Vec<Site>, FaultError>;

/// Finds the sites of a target, again and again.
#[derive(Clone)]
pub(super) struct Finder(pub(super) Arc<dyn Fn() -> BoxFuture<'static, Found> + Send + Sync>);

impl fmt::Debug for Finder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finder")
    }
}

/// One target and its sites.
#[derive(Debug)]
pub(super) struct Watched {
    name: String,
    finder: Finder,
    slots: Vec<Slot>,
    looking: bool,
    gone_since: Option<Duration>,
    looked: Option<Duration>,
    /// Whom it was by pid, the newest last.
    met: VecDeque<ProcessId>,
    /// It has neither a process nor a cgroup, as a proxy.
    nothing: bool,
}

impl Watched {
    pub(super) fn new(name: String, finder: Finder) -> Self {
        Self {
            name,
            finder,
            slots: vec![Slot::default()],
            looking: false,
            gone_since: None,
            looked: None,
            met: VecDeque::new(),
            nothing: false,
        }
    }

    /// The same target, of which nothing was seen yet.
    pub(super) fn afresh(&self) -> Self {
        Self::new(self.name.clone(), self.finder.clone())
    }

    /// Looks at all of its sites.
    pub(super) fn look(&mut self, proc: &Proc, from: Duration, now: Duration) {
        if self.nothing {
            return;
        }
        for slot in &mut self.slots {
            slot.look(proc, from, now);
        }
        match self.slots.iter().any(|slot| slot.origin().is_none()) {
            true => _ = self.gone_since.get_or_insert(now),
            false => self.gone_since = None,
        }
    }

    /// How to find it, when it is time to look for it.
    pub(super) fn due(&mut self, now: Duration) -> Option<Finder> {
        let since = self.gone_since.filter(|_| !self.looking && !self.nothing)?;
        let every = LOOK_FOR[usize::from(now.saturating_sub(since) > PATIENCE)];
        if self.looked.is_some_and(|at| now < at + every) {
            return None;
        }
        (self.looking, self.looked) = (true, Some(now));
        Some(self.finder.clone())
    }

    /// Takes what was found.
    pub(super) fn found(&mut self, found: Found, proc: &Proc, now: Duration) {
        self.looking = false;
        // One that is not there is looked for again.
        let Ok(sites) = found else { return };
        let origins: Vec<Origin> = sites
            .iter()
            .take(MOST_SITES)
            .filter_map(|site| Origin::of(site, proc))
            .collect();
        if !sites.is_empty() && origins.is_empty() && self.never_seen() {
            self.nothing = true;
        }
        for origin in origins {
            let known = self.slots.iter().any(|s| s.origin() == Some(&origin));
            if known || self.has_pid_of_another(&origin) {
                continue;
            }
            let Some(usage) = origin.usage(proc) else {
                continue;
            };
            match self.slots.iter_mut().find(|s| s.origin().is_none()) {
                Some(free) => free.take(origin, usage, now),
                None => {
                    let mut slot = Slot::default();
                    slot.take(origin, usage, now);
                    self.slots.push(slot);
                }
            }
        }
    }

    /// Whether it is somebody who got the pid of one that ended: a target by its pid is whoever has that now.
    fn has_pid_of_another(&mut self, origin: &Origin) -> bool {
        let Some(id) = origin.process() else {
            return false;
        };
        match self.met.iter().find(|met| met.pid == id.pid) {
            Some(met) => met != id,
            None => {
                self.met.push_back(id.clone());
                if self.met.len() > MOST_MET {
                    self.met.pop_front();
                }
                false
            }
        }
    }

    fn never_seen(&self) -> bool {
        self.slots.iter().all(|slot| slot.lives().is_empty())
    }

    /// Its places with their names.
    pub(super) fn places(&self) -> impl Iterator<Item = (String, &Slot)> {
        let slots = self.slots.iter().filter(|_| !self.nothing).zip(1..);
        slots.map(|(slot, n)| match self.slots.len() {
            1 => (self.name.clone(), slot),
            _ => (format!("{} #{n}", self.name), slot),
        })
    }

    /// What its sites used.
    pub(super) fn report<'a>(
        &'a self,
        every: Duration,
        windows: &'a Windows,
    ) -> impl Iterator<Item = SiteResources> + 'a {
        let places = self.places();
        places.map(move |(name, slot)| SiteResources::new(name, every, slot, windows))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use crate::resource::testing::FakeProc;
    use std::future::ready;

    const fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn site(pid: u32, started: u64) -> Site {
        let mut id = ProcessId::of(std::process::id()).unwrap();
        (id.pid, id.started) = (pid, started);
        Site::named("process", format!("pid {pid} of {started}")).with_pid(id)
    }

    fn watched() -> Watched {
        let find = || -> BoxFuture<'static, Found> { Box::pin(ready(Ok(Vec::new()))) };
        Watched::new("victim".into(), Finder(Arc::new(find)))
    }

    fn names(watched: &Watched) -> Vec<Option<&str>> {
        let origins = watched.slots.iter().map(Slot::origin);
        origins.map(|o| o.map(|o| o.site.as_str())).collect()
    }

    #[test]
    fn whoever_gets_the_pid_of_one_that_ended_is_not_the_target() {
        let (fake, mut watched) = (FakeProc::new(), watched());
        let proc = fake.proc();
        fake.process(7, 1, 10, "S");
        watched.found(Ok(vec![site(7, 10)]), &proc, secs(0));
        assert_eq!(names(&watched), [Some("pid 7 of 10")]);
        fake.process(7, 1, 99, "S");
        watched.look(&proc, secs(0), secs(1));
        watched.found(Ok(vec![site(7, 99)]), &proc, secs(1));
        assert_eq!(names(&watched), [None]);
        fake.process(8, 1, 120, "S");
        watched.found(Ok(vec![site(8, 120)]), &proc, secs(2));
        assert_eq!(names(&watched), [Some("pid 8 of 120")]);
    }

    #[test]
    fn of_several_one_takes_the_place_of_one_that_is_gone() {
        let (fake, mut watched) = (FakeProc::new(), watched());
        let proc = fake.proc();
        (7..9).for_each(|pid| drop(fake.process(pid, 1, 10, "S")));
        watched.found(Ok(vec![site(7, 10), site(8, 10)]), &proc, secs(0));
        fake.ends(7);
        fake.process(9, 1, 20, "S");
        watched.look(&proc, secs(0), secs(1));
        watched.found(Ok(vec![site(8, 10), site(9, 20)]), &proc, secs(1));
        assert_eq!(names(&watched), [Some("pid 9 of 20"), Some("pid 8 of 10")]);
    }

    #[test]
    fn one_that_is_gone_is_looked_for_each_second_and_later_less() {
        let (fake, mut watched) = (FakeProc::new(), watched());
        let mut looked = Vec::new();
        for tenths in 0..900 {
            let now = Duration::from_millis(tenths * 100);
            watched.look(&fake.proc(), now, now);
            if watched.due(now).is_some() {
                looked.push(now.as_secs());
                assert!(watched.due(now + secs(9)).is_none(), "one look at a time");
                let gone = FaultError::no_target("victim", "it does not run");
                watched.found(Err(gone), &fake.proc(), now);
            }
        }
        let minute: Vec<u64> = (0..=60).collect();
        assert_eq!(looked[..61], minute);
        assert_eq!(looked[61..], [65, 70, 75, 80, 85]);
    }

    #[test]
    fn a_target_without_process_or_cgroup_is_asked_once() {
        let (fake, mut watched) = (FakeProc::new(), watched());
        watched.look(&fake.proc(), secs(0), secs(0));
        assert!(watched.due(secs(0)).is_some());
        watched.found(Ok(vec![Site::named("proxy", "web")]), &fake.proc(), secs(0));
        watched.look(&fake.proc(), secs(0), secs(9));
        assert!(watched.due(secs(9)).is_none());
    }
}
