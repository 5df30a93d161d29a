//! `dns.spoof`: names lead elsewhere.

use crate::{
    asked::Asked,
    effect::{Effect, Step},
    names,
    proxy::plan_on_proxies,
    queries::Queries,
    reply::Reply,
};
use chaos_core::{
    ConfigError, Context, Fault, FaultConfig, FaultError, Intensity, Needs, Plan, Site,
    async_trait, units::Time,
};
use hickory_proto::rr::{
    Name, RData, Record, RecordType,
    rdata::{A, AAAA, CNAME},
};
use rand::rngs::StdRng;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{net::IpAddr, sync::Arc, time::Duration};

/// More addresses than this never fit.
const MOST_ADDRESSES: usize = 100;
/// Resolvers keep nothing longer (RFC 8767, section 4).
const MOST_TTL: Duration = Duration::from_secs(7 * 24 * 3600);

/// Names lead elsewhere: `dns.spoof`.
///
/// # What breaks
/// Queries for A and AAAA records are answered with the given `addresses`, at once, by UDP and TCP; those for a type that
/// none is given for, and for any other type, with "no such records" (`NOERROR`, empty). With `cname` the name is an alias:
/// the answer is the alias, with the addresses as those of its target. Programs follow an alias only when the addresses
/// come with it. `ttl` is how long clients may keep the answer, and so be led elsewhere when the fault is over.
/// Answers are not signed: a client that validates takes them for a forgery, as it should.
///
/// # What it needs
/// A [`DnsProxy`](crate::DnsProxy) as the target. No privilege.
///
/// # What is changed on the host
/// Nothing. It hits every query that comes from then on, also on connections that are open.
///
/// # How it is undone
/// What comes from then on passes. Clients may keep what they were told for `ttl`.
///
/// # Configuration
/// ```
/// # use chaos_core::{Parameters, Registry};
/// # let mut registry = Registry::new();
/// # chaos_faults_dns::register(&mut registry);
/// let parameters: Parameters = serde_json::from_str(
///     r#"{ "addresses": ["192.0.2.1", "2001:db8::1"], "ttl": "1s", "queries": { "names": ["db.internal"] } }"#,
/// )?;
/// registry.fault("dns.spoof", None, &parameters)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
/// No intensities.
#[derive(Debug, Clone, PartialEq)]
pub struct Spoof {
    addresses: Vec<IpAddr>,
    cname: Option<String>,
    ttl: Duration,
    queries: Queries,
}

impl Spoof {
    /// Names have these addresses: up to 100.
    pub fn addresses<I: Into<IpAddr>>(addresses: impl IntoIterator<Item = I>) -> Self {
        Self {
            addresses: addresses.into_iter().map(Into::into).collect(),
            cname: None,
            ttl: Duration::ZERO,
            queries: Queries::all(),
        }
    }

    /// Names are aliases of this one. Without addresses programs find nothing.
    pub fn cname(target: impl Into<String>) -> Self {
        Self::addresses(Vec::<IpAddr>::new()).alias_of(target)
    }

    /// The addresses are those of this name, and the names that are asked for are aliases of it.
    #[must_use]
    pub fn alias_of(mut self, target: impl Into<String>) -> Self {
        self.cname = Some(target.into());
        self
    }

    /// How long the answer may be kept: whole seconds, up to 7 days. Default: 0.
    #[must_use]
    pub fn ttl(mut self, ttl: Duration) -> Self {
        self.ttl = ttl;
        self
    }

    /// Which queries are led elsewhere. Default: all.
    #[must_use]
    pub fn queries(mut self, queries: Queries) -> Self {
        self.queries = queries;
        self
    }

    fn effect(&self) -> Result<Leads, ConfigError> {
        self.queries.check()?;
        let count = self.addresses.len();
        if count == 0 && self.cname.is_none() {
            return Err(ConfigError::field("addresses", "there is none")
                .help("one or more addresses, such as 192.0.2.1, or a `cname`"));
        }
        if count > MOST_ADDRESSES {
            let problem = format!("{count} are too many");
            return Err(ConfigError::field("addresses", problem).help("at most 100"));
        }
        let target = |text: &String| {
            names::name(text).ok_or_else(|| {
                ConfigError::field("cname", format!("`{text}` is no name"))
                    .help("a name such as db.example.org")
            })
        };
        let whole = self.ttl.subsec_nanos() == 0 && self.ttl <= MOST_TTL;
        let seconds = u32::try_from(self.ttl.as_secs()).ok();
        let ttl = seconds.filter(|_| whole).ok_or_else(|| {
            let problem = format!("`{}` cannot be told", Time::new(self.ttl));
            ConfigError::field("ttl", problem).help("whole seconds, from 0 to 7d, such as 1s")
        })?;
        Ok(Leads {
            addresses: self.addresses.clone(),
            cname: self.cname.as_ref().map(target).transpose()?,
            ttl,
        })
    }
}

#[async_trait]
impl Fault for Spoof {
    fn kind(&self) -> &'static str {
        SpoofConfig::KIND
    }

    fn needs(&self, _: &Site) -> Needs {
        Needs::none()
    }

    async fn plan(&self, sites: &[Site], cx: &Context) -> Result<Plan, FaultError> {
        let effect: Arc<dyn Effect> = Arc::new(self.effect()?);
        let names = self.cname.iter().cloned();
        let told: Vec<String> = names
            .chain(self.addresses.iter().map(IpAddr::to_string))
            .collect();
        let what = format!("answer {} to {}", told.join(", "), self.queries);
        plan_on_proxies(&effect, &self.queries, &what, sites, cx.seed())
    }
}

/// Answers with other addresses.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SpoofConfig {
    /// The addresses of the names, up to 100: IPv4 for A, IPv6 for AAAA. A type without any has no records. May be
    /// left out with a cname. Default: none.
    #[serde(default)]
    pub addresses: Vec<IpAddr>,
    /// The name that the names are aliases of, and that the addresses belong to then. Default: they are no aliases.
    #[serde(default)]
    pub cname: Option<String>,
    /// How long clients may keep the answer: whole seconds, up to 7d. Default: 0.
    #[serde(default)]
    pub ttl: Time,
    /// Which queries. Default: all.
    #[serde(default)]
    pub queries: Queries,
}

impl FaultConfig for SpoofConfig {
    const KIND: &'static str = "dns.spoof";
    type Fault = Spoof;
    const TARGETS: &'static [&'static str] = &["dns_proxy"];
    const EXAMPLE: &'static [(&'static str, &'static str)] = &[("addresses", r#"["192.0.2.1"]"#)];

    fn preset(_: Intensity) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    fn build(self) -> Result<Spoof, ConfigError> {
        let spoof = Spoof {
            addresses: self.addresses,
            cname: self.cname,
            ttl: self.ttl.get(),
            queries: self.queries,
        };
        spoof.effect()?;
        Ok(spoof)
    }
}

/// Wrong answers on a proxy.
#[derive(Debug)]
struct Leads {
    addresses: Vec<IpAddr>,
    cname: Option<Name>,
    /// In seconds.
    ttl: u32,
}

impl Effect for Leads {
    fn step(&self, asked: &Asked, _: &mut StdRng) -> Step {
        let asked_for = asked.record_type();
        let owner = asked.question.name();
        let record = |name: &Name, data| Record::from_rdata(name.clone(), self.ttl, data);
        let alias = self.cname.as_ref();
        let mut records: Vec<Record> = alias
            .map(|target| record(owner, RData::CNAME(CNAME(target.clone()))))
            .into_iter()
            .collect();
        let owner = alias.unwrap_or(owner);
        records.extend(self.addresses.iter().filter_map(|address| {
            let (data, is) = match address {
                IpAddr::V4(address) => (RData::A(A(*address)), RecordType::A),
                IpAddr::V6(address) => (RData::AAAA(AAAA(*address)), RecordType::AAAA),
            };
            (asked_for == is || asked_for == RecordType::ANY).then(|| record(owner, data))
        }));
        Step::Answer(Reply::records(records))
    }
}
