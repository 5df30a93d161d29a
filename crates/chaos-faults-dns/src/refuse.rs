//! `dns.refuse`: the resolver does not want to.

use crate::{
    asked::Asked,
    effect::{Effect, Step},
    reply::Reply,
    simple::simple_fault,
};
use hickory_proto::op::ResponseCode;
use rand::rngs::StdRng;

simple_fault! {
    /// The resolver refuses to answer: `dns.refuse`.
    ///
    /// # What breaks
    /// Clients are told at once that the server does not answer them (`REFUSED`), as by one whose access list they are not on,
    /// or that limits their rate, by UDP and TCP.
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
    /// let parameters: Parameters = serde_json::from_str(r#"{ "queries": { "types": ["SRV"] } }"#)?;
    /// registry.fault("dns.refuse", None, &parameters)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Intensities, the share of the queries: light 5 %, medium 15 %, heavy 30 %.
    fault Refuse;
    /// Answers that the server refuses to.
    config RefuseConfig = "dns.refuse";
    effect Refuses: "answer REFUSED to";
}

#[derive(Debug)]
struct Refuses;

impl Effect for Refuses {
    fn step(&self, _: &Asked, _: &mut StdRng) -> Step {
        Step::Answer(Reply::code(ResponseCode::Refused))
    }
}
