//! Where a route's sent mail is kept, and how it is looked into: the oracle
//! for mail in doubt.

use std::sync::Arc;

use rustls::ClientConfig;

/// The folder of sent mail, over IMAP with TLS from the first octet.
#[derive(Clone, Debug)]
pub struct SentItems {
    /// A host name; also the name its certificate must have.
    pub server: String,
    pub port: u16,
    pub tls: Arc<ClientConfig>,
    /// Its name; without one the folder that the server marks as that of sent
    /// mail (RFC 6154).
    pub folder: Option<String>,
    /// Said by somebody who knows: what is sent on this route is filed there.
    pub files: bool,
}
