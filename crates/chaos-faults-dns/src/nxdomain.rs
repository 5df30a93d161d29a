//! `dns.nxdomain`: the name does not exist.

use crate::{
    asked::Asked,
    effect::{Effect, Step},
    reply::Reply,
    simple::simple_fault,
};
use hickory_proto::op::ResponseCode;
use rand::rngs::StdRng;

simple_fault! {
    /// Names do not exist: `dns.nxdomain`.
    ///
    /// # What breaks
    /// Clients are told at once that there is no such name (`NXDOMAIN`), of any type, by UDP and TCP. The answer carries no SOA
    /// record, so a resolver that follows RFC 2308 does not keep it, and the truth is told as soon as the fault is over.
    /// It is not signed: a client that validates takes it for a forgery.
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
    /// let parameters: Parameters = serde_json::from_str(r#"{ "queries": { "names": ["db.internal", "*.db.internal"] } }"#)?;
    /// registry.fault("dns.nxdomain", None, &parameters)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    /// Intensities, the share of the queries: light 5 %, medium 15 %, heavy 30 %.
    fault Nxdomain;
    /// Answers that there is no such name.
    config NxdomainConfig = "dns.nxdomain";
    effect NoSuchName: "answer NXDOMAIN to";
}

#[derive(Debug)]
struct NoSuchName;

impl Effect for NoSuchName {
    fn step(&self, _: &Asked, _: &mut StdRng) -> Step {
        Step::Answer(Reply::code(ResponseCode::NXDomain))
    }
}
