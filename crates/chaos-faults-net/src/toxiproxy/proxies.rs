//! All proxies of the API.

use super::{
    entry::Entry,
    error::ApiError,
    json::{self, Fields},
    ledger::Ledger,
    listen::Listen,
    wanted::Wanted,
};
use chaos_core::Seed;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// All proxies of the API.
///
/// Names are looked up without the lock, and nothing else here waits for anybody: so no proxy, however its upstream is,
/// makes the API wait.
#[derive(Debug)]
pub(super) struct Proxies {
    seed: Seed,
    /// `None`: the server is closed.
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    by_name: BTreeMap<String, Entry>,
    /// How many proxies are gone: one that takes the place of another draws anew.
    gone: u64,
    ledger: Ledger,
}

/// What a step with the lock comes to.
enum Step<T> {
    Done(T),
    /// It needs to know this address, and is to be done again then.
    LookUp(String),
}

/// The address that was looked up last.
struct Known(Option<Listen>);

impl Known {
    fn of(&self, given: &str) -> Option<&Listen> {
        self.0.as_ref().filter(|listen| listen.given() == given)
    }
}

/// What `/populate` comes to: what was done, as JSON, and why no more was.
pub(super) type Populated = (Vec<String>, Option<ApiError>);

impl Proxies {
    pub(super) fn new(seed: Seed, counts: bool) -> Self {
        let open = Open {
            by_name: BTreeMap::new(),
            gone: 0,
            ledger: Ledger::new(counts),
        };
        Self {
            seed,
            open: Mutex::new(Some(open)),
        }
    }

    /// Closes every proxy, for good.
    pub(super) fn close(&self) {
        *self.lock() = None;
    }

    /// Every proxy by its name, as JSON.
    pub(super) fn list(&self) -> Result<String, ApiError> {
        self.with(|open| {
            let views = open
                .by_name
                .iter()
                .map(|(name, entry)| (name, entry.view()));
            json::write(&views.collect::<BTreeMap<_, _>>())
        })
    }

    /// Looks at one proxy.
    pub(super) fn look<T>(
        &self,
        name: &str,
        look: impl FnOnce(&Entry) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.change(name, |entry| look(entry))
    }

    /// Changes one proxy.
    pub(super) fn change<T>(
        &self,
        name: &str,
        change: impl FnOnce(&mut Entry) -> Result<T, ApiError>,
    ) -> Result<T, ApiError> {
        self.with(|open| change(find(&mut open.by_name, name)?))
    }

    /// Makes a proxy; its JSON.
    pub(super) async fn create(&self, wanted: Wanted) -> Result<String, ApiError> {
        self.step(|open, known| {
            if open.by_name.contains_key(&wanted.name) {
                return Err(ApiError::PROXY_EXISTS);
            }
            let Some(entry) = self.made(&wanted, open, known)? else {
                return Ok(Step::LookUp(wanted.listen.clone()));
            };
            let json = entry.json()?;
            open.by_name.insert(wanted.name.clone(), entry);
            Ok(Step::Done(json))
        })
        .await
    }

    /// Changes the addresses of a proxy, or whether it is enabled; its JSON.
    pub(super) async fn update(&self, name: &str, mut said: Fields) -> Result<String, ApiError> {
        let listen = said.text("listen")?;
        let upstream = said.text("upstream")?;
        let enabled = said.flag("enabled")?;
        self.step(|open, known| {
            let entry = find(&mut open.by_name, name)?;
            let given = listen.as_deref().unwrap_or(entry.listen());
            let Some(found) = known.of(given) else {
                return Ok(Step::LookUp(given.to_owned()));
            };
            entry.update(found, upstream.as_deref(), enabled, &mut open.ledger)?;
            entry.json().map(Step::Done)
        })
        .await
    }

    pub(super) fn delete(&self, name: &str) -> Result<(), ApiError> {
        self.with(|open| {
            let mut entry = open.by_name.remove(name).ok_or(ApiError::PROXY_NOT_FOUND)?;
            entry.stop();
            open.gone += 1;
            Ok(())
        })
    }

    /// Makes these proxies, in order, until one fails. One that is there already with the same addresses stays as it is, and
    /// one with others is replaced.
    pub(super) async fn populate(&self, all: Vec<Wanted>) -> Populated {
        let mut done = Vec::new();
        for wanted in all {
            match self.put(&wanted).await {
                Ok(json) => done.push(json),
                Err(error) => return (done, Some(error)),
            }
        }
        (done, None)
    }

    async fn put(&self, wanted: &Wanted) -> Result<String, ApiError> {
        self.step(|open, known| {
            if let Some(there) = open.by_name.get_mut(&wanted.name) {
                let Some(listen) = known.of(&wanted.listen) else {
                    return Ok(Step::LookUp(wanted.listen.clone()));
                };
                if !there.differs(listen, &wanted.upstream) {
                    return there.json().map(Step::Done);
                }
                there.stop();
            }
            let Some(entry) = self.made(wanted, open, known)? else {
                return Ok(Step::LookUp(wanted.listen.clone()));
            };
            let json = entry.json()?;
            let replaced = open.by_name.insert(wanted.name.clone(), entry);
            open.gone += u64::from(replaced.is_some());
            Ok(Step::Done(json))
        })
        .await
    }

    /// Enables every proxy and removes every toxic, whatever becomes of one of them.
    pub(super) async fn reset(&self) -> Result<(), ApiError> {
        let names: Vec<String> = self.with(|open| Ok(open.by_name.keys().cloned().collect()))?;
        let mut failed = Ok(());
        for name in names {
            let reset = self.step(|open, known| {
                // It may be gone by now.
                let Some(entry) = open.by_name.get_mut(&name) else {
                    return Ok(Step::Done(()));
                };
                entry.clear();
                if entry.is_enabled() {
                    return Ok(Step::Done(()));
                }
                match known.of(entry.listen()) {
                    Some(listen) => entry.start(listen, &mut open.ledger).map(Step::Done),
                    None => Ok(Step::LookUp(entry.listen().to_owned())),
                }
            });
            failed = failed.and(reset.await);
        }
        failed
    }

    /// What went through the proxies, as Prometheus reads it.
    pub(super) fn metrics(&self) -> Result<String, ApiError> {
        self.with(|open| Ok(open.ledger.to_string()))
    }

    /// A new proxy; `None` when its address is not known yet.
    fn made(
        &self,
        wanted: &Wanted,
        open: &mut Open,
        known: &Known,
    ) -> Result<Option<Entry>, ApiError> {
        let Wanted {
            name,
            listen,
            upstream,
            ..
        } = wanted.clone();
        let replaces = open.by_name.contains_key(&name);
        let seed = self.seed.derive(&name, open.gone + u64::from(replaces));
        let mut entry = Entry::new(name, listen, upstream, seed);
        for toxic in &wanted.toxics {
            entry.add_toxic(Fields::of(toxic.clone())?)?;
        }
        if wanted.enabled {
            let Some(listen) = known.of(&wanted.listen) else {
                return Ok(None);
            };
            entry.start(listen, &mut open.ledger)?;
        }
        Ok(Some(entry))
    }

    /// Does one thing, and looks up what that needs in between.
    async fn step<T>(
        &self,
        mut step: impl FnMut(&mut Open, &Known) -> Result<Step<T>, ApiError>,
    ) -> Result<T, ApiError> {
        let mut known = Known(None);
        loop {
            match self.with(|open| step(open, &known))? {
                Step::Done(done) => return Ok(done),
                Step::LookUp(given) => known = Known(Some(Listen::look_up(&given).await?)),
            }
        }
    }

    fn with<T>(&self, work: impl FnOnce(&mut Open) -> Result<T, ApiError>) -> Result<T, ApiError> {
        work(self.lock().as_mut().ok_or(ApiError::CLOSED)?)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn find<'a>(
    by_name: &'a mut BTreeMap<String, Entry>,
    name: &str,
) -> Result<&'a mut Entry, ApiError> {
    by_name.get_mut(name).ok_or(ApiError::PROXY_NOT_FOUND)
}
