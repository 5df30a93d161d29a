//! Which connections of a proxy a fault hits.

use crate::{partition::Network, proxy::Address};
use chaos_core::{ConfigError, Seed, units::Percent};
use rand::RngExt;
use std::{fmt, net::IpAddr};

/// Which connections of a proxy a fault hits, as it was said.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Connections {
    /// Which share of them, in percent; `None`: all.
    pub(crate) toxicity: Option<f64>,
    /// Addresses and networks of those who connected; `None`: everyone's.
    pub(crate) clients: Option<Vec<String>>,
}

impl Connections {
    /// All of them.
    pub(crate) const ALL: Self = Self {
        toxicity: None,
        clients: None,
    };

    /// As a configuration says it.
    pub(crate) fn new(toxicity: Option<Percent>, clients: Option<Vec<String>>) -> Self {
        Self {
            toxicity: toxicity.map(Percent::get),
            clients,
        }
    }

    /// The first thing that was said of them, if anything was.
    pub(crate) fn said(&self) -> Option<&'static str> {
        let toxicity = self.toxicity.map(|_| "toxicity");
        toxicity.or(self.clients.as_ref().map(|_| "clients"))
    }

    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        self.build().map(drop)
    }

    /// Why they cannot be picked where connections come in, if they cannot.
    pub(crate) fn refuses(&self, listens: &Address) -> Option<&'static str> {
        (self.clients.is_some() && listens.ip().is_none()).then_some(
            "the clients of a Unix socket have no address, so `clients` would hit none of them; leave it out for all of them, or \
            pick a share of them by `toxicity`",
        )
    }

    /// What a proxy asks about each connection.
    pub(crate) fn build(&self) -> Result<Picked, ConfigError> {
        let share = |percent: f64| match Percent::try_from(percent) {
            Ok(percent) => Ok(percent.share()),
            Err(e) => Err(ConfigError::field("toxicity", e.to_string())
                .help("the share of the connections that are hit, in percent: 0 to 100")),
        };
        Ok(Picked {
            share: self.toxicity.map(share).transpose()?,
            networks: self.clients.as_deref().map(networks).transpose()?,
        })
    }
}

fn networks(clients: &[String]) -> Result<Vec<Network>, ConfigError> {
    if clients.is_empty() {
        let problem = "the list is empty, so no connection would be hit";
        return Err(ConfigError::field("clients", problem).help("leave it out for all clients"));
    }
    let network = |(at, client): (usize, &String)| {
        client.parse().map_err(|problem: String| {
            ConfigError::field(format!("clients[{at}]"), problem)
                .help("an address or a network, such as 10.0.0.7 or 10.0.0.0/8")
        })
    };
    clients.iter().enumerate().map(network).collect()
}

/// As it reads after "on proxy …".
impl fmt::Display for Connections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.toxicity {
            Some(percent) => write!(f, ", {percent} % of the connections")?,
            None if self.clients.is_some() => f.write_str(", the connections")?,
            None => {}
        }
        match &self.clients {
            Some(clients) => write!(f, " of {}", clients.join(", ")),
            None => Ok(()),
        }
    }
}

/// Which connections of a proxy a fault hits.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Picked {
    share: Option<f64>,
    networks: Option<Vec<Network>>,
}

impl Picked {
    /// Whether every connection is hit.
    pub(crate) fn is_all(&self) -> bool {
        self.share.is_none() && self.networks.is_none()
    }

    /// Whether the connection of `client` is hit; `seed` is the fault's for this connection, so asking again is
    /// answered the same. The client of a Unix socket has no address, so it is none of those that are named.
    pub(crate) fn hits(&self, client: Option<IpAddr>, seed: impl FnOnce() -> Seed) -> bool {
        if let Some(networks) = &self.networks {
            let is_within = |client| networks.iter().any(|network| contains(*network, client));
            if !client.is_some_and(is_within) {
                return false;
            }
        }
        let drawn = |share| seed().derive("toxicity", 0).rng().random_bool(share);
        self.share.is_none_or(drawn)
    }
}

fn contains(network: Network, client: IpAddr) -> bool {
    match (client, network.mask()) {
        (IpAddr::V4(client), IpAddr::V4(mask)) => network.address() == IpAddr::from(client & mask),
        (IpAddr::V6(client), IpAddr::V6(mask)) => network.address() == IpAddr::from(client & mask),
        _ => false,
    }
}

/// The builder methods of a fault that can pick its connections; the [`Connections`] are where the path leads.
macro_rules! picks_connections {
    ($fault:ty, $($path:ident).+) => {
        impl $fault {
            /// Which share of a proxy's connections is hit, 0 to 100 %. It is drawn for each connection from the
            /// seed and its number, once for both directions. Default: all of them.
            #[must_use]
            pub fn toxicity(mut self, percent: f64) -> Self {
                self.$($path).+.toxicity = Some(percent);
                self
            }

            /// Whose connections to a proxy are hit: addresses or networks, such as `10.0.0.0/8`. Default:
            /// everyone's. The clients of a Unix socket have no address, so there it is refused.
            #[must_use]
            pub fn clients<C: Into<String>>(
                mut self,
                clients: impl IntoIterator<Item = C>,
            ) -> Self {
                let clients = clients.into_iter().map(Into::into).collect();
                self.$($path).+.clients = Some(clients);
                self
            }
        }
    };
}
pub(crate) use picks_connections;

#[cfg(test)]
mod tests {
    use super::*;

    fn picked(toxicity: Option<f64>, clients: Option<&[&str]>) -> Picked {
        let clients = clients.map(|c| c.iter().map(|c| (*c).to_owned()).collect());
        Connections { toxicity, clients }.build().unwrap()
    }

    fn drawn(percent: f64, seed: u64) -> Vec<bool> {
        let picked = picked(Some(percent), None);
        let hits = |n| picked.hits(None, || Seed::new(seed).derive("connection", n));
        (0..1000).map(hits).collect()
    }

    #[test]
    fn a_share_is_drawn_for_each_connection_and_stays() {
        let hit = drawn(30.0, 1);
        let count = hit.iter().filter(|hit| **hit).count();
        assert!((240..360).contains(&count), "{count}");
        assert_eq!(hit, drawn(30.0, 1));
        assert_ne!(hit, drawn(30.0, 2));
        assert!(drawn(0.0, 1).iter().all(|hit| !hit));
        assert!(drawn(100.0, 1).iter().all(|hit| *hit));
    }

    #[test]
    fn only_the_clients_that_are_named_are_hit() {
        let picked = picked(None, Some(&["10.0.0.0/8", "::1"]));
        let hits = |ip: &str| picked.hits(Some(ip.parse().unwrap()), || Seed::new(1));
        assert!(hits("10.1.2.3") && hits("::1"));
        assert!(!hits("11.0.0.1") && !hits("::2") && !hits("127.0.0.1"));
        assert!(!picked.hits(None, || Seed::new(1)), "a Unix socket");
    }

    #[test]
    fn what_was_said_is_told() {
        let clients = Some(vec!["10.0.0.0/8".to_owned(), "::1".to_owned()]);
        for (toxicity, clients, says) in [
            (None, None, ""),
            (Some(5.0), None, ", 5 % of the connections"),
            (
                None,
                clients.clone(),
                ", the connections of 10.0.0.0/8, ::1",
            ),
            (
                Some(0.5),
                clients,
                ", 0.5 % of the connections of 10.0.0.0/8, ::1",
            ),
        ] {
            assert_eq!(Connections { toxicity, clients }.to_string(), says);
        }
    }
}
