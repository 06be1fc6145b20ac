//! Checks a message in a file as if its application had sent it now: for
//! `mailward check`, without network and without keeping anything.

use mailward_mail::{Address, Envelope, ForwardPath, Recipient, ReversePath, Timestamp};
use mailward_policy::content::Scanner;
use mailward_policy::{
    ContentFacts, DataClass, Facts, HistoryFacts, MessageFacts, RouteFacts, RouteKind, Verdict,
};
use mailward_queue::ApplicationName;
use serde::Serialize;

use super::Checker;
use crate::register::{Register, Registered};

/// What to take instead of what the message's header says.
#[derive(Clone, Debug, Default)]
pub struct Given {
    /// MAIL FROM; else the first address in From.
    pub sender: Option<Address>,
    /// RCPT TO; else everybody in To, Cc and Bcc.
    pub recipients: Vec<Address>,
    pub data_class: Option<DataClass>,
}

/// The outcome, for people and as JSON.
#[derive(Clone, Debug, Serialize)]
pub struct FileReport {
    pub application: String,
    /// False when nobody of that name is in the register.
    pub registered: bool,
    pub account: Option<String>,
    pub route: String,
    pub data_class: DataClass,
    pub octets: u64,
    pub recipients: usize,
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What SMTP would be answered, were it refused.
    pub reply: Option<String>,
}

/// Judges `message` (the whole of it, with CRLF or LF line ends) as a
/// submission by `application`.
pub fn check_file(
    register: &Register,
    checker: &Checker,
    application: &ApplicationName,
    message: &[u8],
    given: &Given,
    at: Timestamp,
) -> FileReport {
    let octets = octets_on_the_wire(message);
    let read = MessageFacts::read(message, message.len() as u64);
    let envelope = envelope(&read, given);
    let registered = register.find(application);
    let mut facts = match &registered {
        Some(registered) => {
            checker.gather(registered, &envelope, message, octets, given.data_class, at)
        }
        None => checker.facts_of_a_stranger(&envelope, read, given, at),
    };
    facts.message.octets = octets;
    facts.content = scan(message);
    let verdict = checker.judge(&facts);
    report(application, registered.as_deref(), &facts, verdict)
}

fn report(
    application: &ApplicationName,
    registered: Option<&Registered>,
    facts: &Facts,
    verdict: Verdict,
) -> FileReport {
    FileReport {
        application: application.as_str().to_owned(),
        registered: registered.is_some(),
        account: registered.map(|one| one.account.address.to_string()),
        route: facts.route.name.clone(),
        data_class: facts.strictest_class(),
        octets: facts.message.octets,
        recipients: facts.envelope.recipients.len(),
        reply: verdict.refusal().map(|reply| reply.to_string()),
        verdict,
    }
}

fn envelope(message: &MessageFacts, given: &Given) -> Envelope {
    let first_from = message
        .from
        .mailboxes
        .first()
        .map(|mailbox| mailbox.address.clone());
    let sender = given.sender.clone().or(first_from);
    let mut envelope = Envelope::new(sender.map_or(ReversePath::Null, ReversePath::Address));
    let recipients = if given.recipients.is_empty() {
        let fields = [&message.to, &message.cc, &message.bcc];
        let mailboxes = fields.into_iter().flat_map(|field| &field.mailboxes);
        mailboxes.map(|mailbox| mailbox.address.clone()).collect()
    } else {
        given.recipients.clone()
    };
    envelope.recipients = recipients
        .into_iter()
        .map(|address| Recipient::new(ForwardPath(address)))
        .collect();
    envelope
}

impl Checker {
    fn facts_of_a_stranger(
        &self,
        envelope: &Envelope,
        message: MessageFacts,
        given: &Given,
        at: Timestamp,
    ) -> Facts {
        Facts {
            at,
            profile: self.profile,
            application: None,
            account: None,
            envelope: self.envelope(envelope),
            message,
            content: ContentFacts::default(),
            history: HistoryFacts::default(),
            route: RouteFacts::nhsmail(RouteKind::Submission),
            data_class: given.data_class.unwrap_or(DataClass::Official),
        }
    }
}

/// As it is read at the doors, where every line ends in CRLF.
fn scan(message: &[u8]) -> ContentFacts {
    let mut scanner = Scanner::new();
    let mut from = 0;
    for newline in memchr::memchr_iter(b'\n', message) {
        if newline == 0 || message[newline - 1] != b'\r' {
            scanner.feed(&message[from..newline]);
            scanner.feed(b"\r\n");
            from = newline + 1;
        }
    }
    scanner.feed(&message[from..]);
    scanner.finish()
}

/// A file often has LF alone; SMTP would carry CRLF.
fn octets_on_the_wire(message: &[u8]) -> u64 {
    let mut octets = message.len() as u64;
    for newline in memchr::memchr_iter(b'\n', message) {
        if newline == 0 || message[newline - 1] != b'\r' {
            octets += 1;
        }
    }
    octets
}
