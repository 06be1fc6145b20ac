//! The plain dialect: says what is wrong and what to do about it.

use mailward_mail::Reply;

use super::super::command::{BdatError, Order, ParameterError};
use super::super::sasl::SaslError;
use super::dialect::{Dialect, Facts, Situation};

/// Mailward's own words. Discloses nothing but the host's name.
#[derive(Clone, Debug)]
pub struct PlainDialect {
    host: String,
}

impl PlainDialect {
    /// `host` is the name of this server, for the greeting.
    pub fn new(host: impl Into<String>) -> Self {
        Self { host: host.into() }
    }
}

impl Dialect for PlainDialect {
    fn reply(&self, situation: &Situation<'_>, facts: &Facts<'_>) -> Reply {
        use Situation::*;
        let host = &self.host;
        match situation {
            Greeting => Reply::new(220, None, format!("{host} ESMTP Mailward")),
            Hello { .. } => Reply::new(250, None, format!("{host} at your service")),
            TlsReady => Reply::status(220, 0, 0, "Ready to start TLS"),
            Authenticated => Reply::status(235, 7, 0, "Authentication succeeded"),
            MailTaken => Reply::status(250, 1, 0, "Sender OK"),
            RecipientTaken => Reply::status(250, 1, 5, "Recipient OK"),
            DataWanted => Reply::new(354, None, "Send the message, end with <CRLF>.<CRLF>"),
            ChunkTaken { octets } => Reply::status(250, 0, 0, format!("{octets} octets received")),
            MessageTaken => Reply::status(250, 0, 0, "Message accepted"),
            ResetDone | NoopDone => Reply::status(250, 0, 0, "OK"),
            CannotVerify => Reply::status(
                252,
                5,
                0,
                "Addresses are not verified here; send a message and it will be tried",
            ),
            Help => Reply::status(
                214,
                0,
                0,
                "EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET NOOP QUIT; see RFC 5321 and RFC 6409",
            ),
            Goodbye => Reply::status(221, 0, 0, format!("{host} closing the connection")),

            UnknownCommand { line } => {
                Reply::status(500, 5, 1, format!("Command not recognised: {line}"))
            }
            NotImplemented { verb } => {
                Reply::status(502, 5, 1, format!("{verb} is not implemented here"))
            }
            NotUtf8 => Reply::status(500, 5, 2, "The command is not UTF-8"),
            BadArguments { verb } => Reply::status(
                501,
                5,
                4,
                format!("Syntax error in the arguments of {verb}"),
            ),
            BadAddress { verb, error } => Reply::status(
                501,
                1,
                if verb.as_str() == "MAIL" { 7 } else { 3 },
                format!("Bad address in {verb}: {error}"),
            ),
            BadParameter { verb, error } => parameter(verb.as_str(), error),
            BadChunkSize { error } => Reply::status(
                501,
                5,
                4,
                match error {
                    BdatError::Form => "Syntax: BDAT octets [LAST]",
                    BdatError::Overflow => "The chunk size is beyond any limit; closing",
                },
            ),
            BadSequence { verb, order } => {
                Reply::status(503, 5, 1, sequence(verb.as_str(), *order))
            }
            BadClientName { verb } => {
                Reply::status(501, 5, 4, format!("Syntax: {verb} your-host-name"))
            }
            NeedsSmtpUtf8 { verb } => Reply::status(
                553,
                6,
                7,
                format!("{verb} has an address beyond ASCII: MAIL needs SMTPUTF8"),
            ),
            LineTooLong { octets_max } => Reply::status(
                500,
                5,
                2,
                format!("Line too long: at most {octets_max} octets with CRLF"),
            ),
            BareLineEnd => Reply::status(500, 5, 2, "Bare CR or LF: every line must end in CRLF"),
            Nul => Reply::status(501, 5, 2, "NUL in a command"),

            TlsRequired { .. } => Reply::status(530, 7, 0, "Must issue STARTTLS first"),
            AuthRequired if facts.tls => Reply::status(530, 7, 0, "Authentication required"),
            AuthRequired => Reply::status(
                530,
                7,
                0,
                "Authentication required: issue STARTTLS, then AUTH",
            ),
            AuthNeedsTls => Reply::status(
                538,
                7,
                11,
                "Encryption required for authentication: issue STARTTLS first",
            ),
            MechanismUnsupported { .. } => {
                Reply::status(504, 5, 4, "Authentication mechanism not supported")
            }
            AuthMalformed { error, .. } => Reply::status(
                501,
                5,
                2,
                match error {
                    SaslError::Base64 => "The authentication response is not base64",
                    SaslError::Form => "The authentication response is malformed",
                },
            ),
            AuthCancelled => Reply::status(501, 7, 0, "Authentication cancelled"),
            AuthRefused => Reply::status(535, 7, 8, "Authentication failed"),

            TooManyRecipients { recipients_max } => Reply::status(
                452,
                5,
                3,
                format!("Too many recipients: at most {recipients_max} per message"),
            ),
            MessageTooLarge {
                octets_max,
                declared,
            } => Reply::status(
                552,
                3,
                4,
                format!(
                    "Message too large: at most {octets_max} octets{}",
                    if *declared { ", SIZE says more" } else { "" }
                ),
            ),
            BodyBareLineEnd => Reply::status(
                550,
                6,
                0,
                "The message has a bare CR or LF (RFC 5322 2.3): every line must end in CRLF",
            ),
            BodyNul => Reply::status(
                550,
                6,
                0,
                "The message has a NUL octet (RFC 5322 4): encode it",
            ),
            BodyLineTooLong { octets_max } => Reply::status(
                550,
                6,
                0,
                format!("The message has a line of more than {octets_max} octets (RFC 5322 2.1.1)"),
            ),
            NoAnswer => Reply::status(451, 3, 0, "Local error in processing; try again later"),

            TimedOut => Reply::status(421, 4, 2, format!("{host} timed out waiting; closing")),
            TooManyErrors => Reply::status(421, 7, 0, format!("{host} too many errors; closing")),
            TooManyAuthRefusals => Reply::status(
                421,
                7,
                0,
                format!("{host} too many failed authentications; closing"),
            ),
            TooManyConnections => Reply::status(
                421,
                7,
                0,
                format!("{host} too many connections; try again later"),
            ),
            ShuttingDown => Reply::status(421, 3, 2, format!("{host} shutting down; closing")),
        }
    }
}

fn parameter(verb: &str, error: &ParameterError) -> Reply {
    match error {
        ParameterError::Unknown(name) => Reply::status(
            555,
            5,
            4,
            format!("{verb} parameter {name} is not recognised here"),
        ),
        ParameterError::Value(name) => Reply::status(
            501,
            5,
            4,
            format!("{verb} parameter {name} has a bad value"),
        ),
        ParameterError::Twice(name) => {
            Reply::status(501, 5, 4, format!("{verb} parameter {name} is given twice"))
        }
    }
}

fn sequence(verb: &str, order: Order) -> String {
    match order {
        Order::HelloFirst => format!("{verb} out of order: send EHLO first"),
        Order::MailFirst => format!("{verb} out of order: send MAIL first"),
        Order::RecipientFirst => format!("{verb} out of order: no valid recipients"),
        Order::InTransaction => format!("{verb} out of order: a message is under way"),
        Order::AlreadyTls => "TLS is already active".to_owned(),
        Order::AlreadyAuthenticated => "Already authenticated".to_owned(),
        Order::ChunksBegun => format!("{verb} out of order: BDAT has begun"),
        Order::BinaryNeedsChunks => "BODY=BINARYMIME needs BDAT".to_owned(),
    }
}
