//! Who may enter, and in which words: what a product supplies.

use std::future::Future;
use std::sync::Arc;

use mailward_mail::Secret;

use crate::door::{Entry, Peer};
use crate::pop3::Profile;

/// The product behind the sessions.
///
/// Attempts are counted by the session ([`crate::pop3::Limits::logins_max`]);
/// lockouts and delays are the host's to decide. One session a mailbox is
/// held to here.
pub trait Host: Send + Sync + 'static {
    /// How the service looks at this moment; asked once for each session.
    fn profile(&self) -> Arc<Profile>;

    /// USER and PASS, or AUTH PLAIN without another identity. `user` is as the
    /// client wrote it. [`Entry::NotConnected`] counts as refused.
    fn login(
        &self,
        peer: &Peer,
        user: &str,
        password: &Secret,
    ) -> impl Future<Output = Entry> + Send;

    /// AUTH XOAUTH2 with a bearer token.
    fn authenticate_xoauth2(
        &self,
        peer: &Peer,
        user: &str,
        token: &Secret,
    ) -> impl Future<Output = Entry> + Send;

    /// Whether a session that came in may go on: asked before every command.
    /// When not, it ends, and nothing is deleted.
    fn still_open(&self, _mailbox: &str) -> bool {
        true
    }

    /// Another session has the maildrop, so that one that may enter does not.
    fn in_use(&self, _mailbox: &str) {}
}
