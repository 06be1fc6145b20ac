//! One certificate for both ends of every hop, trusted by name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore, ServerConfig};

use crate::run::Result;

/// PEM files of a self-signed certificate for this machine.
#[derive(Clone, Debug)]
pub(super) struct Certificate {
    pub(super) chain: PathBuf,
    pub(super) key: PathBuf,
}

impl Certificate {
    pub(super) fn make(dir: &Path) -> Result<Self> {
        let made =
            rcgen::generate_simple_self_signed(["localhost".to_owned(), "127.0.0.1".to_owned()])
                .map_err(|error| format!("can't make a certificate: {error}"))?;
        let files = Self::of(dir);
        let write = |path: &Path, text: String| {
            fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
        };
        write(&files.chain, made.cert.pem())?;
        write(&files.key, made.signing_key.serialize_pem())?;
        Ok(files)
    }

    /// Where [`Certificate::make`] put them.
    pub(super) fn of(dir: &Path) -> Self {
        Self {
            chain: dir.join("server.pem"),
            key: dir.join("server.key"),
        }
    }

    fn chain(&self) -> Result<CertificateDer<'static>> {
        CertificateDer::from_pem_file(&self.chain)
            .map_err(|error| format!("{}: {error}", self.chain.display()))
    }

    pub(super) fn server(&self) -> Result<Arc<ServerConfig>> {
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| format!("{}: {error}", self.key.display()))?;
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(vec![self.chain()?], key)
            .map_err(unusable)?;
        Ok(Arc::new(config))
    }

    pub(super) fn client(&self) -> Result<Arc<ClientConfig>> {
        let mut roots = RootCertStore::empty();
        roots.add(self.chain()?).map_err(unusable)?;
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Arc::new(config))
    }
}

fn unusable(error: rustls::Error) -> String {
    format!("TLS can't be set up: {error}")
}
