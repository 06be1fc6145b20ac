//! The audit: what clients were told, what the far end took and what the queue
//! says, side by side. Nothing of the queue's own code takes part.
//!
//! ```text
//!   acknowledged ──┐
//!   far end ───────┼──▶ one message at a time ──▶ figures, breaches
//!   rows ──────────┘
//! ```

mod far;
mod rows;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::far_end::ledger::Taken;
use super::load::record::Sent;
use super::message::Token;
use super::scene::{REFUSED, address};
use crate::run::Result;
use far::{Copy, FarEnd};
use rows::{Message, Recipient, Rows};

/// Breaches told in words; all of them are counted.
const TOLD_MAX: usize = 20;

/// What the run comes to.
#[derive(Clone, Debug, Default, serde::Serialize)]
pub(super) struct Figures {
    /// Messages answered 250 or 202, and their recipients.
    pub(super) acknowledged: u64,
    pub(super) recipients: u64,
    /// Kept, though the kill came before the answer.
    pub(super) kept_without_answer: u64,
    /// Handed in, without an answer, and not kept.
    pub(super) neither: u64,
    /// Recipients in the far end's ledger, copies included.
    pub(super) taken: u64,
    /// The gateway's own reports at the far end.
    pub(super) reports: u64,
    pub(super) relayed: u64,
    pub(super) failed: u64,
    pub(super) lost: u64,
    /// Transactions in which a recipient got the message once more.
    pub(super) duplicates: u64,
    /// Of these, the ones without a mark of doubt before them.
    pub(super) duplicates_unmarked: u64,
    pub(super) attempts_in_doubt: u64,
    /// Recipients whose message was found among sent mail.
    pub(super) found_sent: u64,
    pub(super) sequences: u64,
    pub(super) keys: u64,
    pub(super) breaches: u64,
}

#[derive(Debug, Default)]
pub(super) struct Audit {
    pub(super) figures: Figures,
    /// The first breaches, in words.
    pub(super) told: Vec<String>,
}

impl Audit {
    pub(super) fn breach(&mut self, what: String) {
        self.figures.breaches += 1;
        if self.told.len() < TOLD_MAX {
            self.told.push(what);
        }
    }
}

/// Compares the three. The gateway has ended and the store is closed.
/// `clocks_agree` says that times of the queue and of the far end can be
/// compared; where not, marks of doubt are counted.
pub(super) fn audit(
    store: &Path,
    ledger: Vec<Taken>,
    sent: &[Sent],
    clocks_agree: bool,
) -> Result<Audit> {
    let mut audit = Audit::default();
    let far = FarEnd::read(ledger);
    for breach in &far.breaches {
        audit.breach(breach.clone());
    }
    audit.figures.taken = far.recipients;
    audit.figures.reports = far.reports;
    let rows = Rows::open(store)?;
    let mut hands = Hands {
        by_token: sent.iter().map(|one| (one.token, one)).collect(),
        far: &far,
        clocks_agree,
        seen: HashSet::new(),
        audit,
    };
    rows.each(|message| hands.message(&message))?;
    hands.what_nobody_has(sent);
    let mut audit = hands.audit;
    counters(&mut audit, &rows)?;
    keys(&mut audit, &rows, sent)?;
    order(&mut audit, &far, sent);
    Ok(audit)
}

struct Hands<'a> {
    by_token: HashMap<Token, &'a Sent>,
    far: &'a FarEnd,
    clocks_agree: bool,
    /// Tokens that the queue has.
    seen: HashSet<Token>,
    audit: Audit,
}

impl Hands<'_> {
    fn message(&mut self, message: &Message) {
        let id = &message.id;
        if !message.has_ended {
            self.audit.breach(format!("{id} has no end"));
        }
        if message.has_body {
            self.audit
                .breach(format!("{id} keeps its body after its end"));
        }
        for one in &message.recipients {
            self.outcome(id, one);
        }
        let Some(token) = message.token else { return };
        if !self.seen.insert(token) {
            self.audit.breach(format!("{token} is twice in the queue"));
        }
        let Some(sent) = self.by_token.get(&token).copied() else {
            self.audit
                .breach(format!("{id} bears {token}, which nobody handed in"));
            return;
        };
        match &sent.id {
            Some(told) if **told != **id => {
                self.audit
                    .breach(format!("{token} is {id}, and its client was told {told}"));
            }
            Some(_) => {}
            None => self.audit.figures.kept_without_answer += 1,
        }
        let names: Vec<&str> = message
            .recipients
            .iter()
            .map(|one| one.address.as_str())
            .collect();
        let handed_in: Vec<String> = sent.wards.iter().map(|ward| address(*ward)).collect();
        if names != handed_in {
            self.audit
                .breach(format!("{token} is for {names:?}, not {handed_in:?}"));
            return;
        }
        let copies = self.far.of(token);
        for (one, ward) in message.recipients.iter().zip(&sent.wards) {
            self.arrival(token, one, *ward, copies);
        }
        self.copies(token, message, sent, copies);
    }

    /// In exactly one end, and the one that its timeline tells of.
    fn outcome(&mut self, id: &str, one: &Recipient) {
        let told = match one.ends.as_slice() {
            [end] if end == "found_sent" => "relayed",
            [end] => end.as_str(),
            _ => "",
        };
        if told != one.state {
            self.audit.breach(format!(
                "{id}/{} is {} with the ends {:?}",
                one.n, one.state, one.ends
            ));
        }
        if one.ends.iter().any(|end| end == "found_sent") {
            self.audit.figures.found_sent += 1;
        }
        match one.state.as_str() {
            "relayed" => self.audit.figures.relayed += 1,
            "failed" if one.address.starts_with(REFUSED) => self.audit.figures.failed += 1,
            other => self.audit.breach(format!(
                "{id}/{} for {} ended as {other}",
                one.n, one.address
            )),
        }
    }

    fn arrival(&mut self, token: Token, one: &Recipient, ward: u8, copies: &[Copy]) {
        let arrived = copies.iter().any(|copy| copy.wards.contains(&ward));
        match (one.state.as_str(), arrived) {
            ("relayed", true) | ("failed", false) => {}
            ("relayed", false) => {
                self.audit.figures.lost += 1;
                self.audit
                    .breach(format!("{token} for ward {ward} is relayed and not there"));
            }
            (state, true) => self
                .audit
                .breach(format!("{token} for ward {ward} is {state} and arrived")),
            (state, false) => {
                self.audit.figures.lost += 1;
                self.audit
                    .breach(format!("{token} for ward {ward} is {state} and not there"));
            }
        }
    }

    /// Copies beyond the first need a doubt of that recipient before each.
    fn copies(&mut self, token: Token, message: &Message, sent: &Sent, copies: &[Copy]) {
        let attempts: HashSet<i64> = message
            .recipients
            .iter()
            .flat_map(|one| one.doubts.iter().map(|(_, attempt)| *attempt))
            .collect();
        self.audit.figures.attempts_in_doubt += attempts.len() as u64;
        let mut before: HashMap<u8, usize> = HashMap::new();
        for copy in copies {
            let (mut again, mut unmarked) = (false, false);
            for ward in &copy.wards {
                let Some(n) = sent.wards.iter().position(|one| one == ward) else {
                    self.audit
                        .breach(format!("{token} arrived for ward {ward}, unasked"));
                    continue;
                };
                let earlier = before.entry(*ward).or_default();
                if *earlier > 0 {
                    again = true;
                    let doubts = &message.recipients[n].doubts;
                    let before = |at: i64| !self.clocks_agree || at <= copy.at;
                    let marked = doubts.iter().filter(|(at, _)| before(*at)).count();
                    unmarked |= marked < *earlier;
                }
                *earlier += 1;
            }
            self.audit.figures.duplicates += u64::from(again);
            if unmarked {
                self.audit.figures.duplicates_unmarked += 1;
                self.audit
                    .breach(format!("{token} arrived again without a mark of doubt"));
            }
        }
    }

    /// What was acknowledged and is not in the queue; what arrived and was
    /// never in it.
    fn what_nobody_has(&mut self, sent: &[Sent]) {
        for one in sent {
            let kept = self.seen.contains(&one.token);
            if one.id.is_some() {
                self.audit.figures.acknowledged += 1;
                self.audit.figures.recipients += one.wards.len() as u64;
                if !kept {
                    self.audit.figures.lost += one.wards.len() as u64;
                    self.audit
                        .breach(format!("{} was acknowledged and is nowhere", one.token));
                }
            } else if !kept {
                self.audit.figures.neither += 1;
            }
        }
        for token in self.far.copies.keys() {
            if !self.seen.contains(token) {
                self.audit
                    .breach(format!("{token} arrived and is not in the queue"));
            }
        }
    }
}

fn counters(audit: &mut Audit, rows: &Rows) -> Result {
    for (name, kept, counted) in rows.counters()? {
        if kept != counted {
            audit.breach(format!("{name}: {kept}, and by a count {counted}"));
        }
    }
    Ok(())
}

/// Each key stands for the message whose id its client was told.
fn keys(audit: &mut Audit, rows: &Rows, sent: &[Sent]) -> Result {
    let keys = rows.keys()?;
    audit.figures.keys = keys.len() as u64;
    for one in sent {
        let Some(told) = &one.id else { continue };
        if let Some(id) = keys.get(&one.token.to_string())
            && **id != **told
        {
            audit.breach(format!("the key {} stands for {id}, not {told}", one.token));
        }
    }
    Ok(())
}

/// Within a sequence every copy of a message lies before the first of the next.
fn order(audit: &mut Audit, far: &FarEnd, sent: &[Sent]) {
    let mut sequences: HashMap<u16, Vec<Token>> = HashMap::new();
    for one in sent
        .iter()
        .filter(|one| one.in_sequence && one.id.is_some())
    {
        sequences
            .entry(one.token.client)
            .or_default()
            .push(one.token);
    }
    audit.figures.sequences = sequences.len() as u64;
    for tokens in sequences.values_mut() {
        tokens.sort();
        let mut last: Option<(u64, Token)> = None;
        for token in tokens {
            let copies = far.of(*token);
            let (Some(first), Some(end)) = (copies.first(), copies.last()) else {
                continue;
            };
            if let Some((place, earlier)) = last
                && first.place < place
            {
                audit.breach(format!("{token} arrived before {earlier} had ended"));
            }
            last = Some((end.place, *token));
        }
    }
}

/// Compares the queue's own summary with a count of its rows.
pub(super) fn summary(audit: &mut Audit, store: &Path, said: &serde_json::Value) -> Result {
    let counted = Rows::open(store)?.states()?;
    for (state, count) in &counted {
        let told = said["recipients"][state].as_u64().unwrap_or(0);
        if told != *count {
            audit.breach(format!("the summary says {told} {state}, the rows {count}"));
        }
    }
    Ok(())
}
