//! The server's side of a submission (RFC 5321, RFC 6409), without I/O.
//!
//! ```text
//!             ┌────────────────────── tls_established ◀─ Step::StartTls
//!             ▼                                                ▲
//!   Greeting ─▶ Command ── STARTTLS ───────────────────────────┘
//!                 │ ▲ ──── AUTH ─▶ AuthResponse ─▶ Ask(Authenticate) ─┐
//!                 │ ├─────────────────────────────────────────────────┘
//!                 │ ├── MAIL, RCPT ─▶ Ask(MailFrom), Ask(RcptTo)
//!                 │ ├── DATA ─▶ Ask(BodyStart) ─▶ Body … Body ─▶ Ask(BodyEnd)
//!                 │ └── BDAT ─▶ (the same, chunk by chunk)
//!                 └──── QUIT, too slow, too many errors ─▶ Close
//! ```
//!
//! [`Session::step`] takes what it can from the input and says what to do
//! next. A question stops the session until [`Session::answer`], so commands
//! that were pipelined behind it cannot overtake the verdict. Replies gather
//! and are sent together once the input is used up.
//!
//! ```
//! use std::sync::Arc;
//! use mailward_mail::Timestamp;
//! use mailward_wire::smtp::server::*;
//!
//! let now = Timestamp::parse("2026-11-21T09:00:00Z").unwrap();
//! let origin = Origin { peer: [192, 0, 2, 1].into(), session: SessionId(1), tls: true };
//! let dialect = Arc::new(PlainDialect::new("mail.northmoor.example"));
//! let mut session = Session::new(Arc::new(Settings::submission()), dialect, origin, now);
//!
//! let mut input: &[u8] = b"EHLO client.example\r\nNOOP\r\nQUIT\r\n";
//! let mut sent = Vec::new();
//! loop {
//!     match session.step(&mut input, now) {
//!         Step::Send(octets) => sent.extend(octets),
//!         Step::Ask(_) => session.answer(Answer::Accept, now),
//!         Step::Body(_octets) => {}                  // hand on, or session.refuse_body(reply)
//!         Step::BodyAborted(_) | Step::Hello => {}   // news
//!         Step::StartTls => session.tls_established(now),
//!         Step::Receive => unreachable!("more input, or session.deadline() passed"),
//!         Step::Close => break,
//!     }
//! }
//! assert!(sent.starts_with(b"220 mail.northmoor.example ESMTP"));
//! assert!(sent.ends_with(b"221 2.0.0 mail.northmoor.example closing the connection\r\n"));
//! ```

mod auth;
mod body;
mod commands;
mod dialect;
mod frame;
mod plain;
mod receive;
mod session;
mod settings;
mod sign_in;
mod speech;
mod state;
mod step;
mod transaction;

#[cfg(test)]
mod tests;

pub use dialect::{Dialect, Facts, SessionId, Situation};
pub use plain::PlainDialect;
pub use session::Session;
pub use settings::{Extension, Limits, Quirks, Settings, Times};
pub use step::{Abort, Answer, Hello, Origin, Question, Step};
