//! Which queries a fault hits.

use crate::{asked::Asked, names};
use chaos_core::{ConfigError, units::Percent};
use hickory_proto::rr::RecordType;
use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use std::{fmt, net::IpAddr};
use wildmatch::WildMatch;

/// Which queries a fault hits: all conditions must hold. By default it hits every query.
///
/// Patterns are names, in any case and with or without the last dot, in which `*` stands for any text, also with dots
/// and also none, and `?` for one character: `*.internal` is every name below `internal`. International names may be
/// written as they are or as A-labels (`xn--…`).
///
/// Queries are standard queries of the internet with one question. Everything else passes: updates, notifications,
/// questions to the server itself (class CH), and what cannot be read.
///
/// # Examples
/// ```
/// use chaos_faults_dns::{Nxdomain, Queries};
///
/// let database = Queries::name("db.internal").types(["A", "AAAA"]).share(30.0);
/// let gone = Nxdomain::new().queries(database);
/// # drop(gone);
/// ```
#[derive(Debug, Clone, PartialEq, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Queries {
    /// For names that match one of these patterns, such as db.internal or *.internal. Default: any.
    #[serde(default)]
    names: Option<Vec<String>>,
    /// For records of these types, such as A, AAAA or SRV; others by number, such as TYPE64. Default: any.
    #[serde(default)]
    types: Option<Vec<String>>,
    /// Which share of them, in percent: 0 to 100, drawn for each query from the seed. Default: 100.
    #[serde(default)]
    #[schemars(range(min = 0, max = 100))]
    share: Option<f64>,
    /// Of these clients: addresses and networks, such as 10.0.0.7 or 10.0.0.0/8. Default: everyone's.
    #[serde(default)]
    clients: Option<Vec<String>>,
}

impl Queries {
    /// Every query.
    pub const fn all() -> Self {
        Self {
            names: None,
            types: None,
            share: None,
            clients: None,
        }
    }

    /// Queries for names that match this pattern, such as `db.internal` or `*.internal`.
    pub fn name(pattern: impl Into<String>) -> Self {
        Self::all().or_name(pattern)
    }

    /// Those for names that match this pattern, too.
    #[must_use]
    pub fn or_name(mut self, pattern: impl Into<String>) -> Self {
        self.names.get_or_insert_default().push(pattern.into());
        self
    }

    /// Only those for records of one of these types, such as `AAAA`.
    #[must_use]
    pub fn types<T: Into<String>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.types = Some(types.into_iter().map(Into::into).collect());
        self
    }

    /// Only this share of them, 0 to 100 %, drawn for each query from the seed.
    #[must_use]
    pub const fn share(mut self, percent: f64) -> Self {
        self.share = Some(percent);
        self
    }

    /// Only those of these clients: addresses and networks, such as `10.0.0.7` or `10.0.0.0/8`.
    #[must_use]
    pub fn clients<C: Into<String>>(mut self, clients: impl IntoIterator<Item = C>) -> Self {
        self.clients = Some(clients.into_iter().map(Into::into).collect());
        self
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.build().map(drop)
    }

    /// What a proxy asks about each query.
    pub(crate) fn build(&self) -> Result<Picked, ConfigError> {
        let share = |percent: f64| match Percent::try_from(percent) {
            Ok(percent) => Ok(percent.share()),
            Err(e) => Err(ConfigError::field("queries.share", e.to_string())
                .help("the share of the queries that are hit, in percent: 0 to 100")),
        };
        Ok(Picked {
            names: list("names", self.names.as_deref(), |text| {
                names::pattern(text).ok_or((
                    format!("`{text}` is no pattern of names"),
                    "a name such as db.internal, or one with asterisks, such as *.internal",
                ))
            })?,
            types: list("types", self.types.as_deref(), record_type)?,
            clients: list("clients", self.clients.as_deref(), network)?,
            share: self.share.map(share).transpose()?,
        })
    }
}

/// As it reads after "to".
impl fmt::Display for Queries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.share {
            Some(percent) => write!(f, "{percent} % of the")?,
            None => f.write_str("the")?,
        }
        if let Some(types) = &self.types {
            write!(f, " {}", types.join(", "))?;
        }
        f.write_str(" queries")?;
        if let Some(names) = &self.names {
            write!(f, " for {}", names.join(", "))?;
        }
        if let Some(clients) = &self.clients {
            write!(f, " of {}", clients.join(", "))?;
        }
        Ok(())
    }
}

/// Every entry of a list that may not be empty.
fn list<T>(
    field: &str,
    entries: Option<&[String]>,
    read: impl Fn(&str) -> Result<T, (String, &'static str)>,
) -> Result<Option<Vec<T>>, ConfigError> {
    let Some(entries) = entries else {
        return Ok(None);
    };
    if entries.is_empty() {
        let problem = "the list is empty, so no query would be hit";
        return Err(ConfigError::field(format!("queries.{field}"), problem)
            .help("leave it out for all queries"));
    }
    let entry = |(at, entry): (usize, &String)| {
        read(entry).map_err(|(problem, help)| {
            ConfigError::field(format!("queries.{field}[{at}]"), problem).help(help)
        })
    };
    let entries = entries.iter().enumerate().map(entry);
    entries.collect::<Result<_, _>>().map(Some)
}

fn record_type(text: &str) -> Result<RecordType, (String, &'static str)> {
    let upper = text.to_ascii_uppercase();
    // RFC 3597, section 5.
    let number = upper
        .strip_prefix("TYPE")
        .and_then(|n| n.parse::<u16>().ok());
    let known = || upper.parse().ok();
    number.map(RecordType::from).or_else(known).ok_or((
        format!("`{text}` is no type of records"),
        "such as A, AAAA, CNAME, MX, SRV, TXT, ANY, or a number such as TYPE64",
    ))
}

fn network(text: &str) -> Result<IpNet, (String, &'static str)> {
    let address = || text.parse::<IpAddr>().ok().map(IpNet::from);
    let network = text.parse::<IpNet>().ok().or_else(address);
    network
        .filter(|network| *network == network.trunc())
        .ok_or((
            format!("`{text}` is not an address or network"),
            "such as 10.0.0.7 or 10.0.0.0/8",
        ))
}

/// Which queries a fault hits.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Picked {
    names: Option<Vec<WildMatch>>,
    types: Option<Vec<RecordType>>,
    clients: Option<Vec<IpNet>>,
    /// 0 to 1.
    pub(crate) share: Option<f64>,
}

impl Picked {
    /// Whether a query is one of those of which a share is hit.
    pub(crate) fn matches(&self, asked: &Asked) -> bool {
        let (names, types) = (self.names.as_ref(), self.types.as_ref());
        let (clients, client) = (self.clients.as_ref(), asked.client.address);
        asked.is_internet()
            && types.is_none_or(|types| types.contains(&asked.record_type()))
            && names.is_none_or(|names| names.iter().any(|name| name.matches(&asked.name)))
            && clients.is_none_or(|clients| clients.iter().any(|some| some.contains(&client)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::asked::{Client, Transport};
    use hickory_proto::{
        op::{Message, Query},
        rr::DNSClass,
    };

    fn hits(queries: &Queries, name: &str, record_type: RecordType, class: DNSClass) -> bool {
        let mut query = Query::query(name.parse().unwrap(), record_type);
        query.set_query_class(class);
        let mut message = Message::query();
        message.add_query(query);
        let client = Client::new(Transport::Udp, ([10, 1, 2, 3], 1).into());
        let asked = Asked::read(&message.to_vec().unwrap(), client).unwrap();
        queries.build().unwrap().matches(&asked)
    }

    #[test]
    fn by_default_every_query_of_the_internet_is_hit() {
        let all = Queries::all();
        assert!(hits(&all, "a.", RecordType::Unknown(65), DNSClass::IN));
        assert!(hits(&all, ".", RecordType::NS, DNSClass::ANY));
        assert!(!hits(&all, "version.bind.", RecordType::TXT, DNSClass::CH));
    }

    #[test]
    fn all_conditions_must_hold() {
        let some = Queries::name("*.internal").or_name("example.org");
        let some = some.types(["a", "TYPE15", "HTTPS"]);
        for (name, record_type, hit) in [
            ("DB.internal.", RecordType::A, true),
            ("example.org.", RecordType::MX, true),
            ("example.org.", RecordType::HTTPS, true),
            ("example.org.", RecordType::AAAA, false),
            ("a.example.org.", RecordType::A, false),
        ] {
            let hits = hits(&some, name, record_type, DNSClass::IN);
            assert_eq!(hits, hit, "{name} {record_type}");
        }
    }

    #[test]
    fn the_client_is_one_of_those_that_are_named() {
        for (clients, hit) in [
            (&["10.0.0.0/8"][..], true),
            (&["::/0", "10.1.2.3"], true),
            (&["10.1.2.4", "10.2.0.0/16"], false),
        ] {
            let some = Queries::all().clients(clients.iter().copied());
            let hits = hits(&some, "a.", RecordType::A, DNSClass::IN);
            assert_eq!(hits, hit, "{clients:?}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_the_field() {
        for (queries, field) in [
            (Queries::name("a").or_name("a..b"), "queries.names[1]"),
            (Queries::all().types(["A", "B"]), "queries.types[1]"),
            (Queries::all().types(["TYPE70000"]), "queries.types[0]"),
            (Queries::all().types([""; 0]), "queries.types"),
            (
                Queries::all().clients(["::1", "10.0.0.1/8"]),
                "queries.clients[1]",
            ),
            (Queries::all().clients(["localhost"]), "queries.clients[0]"),
            (Queries::all().share(101.0), "queries.share"),
            (Queries::all().share(f64::NAN), "queries.share"),
        ] {
            let error = queries.check().unwrap_err().to_string();
            assert!(error.contains(field), "{error}");
        }
    }

    #[test]
    fn what_was_said_is_told() {
        assert_eq!(Queries::all().to_string(), "the queries");
        let some = Queries::name("a").or_name("*.b").types(["A"]).share(0.5);
        let some = some.clients(["10.0.0.0/8"]);
        assert_eq!(
            some.to_string(),
            "0.5 % of the A queries for a, *.b of 10.0.0.0/8"
        );
    }
}
