//! Putting a fault on proxies.

use super::{
    effect::{Effect, Hits},
    shared::Shared,
};
use chaos_core::{Change, FaultError, Held, InProcess, Plan, Reach, Seed, Site};
use std::sync::Arc;

/// What to do when the fault is asked for where there is no proxy.
const USE_A_PROXY: &str = "this fault works on a proxy only: put a proxy in front of the dependency \
    (`proxy: { upstream: \"host:port\" }`, in Rust `Proxy::in_front_of`) and use that as the target";

/// The proxies behind the sites.
pub(crate) fn proxies(sites: &[Site]) -> Result<Vec<Arc<Shared>>, FaultError> {
    let proxy = |site: &Site| {
        site.handle::<Shared>()
            .ok_or_else(|| FaultError::unsupported(site.to_string(), USE_A_PROXY))
    };
    sites.iter().map(proxy).collect()
}

/// Plans to put `effect` on each of the proxies; `what` reads before `on proxy`.
pub(crate) fn plan_on_proxies<E: Effect + Clone>(
    effect: &E,
    what: &str,
    sites: &[Site],
    seed: Seed,
) -> Result<Plan, FaultError> {
    let put = |proxy: Arc<Shared>| Put {
        change: change(what, &proxy),
        effect: Arc::new(effect.clone()),
        seed,
        proxy,
    };
    let proxies = proxies(sites)?.into_iter();
    Ok(proxies.map(put).fold(Plan::new(), Plan::then_in_process))
}

/// One line of the plan.
pub(crate) fn change(what: &str, proxy: &Shared) -> Change {
    Change::new(
        format!("{what} on {proxy}"),
        format!("proxy {}", proxy.address()),
        Reach::Process,
    )
}

/// A fault that is to be put on one proxy.
#[derive(Debug)]
struct Put {
    change: Change,
    effect: Arc<dyn Effect>,
    seed: Seed,
    proxy: Arc<Shared>,
}

impl InProcess for Put {
    type Held = InPlace;

    fn change(&self) -> Change {
        self.change.clone()
    }

    fn apply(&self) -> Result<InPlace, FaultError> {
        Ok(InPlace::put(
            &self.proxy,
            Arc::clone(&self.effect),
            self.seed,
        ))
    }
}

/// A fault that is on a proxy. Dropping it takes the fault off.
#[derive(Debug)]
pub(crate) struct InPlace {
    proxy: Arc<Shared>,
    id: u64,
    hits: Hits,
}

impl InPlace {
    pub(crate) fn put(proxy: &Arc<Shared>, effect: Arc<dyn Effect>, seed: Seed) -> Self {
        let hits = Hits::default();
        Self {
            proxy: Arc::clone(proxy),
            id: proxy.put(effect, seed, hits.clone()),
            hits,
        }
    }

    /// Takes the fault off; doing it again does nothing.
    pub(crate) fn take_off(&self) {
        self.proxy.take_off(self.id);
    }

    /// The proxy it is on.
    pub(crate) fn proxy(&self) -> &Shared {
        &self.proxy
    }
}

impl Drop for InPlace {
    fn drop(&mut self) {
        self.take_off();
    }
}

impl Held for InPlace {
    fn in_place(&self) -> bool {
        self.proxy.holds(self.id)
    }

    fn hits(&self) -> u64 {
        self.hits.get()
    }

    fn release(self) -> Result<(), FaultError> {
        drop(self);
        Ok(())
    }
}
