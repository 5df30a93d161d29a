//! Where a proxy is to listen, as users of Toxiproxy write it.

use super::error::ApiError;
use std::{
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};
use tokio::{net::lookup_host, time::timeout};

/// How long a name may take to be found.
const PATIENCE: Duration = Duration::from_secs(5);

/// An address to listen at, looked up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listen {
    given: String,
    found: String,
    address: SocketAddr,
    /// What to take when there is no IPv6 on this host.
    instead: Option<SocketAddr>,
}

impl Listen {
    /// Looks an address up: `host:port`, `:port` for every interface, or nothing for any port of every interface.
    pub(super) async fn look_up(given: &str) -> Result<Self, ApiError> {
        let bad = |what: &str, why: &str| {
            ApiError::internal(format!("listen tcp: address {what}: {why}"))
        };
        let no = |why: &str| bad(given, why);
        let (host, port) = match given {
            "" => ("", ""),
            _ => split(given).map_err(no)?,
        };
        let number = match port {
            "" => 0,
            _ if !port.bytes().all(|b| b.is_ascii_digit()) => {
                return Err(bad(&format!("tcp/{port}"), "unknown port"));
            }
            _ => port.parse().map_err(|_| bad(port, "invalid port"))?,
        };
        let ip = match host {
            "" => IpAddr::from(Ipv4Addr::UNSPECIFIED),
            _ => match host.parse() {
                Ok(ip) => ip,
                Err(_) => find(host, number).await.map_err(|why| no(&why))?,
            },
        };
        let found = match host {
            "" => format!(":{number}"),
            _ => SocketAddr::new(ip, number).to_string(),
        };
        // Whoever wants every IPv4 interface gets every IPv6 one, too.
        let every = ip == IpAddr::from(Ipv4Addr::UNSPECIFIED);
        let every = every.then(|| SocketAddr::from((Ipv6Addr::UNSPECIFIED, number)));
        let address = SocketAddr::new(ip, number);
        Ok(Self {
            given: given.to_owned(),
            found,
            address: every.unwrap_or(address),
            instead: every.map(|_| address),
        })
    }

    /// As it was written.
    pub(super) fn given(&self) -> &str {
        &self.given
    }

    /// As it was found: this is compared with where a proxy listens.
    pub(super) fn found(&self) -> &str {
        &self.found
    }

    /// Opens something there.
    pub(super) fn open<T>(
        &self,
        mut open: impl FnMut(SocketAddr) -> io::Result<T>,
    ) -> Result<T, ApiError> {
        let opened = match (open(self.address), self.instead) {
            (Err(error), Some(instead)) if error.kind() != io::ErrorKind::AddrInUse => {
                open(instead)
            }
            (opened, _) => opened,
        };
        opened.map_err(|error| {
            ApiError::internal(format!(
                "listen tcp {}: bind: {}",
                self.found,
                plain(&error)
            ))
        })
    }
}

/// Host and port, of which the host may be missing.
pub(super) fn split(address: &str) -> Result<(&str, &str), &'static str> {
    let (host, port) = address.rsplit_once(':').ok_or("missing port in address")?;
    match host.strip_prefix('[') {
        Some(host) => {
            let host = host.strip_suffix(']').ok_or("missing ']' in address")?;
            Ok((host, port))
        }
        None if host.contains(':') => Err("too many colons in address"),
        None => Ok((host, port)),
    }
}

/// The first IPv4 address of a name, or the first at all.
async fn find(host: &str, port: u16) -> Result<IpAddr, String> {
    let found = timeout(PATIENCE, lookup_host((host, port))).await;
    let found = found.map_err(|_| format!("lookup {host}: i/o timeout"))?;
    let found: Vec<_> = match found {
        Ok(found) => found.map(|address| address.ip()).collect(),
        Err(_) => Vec::new(),
    };
    let first = found.iter().find(|ip| ip.is_ipv4()).or(found.first());
    first
        .copied()
        .ok_or_else(|| format!("lookup {host}: no such host"))
}

/// What the system says, as Go writes it.
fn plain(error: &io::Error) -> String {
    let said = error.to_string();
    let said = said.split(" (os error").next().unwrap_or_default();
    let mut letters = said.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn address(given: &str) -> Result<(String, String), String> {
        let listen = Listen::look_up(given).await.map_err(|e| e.to_string())?;
        Ok((listen.found.clone(), listen.address.to_string()))
    }

    #[tokio::test]
    async fn every_way_to_write_an_address_is_understood() {
        for (given, found, listens) in [
            ("127.0.0.1:3310", "127.0.0.1:3310", "127.0.0.1:3310"),
            ("localhost:3310", "127.0.0.1:3310", "127.0.0.1:3310"),
            ("[::1]:3310", "[::1]:3310", "[::1]:3310"),
            ("0.0.0.0:3310", "0.0.0.0:3310", "[::]:3310"),
            ("[::]:3310", "[::]:3310", "[::]:3310"),
            (":3310", ":3310", "[::]:3310"),
            ("", ":0", "[::]:0"),
            ("127.0.0.1:", "127.0.0.1:0", "127.0.0.1:0"),
        ] {
            let expected = Ok((found.to_owned(), listens.to_owned()));
            assert_eq!(address(given).await, expected, "{given}");
        }
    }

    #[tokio::test]
    async fn what_is_no_address_is_told() {
        for (given, why) in [
            ("localhost", "missing port in address"),
            ("::1:3310", "too many colons in address"),
            ("[::1:3310", "missing ']' in address"),
        ] {
            let error = format!("listen tcp: address {given}: {why}");
            assert_eq!(address(given).await, Err(error));
        }
        for (given, why) in [
            ("127.0.0.1:70000", "70000: invalid port"),
            ("127.0.0.1:http", "tcp/http: unknown port"),
        ] {
            let error = format!("listen tcp: address {why}");
            assert_eq!(address(given).await, Err(error));
        }
        // No name may be as long, so nobody is asked for it.
        let name = "x".repeat(64);
        let error = format!("listen tcp: address {name}:1: lookup {name}: no such host");
        assert_eq!(address(&format!("{name}:1")).await, Err(error));
    }

    #[tokio::test]
    async fn a_failure_is_told_in_gos_words() {
        let listen = Listen::look_up("127.0.0.1:1").await.unwrap();
        let taken = |_| Err::<(), _>(io::Error::from_raw_os_error(98));
        let error = listen.open(taken).unwrap_err();
        #[cfg(target_os = "linux")]
        assert_eq!(
            error,
            ApiError::internal("listen tcp 127.0.0.1:1: bind: address already in use")
        );
        assert_eq!(error.status(), hyper::StatusCode::INTERNAL_SERVER_ERROR);
    }

    #[tokio::test]
    async fn without_ipv6_every_ipv4_interface_is_taken() {
        let listen = Listen::look_up(":7").await.unwrap();
        let opened = listen.open(|address| match address {
            SocketAddr::V4(_) => Ok(address.to_string()),
            SocketAddr::V6(_) => Err(io::ErrorKind::Unsupported.into()),
        });
        assert_eq!(opened, Ok("0.0.0.0:7".to_owned()));
    }

    #[tokio::test]
    async fn where_somebody_listens_nothing_else_is_taken_instead() {
        let listen = Listen::look_up(":7").await.unwrap();
        let opened = listen.open(|address| match address {
            SocketAddr::V4(_) => Ok(address),
            SocketAddr::V6(_) => Err(io::ErrorKind::AddrInUse.into()),
        });
        let error = opened.unwrap_err().to_string();
        assert!(error.contains("listen tcp :7: bind: "), "{error}");
    }
}
