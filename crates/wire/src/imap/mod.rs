//! IMAP4rev1 without I/O (RFC 3501): a server's side here, a client's in
//! [`client`].
//!
//! ```text
//!   bytes ─▶ frame ─▶ read, parse ─▶ Command ─▶ server::Server ─▶ Event
//!            (literals, sizes)                   (who may say what when)
//!   bytes ◀─ write ◀─ Envelope, BodyStructure, status responses
//! ```
//!
//! Besides RFC 3501: SASL-IR (RFC 4959), UIDPLUS (4315), MOVE (6851), ID
//! (2971), UNSELECT (3691), IDLE (2177), NAMESPACE (2342), LITERAL+ (7888),
//! modified UTF-7 mailbox names; and, where the conversation is extended:
//! ENABLE (5161), CONDSTORE and QRESYNC (7162), ESEARCH (4731), SEARCHRES
//! (5182), SORT and THREAD (5256), LIST-EXTENDED (5258), LIST-STATUS (5819),
//! SPECIAL-USE (6154), STATUS=SIZE (8438), BINARY (3516), APPENDLIMIT (7889),
//! QUOTA (9208), UTF8=ACCEPT (6855), IMAP4rev2 (9051). STARTTLS is not spoken: TLS comes first
//! (RFC 8314). Size limits live in the framing, so that a command that is too
//! long is dropped without losing one's place.
//!
//! Tolerated oddities: `quirk_bare_lf` (a line may end in LF; typed sessions),
//! `quirk_eight_bit_strings` (UTF-8 in atoms and quoted strings; several mail
//! programs), `quirk_trailing_space` (white space before the end of a command;
//! old Outlook and scripts).

pub mod client;
pub mod command;
pub mod credentials;
pub mod date;
mod encode;
mod encode_extended;
pub mod extended;
pub mod fetch;
pub mod frame;
pub mod mailbox;
mod parse;
mod parse_extended;
mod parse_fetch;
mod parse_search;
mod read;
pub mod search;
pub mod sequence;
pub mod server;
pub mod structure;
pub mod write;

pub use command::{Append, Command, Flag, StatusItem, StoreMode, Tagged};
pub use credentials::{Credentials, Mechanism};
pub use date::Date;
pub use extended::{Dialect, ListReturns, ListSelection, Listing, Opening, Resync, Search};
pub use extended::{SearchReturns, SortCriterion, SortKey};
pub use fetch::{FetchItem, Partial, Section, SectionText};
pub use mailbox::MailboxName;
pub use parse::{ParseError, parse_append, parse_command};
pub use search::{Charset, SearchKey};
pub use sequence::{Bound, SequenceSet};
pub use server::{Event, Server, ServerWords, State, Step};
pub use structure::{BodyStructure, Disposition, Envelope, EnvelopeAddress};

#[cfg(test)]
mod tests;
