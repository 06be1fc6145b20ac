//! The words of a server. What happened is a [`Situation`]; how it is said is
//! the [`Dialect`]'s.

use std::fmt;
use std::net::IpAddr;

use mailward_mail::{AddressError, Reply, Timestamp};

use super::super::command::{BdatError, Order, ParameterError, Verb};
use super::super::sasl::{Mechanism, SaslError};

/// Gives every situation its reply. Asked for everything but the verdicts of
/// whoever answers the session's questions.
///
/// Reply codes must be of the class that the situation names: a dialect words
/// a refusal, it cannot turn it into consent. To [`Situation::Hello`] and
/// [`Situation::TlsReady`] it may refuse consent: its reply is then said alone
/// and nothing comes of the command. For [`Situation::Hello`] the
/// reply's first line is the greeting line; the session adds the extensions.
/// A reply of code 421 closes the connection after it.
pub trait Dialect: Send + Sync + fmt::Debug {
    fn reply(&self, situation: &Situation<'_>, facts: &Facts<'_>) -> Reply;
}

/// What is known of a session when it speaks.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub now: Timestamp,
    pub peer: IpAddr,
    pub session: SessionId,
    pub tls: bool,
    pub authenticated: bool,
    /// The name given in EHLO or HELO.
    pub client_name: Option<&'a str>,
    /// The latest refusal of AUTH on this connection: Exchange repeats it at
    /// MAIL.
    pub auth_refusal: Option<&'a Reply>,
}

/// Names one connection, in its replies and in the log: 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionId(pub u64);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016X}", self.0)
    }
}

/// Everything a session ever says of its own accord. The comment gives the
/// usual reply code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Situation<'a> {
    // Consent.
    /// 220, first thing on the connection.
    Greeting,
    /// 250 to EHLO (`extended`) or HELO.
    Hello {
        extended: bool,
    },
    /// 220 to STARTTLS.
    TlsReady,
    /// 235 to AUTH.
    Authenticated,
    /// 250 to MAIL, when the question was answered without words.
    MailTaken,
    /// 250 to RCPT, likewise.
    RecipientTaken,
    /// 354 to DATA.
    DataWanted,
    /// 250 to a BDAT that is not the last.
    ChunkTaken {
        octets: u64,
    },
    /// 250 at the end of a body, when the question was answered without words.
    MessageTaken,
    /// 250 to RSET.
    ResetDone,
    /// 250 to NOOP.
    NoopDone,
    /// 252 to VRFY.
    CannotVerify,
    /// 214 to HELP.
    Help,
    /// 221 to QUIT.
    Goodbye,

    // Refusals of commands. Each counts towards `Limits::errors_max`.
    /// 500. `line` as received, made printable and cut to 64 characters.
    UnknownCommand {
        line: &'a str,
    },
    /// 502.
    NotImplemented {
        verb: Verb,
    },
    /// 500: octets that are no UTF-8.
    NotUtf8,
    /// 501: arguments missing, superfluous or misshapen.
    BadArguments {
        verb: Verb,
    },
    /// 501.
    BadAddress {
        verb: Verb,
        error: AddressError,
    },
    /// 555 for an unknown parameter, 501 otherwise.
    BadParameter {
        verb: Verb,
        error: &'a ParameterError,
    },
    /// 501.
    BadChunkSize {
        error: BdatError,
    },
    /// 503.
    BadSequence {
        verb: Verb,
        order: Order,
    },
    /// 501: EHLO or HELO without a name, or with one that is none.
    BadClientName {
        verb: Verb,
    },
    /// 553 5.6.7: an address beyond ASCII without SMTPUTF8.
    NeedsSmtpUtf8 {
        verb: Verb,
    },
    /// 500: a command longer than `octets_max`.
    LineTooLong {
        octets_max: usize,
    },
    /// 500: CR or LF other than as CRLF in a command.
    BareLineEnd,
    /// 501: NUL in a command.
    Nul,

    // Refusals for lack of TLS or AUTH.
    /// 530 to MAIL, RCPT, DATA, BDAT and VRFY before TLS.
    TlsRequired {
        verb: Verb,
    },
    /// 530 to MAIL before AUTH.
    AuthRequired,
    /// 538 to AUTH before TLS.
    AuthNeedsTls,
    /// 504.
    MechanismUnsupported {
        mechanism: &'a str,
    },
    /// 501: a response that is no base64 or not of its mechanism's form.
    AuthMalformed {
        mechanism: Mechanism,
        error: SaslError,
    },
    /// 501: the client sent `*`.
    AuthCancelled,
    /// 535, when the question was answered without words.
    AuthRefused,

    // Refusals of messages.
    /// 452 or 550.
    TooManyRecipients {
        recipients_max: usize,
    },
    /// 552, at MAIL (`declared`) or at the end of the body.
    MessageTooLarge {
        octets_max: u64,
        declared: bool,
    },
    /// 550 at the end of the body.
    BodyBareLineEnd,
    /// 550 at the end of the body.
    BodyNul,
    /// 550 at the end of the body.
    BodyLineTooLong {
        octets_max: u64,
    },
    /// 451: a question went unanswered. Our own mistake.
    NoAnswer,

    // Farewells: 421, and the connection closes.
    TimedOut,
    TooManyErrors,
    TooManyAuthRefusals,
    /// Instead of the greeting.
    TooManyConnections,
    ShuttingDown,
}

impl Situation<'_> {
    /// Whether this counts towards [`super::Limits::errors_max`].
    pub fn is_client_error(&self) -> bool {
        matches!(
            self,
            Self::UnknownCommand { .. }
                | Self::NotImplemented { .. }
                | Self::NotUtf8
                | Self::BadArguments { .. }
                | Self::BadAddress { .. }
                | Self::BadParameter { .. }
                | Self::BadChunkSize { .. }
                | Self::BadSequence { .. }
                | Self::BadClientName { .. }
                | Self::NeedsSmtpUtf8 { .. }
                | Self::LineTooLong { .. }
                | Self::BareLineEnd
                | Self::Nul
                | Self::TlsRequired { .. }
                | Self::AuthRequired
                | Self::AuthNeedsTls
                | Self::MechanismUnsupported { .. }
                | Self::AuthMalformed { .. }
                | Self::AuthCancelled
        )
    }
}
