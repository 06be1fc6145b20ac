//! In which words, and who may enter: what a product supplies.

use std::sync::Arc;

use crate::door::{Authenticator, Instead};
use crate::pop3::Profile;

/// The product behind the sessions. One session a mailbox is held to here.
pub trait Host: Send + Sync + 'static {
    type Authenticator: Authenticator;

    /// Asked for USER and PASS, AUTH PLAIN and AUTH XOAUTH2; the session counts
    /// attempts ([`crate::pop3::Limits::logins_max`]).
    fn authenticator(&self) -> &Self::Authenticator;

    /// How the service looks at this moment; asked once for each session.
    fn profile(&self) -> Arc<Profile>;

    /// Another session has the maildrop, so that one that may enter does not.
    fn in_use(&self, _mailbox: &str) {}

    /// What this command, by its name, is answered with instead of being done,
    /// if anything: how a twin plays a service in trouble.
    fn instead(&self, _command: &str) -> Option<Instead> {
        None
    }
}
