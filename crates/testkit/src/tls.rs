//! A certificate authority for one test.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailward_net::tls::{
    client_config, http_server_config, install_crypto_provider, server_config,
};
use mailward_net::{DevAuthority, ServerIdentity, SystemClock, Trust};
use rustls::{ClientConfig, ServerConfig};
use tempfile::TempDir;

/// An authority in a folder that goes when this goes, with a certificate for
/// `localhost`, `127.0.0.1`, `::1` and whatever else was asked for.
#[derive(Debug)]
pub struct TestTls {
    folder: TempDir,
    authority: DevAuthority,
}

impl TestTls {
    pub fn new() -> Self {
        Self::covering(&[])
    }

    /// Also covers these host names.
    pub fn covering(names: &[&str]) -> Self {
        install_crypto_provider();
        let folder = tempfile::tempdir().expect("a temporary folder");
        let names = [&["localhost", "127.0.0.1", "::1"], names].concat();
        let authority = DevAuthority::load_or_create(folder.path(), &names, &SystemClock)
            .expect("an authority in a fresh folder");
        Self { folder, authority }
    }

    pub fn ca_file(&self) -> &Path {
        self.authority.ca_file()
    }

    pub fn trust(&self) -> Trust {
        Trust::CaFile(PathBuf::from(self.ca_file()))
    }

    pub fn identity(&self) -> &ServerIdentity {
        self.authority.identity()
    }

    pub fn authority(&self) -> &DevAuthority {
        &self.authority
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// For a mail server.
    pub fn server(&self) -> Arc<ServerConfig> {
        server_config(self.identity())
    }

    /// For an HTTPS server.
    pub fn http_server(&self) -> Arc<ServerConfig> {
        http_server_config(self.identity())
    }

    /// For a client that trusts this authority alone.
    pub fn client(&self) -> Arc<ClientConfig> {
        client_config(&self.trust()).expect("the authority's own file")
    }
}

impl Default for TestTls {
    fn default() -> Self {
        Self::new()
    }
}
