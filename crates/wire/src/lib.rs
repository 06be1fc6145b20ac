//! Protocols as values, codecs and conversations without I/O.
//!
//! ```text
//!   bytes in ─▶ ┌──────────────┐ ─▶ bytes to send
//!               │ conversation │ ─▶ news and questions
//!    time in ─▶ └──────────────┘ ─▶ wait until, close
//! ```
//!
//! This crate knows no socket, no runtime and no clock: whoever drives a
//! conversation passes the bytes and the time. It decides nothing that needs
//! an account, a rule or a queue; it asks.

pub mod imap;
pub mod pop3;
pub mod smtp;
