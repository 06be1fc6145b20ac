//! How much an account has sent of late, for those who advise before sending.
//! What is kept at sending ([`Gates`](crate::Gates)) is counted apart, in the
//! same write as the attempt.
//!
//! Asked for every message, so it is answered from memory: the store is read
//! for an account's first question and then once in [`READ_AGAIN_AFTER`]; what
//! is accepted in between is added.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use mailward_mail::{Address, Timestamp};

use crate::error::QueueError;
use crate::ledger::{list_turns, messages, shares};
use crate::names::{AccountName, RouteName};
use crate::queue::Queue;

/// How old a figure of the day may be; until then only what comes is added.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(30);

const MINUTE: Duration = Duration::from_secs(60);

/// The most messages of the last minute that a restart reads.
const RESTORED_MAX: usize = 10_000;

/// What an account has had.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Messages accepted for it in the last minute.
    pub messages_last_minute: u64,
    /// Recipients sent to in the last 24 hours, or accepted and waiting.
    pub recipients_last_day: u64,
}

/// How an account stands with its recipients of 24 hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DayUse {
    pub most: u64,
    pub sent: u64,
    /// When there is room for one more, while there is none.
    pub free_at: Option<Timestamp>,
}

/// A distribution list and those who wait for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListTurns {
    /// Its address, lower case.
    pub list: String,
    /// When the last message to it was begun.
    pub last_at: Timestamp,
    /// When the next may go, while it may not.
    pub free_at: Option<Timestamp>,
    /// Counted up to [`WAITING_COUNTED_MAX`].
    pub waiting: u64,
}

/// Lists that [`Queue::list_turns`] shows, and those it counts for each.
const LISTS_SHOWN_MAX: usize = 100;
pub const WAITING_COUNTED_MAX: usize = 10_000;

/// The accounts asked about; a register has few.
#[derive(Debug, Default)]
pub(crate) struct Usages(HashMap<AccountName, Account>);

#[derive(Debug)]
struct Account {
    /// By second; the last minute's.
    seconds: VecDeque<(i64, u64)>,
    recipients: u64,
    read_at: Timestamp,
}

impl Usages {
    fn fresh(&mut self, account: &AccountName, now: Timestamp) -> Option<Usage> {
        let known = self.0.get_mut(account)?;
        known.forget_before(now);
        let age = now.as_millis().abs_diff(known.read_at.as_millis());
        let fresh = u128::from(age) <= READ_AGAIN_AFTER.as_millis();
        fresh.then(|| known.usage())
    }

    fn learn(
        &mut self,
        account: &AccountName,
        recipients: u64,
        minute: Vec<Timestamp>,
        now: Timestamp,
    ) -> Usage {
        let known = self.0.entry(account.clone()).or_insert_with(|| {
            let mut seconds = VecDeque::new();
            for at in minute.into_iter().rev() {
                push(&mut seconds, at);
            }
            Account {
                seconds,
                recipients,
                read_at: now,
            }
        });
        known.recipients = recipients;
        known.read_at = now;
        known.forget_before(now);
        known.usage()
    }

    /// Counts a message just accepted.
    pub(crate) fn add(&mut self, account: &AccountName, recipients: usize, now: Timestamp) {
        if let Some(known) = self.0.get_mut(account) {
            push(&mut known.seconds, now);
            known.recipients += recipients as u64;
        }
    }
}

fn push(seconds: &mut VecDeque<(i64, u64)>, at: Timestamp) {
    let second = at.as_millis().div_euclid(1000);
    match seconds.back_mut() {
        Some((last, count)) if *last >= second => *count += 1,
        _ => seconds.push_back((second, 1)),
    }
}

impl Account {
    fn forget_before(&mut self, now: Timestamp) {
        let first = now.minus(MINUTE).as_millis().div_euclid(1000);
        while self
            .seconds
            .front()
            .is_some_and(|(second, _)| *second < first)
        {
            self.seconds.pop_front();
        }
    }

    fn usage(&self) -> Usage {
        Usage {
            messages_last_minute: self.seconds.iter().map(|(_, count)| count).sum(),
            recipients_last_day: self.recipients,
        }
    }
}

impl Queue {
    /// What the account has had up to now.
    pub async fn usage(&self, account: &AccountName) -> Result<Usage, QueueError> {
        let now = self.now();
        if let Some(usage) = self.usages().fresh(account, now) {
            return Ok(usage);
        }
        let name = account.clone();
        let (recipients, minute) = self
            .read(move |tx| {
                let sent = shares::sent_in_last_day(tx, &name, now)?;
                let waiting = shares::waiting_of(tx, &name)?;
                let minute = messages::accepted_since(tx, &name, now.minus(MINUTE), RESTORED_MAX)?;
                Ok((sent + waiting, minute))
            })
            .await?;
        Ok(self.usages().learn(account, recipients, minute, now))
    }

    /// How much of the day's recipients the account has had by `route`; nothing
    /// where no such limit is kept.
    pub async fn day_of(
        &self,
        account: &AccountName,
        route: &RouteName,
    ) -> Result<Option<DayUse>, QueueError> {
        let (gates, now, account) = (self.gates(), self.now(), account.clone());
        let Some(most) = gates.recipients_per_day_max else {
            return Ok(None);
        };
        if gates.routes_without_day.contains(route) {
            return Ok(None);
        }
        let found = self
            .read(move |tx| {
                let sent = shares::sent_in_last_day(tx, &account, now)?;
                let free_at = match sent >= most {
                    true => Some(shares::room_at(tx, &account, now, most, 0, 1)?),
                    false => None,
                };
                Ok(DayUse {
                    most,
                    sent,
                    free_at,
                })
            })
            .await?;
        Ok(Some(found))
    }

    /// How each distribution list stands that had a message, the latest first.
    pub async fn list_turns(&self) -> Result<Vec<ListTurns>, QueueError> {
        let (gates, now) = (self.gates(), self.now());
        let Some(spacing) = gates.list_spacing else {
            return Ok(Vec::new());
        };
        let found = self
            .read(move |tx| {
                let mut found = Vec::new();
                for (list, last_at) in list_turns::latest(tx, LISTS_SHOWN_MAX)? {
                    let free_at = last_at.min(now).plus(spacing);
                    let ever = Timestamp::from_millis(i64::MAX);
                    found.push(ListTurns {
                        waiting: list_turns::count_before(tx, &list, ever, WAITING_COUNTED_MAX)?,
                        list,
                        last_at,
                        free_at: Some(free_at).filter(|free_at| *free_at > now),
                    });
                }
                Ok(found)
            })
            .await?;
        Ok(found)
    }

    /// When a message to each of these lists was last begun, where one was.
    pub async fn last_to_lists(
        &self,
        lists: Vec<Address>,
    ) -> Result<Vec<(Address, Timestamp)>, QueueError> {
        let found = self
            .read(move |tx| {
                let mut found = Vec::new();
                for list in lists {
                    if let Some(at) = shares::last_to(tx, &list.key())? {
                        found.push((list, at));
                    }
                }
                Ok(found)
            })
            .await?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(1_790_000_000_000 + seconds * 1000)
    }

    #[test]
    fn a_minute_slides_and_a_day_is_read_again() {
        let account = AccountName::new("rota@northmoor.example");
        let mut usages = Usages::default();
        usages.add(&account, 3, at(0));
        assert_eq!(usages.fresh(&account, at(0)), None, "nothing was read yet");
        let usage = usages.learn(&account, 40, vec![at(-2), at(-10), at(-59)], at(0));
        assert_eq!(
            (usage.messages_last_minute, usage.recipients_last_day),
            (3, 40)
        );
        usages.add(&account, 5, at(10));
        let usage = usages.fresh(&account, at(10)).expect("fresh");
        assert_eq!(
            (usage.messages_last_minute, usage.recipients_last_day),
            (3, 45)
        );
        assert_eq!(usages.fresh(&account, at(31)), None, "too old");
        let usage = usages.learn(&account, 44, vec![at(9)], at(71));
        assert_eq!(
            (usage.messages_last_minute, usage.recipients_last_day),
            (0, 44)
        );
    }
}
