//! `dns.timeout`: no answer.

use crate::{
    asked::Asked,
    effect::{Effect, Step},
    simple::simple_fault,
};
use rand::rngs::StdRng;

simple_fault! {
    /// Queries are never answered: `dns.timeout`.
    ///
    /// # What breaks
    /// Queries are swallowed, by UDP and TCP: clients wait until they give up. A TCP connection is accepted, and stays open as
    /// long as the fault is there.
    ///
    /// # What it needs
    /// A [`DnsProxy`](crate::DnsProxy) as the target. No privilege.
    ///
    /// # What is changed on the host
    /// Nothing. It hits every query that comes from then on, also on connections that are open.
    ///
    /// # How it is undone
    /// What comes from then on passes. What was swallowed stays so: clients ask again.
    ///
    /// # Configuration
    /// ```
    /// # use chaos_core::{Parameters, Registry};
    /// # let mut registry = Registry::new();
    /// # chaos_faults_dns::register(&mut registry);
    /// let parameters: Parameters = serde_json::from_str(r#"{ "queries": { "names": ["*.internal"], "share": 30 } }"#)?;
    /// registry.fault("dns.timeout", None, &parameters)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Intensities, the share of the queries: light 5 %, medium 15 %, heavy 30 %.
    fault Timeout;
    /// Never answers.
    config TimeoutConfig = "dns.timeout";
    effect Swallows: "never answer";
}

#[derive(Debug)]
struct Swallows;

impl Effect for Swallows {
    fn step(&self, _: &Asked, _: &mut StdRng) -> Step {
        Step::Silence
    }
}
