//! The client's side, without I/O.
//!
//! ```text
//!   new ─▶ greeting ─▶ EHLO ─▶ STARTTLS ─▶ EHLO ─▶ Ready ─ authenticate ─▶ Ready
//!                                                    │
//!        ┌───────────────────────────────────────────┘
//!        ▼
//!      begin ─▶ Recipients ─ data ─▶ BodyWanted ─ body … final_dot ─▶ Finished
//!        ▲                                                              │
//!        └──────────────────────────────────────────────────────────────┴─▶ quit
//! ```
//!
//! [`Session::step`] takes what it can from the input and says what to do
//! next. There is no fallback to the clear, and no password or token is sent
//! without TLS. The final dot is a step of its own: whoever must know of the
//! attempt can write it down first.
//!
//! ```
//! use mailward_wire::smtp::client::*;
//!
//! let mut session = Session::new("client.northmoor.example", Protection::StartTls);
//! let mut input: &[u8] = b"220 mail.northmoor.example ESMTP\r\n";
//! assert_eq!(
//!     session.step(&mut input),
//!     Ok(Step::Send(b"EHLO client.northmoor.example\r\n".to_vec()))
//! );
//! assert_eq!(session.step(&mut input), Ok(Step::Receive));
//!
//! let mut input: &[u8] = b"250 mail.northmoor.example\r\n";
//! assert_eq!(session.step(&mut input), Err(Error::TlsNotOffered));
//! ```

mod body;
mod error;
mod features;
mod reply;
mod session;
mod stage;
mod transaction;

#[cfg(test)]
mod tests;

pub use error::{BodyError, Error, Need, Violation};
pub use features::Features;
pub use session::{Done, Protection, Session, Step};
pub use stage::Stage;
pub use transaction::Verdict;
