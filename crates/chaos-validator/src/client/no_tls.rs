//! Without the feature `tls` no endpoint asks for it.

use super::Endpoint;
use crate::load::Class;
use chaos_core::ConfigError;
use std::path::Path;
use tokio::net::TcpStream;

/// There is none.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tls {}

impl Tls {
    pub(super) fn new(_: Option<&Path>, _: bool) -> Result<Self, ConfigError> {
        Ok(Self {})
    }

    pub(super) async fn handshake(
        &self,
        _: &Endpoint,
        stream: TcpStream,
    ) -> Result<TcpStream, Class> {
        std::future::ready(Ok(stream)).await
    }
}
