//! The second stage: is this message what its application may send?
//!
//! ```text
//!   header section ──┐
//!   content ─────────┤
//!   envelope ────────┼─▶ Facts ─▶ every rule ─▶ Verdict ─▶ refuse, hold, repair, go on
//!   register ────────┤
//!   what was sent ───┘
//! ```
//!
//! Gathers facts and applies repairs. The rules themselves are `policy`'s, and
//! the same [`Checker`] judges what comes by SMTP, by HTTP and from a file
//! ([`file`]).

pub mod file;
mod history;

use std::collections::HashSet;

use mailward_mail::{Address, Envelope, MessageId, Timestamp};
use mailward_policy::{
    Catalogue, ContentFacts, DataClass, EnvelopeFacts, Facts, HistoryFacts, MessageFacts, Profile,
    RecipientFacts, Severity, Verdict, judge,
};

pub(crate) use history::{history, same_text, same_text_window};

use crate::config::{AccreditedDomains, Config};
use crate::register::Registered;

/// The rules, as this gateway is set, and what it knows of addresses.
#[derive(Clone, Debug)]
pub struct Checker {
    catalogue: Catalogue,
    profile: Profile,
    /// Distribution lists, by [`Address::key`].
    lists: HashSet<String>,
    accredited: AccreditedDomains,
}

impl Checker {
    pub fn new(config: &Config) -> Self {
        Self {
            catalogue: Catalogue::new(&config.rules),
            profile: config.profile,
            lists: config.distribution_lists.iter().map(Address::key).collect(),
            accredited: config.accredited(),
        }
    }

    pub fn judge(&self, facts: &Facts) -> Verdict {
        judge(facts, &self.catalogue)
    }

    /// Whether a breach of the rule is refused here, so that it may be told
    /// before the message has come.
    pub fn refuses(&self, rule: &str) -> bool {
        self.catalogue
            .rules()
            .any(|(one, severity)| one.id == rule && severity == Severity::Refuse)
    }

    /// Gathers the facts of one submission by a registered application, by its
    /// own route. What the content says and what was sent before is for the
    /// caller to add, who alone knows when they are known.
    ///
    /// `header` is the message's beginning, at least to the end of its header
    /// section; `octets` its whole size; `data_class` what the submission says
    /// of itself.
    pub fn gather(
        &self,
        registered: &Registered,
        envelope: &Envelope,
        header: &[u8],
        octets: u64,
        data_class: Option<DataClass>,
        at: Timestamp,
    ) -> Facts {
        Facts {
            at,
            profile: self.profile,
            application: Some(registered.application_facts.clone()),
            account: Some(registered.account_facts.clone()),
            envelope: self.envelope(envelope),
            message: MessageFacts::read(header, octets),
            content: ContentFacts::default(),
            history: HistoryFacts::default(),
            route: registered.route_facts.clone(),
            data_class: data_class.unwrap_or(registered.application.data_class),
        }
    }

    fn envelope(&self, envelope: &Envelope) -> EnvelopeFacts {
        let recipients = envelope.recipients.iter();
        EnvelopeFacts {
            reverse_path: envelope.reverse_path.clone(),
            recipients: recipients
                .map(|one| self.recipient(one.forward_path.address()))
                .collect(),
        }
    }

    fn recipient(&self, address: &Address) -> RecipientFacts {
        RecipientFacts {
            distribution_list: !self.lists.is_empty() && self.lists.contains(&address.key()),
            accredited: self.accredited.covers(address),
            address: address.clone(),
        }
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
