//! POP3 sessions (RFC 1939) over a mailbox, for a [`Host`].
//!
//! ```text
//!   greeting ── authorization ── transaction ── QUIT: deleted items go
//!                USER, PASS, AUTH   │
//!                                   └── any other end: nothing is deleted
//! ```
//!
//! The maildrop is the inbox as it was at sign-in, and one session's alone
//! while it lasts. UIDL gives UIDVALIDITY and UID, which IMAP gives as well.
//! With CAPA (RFC 2449), AUTH PLAIN and XOAUTH2 (RFC 5034), TOP, UIDL and
//! pipelining.

mod host;
mod maildrop;
mod profile;
mod retrieve;
mod serve;
mod session;

pub use host::Host;
pub use profile::{Limits, Profile, Words};
pub use serve::{End, Pop3};
