//! POP3 sessions: scripts over a pipe, other people's programs over TLS.

mod clients;
mod sessions;
mod support;
