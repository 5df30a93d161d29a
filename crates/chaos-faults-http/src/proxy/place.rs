//! Putting a fault on proxies.

use super::{hitting::Hitting, shared::Shared};
use crate::{
    effect::Effect,
    requests::{Picked, Requests},
};
use chaos_core::{Change, FaultError, InProcess, Plan, Reach, Seed, Site, Stacked};
use std::sync::Arc;

/// What to do when the fault is asked for where there is no proxy.
const USE_A_PROXY: &str = "this fault works on an HTTP proxy only: put one in front of the dependency \
    (`http_proxy: { upstream: \"http://host:port\" }`, in Rust `HttpProxy::in_front_of`) and use that as the target";

/// Plans to put `effect` on each of the proxies, for some of their requests.
pub(crate) fn plan_on_proxies(
    effect: &Arc<dyn Effect>,
    requests: &Requests,
    what: &str,
    sites: &[Site],
    seed: Seed,
) -> Result<Plan, FaultError> {
    let picked = requests.build()?;
    let put = |site: &Site| -> Result<Put, FaultError> {
        let proxy: Arc<Shared> = site
            .handle()
            .ok_or_else(|| FaultError::unsupported(site.to_string(), USE_A_PROXY))?;
        Ok(Put {
            change: Change::new(
                format!("{what} on {proxy}"),
                format!("HTTP proxy {}", proxy.address()),
                Reach::Process,
            ),
            effect: Arc::clone(effect),
            picked: picked.clone(),
            seed,
            proxy,
        })
    };
    sites.iter().try_fold(Plan::new(), |plan, site| {
        Ok(plan.then_in_process(put(site)?))
    })
}

/// A fault that is to be put on one proxy.
#[derive(Debug)]
struct Put {
    change: Change,
    effect: Arc<dyn Effect>,
    picked: Picked,
    seed: Seed,
    proxy: Arc<Shared>,
}

impl InProcess for Put {
    type Held = Stacked<Hitting>;

    fn change(&self) -> Change {
        self.change.clone()
    }

    fn apply(&self) -> Result<Stacked<Hitting>, FaultError> {
        let fault = Hitting {
            effect: Arc::clone(&self.effect),
            picked: self.picked.clone(),
        };
        Ok(self.proxy.faults().put(fault, self.seed))
    }
}
