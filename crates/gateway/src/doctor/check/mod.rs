//! The checks, one file each. Each judges what was seen and looks at nothing.

pub(super) mod accounts_apart;
pub(super) mod clock;
pub(super) mod mailbox_quota;
pub(super) mod mechanism;
pub(super) mod message_size;
pub(super) mod oauth_token;
pub(super) mod own_certificate;
pub(super) mod own_listeners;
pub(super) mod password_age;
pub(super) mod register;
pub(super) mod relay_sender;
pub(super) mod relay_terms;
pub(super) mod retirements;
pub(super) mod secrets;
pub(super) mod sent_items;
pub(super) mod server_certificate;
pub(super) mod server_greeting;
pub(super) mod server_name;
pub(super) mod server_port;
pub(super) mod sign_in;
pub(super) mod smtp_enabled;
pub(super) mod starttls;
pub(super) mod store_folder;
pub(super) mod test_apart;
pub(super) mod tls_version;

use super::finding::Findings;
use super::seen::Seen;
use super::{Check, Look};

/// A certificate, an approval or an exception with fewer days left is to be
/// renewed now.
const DAYS_WARNING: i64 = 30;
