//! Sessions by which mail programs reach a mailbox: IMAP and POP3.
//!
//! ```text
//!   stream ── imap::Imap::serve ── wire::imap (bytes ↔ commands)
//!         └── pop3::Pop3::serve ── wire::pop3
//!                   │
//!                   ├── Host       in which words, and whom it asks who may enter
//!                   ├── mailbox    folders, items, changes
//!                   └── mime       where the parts of a message are
//! ```
//!
//! This crate does not know which product hosts it, and opens no socket: it is
//! handed streams.

mod door;
mod hear;
pub mod imap;
pub mod mime;
mod output;
pub mod pop3;

pub use door::{Authenticator, Entry, Instead, Peer};
