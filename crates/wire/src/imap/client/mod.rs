//! The client's side, without I/O (RFC 3501; SASL-IR, RFC 4959; SPECIAL-USE,
//! RFC 6154).
//!
//! ```text
//!   new ─▶ greeting ─▶ CAPABILITY ─▶ Ready ─ sign_in ─▶ CAPABILITY ─▶ Ready
//!                                                                      │
//!        ┌──── list, examine, search, fetch: one at a time ────────────┤
//!        ▼                                                             ▼
//!      Step::Done(Folders | Opened | Found | Fetched)               logout
//! ```
//!
//! [`Session::step`] takes what it can from the input and says what to do
//! next. TLS comes first and is the driver's (RFC 8314); a server that says
//! PREAUTH is refused, since it does not know whom it speaks with.
//!
//! Every response is bounded by [`RESPONSE_OCTETS_MAX`], and so is what one
//! command may gather. Nothing is changed at the server: folders are opened
//! with EXAMINE and messages are read with BODY.PEEK. Collecting mail will
//! want literals in pieces; the place for that is [`frame`], which is the only
//! one that knows where a response ends.
//!
//! Deviations: LITERAL+ is not used, since a literal is rare in what we say.
//! What a server tells unasked is taken note of and never trusted to be
//! complete.
//!
//! ```
//! use mailward_wire::imap::client::*;
//!
//! let mut session = Session::new();
//! let mut input: &[u8] = b"* OK ready\r\n";
//! assert_eq!(
//!     session.step(&mut input),
//!     Ok(Step::Send(b"A1 CAPABILITY\r\n".to_vec()))
//! );
//! let mut input: &[u8] = b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nA1 OK done\r\n";
//! assert_eq!(session.step(&mut input), Ok(Step::Done(Done::Ready)));
//! ```

mod capability;
mod error;
pub mod frame;
mod gather;
mod parse;
mod response;
mod session;

#[cfg(test)]
mod tests;

pub use capability::Capabilities;
pub use error::{Error, Stage, Violation};
pub use frame::RESPONSE_OCTETS_MAX;
pub use gather::{FETCHED_OCTETS_MAX, FOLDERS_MAX, Fetched, Folder, Opened, UIDS_MAX};
pub use response::Status;
pub use session::{Done, Session, Step};
