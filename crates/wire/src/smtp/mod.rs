//! SMTP, both sides of the conversation.
//!
//! | standard | what is here |
//! | --- | --- |
//! | RFC 5321, 6409 | commands, replies, order, time-outs; submission |
//! | RFC 1870 | SIZE |
//! | RFC 2034, 3463 | ENHANCEDSTATUSCODES |
//! | RFC 2920 | PIPELINING |
//! | RFC 2852 | DELIVERBY as server |
//! | RFC 3030 | CHUNKING (BDAT); BINARYMIME as server |
//! | RFC 3207 | STARTTLS |
//! | RFC 3461 | DSN: RET, ENVID, NOTIFY, ORCPT |
//! | RFC 4954, 4616 | AUTH PLAIN; LOGIN and XOAUTH2 as Exchange speaks them |
//! | RFC 4865 | FUTURERELEASE as server |
//! | RFC 6710 | MT-PRIORITY as server |
//! | RFC 6152, 6531 | 8BITMIME, SMTPUTF8 |
//!
//! Deviations: lines end in CRLF and in nothing else, on both sides; a bare CR
//! or LF is refused in commands and in messages, because peers that disagree
//! about line ends can be made to see two messages in one. Octets beyond ASCII
//! are taken in a body that was not declared 8BITMIME, as every server does.
//! What else is tolerated beyond the standards is listed in [`server::Quirks`].

pub mod client;
pub mod command;
pub mod sasl;
pub mod server;
pub mod xtext;

pub use command::{
    BdatError, ByMode, Command, CommandError, DeliverBy, MailFrom, Order, Release, Verb,
};
pub use sasl::{Credentials, Mechanism};
