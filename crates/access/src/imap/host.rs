//! In which words, and who may enter: what a product supplies.

use std::sync::Arc;

use crate::door::{Authenticator, Instead};
use crate::imap::Profile;

/// The product behind the sessions.
pub trait Host: Send + Sync + 'static {
    type Authenticator: Authenticator;

    /// Asked for LOGIN, AUTHENTICATE PLAIN and AUTHENTICATE XOAUTH2; the
    /// session counts attempts ([`crate::imap::Limits::logins_max`]).
    fn authenticator(&self) -> &Self::Authenticator;

    /// How the service looks at this moment; asked once for each session.
    fn profile(&self) -> Arc<Profile>;

    /// The greeting's text where it is another for each session; else the
    /// profile's.
    fn greeting(&self) -> Option<String> {
        None
    }

    /// What this command, by its name, is answered with instead of being done,
    /// if anything: how a twin plays a service in trouble.
    fn instead(&self, _command: &str) -> Option<Instead> {
        None
    }
}
