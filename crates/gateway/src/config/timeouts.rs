//! `[route.timeouts]`: how long the server may take.

use serde::{Deserialize, Serialize};

/// Name look-up, connection, greeting, TLS and signing in together.
pub const OPEN_SECONDS: u64 = 120;
/// RFC 5321 section 4.5.3.2 asks for five minutes at MAIL and RCPT and for
/// less at DATA and between pieces of the body.
pub const REPLY_SECONDS: u64 = 300;
/// RFC 5321 section 4.5.3.2.6: ten minutes, since what gives up too early is
/// sent twice.
pub const FINAL_DOT_SECONDS: u64 = 600;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timeouts {
    pub open_seconds: u64,
    /// For each reply to MAIL, RCPT and DATA, and each piece of the body.
    pub reply_seconds: u64,
    /// For the reply to the final dot.
    pub final_dot_seconds: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            open_seconds: OPEN_SECONDS,
            reply_seconds: REPLY_SECONDS,
            final_dot_seconds: FINAL_DOT_SECONDS,
        }
    }
}
