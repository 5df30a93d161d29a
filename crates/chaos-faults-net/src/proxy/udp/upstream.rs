//! The socket of one session towards the upstream.

use super::super::address::{Address, leads_to};
use std::{
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};
use tokio::net::{UdpSocket, lookup_host};

/// A socket that sends to `upstream` (`host:port`) and hears of nobody else. The name is looked up now; the first of its
/// addresses to which there is a way is taken.
pub(super) async fn connect(upstream: &str, listens: &Address) -> io::Result<UdpSocket> {
    let mut problem = io::Error::new(io::ErrorKind::NotFound, "it has no address");
    for address in lookup_host(upstream).await? {
        // A name may have come to mean this proxy since.
        if listens
            .ip()
            .is_some_and(|listens| leads_to(address, listens))
        {
            problem = io::Error::new(io::ErrorKind::InvalidInput, "it is the proxy itself");
            continue;
        }
        match connect_to(address).await {
            Ok(socket) => return Ok(socket),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

async fn connect_to(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(address).await?;
    Ok(socket)
}
