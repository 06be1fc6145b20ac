//! IMAP4rev1 sessions (RFC 3501) over a mailbox, for a [`Host`].
//!
//! ```text
//!   greeting ── not authenticated ── authenticated ── selected ── logout
//!                     │     LOGIN / AUTHENTICATE │  SELECT / EXAMINE
//!                     └── not connected ── BAD, then BAD and BYE
//! ```
//!
//! With SASL-IR (RFC 4959), UIDPLUS (4315), MOVE (6851), ID (2971), UNSELECT
//! (3691), CHILDREN (3348), IDLE (2177), NAMESPACE (2342), LITERAL+ (7888).
//!
//! Updates of other sessions are told after every command and during IDLE;
//! EXPUNGE never during FETCH, STORE or SEARCH (RFC 3501 section 7.4.1).
//!
//! Deviations: MULTIAPPEND and ENABLE are refused; keywords outside
//! [`Profile::flags`] are not kept; BODYSTRUCTURE shows what lies deeper than
//! [`crate::mime::DEPTH_MAX`] or beyond [`crate::mime::PARTS_MAX`] as one part.

mod append;
mod body;
mod candidate;
mod commands;
mod entry;
mod fetch;
mod folders;
mod host;
mod idle;
mod numbers;
mod pattern;
mod profile;
mod search;
mod section;
mod serve;
mod session;
mod store;
mod structures;
mod updates;

pub use crate::door::{Entry, Peer};
pub(crate) use body::unreadable;
pub use host::Host;
pub use profile::{Limits, Profile, Words};
pub use serve::{End, Imap};
