//! Exchange Online's words at smtp.office365.com:587, after observed
//! transcripts. Where no transcript shows the words, the ones here are of the
//! Exchange family and marked so; the fidelity page lists them.

use mailward_mail::Reply;
use mailward_wire::smtp::server::{Dialect, Facts, Situation};

use crate::asof::BehaviourDay;
use crate::behaviour;
use crate::events::EventLog;
use crate::names::{BACK_END, FRONT_END, refusal_bracket};

/// Speaks as the service did on one day.
#[derive(Clone, Debug)]
pub(crate) struct ExchangeDialect {
    day: BehaviourDay,
    /// For what the conversation itself refuses.
    events: EventLog,
    protocol: &'static str,
}

impl ExchangeDialect {
    pub(crate) fn new(day: BehaviourDay, events: EventLog, protocol: &'static str) -> Self {
        Self {
            day,
            events,
            protocol,
        }
    }

    /// Records an offence that is answered here and nowhere else.
    fn record(&self, situation: &Situation<'_>) {
        let (behaviour, why) = match situation {
            Situation::TlsRequired { .. } => (behaviour::TLS_FIRST, "mail before STARTTLS"),
            Situation::AuthRequired => (behaviour::NOT_SIGNED_IN, "mail without sign-in"),
            Situation::MechanismUnsupported { .. } => {
                (behaviour::MECHANISM, "a mechanism that is not offered")
            }
            Situation::BodyBareLineEnd | Situation::BodyNul => (
                behaviour::LINE_ENDS,
                "a bare line end or NUL in the message",
            ),
            _ => return,
        };
        self.events
            .punish(self.protocol, "refused", None, why, behaviour);
    }

    fn bracket(&self, facts: &Facts<'_>) -> String {
        refusal_bracket(
            self.day.today().refusal_has_detail(),
            facts.now,
            facts.session,
        )
    }

    fn banner(&self, facts: &Facts<'_>) -> Reply {
        let session = if self.day.today().banner_has_session_id() {
            format!(" [{}]", facts.session)
        } else {
            String::new()
        };
        let date = facts.now.to_rfc5322();
        Reply::new(
            220,
            None,
            format!("{FRONT_END} Microsoft ESMTP MAIL Service ready at {date}{session}"),
        )
    }

    /// MAIL without AUTH; after a refused AUTH the earlier error is repeated.
    fn not_authenticated(&self, facts: &Facts<'_>) -> Reply {
        match facts.auth_refusal {
            Some(earlier) => Reply::status(
                530,
                7,
                57,
                format!("Client not authenticated to send mail. Error: {earlier}"),
            ),
            None => Reply::status(
                530,
                7,
                57,
                format!(
                    "Client not authenticated to send mail. {}",
                    self.bracket(facts)
                ),
            ),
        }
    }
}

impl Dialect for ExchangeDialect {
    fn reply(&self, situation: &Situation<'_>, facts: &Facts<'_>) -> Reply {
        use Situation::*;
        self.record(situation);
        match situation {
            Greeting => self.banner(facts),
            Hello { .. } => Reply::new(250, None, format!("{FRONT_END} Hello [{}]", facts.peer)),
            TlsReady => Reply::status(220, 0, 0, "SMTP server ready"),
            Authenticated => Reply::status(235, 7, 0, "Authentication successful"),
            MailTaken => Reply::status(250, 1, 0, "Sender OK"),
            RecipientTaken => Reply::status(250, 1, 5, "Recipient OK"),
            DataWanted => Reply::new(354, None, "Start mail input; end with <CRLF>.<CRLF>"),
            ChunkTaken { octets } => {
                Reply::status(250, 6, 0, format!("CHUNK received OK, {octets} octets"))
            }
            MessageTaken => Reply::status(250, 0, 0, "OK"),
            ResetDone => Reply::status(250, 0, 0, "Resetting"),
            NoopDone => Reply::status(250, 0, 0, "OK"),
            CannotVerify => Reply::status(252, 1, 5, "Cannot VRFY user"),
            Help => Reply::multiline(
                214,
                None,
                [
                    "This server supports the following commands:",
                    "HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP AUTH BDAT",
                ],
            ),
            Goodbye => Reply::status(221, 0, 0, "Service closing transmission channel"),

            UnknownCommand { line } => {
                let word = line.split(' ').next().unwrap_or_default();
                Reply::status(
                    500,
                    3,
                    3,
                    format!("Unrecognized command '{word}' {}", self.bracket(facts)),
                )
            }
            NotImplemented { .. } => Reply::status(502, 3, 3, "Command not implemented"),
            NotUtf8 | BareLineEnd | Nul => Reply::status(500, 3, 3, "Unrecognized command"),
            BadArguments { .. } | BadParameter { .. } | BadChunkSize { .. } => {
                Reply::status(501, 5, 4, "Invalid arguments")
            }
            BadAddress { .. } => Reply::status(501, 1, 3, "Invalid address"),
            BadSequence { .. } => Reply::status(503, 5, 1, "Bad sequence of commands"),
            BadClientName { .. } => Reply::status(501, 5, 4, "Invalid domain name"),
            NeedsSmtpUtf8 { .. } => {
                Reply::status(553, 6, 7, "SMTPUTF8 is required for this address")
            }
            LineTooLong { .. } => Reply::status(500, 5, 2, "Command too long"),

            TlsRequired { .. } => {
                // The class of the code is the service's own slip, as quoted.
                Reply::new(451, None, "5.7.3 STARTTLS is required to send mail")
            }
            AuthRequired => self.not_authenticated(facts),
            AuthNeedsTls => Reply::status(530, 7, 0, "Must issue a STARTTLS command first"),
            MechanismUnsupported { .. } => {
                Reply::status(504, 7, 4, "Unrecognized authentication type")
            }
            AuthMalformed { .. } => Reply::status(501, 5, 4, "Invalid arguments"),
            AuthCancelled => Reply::status(501, 5, 0, "Authentication aborted"),
            AuthRefused => Reply::status(
                535,
                7,
                3,
                format!("Authentication unsuccessful {}", self.bracket(facts)),
            ),

            TooManyRecipients { .. } => Reply::status(452, 5, 3, "Too many recipients"),
            MessageTooLarge { .. } => {
                Reply::status(552, 3, 4, "Message size exceeds fixed maximum message size")
            }
            BodyBareLineEnd | BodyNul => Reply::status(550, 6, 11, "Invalid characters"),
            BodyLineTooLong { .. } => Reply::status(550, 6, 0, "Line length exceeds the maximum"),
            NoAnswer => Reply::status(451, 3, 2, "System not accepting network messages"),

            TimedOut => Reply::status(451, 7, 0, "Timeout waiting for client input"),
            TooManyConnections => Reply::status(
                421,
                3,
                2,
                "The maximum number of concurrent server connections has exceeded a limit, closing transmission channel",
            ),
            TooManyErrors => Reply::status(
                421,
                7,
                0,
                "Too many errors on this connection, closing transmission channel",
            ),
            TooManyAuthRefusals => Reply::status(
                421,
                7,
                0,
                format!("Too many failed authentications [{BACK_END}]"),
            ),
            ShuttingDown => Reply::status(
                421,
                3,
                2,
                "Service not available, closing transmission channel",
            ),
        }
    }
}
