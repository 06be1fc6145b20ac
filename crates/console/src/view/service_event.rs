//! What the twin did and why: one line for each event of its log.

use mailward_mail::Timestamp;

use super::Cursor;

/// Which events to list, newest first.
#[derive(Clone, Debug)]
pub struct ServiceEventFilter {
    /// The account's address as a part of it; trimmed, never empty.
    pub account: Option<String>,
    /// `submission`, `imap`, …: one of [`ServiceEventPage::protocols`].
    pub protocol: Option<String>,
    /// Only what the service refused, or did to punish.
    pub refusals: bool,
    pub cursor: Option<Cursor>,
    /// The most rows wanted.
    pub limit: usize,
}

impl ServiceEventFilter {
    pub(crate) const ACCOUNT_CHARS_MAX: usize = 320;

    /// Whether an event is among those that are listed.
    pub fn wants(&self, event: &ServiceEvent) -> bool {
        let of_protocol = |protocol: &String| event.protocol == *protocol;
        let of_account = |wanted: &String| {
            let named = event.account.as_deref().unwrap_or_default();
            named.to_lowercase().contains(&wanted.to_lowercase())
        };
        self.protocol.as_ref().is_none_or(of_protocol)
            && self.account.as_ref().is_none_or(of_account)
            && (!self.refusals || event.is_refusal)
    }
}

#[derive(Clone, Debug)]
pub struct ServiceEventPage {
    pub events: super::Page<ServiceEvent>,
    /// Every protocol there are events of.
    pub protocols: Vec<String>,
}

/// One event.
#[derive(Clone, Debug)]
pub struct ServiceEvent {
    pub sequence: u64,
    pub at: Timestamp,
    pub protocol: String,
    /// `signed_in`, `refused`, `delivered`, …
    pub kind: String,
    pub account: Option<String>,
    /// The session in which it happened, whose transcript has this name.
    pub session: Option<String>,
    /// The number of the message that it is about.
    pub message: Option<u64>,
    /// That message's Message-ID, where it was accepted.
    pub message_id: Option<String>,
    /// The reason in a sentence.
    pub why: String,
    /// The service refused something, or punished it.
    pub is_refusal: bool,
    /// What the service holds to, where it acted on a rule of its own.
    pub behaviour: Option<BehaviourView>,
    /// The clauses that it rests on.
    pub clauses: Vec<ClauseView>,
}

impl ServiceEvent {
    /// A fault struck.
    pub(crate) fn is_fault(&self) -> bool {
        self.kind == "fault"
    }

    /// What to do about it.
    pub(crate) fn remedy(&self) -> Option<&str> {
        self.behaviour.as_ref()?.remedy.as_deref()
    }
}

/// A behaviour of the service, as its reference has it.
#[derive(Clone, Debug)]
pub struct BehaviourView {
    pub id: String,
    /// The offence.
    pub punishes: String,
    /// What the client hears, or what becomes of the message.
    pub words: String,
    /// How well that is known: `documented`, `observed`, …
    pub standing: String,
    /// What to do about it, where there is something.
    pub remedy: Option<String>,
}

impl BehaviourView {
    /// What its standing means.
    pub(crate) fn ground(&self) -> &'static str {
        match self.standing.as_str() {
            "documented" => "Documented: the owner of the service or standard says so.",
            "observed" => "Observed: seen in public transcripts of the service.",
            "reported" => "Reported: others say so of the service.",
            _ => "Inferred: the likeliest, in the manner of the rest; nobody has seen it.",
        }
    }
}

#[derive(Clone, Debug)]
pub struct ClauseView {
    /// `GUIDE-37`.
    pub id: String,
    /// What it says.
    pub text: Option<String>,
}
