//! Who may enter, and in which words: what a product supplies.

use std::future::Future;
use std::sync::Arc;

use mailward_mail::Secret;

use crate::door::{Entry, Peer};
use crate::imap::Profile;

/// The product behind the sessions.
///
/// Attempts are counted by the session ([`crate::imap::Limits::logins_max`]);
/// lockouts, delays and connections per user are the host's to decide.
pub trait Host: Send + Sync + 'static {
    /// How the service looks at this moment; asked once for each session.
    fn profile(&self) -> Arc<Profile>;

    /// The greeting's text where it is another for each session; else the
    /// profile's.
    fn greeting(&self) -> Option<String> {
        None
    }

    /// LOGIN, or AUTHENTICATE PLAIN without another identity. `user` is as the
    /// client wrote it.
    fn login(
        &self,
        peer: &Peer,
        user: &str,
        password: &Secret,
    ) -> impl Future<Output = Entry> + Send;

    /// AUTHENTICATE XOAUTH2 with a bearer token.
    fn authenticate_xoauth2(
        &self,
        peer: &Peer,
        user: &str,
        token: &Secret,
    ) -> impl Future<Output = Entry> + Send;

    /// Whether a session that came in may go on: asked before every command.
    /// When not, it goes on as after [`Entry::NotConnected`].
    fn still_open(&self, _mailbox: &str) -> bool {
        true
    }
}
