//! Where a database is asked.

use crate::Protocol;
use chaos_core::{ConfigError, Site};

/// Checks that an address is `host:port`, without asking anybody for the host.
pub(crate) fn check(address: &str) -> Result<(), ConfigError> {
    let port = match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => port.parse::<u16>().ok(),
        _ => None,
    };
    if port.is_some_and(|port| port > 0) {
        return Ok(());
    }
    let problem = format!("`{address}` is not a host and a port");
    Err(ConfigError::field("address", problem).help("write `127.0.0.1:5432` or `[::1]:5432`"))
}

/// The address of a site that speaks the protocol: the one with its usual port, else the first.
pub(crate) fn of(site: &Site, protocol: Protocol) -> Option<String> {
    let usual = |port: u16| protocol.usual_port() == Some(port);
    let all = site.addresses();
    let chosen = all.iter().find(|address| usual(address.port()));
    chosen.or(all.first()).map(ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for good in ["127.0.0.1:5432", "[::1]:5432", "db.example:1"] {
            check(good).unwrap();
        }
        for bad in ["", "127.0.0.1", ":5432", "db:", "db:0", "db:99999", "db:x"] {
            let error = check(bad).unwrap_err().to_string();
            assert!(error.contains("[::1]:5432"), "{error}");
        }
    }

    #[test]
    fn of_several_addresses_the_usual_port_is_taken() {
        let site = Site::named("container", "db")
            .with_address(([10, 0, 0, 1], 8008).into())
            .with_address(([10, 0, 0, 1], 5432).into());
        let of = |protocol| of(&site, protocol).unwrap();
        assert_eq!(of(Protocol::Postgres), "10.0.0.1:5432");
        assert_eq!(of(Protocol::Redis), "10.0.0.1:8008");
        assert_eq!(of(Protocol::Tcp), "10.0.0.1:8008");
    }
}
