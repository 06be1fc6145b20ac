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
//! An extended [`Profile`] also has ENABLE (5161), CONDSTORE and QRESYNC
//! (7162), ESEARCH (4731), SEARCHRES (5182), SORT and THREAD=REFERENCES (5256),
//! LIST-EXTENDED (5258), LIST-STATUS (5819), SPECIAL-USE (6154), STATUS=SIZE
//! (8438), BINARY (3516), APPENDLIMIT (7889), QUOTA (9208), UTF8=ACCEPT (6855),
//! IMAP4rev2 (9051), and keywords that clients name themselves.
//!
//! Updates of other sessions are told after every command and during IDLE;
//! EXPUNGE never during FETCH, STORE, SEARCH, SORT or THREAD (RFC 3501 section
//! 7.4.1).
//!
//! Deviations: MULTIAPPEND is refused; of a message that comes as a binary literal
//! the binary parts are kept in base64; VANISHED (EARLIER) names all that is gone, not only what
//! went since; BODYSTRUCTURE shows what lies deeper than
//! [`crate::mime::DEPTH_MAX`] or beyond [`crate::mime::PARTS_MAX`] as one part.

mod append;
mod binary;
mod body;
mod candidate;
mod commands;
mod enable;
mod entry;
mod facts;
mod fetch;
mod folders;
mod host;
mod idle;
mod list;
mod numbers;
mod pattern;
mod profile;
mod quota;
mod search;
mod search_key;
mod section;
mod select;
mod serve;
mod session;
mod sort;
mod store;
mod structures;
mod subject;
mod thread;
mod threads;
mod updates;

pub(crate) use body::unreadable;
pub use host::Host;
pub use profile::{Limits, Profile, Words};
pub use serve::{End, Imap};
