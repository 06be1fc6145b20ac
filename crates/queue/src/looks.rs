//! Looking for what may have been sent, on a schedule that outlives us.
//!
//! ```text
//!   doubt ─ settle ─▶ look 1 ─ 2×settle ─▶ look 2 ─ 4×settle ─▶ … look n
//!                       │ found: relayed        can't be read: again, not counted;
//!                       │                       too long so: the class's policy
//!                       └ not found n times, and it is known that sent mail is
//!                         filed there: sent again; not known: the class's policy
//! ```
//!
//! The queue keeps the times and the tally. Who looks, and where, it does not
//! know; what a look came to is told with [`Queue::doubt_looked`].

use std::collections::HashMap;
use std::time::Duration;

use mailward_mail::{MessageId, Timestamp};
use mailward_store::{ReadTx, Tx, TxError};

use crate::attempt::Doubt;
use crate::doubt::settle;
use crate::error::QueueError;
use crate::ledger::change::Change;
use crate::ledger::doubts::{self, DoubtRow};
use crate::ledger::messages::Number;
use crate::ledger::{attempts, events, lanes, messages, recipients};
use crate::names::{Actor, Lane, RouteName};
use crate::overdue::DOUBT_REST_MAX;
use crate::queue::Queue;
use crate::state::{AttemptId, State};
use crate::timeline::TimelineEvent;

/// No pause between two looks is longer.
const PAUSE_MAX: Duration = Duration::from_secs(3600);
/// Sent messages that are tried as proof that sent mail is filed.
const CANARIES_MAX: usize = 3;
/// An older one may have been cleared away.
const CANARY_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// Attempts of a lane among which another of the same Message-ID is sought.
const ATTEMPTS_SEARCHED_MAX: usize = 5_000;
/// How long before the final dot another submission may have been.
const SAME_ID_WINDOW: Duration = Duration::from_secs(48 * 3600);

/// When a route's sent mail is looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LookTerms {
    /// From the doubt to the first look; every pause after it is twice as long
    /// as the one before.
    pub settle: Duration,
    /// Looks that must find nothing before that is believed.
    pub count: u32,
    /// How long a doubt may stay when nobody can look.
    pub patience: Duration,
}

/// The terms of every route whose sent mail can be looked into.
pub type LookTable = HashMap<RouteName, LookTerms>;

impl LookTerms {
    /// The pause before the look after `looks` of them.
    fn pause(&self, looks: u32) -> Duration {
        let factor = 1_u32.checked_shl(looks).unwrap_or(u32::MAX);
        self.settle.saturating_mul(factor).min(PAUSE_MAX)
    }
}

/// An attempt in doubt that is to be looked for now.
#[derive(Clone, Debug)]
pub struct DueDoubt {
    pub attempt: AttemptId,
    pub message: MessageId,
    pub lane: Lane,
    /// The Message-ID header field, as it stands.
    pub message_id: Option<String>,
    /// When the final dot was recorded.
    pub dot_at: Timestamp,
    /// Those in doubt by this attempt.
    pub recipients: Vec<u32>,
    /// Looks so far.
    pub looks: u32,
    /// Whether nothing is to be looked for after this look.
    pub is_last: bool,
    /// Every attempt of the message that came to its final dot, in order.
    pub submissions: Vec<Submission>,
    /// When it was found last that the lane's sent mail is filed, and what.
    pub proof: Option<(Timestamp, String)>,
    /// For the last look: messages that were surely sent a while ago.
    pub canaries: Vec<Canary>,
}

/// An attempt that came to its final dot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    pub attempt: AttemptId,
    pub dot_at: Timestamp,
    /// Those that the service had not refused before.
    pub recipients: Vec<u32>,
}

/// A message that the service surely took, and so should have filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canary {
    pub message: MessageId,
    pub message_id: String,
    pub sent_at: Timestamp,
}

/// What a look came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Looked {
    /// Recipients that were surely sent to, each with its evidence.
    pub found: Vec<(u32, String)>,
    /// What is known of the others.
    pub rest: Rest,
}

/// What is known of those that were not found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rest {
    /// The folder could be read, and nothing of theirs is there. At the last
    /// look `believed` says why that means that nothing was sent, or why not.
    Absent {
        words: String,
        believed: Result<String, String>,
    },
    /// Nobody could look; it may work later.
    Unreadable { why: String },
    /// Nobody will ever be able to tell.
    Unknowable { why: String },
}

/// What follows from a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterLook {
    /// Nothing is in doubt by this attempt any more.
    Settled,
    LookAgain(Timestamp),
}

impl Queue {
    /// Says on which routes sent mail can be looked into. To be called once,
    /// before [`Queue::recover`]; without it nobody looks.
    pub fn look_by(&self, table: LookTable) {
        self.set_look_table(table);
    }

    /// Whether doubts of this route are looked into.
    pub fn looks_into(&self, route: &RouteName) -> bool {
        self.look_table().contains_key(route)
    }

    /// Attempts in doubt that are to be looked for now.
    pub async fn doubts_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueDoubt>, QueueError> {
        let table = self.look_table();
        let due = self
            .read(move |tx| {
                doubts::due(tx, now, limit)?
                    .into_iter()
                    .map(|row| due_doubt(tx, &table, row, now))
                    .collect()
            })
            .await?;
        Ok(due)
    }

    /// The moment of the next look after `now`.
    pub async fn next_look_after(&self, now: Timestamp) -> Result<Option<Timestamp>, QueueError> {
        Ok(self.read(move |tx| doubts::next_after(tx, now)).await?)
    }

    /// Whether another message of the same Message-ID was sent on the lane
    /// lately, so that a copy without a mark of ours may be its.
    pub async fn has_namesake(&self, doubt: &DueDoubt) -> Result<bool, QueueError> {
        let Some(message_id) = doubt.message_id.clone() else {
            return Ok(false);
        };
        let (lane, message) = (doubt.lane.clone(), doubt.message);
        let since = doubt.dot_at.minus(SAME_ID_WINDOW);
        let found = self
            .read(move |tx| {
                let (lane, row) = (lanes::find(tx, &lane)?, messages::by_id(tx, message)?);
                let (Some(lane), Some(row)) = (lane, row) else {
                    return Ok(false);
                };
                let (limit, except) = (ATTEMPTS_SEARCHED_MAX, row.number);
                doubts::others_with_message_id(tx, lane, since, &message_id, except, limit)
            })
            .await?;
        Ok(found)
    }

    /// A message that was surely sent has been found where the lane's sent
    /// mail is looked for.
    pub async fn sent_mail_is_filed(&self, lane: &Lane, evidence: &str) -> Result<(), QueueError> {
        let (lane, evidence, now) = (lane.clone(), evidence.to_owned(), self.now());
        self.write(move |tx| {
            if let Some(lane) = lanes::find(tx, &lane)? {
                doubts::set_proof(tx, lane, now, &evidence)?;
            }
            Ok(Ok(()))
        })
        .await
    }

    /// Writes down what a look came to, and what follows from it.
    pub async fn doubt_looked(
        &self,
        attempt: AttemptId,
        looked: Looked,
        by: &Actor,
    ) -> Result<AfterLook, QueueError> {
        let (now, by, table) = (self.now(), by.clone(), self.look_table());
        let terms = self.terms();
        self.write_and_wake(move |tx| {
            let Some(row) = doubts::get(tx, attempt)? else {
                // A person was first.
                return Ok(Ok(AfterLook::Settled));
            };
            let route = lanes::get(tx, row.lane)?.route;
            let look_terms = table.get(&route).copied();
            let message = messages::by_number(tx, row.message)?;
            let doubtful = in_doubt_by(tx, row.message, attempt)?;
            let mut change = Change::new(tx, now, message);
            let mut rest = Vec::new();
            for mut recipient in doubtful {
                match looked.found.iter().find(|(n, _)| *n == recipient.n) {
                    None => rest.push(recipient),
                    Some((_, evidence)) => {
                        let evidence = evidence.clone();
                        let found = Doubt::FoundSent { evidence };
                        settle(&mut change, &mut recipient, &found, &by, now, terms)?;
                    }
                }
            }
            let step = match look_terms {
                Some(look_terms) => next_step(row, looked.rest, look_terms, now),
                None => Step::Settle(Doubt::Unknowable {
                    why: "the configuration does not say any more where sent mail is kept"
                        .to_owned(),
                }),
            };
            let after = match step {
                _ if rest.is_empty() => AfterLook::Settled,
                Step::Settle(doubt) => {
                    for recipient in &mut rest {
                        settle(&mut change, recipient, &doubt, &by, now, terms)?;
                    }
                    AfterLook::Settled
                }
                Step::Again { row, at, note } => {
                    doubts::update(change.tx(), &row)?;
                    if let Some(note) = note {
                        let only = match rest.as_slice() {
                            [one] => Some(one.n),
                            _ => None,
                        };
                        change.note(only, &note)?;
                    }
                    AfterLook::LookAgain(at)
                }
            };
            change.finish()?;
            Ok(Ok(after))
        })
        .await
    }
}

enum Step {
    Settle(Doubt),
    Again {
        row: DoubtRow,
        at: Timestamp,
        note: Option<TimelineEvent>,
    },
}

/// What becomes of those that a look did not find.
fn next_step(mut row: DoubtRow, rest: Rest, terms: LookTerms, now: Timestamp) -> Step {
    match rest {
        Rest::Unknowable { why } => Step::Settle(Doubt::Unknowable { why }),
        Rest::Unreadable { why } => {
            let at = now.plus(terms.pause(row.looks));
            let is_news = row.last_words.as_deref() != Some(why.as_str());
            let note = is_news.then(|| TimelineEvent::Looked {
                attempt: row.attempt,
                look: row.looks,
                words: why.clone(),
                next_at: at,
            });
            row.next_look_at = Some(at);
            row.last_words = Some(why);
            Step::Again { row, at, note }
        }
        Rest::Absent { words, believed } => {
            row.looks += 1;
            if row.looks >= terms.count {
                let looks = times(row.looks);
                return Step::Settle(match believed {
                    Ok(why) => Doubt::NotSent {
                        evidence: format!("looked {looks}, and {words}; {why}"),
                    },
                    Err(why) => Doubt::Unknowable {
                        why: format!("looked {looks}, and {words}; but {why}"),
                    },
                });
            }
            let at = now.plus(terms.pause(row.looks));
            let note = TimelineEvent::Looked {
                attempt: row.attempt,
                look: row.looks,
                words: words.clone(),
                next_at: at,
            };
            row.next_look_at = Some(at);
            row.give_up_at = at.plus(terms.patience);
            row.last_look_at = Some(now);
            row.last_words = Some(words);
            let note = Some(note);
            Step::Again { row, at, note }
        }
    }
}

pub(crate) fn times(count: u32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// Recipients are in doubt by this attempt from now on: the first look is put
/// on the schedule, or the end of the wait where nobody can look. True where
/// somebody will look.
pub(crate) fn arise(
    tx: &mut Tx<'_>,
    table: &LookTable,
    attempt: AttemptId,
    message: Number,
    now: Timestamp,
) -> Result<bool, TxError> {
    let Some(row) = attempts::get(tx, attempt)? else {
        return Ok(false);
    };
    let terms = table.get(&lanes::get(tx, row.lane)?.route).copied();
    let first = terms.map(|terms| now.plus(terms.settle));
    let patience = terms.map_or(DOUBT_REST_MAX, |terms| terms.patience);
    doubts::insert(
        tx,
        &DoubtRow {
            attempt,
            message,
            lane: row.lane,
            dot_at: row.final_dot_at.unwrap_or(row.started_at),
            looks: 0,
            next_look_at: first,
            give_up_at: first.unwrap_or(now).plus(patience),
            patience,
            last_look_at: None,
            last_words: None,
        },
    )?;
    Ok(first.is_some())
}

pub(crate) fn in_doubt_by(
    tx: &ReadTx<'_>,
    message: Number,
    attempt: AttemptId,
) -> Result<Vec<recipients::RecipientRow>, TxError> {
    let rows = recipients::of(tx, message)?.into_iter();
    Ok(rows
        .filter(|row| row.state == State::InDoubt { attempt })
        .collect())
}

fn due_doubt(
    tx: &ReadTx<'_>,
    table: &LookTable,
    row: DoubtRow,
    now: Timestamp,
) -> Result<DueDoubt, TxError> {
    let lane = lanes::get(tx, row.lane)?;
    let message = messages::by_number(tx, row.message)?;
    let terms = table.get(&lane.route);
    let is_last = terms.is_none_or(|terms| row.looks + 1 >= terms.count);
    let settle = terms.map_or(Duration::ZERO, |terms| terms.settle);
    let canaries = if is_last {
        let (since, until) = (now.minus(CANARY_AGE_MAX), now.minus(settle));
        doubts::surely_sent(tx, row.lane, since, until, CANARIES_MAX + 1)?
            .into_iter()
            .filter(|(id, _, _)| *id != message.id)
            .take(CANARIES_MAX)
            .map(|(message, message_id, sent_at)| Canary {
                message,
                message_id,
                sent_at,
            })
            .collect()
    } else {
        Vec::new()
    };
    let submissions = events::final_dots(tx, row.message)?;
    let doubtful = in_doubt_by(tx, row.message, row.attempt)?;
    Ok(DueDoubt {
        attempt: row.attempt,
        message: message.id,
        message_id: message.message_id,
        dot_at: row.dot_at,
        recipients: doubtful.iter().map(|one| one.n).collect(),
        looks: row.looks,
        is_last,
        submissions,
        proof: doubts::proof(tx, row.lane)?,
        canaries,
        lane,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_end() {
        let terms = LookTerms {
            settle: Duration::from_secs(30),
            count: 4,
            patience: Duration::ZERO,
        };
        for (looks, seconds) in [(0, 30), (1, 60), (3, 240), (7, 3600), (40, 3600)] {
            assert_eq!(terms.pause(looks).as_secs(), seconds, "{looks}");
        }
    }
}
