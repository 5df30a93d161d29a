//! One port number for UDP and TCP.

use chaos_core::FaultError;
use std::{io, net::SocketAddr};
use tokio::net::{TcpListener, UdpSocket};

/// How many free ports of TCP to try until one is free for UDP, too.
const TRIES: usize = 100;

/// One port number for UDP and TCP.
#[derive(Debug)]
pub(super) struct Ports {
    pub(super) udp: UdpSocket,
    pub(super) tcp: TcpListener,
    pub(super) address: SocketAddr,
}

impl Ports {
    /// Takes both ports, of a number that is free for both if any will do.
    pub(super) async fn bind(listen: SocketAddr) -> Result<Self, FaultError> {
        let tries = if listen.port() == 0 { TRIES } else { 1 };
        let mut tried = Self::try_bind(listen).await;
        for _ in 1..tries {
            match &tried {
                Err((_, error)) if error.kind() == io::ErrorKind::AddrInUse => {}
                _ => break,
            }
            tried = Self::try_bind(listen).await;
        }
        tried.map_err(|(protocol, error)| match error.kind() {
            io::ErrorKind::AddrInUse => FaultError::conflict(
                format!("the address {listen}"),
                format!(
                    "another program listens there by {protocol}; choose another port, or port 0 for a free one"
                ),
            ),
            _ => FaultError::host(format!("listen on {listen} by {protocol}"), error),
        })
    }

    async fn try_bind(listen: SocketAddr) -> Result<Self, (&'static str, io::Error)> {
        let of = |protocol| move |error| (protocol, error);
        let tcp = TcpListener::bind(listen).await.map_err(of("TCP"))?;
        let address = tcp.local_addr().map_err(of("TCP"))?;
        let udp = UdpSocket::bind(address).await.map_err(of("UDP"))?;
        Ok(Self { udp, tcp, address })
    }
}
