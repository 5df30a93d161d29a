//! A certificate authority of the proxy's own, and what it trusts itself.

use chaos_core::{ConfigError, FaultError};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};
use std::{
    collections::HashMap,
    fmt, io,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};
use tokio_rustls::rustls::{
    self, ClientConfig, DigitallySignedStruct, RootCertStore, ServerConfig, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};

/// How long certificates are good: clients refuse those that are so for years.
const DAY: Duration = Duration::from_secs(24 * 3600);
const LIFE: Duration = Duration::from_secs(365 * 24 * 3600);

/// A certificate authority that is made with a proxy and gone with it. Its key never leaves this process.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Of all certificates that it issues.
    key: KeyPair,
    signs: Arc<dyn rustls::sign::SigningKey>,
    /// For who asks for no name.
    ip: IpAddr,
    issued: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// So many certificates are kept.
    const MOST: usize = 1000;

    /// An authority for a proxy that listens on `ip`.
    pub(crate) fn new(ip: IpAddr) -> Result<Self, FaultError> {
        Self::make(ip)
            .map_err(|e| FaultError::host("make a certificate authority", io::Error::other(e)))
    }

    fn make(ip: IpAddr) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let mut params = params(Vec::new(), "chaos HTTP proxy, for tests only")?;
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let key = KeyPair::generate()?;
        let private = PrivateKeyDer::try_from(key.serialize_der())?;
        Ok(Self {
            issuer: CertifiedIssuer::self_signed(params, KeyPair::generate()?)?,
            signs: ring::sign::any_supported_type(&private)?,
            key,
            ip,
            issued: Mutex::default(),
        })
    }

    /// Its certificate, for who is to trust it.
    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a name or an address.
    fn issue(&self, name: &str) -> Result<Arc<CertifiedKey>, rcgen::Error> {
        let mut issued = self.issued.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(certificate) = issued.get(name) {
            return Ok(Arc::clone(certificate));
        }
        let mut params = params(vec![name.to_owned()], name)?;
        params.use_authority_key_identifier_extension = true;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let certificate = params.signed_by(&self.key, &self.issuer)?;
        let chain = vec![certificate.der().clone(), self.issuer.der().clone()];
        let certified = Arc::new(CertifiedKey::new(chain, Arc::clone(&self.signs)));
        if issued.len() >= Self::MOST {
            issued.clear();
        }
        issued.insert(name.to_owned(), Arc::clone(&certified));
        Ok(certified)
    }
}

fn params(names: Vec<String>, common_name: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut params = CertificateParams::new(names)?;
    // A longer one is no common name (X.520); nobody looks at it beside the alternative names.
    let common_name: String = common_name.chars().take(64).collect();
    params
        .distinguished_name
        .push(DnType::CommonName, common_name);
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + LIFE).into();
    Ok(params)
}

/// Issues certificates as they are asked for.
#[derive(Debug)]
struct Issues(Arc<super::shared::Shared>);

impl ResolvesServerCert for Issues {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let authority = self.0.authority();
        let issued = match hello.server_name() {
            Some(name) => authority.issue(name),
            None => authority.issue(&authority.ip.to_string()),
        };
        issued
            .inspect_err(|error| tracing::warn!(%error, "cannot issue a certificate"))
            .ok()
    }
}

/// What the proxy of `shared` speaks TLS with to its clients.
pub(crate) fn server(
    shared: &Arc<super::shared::Shared>,
) -> Result<Arc<ServerConfig>, rustls::Error> {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(Issues(Arc::clone(shared))));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// What it speaks TLS with to its upstream: it trusts whom the host trusts, and the certificates in `pem`.
pub(crate) fn client(pem: Option<&str>) -> Result<ClientConfig, FaultError> {
    let (mut roots, mut pinned) = (RootCertStore::empty(), Vec::new());
    // An unreadable one is none that is trusted.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(pem) = pem {
        let wrong = |problem: String| {
            ConfigError::field("upstream_ca", problem).help("certificates in PEM")
        };
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let certificate = certificate.map_err(|e| wrong(e.to_string()))?;
            roots
                .add(certificate.clone())
                .map_err(|e| wrong(e.to_string()))?;
            pinned.push(certificate);
        }
        if pinned.is_empty() {
            return Err(wrong("there is no certificate in it".to_owned()).into());
        }
    }
    let failed =
        |e: &dyn fmt::Display| FaultError::host("speak TLS", io::Error::other(e.to_string()));
    if roots.is_empty() {
        return Err(failed(
            &"this host trusts nobody; install ca-certificates, or give upstream_ca",
        ));
    }
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|e| failed(&e))?;
    let others = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider())
        .build()
        .map_err(|e| failed(&e))?;
    let verifier = Arc::new(Pinned { pinned, others });
    let config = config
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(config.with_no_client_auth())
}

/// Trusts a server whose own certificate was given: a self-signed one may be an authority's, too, and no server may use
/// such a certificate (`CaUsedAsEndEntity`). All others are looked at as usual.
#[derive(Debug)]
struct Pinned {
    pinned: Vec<CertificateDer<'static>>,
    others: Arc<WebPkiServerVerifier>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        server: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.pinned.iter().any(|pinned| pinned == server) {
            return Ok(ServerCertVerified::assertion());
        }
        self.others
            .verify_server_cert(server, chain, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.others.verify_tls12_signature(message, server, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        server: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.others.verify_tls13_signature(message, server, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.others.supported_verify_schemes()
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}
