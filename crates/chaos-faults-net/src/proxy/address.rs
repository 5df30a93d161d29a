//! The addresses of a proxy: what they are, and what can be told of them before it is opened.

use super::transport::Transport;
use chaos_core::ConfigError;
use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

/// Where a proxy listens. It reads as what `listen` takes: `127.0.0.1:6379`, `unix:/run/redis.sock`, `unix:@redis`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Address {
    /// An address and a port, of TCP or UDP.
    Ip(SocketAddr),
    /// The path of a Unix socket.
    Path(PathBuf),
    /// The name of an abstract Unix socket, on Linux: it is no file, and gone with its owner.
    Abstract(String),
}

/// What stands before the path or the name of a Unix socket.
const UNIX: &str = "unix:";

impl Address {
    /// The Unix socket that is written as `unix:/path` or `unix:@name`; `None`: it is none.
    pub(super) fn unix(address: &str) -> Option<Self> {
        let named = address.strip_prefix(UNIX)?;
        Some(match named.strip_prefix('@') {
            Some(name) => Self::Abstract(name.to_owned()),
            None => Self::Path(named.into()),
        })
    }

    /// The path by which the kernel knows a Unix socket.
    #[cfg(unix)]
    pub(super) fn kernel_path(&self) -> Option<PathBuf> {
        match self {
            Self::Ip(_) => None,
            Self::Path(path) => Some(path.clone()),
            Self::Abstract(name) => Some(format!("\0{name}").into()),
        }
    }

    /// Its address and port, if it has them.
    pub fn ip(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Path(_) | Self::Abstract(_) => None,
        }
    }

    /// Its path, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Path(path) => Some(path),
            Self::Ip(_) | Self::Abstract(_) => None,
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Path(path) => write!(f, "{UNIX}{}", path.display()),
            Self::Abstract(name) => write!(f, "{UNIX}@{name}"),
        }
    }
}

/// An upstream that is the proxy itself would make connections without end. One that cannot be resolved yet is another.
pub(super) async fn not_itself(listens: &Address, upstream: &str) -> Result<(), ConfigError> {
    let is_itself = match (listens, Address::unix(upstream)) {
        (Address::Ip(listens), None) => {
            let found = tokio::net::lookup_host(upstream).await;
            found.is_ok_and(|mut found| found.any(|address| leads_to(address, *listens)))
        }
        (listens, Some(upstream)) => upstream == *listens,
        (_, None) => false,
    };
    match is_itself {
        true => Err(itself(upstream)),
        false => Ok(()),
    }
}

/// Whether who connects to `address` comes to who listens there.
pub(super) fn leads_to(address: SocketAddr, listens: SocketAddr) -> bool {
    let (ip, any) = (address.ip(), listens.ip().is_unspecified());
    let here = ip == listens.ip() || ip.is_unspecified() || any && ip.is_loopback();
    here && address.port() == listens.port()
}

fn itself(upstream: &str) -> ConfigError {
    ConfigError::field("upstream", format!("`{upstream}` is the proxy itself"))
        .help("the address of the dependency, which is another one than the proxy listens on")
}

/// Checks what can be told of both addresses without asking anybody.
pub(super) fn check(transport: Transport, listen: &str, upstream: &str) -> Result<(), ConfigError> {
    check_one(transport, "listen", listen)?;
    check_one(transport, "upstream", upstream)?;
    match (listen.parse(), upstream.parse()) {
        (Ok(listens), Ok(address)) if leads_to(address, listens) && listens.port() != 0 => {
            Err(itself(upstream))
        }
        _ => Ok(()),
    }
}

/// Checks that an address is `host:port` or a Unix socket.
fn check_one(transport: Transport, field: &str, address: &str) -> Result<(), ConfigError> {
    /// What fits into an address of the kernel (`man 7 unix`), on every system.
    const LONGEST: usize = 103;
    let Some(unix) = Address::unix(address) else {
        let least_port = if field == "listen" { 0 } else { 1 };
        return check_address(field, address, least_port);
    };
    let wrong = |problem: &str| ConfigError::field(field, format!("`{address}` {problem}"));
    if transport == Transport::Udp {
        let help = "write host:port, such as 127.0.0.1:53";
        return Err(wrong("is a Unix socket, which takes no UDP").help(help));
    }
    let is_there = match &unix {
        Address::Path(path) => cfg!(unix) && path.is_absolute() && path.file_name().is_some(),
        Address::Abstract(name) => cfg!(target_os = "linux") && !name.is_empty(),
        Address::Ip(_) => false,
    };
    if !is_there {
        let help = "write unix:/path on Unix, or unix:@name on Linux";
        return Err(wrong("is not an address").help(help));
    }
    if address.len() - UNIX.len() > LONGEST {
        return Err(wrong("is too long").help(format!("at most {LONGEST} bytes after `{UNIX}`")));
    }
    Ok(())
}

/// Checks that an address is `host:port` without asking anybody for the host.
fn check_address(field: &str, address: &str, least_port: u16) -> Result<(), ConfigError> {
    let port = match address.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => port.parse::<u16>().ok(),
        _ => None,
    };
    match port {
        Some(port) if port >= least_port => Ok(()),
        _ => Err(ConfigError::field(
            field,
            format!("`{address}` is not an address"),
        )
        .help(format!(
            "write host:port with a port from {least_port} to 65535, such as 127.0.0.1:6379 or [::1]:6379"
        ))),
    }
}
