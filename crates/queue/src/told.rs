//! What is told once, and how often an account used up a limit: both kept, so
//! that a restart neither tells again nor forgets.

use std::time::Duration;

use mailward_mail::Timestamp;

use crate::error::QueueError;
use crate::ledger::told;
use crate::names::AccountName;
use crate::queue::Queue;

const HOUR_MILLIS: i64 = 3_600_000;
const HOURS_OF_DAY: i64 = 24;

/// Hits are kept for so long.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// A limit of a mailbox that can be used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UsedUp {
    /// Messages of a minute; counted once a minute.
    Minute,
    /// Recipients of 24 hours, or the service's word that they are used up.
    Day,
}

impl UsedUp {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Minute => "minute",
            Self::Day => "day",
        }
    }
}

/// How often an account used its limits up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct LimitHits {
    /// Minutes of this hour and the one before.
    pub minutes_of_two_hours: u64,
    /// Minutes of the last 24 hours.
    pub minutes_of_day: u64,
    /// Days of the last seven with a day's limit used up.
    pub days_of_week: u64,
}

impl Queue {
    /// Whether this is told for the first time. Durable when it returns.
    pub async fn tell_once(&self, what: &str) -> Result<bool, QueueError> {
        let key = what.to_owned();
        if self.read(move |tx| told::is_told(tx, &key)).await? {
            return Ok(false);
        }
        let (what, now) = (what.to_owned(), self.now());
        self.write(move |tx| told::tell(tx, &what, now).map(Ok))
            .await
    }

    /// Counts a minute in which the account had nothing left of a limit.
    pub async fn count_used_up(
        &self,
        account: &AccountName,
        limit: UsedUp,
    ) -> Result<(), QueueError> {
        let (account, now) = (account.clone(), self.now());
        let oldest = hour_of(now.minus(KEPT));
        self.write(move |tx| {
            told::add_hit(tx, &account, limit.as_str(), hour_of(now))?;
            told::forget_hits(tx, &account, oldest).map(Ok)
        })
        .await
    }

    /// How often the account used up its limits of late.
    pub async fn limit_hits(&self, account: &AccountName) -> Result<LimitHits, QueueError> {
        let (account, now) = (account.clone(), hour_of(self.now()));
        let oldest = hour_of(self.now().minus(KEPT));
        let rows = self
            .read(move |tx| told::hits(tx, &account, oldest))
            .await?;
        let mut found = LimitHits::default();
        let mut days = Vec::new();
        for (what, hour, hits) in rows {
            let age = now - hour;
            if what == UsedUp::Day.as_str() {
                days.push(age.div_euclid(HOURS_OF_DAY));
                continue;
            }
            if age < HOURS_OF_DAY {
                found.minutes_of_day += hits;
            }
            if age < 2 {
                found.minutes_of_two_hours += hits;
            }
        }
        days.dedup();
        found.days_of_week = days.len() as u64;
        Ok(found)
    }
}

fn hour_of(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(HOUR_MILLIS)
}
