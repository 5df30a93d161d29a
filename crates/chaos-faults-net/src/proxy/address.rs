//! The addresses of a proxy: what can be told of them before it is opened.

use super::{stream::UNIX, transport::Transport};
use chaos_core::ConfigError;
use std::net::SocketAddr;

/// An upstream that is the proxy itself would make connections without end. One that cannot be resolved yet is another.
pub(super) async fn not_itself(listens: SocketAddr, upstream: &str) -> Result<(), ConfigError> {
    let found = tokio::net::lookup_host(upstream).await;
    if found.is_ok_and(|mut found| found.any(|address| leads_to(address, listens))) {
        return Err(itself(upstream));
    }
    Ok(())
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
    check_address("listen", listen, 0)?;
    check_upstream(transport, upstream)?;
    match (listen.parse(), upstream.parse()) {
        (Ok(listens), Ok(address)) if leads_to(address, listens) && listens.port() != 0 => {
            Err(itself(upstream))
        }
        _ => Ok(()),
    }
}

/// Checks that an upstream is `host:port` or the path of a Unix socket.
fn check_upstream(transport: Transport, upstream: &str) -> Result<(), ConfigError> {
    match upstream.strip_prefix(UNIX) {
        Some(_) if transport == Transport::Udp => Err(ConfigError::field(
            "upstream",
            format!("`{upstream}` is a Unix socket, which takes no UDP"),
        )
        .help("write host:port, such as 127.0.0.1:53")),
        Some(path) if cfg!(unix) && path.starts_with('/') => Ok(()),
        Some(_) => Err(
            ConfigError::field("upstream", format!("`{upstream}` is not an address"))
                .help("write unix:/path, on Unix"),
        ),
        None => check_address("upstream", upstream, 1),
    }
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
