//! Putting a fault on proxies.

use super::{hitting::Hitting, shared::Shared};
use crate::{effect::Effect, queries::Queries};
use chaos_core::{Change, FaultError, Plan, Reach, Seed, Site};
use std::sync::Arc;

/// What to do when the fault is asked for where there is no proxy.
const USE_A_PROXY: &str = "this fault works on a DNS proxy only: put one in front of the resolver \
    (`dns_proxy: { upstream: \"1.1.1.1:53\" }`, in Rust `DnsProxy::in_front_of`) and use that as the target";

/// Plans to put `effect` on each of the proxies, for some of their queries.
pub(crate) fn plan_on_proxies(
    effect: &Arc<dyn Effect>,
    queries: &Queries,
    what: &str,
    sites: &[Site],
    seed: Seed,
) -> Result<Plan, FaultError> {
    let fault = Hitting {
        effect: Arc::clone(effect),
        picked: queries.build()?,
    };
    sites.iter().try_fold(Plan::new(), |plan, site| {
        let proxy = site
            .handle::<Shared>()
            .ok_or_else(|| FaultError::unsupported(site.to_string(), USE_A_PROXY))?;
        let change = Change::new(
            format!("{what} on {proxy}"),
            format!("DNS proxy {}", proxy.address()),
            Reach::Process,
        );
        let put = proxy.faults().putting(fault.clone(), seed, change);
        Ok(plan.then_in_process(put))
    })
}
