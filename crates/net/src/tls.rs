//! TLS as client and as server: rustls with aws-lc-rs, TLS 1.2 at least and
//! 1.3 by preference, names verified (RFC 8314, RFC 9325) but for a relay that
//! would take plain text as well.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::NoServerSessionStorage;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, CommonState, RootCertStore, ServerConfig};

mod any;
mod watching;

use self::any::AnyCertificate;
pub use self::watching::SeenChain;
use self::watching::{Only, Watching};
use crate::certificate::Certificate;

static VERSIONS: [&rustls::SupportedProtocolVersion; 2] = [&TLS13, &TLS12];

/// Tickets sent after a TLS 1.3 handshake. One is enough for clients that
/// keep one connection at a time; each costs an encryption.
const TICKETS_PER_HANDSHAKE: usize = 1;

/// Makes aws-lc-rs the provider for libraries that look for a default one.
/// Call it early; calling it again does nothing.
pub fn install_crypto_provider() {
    // An error says that a provider is installed already, which is the aim.
    let _ = aws_lc_rs::default_provider().install_default();
}

pub(crate) fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> =
        LazyLock::new(|| Arc::new(aws_lc_rs::default_provider()));
    Arc::clone(&PROVIDER)
}

/// Whose word a client takes for a server's certificate.
#[derive(Clone, Debug)]
pub enum Trust {
    /// The machine's own store.
    System,
    /// Only the authorities in this PEM file.
    CaFile(PathBuf),
    /// The machine's own store and the authorities in this PEM file.
    Both(PathBuf),
    /// This very certificate, whatever name it is called by: for a call to
    /// ourselves.
    Only(ServerIdentity),
}

/// Why a TLS configuration could not be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsConfigError {
    #[error("cannot read {path}: {why}")]
    Unreadable { path: PathBuf, why: String },
    #[error("{path} holds no certificate; a PEM file with BEGIN CERTIFICATE is needed")]
    NoCertificate { path: PathBuf },
    #[error("{path} holds a certificate that cannot be used: {why}")]
    BadCertificate { path: PathBuf, why: String },
    #[error("{path} is not the key of the certificate, or of no supported kind: {why}")]
    BadKey { path: PathBuf, why: String },
    #[error("the machine's certificate store cannot be used: {why}")]
    SystemStore { why: String },
}

/// How to check the servers we call. Reads the machine's store only for a
/// [`Trust`] that names it, since that takes some milliseconds.
pub fn client_config(trust: &Trust) -> Result<Arc<ClientConfig>, TlsConfigError> {
    Ok(with_verifier(verifier(trust)?))
}

/// The same, and a place that shows the chain of the server called last, be it
/// accepted or not.
pub fn watched_client_config(
    trust: &Trust,
) -> Result<(Arc<ClientConfig>, SeenChain), TlsConfigError> {
    let seen = SeenChain::default();
    let watching = Watching {
        inner: verifier(trust)?,
        seen: seen.clone(),
    };
    Ok((with_verifier(Arc::new(watching)), seen))
}

fn with_verifier(verifier: Arc<dyn ServerCertVerifier>) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)
        .expect("the provider has suites for both versions")
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    Arc::new(config)
}

fn verifier(trust: &Trust) -> Result<Arc<dyn ServerCertVerifier>, TlsConfigError> {
    Ok(match trust {
        Trust::System => Arc::new(system_verifier(Vec::new())?),
        Trust::Both(path) => Arc::new(system_verifier(certificates(path)?)?),
        Trust::CaFile(path) => {
            let roots = Arc::new(roots(path)?);
            WebPkiServerVerifier::builder_with_provider(roots, provider())
                .build()
                .map_err(|error| TlsConfigError::BadCertificate {
                    path: path.clone(),
                    why: error.to_string(),
                })?
        }
        Trust::Only(identity) => Arc::new(Only {
            leaf: identity.chain().first().cloned(),
            provider: provider(),
        }),
    })
}

/// For a relay that takes mail in the clear too: encrypts against listeners,
/// and takes any certificate, since refusing one would only mean plain text
/// (RFC 7435). Never for a server that is told a secret.
pub fn opportunistic_client_config() -> Arc<ClientConfig> {
    with_verifier(Arc::new(AnyCertificate))
}

fn system_verifier(
    extra: Vec<CertificateDer<'static>>,
) -> Result<rustls_platform_verifier::Verifier, TlsConfigError> {
    rustls_platform_verifier::Verifier::new_with_extra_roots(extra, provider()).map_err(|error| {
        TlsConfigError::SystemStore {
            why: error.to_string(),
        }
    })
}

fn roots(path: &Path) -> Result<RootCertStore, TlsConfigError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| TlsConfigError::BadCertificate {
                path: path.to_owned(),
                why: error.to_string(),
            })?;
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsConfigError> {
    let unreadable = |why: String| TlsConfigError::Unreadable {
        path: path.to_owned(),
        why,
    };
    let pem = std::fs::read(path).map_err(|error| unreadable(error.to_string()))?;
    let found = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| unreadable(error.to_string()))?;
    if found.is_empty() {
        return Err(TlsConfigError::NoCertificate {
            path: path.to_owned(),
        });
    }
    Ok(found)
}

/// A server's certificate chain and its private key, known to fit together.
#[derive(Clone)]
pub struct ServerIdentity(Arc<CertifiedKey>);

impl ServerIdentity {
    /// Reads a chain, leaf first, and the key of its leaf.
    pub fn from_pem_files(chain: &Path, key: &Path) -> Result<Self, TlsConfigError> {
        let certificates = certificates(chain)?;
        let bad_key = |why: String| TlsConfigError::BadKey {
            path: key.to_owned(),
            why,
        };
        let private = PrivateKeyDer::from_pem_file(key).map_err(|e| bad_key(e.to_string()))?;
        Self::from_der(certificates, private).map_err(|error| bad_key(error.to_string()))
    }

    pub(crate) fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, rustls::Error> {
        CertifiedKey::from_der(chain, key, &provider()).map(|key| Self(Arc::new(key)))
    }

    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.0.cert
    }

    /// What its leaf says of itself.
    pub fn certificate(&self) -> Option<Certificate> {
        Certificate::parse(self.chain().first()?)
    }
}

/// Says how long the chain is and never shows the key.
impl fmt::Debug for ServerIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerIdentity")
            .field("certificates", &self.0.cert.len())
            .finish_non_exhaustive()
    }
}

/// For mail protocols, which name none with ALPN.
pub fn server_config(identity: &ServerIdentity) -> Arc<ServerConfig> {
    Arc::new(base_server_config(identity))
}

/// For HTTPS: announces `http/1.1`.
pub fn http_server_config(identity: &ServerIdentity) -> Arc<ServerConfig> {
    let mut config = base_server_config(identity);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

fn base_server_config(identity: &ServerIdentity) -> ServerConfig {
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&VERSIONS)
        .expect("the provider has suites for both versions")
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.0))));
    // Tickets carry the session, so the server keeps no table of sessions.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.ticketer = aws_lc_rs::Ticketer::new()
        .expect("the system's random generator answers once it has been seeded at boot");
    config.send_tls13_tickets = TICKETS_PER_HANDSHAKE;
    // The strongest suite first, whatever the client would rather have.
    config.ignore_client_order = true;
    config
}

/// What a finished handshake agreed on, for Received fields and logs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFacts {
    /// `TLSv1.3` or `TLSv1.2`.
    pub version: &'static str,
    /// The IANA name of the suite, for example `TLS_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// The name the client asked for (SNI); none on our own client's side.
    pub server_name: Option<String>,
}

impl TlsFacts {
    pub(crate) fn of(state: &CommonState, server_name: Option<&str>) -> Option<Self> {
        let version = match state.protocol_version()? {
            rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3",
            rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2",
            _ => return None,
        };
        // rustls says TLS13_ where the registry says TLS_.
        let suite = format!("{:?}", state.negotiated_cipher_suite()?.suite());
        Some(Self {
            version,
            cipher: suite.replacen("TLS13_", "TLS_", 1),
            server_name: server_name.map(str::to_owned),
        })
    }
}
