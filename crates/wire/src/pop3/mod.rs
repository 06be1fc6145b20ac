//! POP3 without I/O, from the server's side (RFC 1939).
//!
//! ```text
//!   bytes ─▶ line ─▶ command ─▶ server::Server ─▶ Event
//!            (sizes)            (who may say what when)
//!   bytes ◀─ stuff::Stuffer ◀─ octets of a message, in pieces
//! ```
//!
//! Besides RFC 1939: CAPA (RFC 2449), AUTH with the profile of RFC 5034,
//! response codes (RFC 2449, 3206). STLS (RFC 2595) is not spoken: TLS comes
//! first (RFC 8314). APOP is refused: it needs passwords in the clear on the
//! server's side and MD5.
//!
//! Tolerated oddities: `quirk_bare_lf` (a line may end in LF; typed sessions),
//! `quirk_trailing_space` (white space after a command; scripts).

mod command;
mod line;
pub mod server;
mod stuff;

pub use command::{Command, ParseError, parse_command};
pub use line::{Line, Lines};
pub use server::{Event, Server, ServerWords, State, Step};
pub use stuff::Stuffer;
