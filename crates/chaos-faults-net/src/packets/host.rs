//! The other end of a packet's way.

use crate::partition::Network;
#[cfg(target_os = "linux")]
use chaos_core::FaultError;
use std::{fmt, str::FromStr};

/// Addresses: themselves, as a network, or by a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Host {
    Network(Network),
    Name(String),
}

impl Host {
    /// The addresses, looked up now, as this process sees the name.
    #[cfg(target_os = "linux")]
    pub(crate) async fn networks(&self) -> Result<Vec<Network>, FaultError> {
        let name = match self {
            Self::Network(network) => return Ok(vec![*network]),
            Self::Name(name) => name,
        };
        let found = tokio::net::lookup_host((name.as_str(), 0))
            .await
            .map_err(|e| FaultError::no_target(format!("host {name}"), e.to_string()))?;
        let mut networks: Vec<Network> = found.map(|found| Network::from(found.ip())).collect();
        networks.sort_unstable();
        networks.dedup();
        Ok(networks)
    }
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(network) => Ok(Self::Network(network)),
            // What is meant as an address is not looked up as a name.
            Err(why) if !is_a_name(text) => Err(why),
            Err(_) => Ok(Self::Name(text.to_owned())),
        }
    }
}

fn is_a_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let labels = text.strip_suffix('.').unwrap_or(text).split('.');
    let fits = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(plain);
    let letters = text.bytes().any(|byte| byte.is_ascii_alphabetic());
    text.len() <= 253 && letters && labels.into_iter().all(fits)
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Network(network) => network.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_are_told_apart() {
        for name in ["postgres", "db-1.internal", "localhost.", "a_b.example"] {
            assert_eq!(name.parse(), Ok(Host::Name(name.into())));
        }
        for address in ["10.0.0.7", "fd00::/8"] {
            assert!(matches!(address.parse(), Ok(Host::Network(_))), "{address}");
        }
        for wrong in [
            "10.0.0",
            "10.0.0.0/99",
            "",
            "a b",
            "a..b",
            "http://db",
            "::g",
        ] {
            assert!(wrong.parse::<Host>().is_err(), "{wrong}");
        }
    }
}
