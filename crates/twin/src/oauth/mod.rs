//! The identity service of the twin: the token endpoint, discovery and keys of
//! the Microsoft identity platform, and the check of its tokens at the doors
//! of SMTP and IMAP.
//!
//! ```text
//! client ── POST /{tenant}/oauth2/v2.0/token ──> endpoint ── claims ──> keys: signed token
//! client ── AUTH XOAUTH2 ──> submission ──> Tokens::verify: signature, audience, role, time
//! ```

mod endpoint;
mod keys;
mod registration;
mod token;

pub use endpoint::guid;
pub(crate) use endpoint::router;
pub use keys::SigningKey;
pub use registration::{AppRegistration, Registrations};
pub use token::{Access, Grant, TokenError, Tokens};
