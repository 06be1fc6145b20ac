//! Who was connected, what was said, and what came of it.

use std::collections::{HashMap, HashSet};

use super::Desk;
use crate::events::Event;
use crate::faults::Protocol;
use crate::transcripts::{SessionView, TranscriptView};

/// What came of a session, by its events that are still kept.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// Who signed in, or tried to.
    pub account: Option<String>,
    pub signed_in: bool,
    /// Mailboxes that something was filed in.
    pub delivered: u64,
    /// Offences that the service answered.
    pub refused: u64,
    /// Faults that struck.
    pub faults: u64,
}

#[derive(Clone, Debug)]
pub struct SessionSummary {
    pub session: SessionView,
    pub outcome: Outcome,
}

impl Outcome {
    fn hear(&mut self, event: &Event) {
        match event.kind {
            "signed_in" => {
                self.signed_in = true;
                self.account.clone_from(&event.account);
            }
            "delivered" => self.delivered += 1,
            "fault" => self.faults += 1,
            _ if event.is_refusal() => self.refused += 1,
            _ => {}
        }
        if self.account.is_none() && event.kind == "refused" {
            self.account.clone_from(&event.account);
        }
    }
}

impl Desk {
    /// Up to `limit` sessions before the one counted `before`, newest first;
    /// with `account`, those in which something happened to it.
    pub fn sessions(
        &self,
        before: Option<u64>,
        limit: usize,
        protocol: Option<Protocol>,
        account: Option<&str>,
    ) -> Vec<SessionSummary> {
        let of_account = account.map(|account| {
            let mut names = HashSet::new();
            self.world.events.each(|event| {
                let named = event.account.as_deref().unwrap_or_default();
                if let Some(session) = &event.session
                    && named.to_lowercase().contains(account)
                {
                    names.insert(session.clone());
                }
            });
            names
        });
        let sessions = self.world.sessions.newest(before, limit, |session| {
            protocol.is_none_or(|protocol| protocol == session.protocol)
                && of_account
                    .as_ref()
                    .is_none_or(|names| names.contains(&session.id))
        });
        let mut outcomes: HashMap<String, Outcome> = sessions
            .iter()
            .map(|session| (session.id.clone(), Outcome::default()))
            .collect();
        self.world.events.each(|event| {
            let session = event.session.as_ref();
            if let Some(outcome) = session.and_then(|session| outcomes.get_mut(session)) {
                outcome.hear(event);
            }
        });
        sessions
            .into_iter()
            .map(|session| SessionSummary {
                outcome: outcomes.remove(&session.id).unwrap_or_default(),
                session,
            })
            .collect()
    }

    /// One session with what happened in it, oldest first.
    pub fn transcript(&self, name: &str) -> Option<(TranscriptView, Outcome, Vec<Event>)> {
        let transcript = self.world.sessions.transcript(name)?;
        let mut outcome = Outcome::default();
        let mut events = Vec::new();
        self.world.events.each(|event| {
            if event.session.as_deref() == Some(name) {
                outcome.hear(event);
                events.push(event.clone());
            }
        });
        Some((transcript, outcome, events))
    }
}
