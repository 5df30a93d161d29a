//! Connecting.

use super::{Endpoint, error::class_of_io, tls::Tls};
use crate::load::Class;
use chaos_core::ConfigError;
use std::{io, net::IpAddr, path::Path};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};

/// What requests go over.
pub(super) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// How endpoints are spoken to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dialer {
    pub(super) tls: Tls,
    pub(crate) http2: bool,
}

impl Dialer {
    /// By HTTP/2, and not by HTTP/1.1; by TLS trusting who is certified in `ca_file`, or by the system.
    ///
    /// # Errors
    /// There are no certificates.
    pub(crate) fn new(http2: bool, ca_file: Option<&Path>, tls: bool) -> Result<Self, ConfigError> {
        Ok(Self {
            tls: if tls {
                Tls::new(ca_file, http2)?
            } else {
                Tls::default()
            },
            http2,
        })
    }

    /// Connects to an endpoint.
    pub(super) async fn open(&self, endpoint: &Endpoint) -> Result<Box<dyn Io>, Class> {
        let stream = connect(&endpoint.host, endpoint.port)
            .await
            .map_err(|e| e.0)?;
        Ok(match endpoint.tls {
            true => Box::new(self.tls.handshake(endpoint, stream).await?),
            false => Box::new(stream),
        })
    }
}

/// Connects to the first address of `host` that accepts.
pub(crate) async fn connect(host: &str, port: u16) -> Result<TcpStream, (Class, io::Error)> {
    let addresses: Vec<_> = match host.parse::<IpAddr>() {
        Ok(ip) => vec![(ip, port).into()],
        Err(_) => tokio::net::lookup_host((host, port))
            .await
            .map_err(|e| (Class::Dns, e))?
            .collect(),
    };
    let none = || io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    let mut last = (Class::Dns, none());
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                // Without it small requests wait for the acknowledgement of the ones before.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Err(e) => last = (class_of_io(&e), e),
        }
    }
    Err(last)
}
