//! One target and its sites.

use super::{origin::Origin, phases::SiteResources, process::Proc, slot::Slot};
use crate::measure::Windows;
use chaos_core::{FaultError, Site};
use futures_util::future::BoxFuture;
use std::{fmt, sync::Arc, time::Duration};

/// More sites of one target than this are not watched.
const MOST_SITES: usize = 16;
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
            if self.slots.iter().any(|s| s.origin() == Some(&origin)) {
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

    fn never_seen(&self) -> bool {
        self.slots.iter().all(|slot| slot.lives().is_empty())
    }

    /// What its sites used.
    pub(super) fn report<'a>(
        &'a self,
        every: Duration,
        windows: &'a Windows,
    ) -> impl Iterator<Item = SiteResources> + 'a {
        let slots = self.slots.iter().filter(|_| !self.nothing).zip(1..);
        slots.map(move |(slot, n)| {
            let name = match self.slots.len() {
                1 => self.name.clone(),
                _ => format!("{} #{n}", self.name),
            };
            SiteResources::new(name, every, slot, windows)
        })
    }
}
