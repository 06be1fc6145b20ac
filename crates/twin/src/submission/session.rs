//! One client at the submission endpoint: who signs in, what they may send as,
//! and what the service answers at the end of DATA.

use std::sync::Arc;

use mailward_mail::header::{HEADER_OCTETS_MAX, Header, parse_address_list};
use mailward_mail::{Address, Clock, Dice, Envelope, Recipient, Reply, ReversePath, Secret};
use mailward_mailbox::{MailboxError, MessageWriter};
use mailward_net::TlsFacts;
use mailward_net::smtp::{Authentication, Connection, Peer, Service};
use mailward_policy::limits;
use mailward_wire::smtp::server::{Abort, Hello, SessionId};
use mailward_wire::smtp::{Credentials, MailFrom};

use crate::accounts::{Account, Accounts, SignIn};
use crate::asof::AsOf;
use crate::deliver::{Deliveries, TWIN_FIELD};
use crate::events::EventLog;
use crate::names::{BACK_END, FRONT_END, refusal_bracket};
use crate::oauth::{Access, Tokens};
use crate::pace::{Connected, Pace};
use crate::seed::Protocol;

/// What all connections share.
#[derive(Clone, Debug)]
pub(crate) struct SubmissionDoor {
    pub(crate) accounts: Accounts,
    pub(crate) deliveries: Deliveries,
    pub(crate) tokens: Tokens,
    pub(crate) events: EventLog,
    pub(crate) pace: Pace,
    pub(crate) as_of: AsOf,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<dyn Dice>,
}

impl Service for SubmissionDoor {
    type Connection = Submission;

    fn connect(&self, peer: Peer) -> Result<Submission, Reply> {
        Ok(Submission {
            door: self.clone(),
            peer,
            tls: String::new(),
            client_name: String::new(),
            signed_in: None,
            message: None,
        })
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Submission {
    door: SubmissionDoor,
    peer: Peer,
    tls: String,
    client_name: String,
    signed_in: Option<SignedIn>,
    message: Option<Message>,
}

#[derive(Debug)]
struct SignedIn {
    account: Arc<Account>,
    connected: Connected,
}

#[derive(Debug)]
struct Message {
    reverse_path: ReversePath,
    recipients: Vec<Address>,
    writer: MessageWriter,
    /// The header section, until its empty line has come.
    header: Vec<u8>,
    header_complete: bool,
    octets: u64,
}

/// Why sign-in failed: for the client, and for the event log.
struct Failure {
    words: Option<&'static str>,
    why: String,
    clause: Option<&'static str>,
}

impl Failure {
    fn generic(why: impl Into<String>) -> Self {
        Self {
            words: None,
            why: why.into(),
            clause: None,
        }
    }

    fn worded(words: &'static str, why: impl Into<String>, clause: Option<&'static str>) -> Self {
        Self {
            words: Some(words),
            why: why.into(),
            clause,
        }
    }
}

impl Submission {
    fn judge(&self, credentials: &Credentials) -> Result<Arc<Account>, Failure> {
        match credentials {
            Credentials::Password {
                username, password, ..
            } => self.password(username, password),
            Credentials::Bearer { username, token } => self.token(username, token),
        }
    }

    fn password(&self, username: &str, password: &Secret) -> Result<Arc<Account>, Failure> {
        if !self.door.as_of.smtp_password() {
            let why = "password sign-in for SMTP is off by default on this day";
            return Err(Failure::worded(
                "basic authentication is disabled.",
                why,
                None,
            ));
        }
        let address = Address::parse(username).map_err(|_| {
            let why = "the user name is not the full address of an account";
            Failure::worded(
                "the user credentials were incorrect.",
                why,
                Some("GUIDE-59"),
            )
        })?;
        match self.door.accounts.sign_in(&address, password) {
            SignIn::Accepted(account) => self.enabled(account),
            SignIn::Refused(refusal) => {
                let clause = Some("GUIDE-9");
                Err(Failure::worded(
                    "the user credentials were incorrect.",
                    refusal.as_str(),
                    clause,
                ))
            }
        }
    }

    fn token(&self, username: &str, token: &Secret) -> Result<Arc<Account>, Failure> {
        let address = Address::parse(username)
            .map_err(|_| Failure::generic("the user name is not the full address of an account"))?;
        let account = self
            .door
            .accounts
            .find(&address)
            .ok_or_else(|| Failure::generic("there is no such account"))?;
        self.door
            .tokens
            .verify(token.expose(), Access::Smtp, &address)
            .map_err(|error| Failure::generic(error.to_string()))?;
        self.enabled(account)
    }

    fn enabled(&self, account: Arc<Account>) -> Result<Arc<Account>, Failure> {
        if account.allows(Protocol::Smtp) {
            return Ok(account);
        }
        Err(Failure::worded(
            "SmtpClientAuthentication is disabled for the Mailbox. Visit https://aka.ms/smtp_auth_disabled for more information.",
            "SMTP is not enabled for the account",
            Some("GUIDE-6"),
        ))
    }

    fn refusal(&self, failure: &Failure) -> Reply {
        let bracket = self.bracket();
        match failure.words {
            Some(words) => Reply::status(
                535,
                7,
                139,
                format!("Authentication unsuccessful, {words} {bracket}"),
            ),
            None => Reply::status(535, 7, 3, format!("Authentication unsuccessful {bracket}")),
        }
    }

    fn bracket(&self) -> String {
        let detailed = self.door.as_of.refusal_has_detail();
        refusal_bracket(detailed, self.door.clock.now(), self.peer.session)
    }

    /// The fields that the service puts on top.
    fn trace_fields(&self) -> String {
        let with = if self.tls.is_empty() {
            String::new()
        } else {
            format!(" ({})", self.tls)
        };
        format!(
            "{TWIN_FIELD}Received: from {} ([{}])\r\n by {BACK_END} with Microsoft SMTP Server{with};\r\n {}\r\n",
            self.client_name,
            self.peer.address.ip(),
            self.door.clock.now().to_rfc5322()
        )
    }

    /// Everything the service checks once it has the whole message.
    fn check(&self, signed_in: &SignedIn, message: &Message) -> Result<(), Reply> {
        let account = &signed_in.account.address;
        let refuse = |why: &str, clause, reply: Reply| {
            self.door
                .events
                .add("submission", "refused", Some(account.as_str()), why, clause);
            reply
        };
        if signed_in.connected.too_many {
            return Err(refuse(
                "more connections at once than a mailbox may have",
                Some("GUIDE-80"),
                Reply::status(
                    432,
                    3,
                    2,
                    "Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information.",
                ),
            ));
        }
        if message.octets > limits::MESSAGE_OCTETS.figure {
            return Err(refuse(
                "the message is larger than a single message may be",
                Some("GUIDE-67"),
                Reply::status(552, 3, 4, "Message size exceeds fixed maximum message size"),
            ));
        }
        let header = Header::parse(&message.header);
        let from: Vec<Address> = header
            .all("From")
            .filter_map(|field| parse_address_list(&field.value()).ok())
            .flatten()
            .map(|mailbox| mailbox.address)
            .collect();
        match from.as_slice() {
            [] => Err(refuse(
                "the message has no From that can be read",
                Some("GUIDE-10"),
                Reply::status(
                    550,
                    7,
                    512,
                    "Access denied, message must be RFC 5322 section 3.6.2 compliant",
                ),
            )),
            [_, _, ..] if header.count("Sender") == 0 => Err(refuse(
                "several From addresses and no Sender",
                Some("GUIDE-10"),
                Reply::status(
                    550,
                    1,
                    20,
                    "Multiple From addresses are not allowed without Sender address",
                ),
            )),
            addresses => {
                let spoofed = addresses
                    .iter()
                    .chain(message.reverse_path.address())
                    .find(|address| *address != account);
                match spoofed {
                    None => Ok(()),
                    Some(other) => Err(refuse(
                        &format!("{account} sends as {other}"),
                        Some("GUIDE-10"),
                        self.send_as_denied(account, other),
                    )),
                }
            }
        }
    }

    fn send_as_denied(&self, account: &Address, other: &Address) -> Reply {
        Reply::status(
            554,
            2,
            252,
            format!(
                "SendAsDenied; {account} not allowed to send as {other}; STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception with message [BeginDiagnosticData]Cannot submit message. 0.35250:{:08X}[EndDiagnosticData]",
                self.door.dice.next_u64() & 0xffff_ffff
            ),
        )
    }

    /// The service's answer when its own store fails.
    fn trouble(error: &MailboxError) -> Reply {
        match error {
            MailboxError::OverQuota { .. } => Reply::status(
                554,
                2,
                2,
                "mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
            ),
            MailboxError::Full => Reply::status(452, 3, 1, "Insufficient system resources"),
            _ => Reply::status(
                451,
                3,
                2,
                "STOREDRV.ClientSubmit; mailbox server is temporarily unavailable",
            ),
        }
    }
}

impl Connection for Submission {
    fn tls_established(&mut self, facts: &TlsFacts) {
        self.tls = format!("version={}, cipher={}", facts.version, facts.cipher);
        self.signed_in = None;
        self.message = None;
    }

    fn hello(&mut self, hello: &Hello) {
        self.client_name = hello
            .name
            .chars()
            .filter(|char| char.is_ascii_graphic())
            .collect();
        self.message = None;
    }

    async fn authenticate(&mut self, credentials: Credentials) -> Authentication {
        match self.judge(&credentials) {
            Ok(account) => {
                let address = account.address.as_str();
                self.door
                    .events
                    .add("submission", "signed_in", Some(address), "signed in", None);
                let connected = self.door.pace.connect(&account.address);
                self.signed_in = Some(SignedIn { account, connected });
                Authentication::Accepted
            }
            Err(failure) => {
                let user = match &credentials {
                    Credentials::Password { username, .. }
                    | Credentials::Bearer { username, .. } => username,
                };
                self.door.events.add(
                    "submission",
                    "refused",
                    Some(user),
                    failure.why.as_str(),
                    failure.clause,
                );
                self.door.clock.wait(self.door.pace.refusal_delay()).await;
                Authentication::Refused(self.refusal(&failure))
            }
        }
    }

    async fn mail_from(&mut self, _mail: &MailFrom) -> Result<Reply, Reply> {
        self.message = None;
        Ok(Reply::status(250, 1, 0, "Sender OK"))
    }

    async fn rcpt_to(&mut self, _recipient: &Recipient) -> Result<Reply, Reply> {
        // Unknown recipients are taken here and reported later, as the service does.
        Ok(Reply::status(250, 1, 5, "Recipient OK"))
    }

    async fn body_start(&mut self, envelope: &Envelope) -> Result<(), Reply> {
        let mut writer = self.door.deliveries.mailboxes.new_message();
        writer
            .write(self.trace_fields().as_bytes())
            .map_err(|error| Self::trouble(&error))?;
        self.message = Some(Message {
            reverse_path: envelope.reverse_path.clone(),
            recipients: envelope
                .recipients
                .iter()
                .map(|recipient| recipient.forward_path.address().clone())
                .collect(),
            writer,
            header: Vec::new(),
            header_complete: false,
            octets: 0,
        });
        Ok(())
    }

    async fn body_chunk(&mut self, octets: &[u8]) -> Result<(), Reply> {
        let Some(message) = &mut self.message else {
            return Err(Reply::status(
                451,
                3,
                2,
                "System not accepting network messages",
            ));
        };
        message.octets += octets.len() as u64;
        message.keep_header(octets)?;
        message
            .writer
            .write(octets)
            .map_err(|error| Self::trouble(&error))
    }

    async fn body_end(&mut self) -> Reply {
        let (Some(message), Some(signed_in)) = (self.message.take(), &self.signed_in) else {
            return Reply::status(503, 5, 1, "Bad sequence of commands");
        };
        if let Err(reply) = self.check(signed_in, &message) {
            return reply;
        }
        let account = &signed_in.account;
        let place = self
            .door
            .pace
            .next_message(&account.address, self.door.clock.now());
        self.door.clock.wait_until(place).await;
        let octets = message.octets;
        let delivered = match message.writer.finish() {
            Ok(body) => {
                self.door
                    .deliveries
                    .deliver(account, &message.recipients, body, &message.header)
                    .await
            }
            Err(error) => Err(error),
        };
        match delivered {
            Ok(()) => accepted(&*self.door.dice, self.peer.session, octets),
            Err(error) => {
                if let MailboxError::OverQuota { .. } = error {
                    let address = Some(account.address.as_str());
                    let why = error.to_string();
                    self.door
                        .events
                        .add("submission", "refused", address, why, Some("GUIDE-64"));
                } else {
                    tracing::warn!(%error, "a submission could not be filed");
                }
                Self::trouble(&error)
            }
        }
    }

    fn body_abort(&mut self, _abort: Abort) {
        self.message = None;
    }
}

impl Message {
    /// Collects the header section, which is all that the checks read.
    fn keep_header(&mut self, octets: &[u8]) -> Result<(), Reply> {
        if self.header_complete {
            return Ok(());
        }
        self.header.extend_from_slice(octets);
        if let Some(end) = Header::end_of(&self.header) {
            self.header.truncate(end);
            self.header_complete = true;
        } else if self.header.len() > HEADER_OCTETS_MAX {
            return Err(Reply::status(
                552,
                3,
                4,
                "Header size exceeds fixed maximum size",
            ));
        }
        Ok(())
    }
}

/// `250 2.0.0 OK <…> [Hostname=…] 4096 bytes in 0.1 … Queued mail for delivery`:
/// the shape observed, without its timing.
fn accepted(dice: &dyn Dice, session: SessionId, octets: u64) -> Reply {
    Reply::status(
        250,
        0,
        0,
        format!(
            "OK <{:016x}{session}@{FRONT_END}> [Hostname={BACK_END}] {octets} bytes Queued mail for delivery",
            dice.next_u64()
        ),
    )
}
