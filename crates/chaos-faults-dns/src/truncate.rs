//! `dns.truncate`: answers do not fit.

use crate::{
    asked::{Asked, Transport},
    effect::{Effect, Step},
    reply::Reply,
    simple::simple_fault,
};
use rand::rngs::StdRng;

simple_fault! {
    /// Answers by UDP are truncated: `dns.truncate`.
    ///
    /// # What breaks
    /// Clients that ask by UDP get an empty answer that says that there is more (`TC`), as when the answer does not fit into a
    /// datagram, and come again by TCP, where the truth is told. Those that cannot ask by TCP, or may not, find nothing.
    ///
    /// # What it needs
    /// A [`DnsProxy`](crate::DnsProxy) as the target. No privilege.
    ///
    /// # What is changed on the host
    /// Nothing. It hits every query by UDP that comes from then on.
    ///
    /// # How it is undone
    /// What comes from then on passes.
    ///
    /// # Configuration
    /// ```
    /// # use chaos_core::{Parameters, Registry};
    /// # let mut registry = Registry::new();
    /// # chaos_faults_dns::register(&mut registry);
    /// let parameters: Parameters = serde_json::from_str(r#"{ "queries": { "types": ["TXT"] } }"#)?;
    /// registry.fault("dns.truncate", None, &parameters)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Intensities, the share of the queries: light 5 %, medium 15 %, heavy 30 %.
    fault Truncate;
    /// Sends clients that ask by UDP to TCP.
    config TruncateConfig = "dns.truncate";
    effect Truncates: "truncate the answers by UDP to";
}

#[derive(Debug)]
struct Truncates;

impl Effect for Truncates {
    fn hits(&self, transport: Transport) -> bool {
        transport == Transport::Udp
    }

    fn step(&self, _: &Asked, _: &mut StdRng) -> Step {
        Step::Answer(Reply::truncated())
    }
}
