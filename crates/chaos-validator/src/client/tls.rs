//! TLS, by rustls.

use super::Endpoint;
use crate::load::Class;
use chaos_core::ConfigError;
use std::{path::Path, sync::Arc};
use tokio::net::TcpStream;
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, RootCertStore,
        crypto::ring,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
    },
};

/// Whom to trust, and what to speak.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tls {
    /// None when no endpoint asks for it.
    config: Option<Arc<ClientConfig>>,
}

impl Tls {
    /// Trusts who is certified in `ca_file`, or else whom the system trusts.
    pub(super) fn new(ca_file: Option<&Path>, http2: bool) -> Result<Self, ConfigError> {
        let roots = match ca_file {
            Some(path) => from_file(path)?,
            None => of_the_system()?,
        };
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|e| ConfigError::new(e.to_string()))?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let protocol: &[u8] = if http2 { b"h2" } else { b"http/1.1" };
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(Self {
            config: Some(Arc::new(config)),
        })
    }

    pub(super) async fn handshake(
        &self,
        endpoint: &Endpoint,
        stream: TcpStream,
    ) -> Result<TlsStream<TcpStream>, Class> {
        let config = self.config.clone().ok_or(Class::Tls)?;
        let name = ServerName::try_from(endpoint.host.clone()).map_err(|_| Class::Tls)?;
        let connector = TlsConnector::from(config);
        connector.connect(name, stream).await.map_err(|error| {
            tracing::debug!(%error, "the TLS handshake failed");
            match error.kind() {
                std::io::ErrorKind::InvalidData => Class::Tls,
                _ => super::error::class_of_io(&error),
            }
        })
    }
}

fn from_file(path: &Path) -> Result<RootCertStore, ConfigError> {
    let wrong = |problem: String| ConfigError::field("ca_file", problem);
    let mut roots = RootCertStore::empty();
    let certificates = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| wrong(format!("{} cannot be read: {e}", path.display())))?;
    let (added, _) = roots.add_parsable_certificates(certificates);
    match added {
        0 => Err(wrong(format!("{} has no certificate", path.display()))),
        _ => Ok(roots),
    }
}

fn of_the_system() -> Result<RootCertStore, ConfigError> {
    let mut roots = RootCertStore::empty();
    let (added, _) =
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match added {
        0 => Err(ConfigError::new("this system trusts no certificate")
            .help("name the authority's certificate with `ca_file`")),
        _ => Ok(roots),
    }
}
