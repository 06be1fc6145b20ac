//! Sessions by which mail programs reach a mailbox: IMAP today.
//!
//! ```text
//!   stream ── imap::Imap::serve ── wire::imap (bytes ↔ commands)
//!                   │
//!                   ├── Host       who may enter, in which words
//!                   ├── mailbox    folders, items, changes
//!                   └── mime       where the parts of a message are
//! ```
//!
//! This crate does not know which product hosts it, and opens no socket: it is
//! handed streams.

pub mod imap;
pub mod mime;
