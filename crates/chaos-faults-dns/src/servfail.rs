//! `dns.servfail`: the resolver fails.

use crate::{
    asked::Asked,
    effect::{Effect, Step},
    reply::Reply,
    simple::simple_fault,
};
use hickory_proto::op::ResponseCode;
use rand::rngs::StdRng;

simple_fault! {
    /// The resolver fails: `dns.servfail`.
    ///
    /// # What breaks
    /// Clients are told at once that the server failed (`SERVFAIL`), as when a zone's own servers are down or its signatures are
    /// wrong, by UDP and TCP. Many clients ask their next server then, or again. A resolver in front of the proxy may keep
    /// the failure for some seconds (RFC 9520).
    ///
    /// # What it needs
    /// A [`DnsProxy`](crate::DnsProxy) as the target. No privilege.
    ///
    /// # What is changed on the host
    /// Nothing. It hits every query that comes from then on, also on connections that are open.
    ///
    /// # How it is undone
    /// What comes from then on passes.
    ///
    /// # Configuration
    /// ```
    /// # use chaos_core::{Parameters, Registry};
    /// # let mut registry = Registry::new();
    /// # chaos_faults_dns::register(&mut registry);
    /// let parameters: Parameters = serde_json::from_str(r#"{ "queries": { "names": ["*.internal"], "share": 50 } }"#)?;
    /// registry.fault("dns.servfail", None, &parameters)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Intensities, the share of the queries: light 5 %, medium 15 %, heavy 30 %.
    fault Servfail;
    /// Answers that the server failed.
    config ServfailConfig = "dns.servfail";
    effect Fails: "answer SERVFAIL to";
}

#[derive(Debug)]
struct Fails;

impl Effect for Fails {
    fn step(&self, _: &Asked, _: &mut StdRng) -> Step {
        Step::Answer(Reply::code(ResponseCode::ServFail))
    }
}
