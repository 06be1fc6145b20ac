//! IMAP over sockets: drives the client conversations of the `wire` crate.
//! The server's side is the `access` crate's, which is handed streams.

pub mod client;
