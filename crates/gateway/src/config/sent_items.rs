//! `[route.sent_items]`: where a route's sent mail is kept.

use std::path::PathBuf;
use std::time::Duration;

use mailward_queue::LookTerms;
use serde::{Deserialize, Serialize};

use super::Mechanism;

/// IMAP with TLS from the first octet (GUIDE-44, RFC 8314).
pub(super) const PORT: u16 = 993;

/// Nobody publishes how soon a sent message is in the folder. Assumed: seconds
/// as a rule; this, doubled for each further look, outlasts minutes.
pub const SETTLE_SECONDS: u64 = 30;
/// Looks at which it must be missing: with the time above, over seven minutes.
pub const LOOKS: u32 = 4;
/// Within which an operator can be at hand, and before which a folder that can't
/// be read is no more than a bad spell.
pub const PATIENCE_MINUTES: u64 = 30;

/// The folder that holds what was sent, and how it is looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentItems {
    /// A name; an address only of the loopback (GUIDE-56).
    pub server: String,
    pub port: u16,
    /// Trusted instead of the machine's own store.
    pub ca_file: Option<PathBuf>,
    pub mechanism: Mechanism,
    /// Without one the folder that the server marks as that of sent mail.
    pub folder: Option<String>,
    /// From the doubt to the first look.
    pub settle_seconds: u64,
    /// Looks that must find nothing before that is believed.
    pub looks: u32,
    /// How long a doubt may stay when nobody can look.
    pub patience_minutes: u64,
    /// It is known that the route's sent mail is filed there; else that has to
    /// be seen once before a message is sent again.
    pub files: bool,
}

impl SentItems {
    pub fn terms(&self) -> LookTerms {
        LookTerms {
            settle: Duration::from_secs(self.settle_seconds),
            count: self.looks,
            patience: Duration::from_secs(60 * self.patience_minutes),
        }
    }
}
