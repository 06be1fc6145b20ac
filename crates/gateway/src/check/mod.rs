//! The second stage: is this message what its application may send?
//!
//! ```text
//!   header section ─┐
//!   envelope ───────┼─▶ Facts ─▶ every rule ─▶ Verdict ─▶ refuse, hold, repair, go on
//!   register ───────┘
//! ```
//!
//! Gathers facts and applies repairs. The rules themselves are `policy`'s, and
//! the same [`Checker`] judges what comes by SMTP, by HTTP and from a file
//! ([`file`]).

pub mod file;

use mailward_mail::{Address, Envelope, MessageId, Timestamp};
use mailward_policy::{
    Catalogue, ContentFacts, DataClass, EnvelopeFacts, Facts, HistoryFacts, MessageFacts, Profile,
    Settings, Verdict, judge,
};

use crate::register::Registered;

/// The rules, as this gateway is set.
#[derive(Clone, Debug)]
pub struct Checker {
    catalogue: Catalogue,
}

impl Checker {
    pub fn new(rules: &Settings) -> Self {
        Self {
            catalogue: Catalogue::new(rules),
        }
    }

    pub fn judge(&self, facts: &Facts) -> Verdict {
        judge(facts, &self.catalogue)
    }
}

/// Gathers the facts of one submission by a registered application.
///
/// `header` is the message's beginning, at least to the end of its header
/// section; `octets` its whole size; `data_class` what the submission says of
/// itself.
pub fn gather(
    registered: &Registered,
    envelope: &Envelope,
    header: &[u8],
    octets: u64,
    data_class: Option<DataClass>,
    at: Timestamp,
) -> Facts {
    let recipients = envelope.recipients.iter();
    Facts {
        at,
        profile: Profile::default(),
        application: Some(registered.application_facts.clone()),
        account: Some(registered.account_facts.clone()),
        envelope: EnvelopeFacts {
            reverse_path: envelope.reverse_path.clone(),
            recipients: recipients
                .map(|one| one.forward_path.address().clone().into())
                .collect(),
        },
        message: MessageFacts::read(header, octets),
        content: ContentFacts::default(),
        history: HistoryFacts::default(),
        route: registered.route_facts.clone(),
        data_class: data_class.unwrap_or(registered.application.data_class),
    }
}

/// The lines that the verdict's repairs put on top.
pub fn repairs(verdict: &Verdict, id: MessageId, accepted: Timestamp, account: &Address) -> String {
    verdict
        .repairs
        .iter()
        .map(|repair| repair.line(id, accepted, account))
        .collect()
}
