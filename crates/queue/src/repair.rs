//! What a queue makes anew when its store is repaired: counts that follow from
//! rows, and the hold of messages whose text is lost.

use std::collections::{BTreeMap, HashSet};

use mailward_mail::Timestamp;
use mailward_store::{BodyRef, Owner, ReadTx, Tx, TxError};

use crate::ledger::change::{Change, must};
use crate::ledger::messages::{self, Number};
use crate::ledger::recipients;
use crate::names::Actor;
use crate::state::{Event, HoldReason, State};
use crate::timeline::TimelineEvent;

/// Messages looked up at a time.
const PAGE_MESSAGES: usize = 1_000;

/// For [`mailward_store::repair`] of a store with the queue's tables.
#[derive(Clone, Copy, Debug)]
pub struct Mender {
    /// When what is done is written down to have happened.
    pub now: Timestamp,
}

impl Owner for Mender {
    fn mend(&mut self, tx: &mut Tx<'_>, lost: &[BodyRef]) -> Result<Vec<String>, TxError> {
        let mut acts = Vec::new();
        acts.extend(count_states(tx)?);
        acts.extend(count_lanes(tx)?);
        acts.extend(hold(tx, self.now, lost)?);
        Ok(acts)
    }
}

const COUNT_STATES: &str = "SELECT messages.message_class, recipients.state, count(*) \
    FROM recipients JOIN messages ON messages.number = recipients.message GROUP BY 1, 2";

fn count_states(tx: &mut Tx<'_>) -> Result<Option<String>, TxError> {
    let counts = |tx: &Tx<'_>, sql| -> Result<BTreeMap<(String, String), i64>, TxError> {
        let rows = tx.query(sql, &[], |row| {
            Ok(((row.get(0)?, row.get(1)?), row.get(2)?))
        })?;
        Ok(rows.into_iter().collect())
    };
    let there = counts(
        tx,
        "SELECT message_class, state, recipients FROM tallies WHERE recipients <> 0",
    )?;
    if there == counts(tx, COUNT_STATES)? {
        return Ok(None);
    }
    tx.execute("DELETE FROM tallies", &[])?;
    tx.execute(&format!("INSERT INTO tallies {COUNT_STATES}"), &[])?;
    Ok(Some(
        "the number of recipients in each state was counted anew".to_owned(),
    ))
}

fn count_lanes(tx: &mut Tx<'_>) -> Result<Option<String>, TxError> {
    let counted: BTreeMap<i64, i64> = tx
        .query(
            "SELECT lane, count(*) FROM recipients \
             WHERE state IN ('incoming', 'deferred', 'hold') GROUP BY lane",
            &[],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .into_iter()
        .collect();
    let lanes: Vec<(i64, i64)> = tx.query("SELECT number, waiting FROM lanes", &[], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })?;
    let mut wrong = 0;
    for (lane, waiting) in lanes {
        let right = counted.get(&lane).copied().unwrap_or(0);
        if waiting != right {
            wrong += 1;
            tx.execute(
                "UPDATE lanes SET waiting = ?2 WHERE number = ?1",
                &[lane.into(), right.into()],
            )?;
        }
    }
    Ok((wrong > 0).then(|| format!("what waits was counted anew for {wrong} lanes")))
}

/// Holds what waits of the messages whose text is lost. What an attempt had in
/// hand is held once that is settled and the text is found missing.
fn hold(tx: &mut Tx<'_>, now: Timestamp, lost: &[BodyRef]) -> Result<Vec<String>, TxError> {
    let mut acts = Vec::new();
    if lost.is_empty() {
        return Ok(acts);
    }
    let lost: HashSet<BodyRef> = lost.iter().copied().collect();
    let mut after = 0;
    loop {
        let page = bodies_after(tx, after)?;
        let Some((last, _)) = page.last() else {
            return Ok(acts);
        };
        after = *last;
        for (number, _) in page.iter().filter(|(_, body)| lost.contains(body)) {
            acts.push(hold_one(tx, now, *number)?);
        }
    }
}

fn bodies_after(tx: &ReadTx<'_>, after: Number) -> Result<Vec<(Number, BodyRef)>, TxError> {
    tx.query(
        "SELECT number, body FROM messages WHERE number > ?1 AND body IS NOT NULL \
         ORDER BY number LIMIT ?2",
        &[after.into(), PAGE_MESSAGES.into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

fn hold_one(tx: &mut Tx<'_>, now: Timestamp, number: Number) -> Result<String, TxError> {
    let message = messages::by_number(tx, number)?;
    let id = message.id;
    let rows = recipients::of(tx, number)?;
    let reason = HoldReason::Damaged;
    let note = TimelineEvent::Held {
        reason,
        by: Actor::new("repair"),
        why: "its text on the disk is damaged".to_owned(),
    };
    let mut change = Change::new(tx, now, message);
    let mut held = 0;
    for mut row in rows {
        if matches!(row.state, State::Incoming | State::Deferred { .. }) {
            must(change.shift(&mut row, Event::Held { reason }, Some(&note))?)?;
            held += 1;
        }
    }
    if held == 0 {
        let what = "its text on the disk is damaged and was set aside".to_owned();
        change.note(None, &TimelineEvent::Mended { what })?;
    }
    change.finish()?;
    Ok(format!(
        "message {id}: its text is lost; recipients held for a person: {held}"
    ))
}
