//! Limits that an account or a distribution list has beyond a lane's pace, and
//! that are kept at the moment of sending.
//!
//! ```text
//!   begin_attempt ─▶ for each recipient: has its list had a message lately?
//!                    has the account reached its recipients of a day?
//!        │ no: its share is taken, in the same write
//!        └ yes: it waits, due again when there is room
//! ```
//!
//! A message may go to a list and to people: each recipient goes as soon as it
//! may, the people at once and the list in its turn. A share is given back when
//! an attempt has surely sent nothing.

use std::collections::HashSet;
use std::time::Duration;

use mailward_mail::{Address, Timestamp};

use crate::names::RouteName;

/// What is counted and how much is let through. The published numbers live
/// with the policy and come in here as values.
#[derive(Clone, Debug, Default)]
pub struct Gates {
    /// Distribution lists that are known, by [`Address::key`].
    pub lists: HashSet<String>,
    /// Between two messages to one list; `None` lets all through.
    pub list_spacing: Option<Duration>,
    /// For one account in any 24 hours; `None` lets all through.
    pub recipients_per_day_max: Option<u64>,
    /// Routes that the day's limit does not hold for, and that do not count.
    pub routes_without_day: HashSet<RouteName>,
}

impl Gates {
    pub fn is_list(&self, address: &Address) -> bool {
        !self.lists.is_empty() && self.lists.contains(&address.key())
    }
}

/// The limit that a recipient waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The time between two messages to one distribution list.
    ListSpacing,
    /// The account's recipients in 24 hours.
    RecipientsPerDay,
}

impl Limit {
    pub const ALL: [Self; 2] = [Self::ListSpacing, Self::RecipientsPerDay];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ListSpacing => "list_spacing",
            Self::RecipientsPerDay => "recipients_per_day",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|limit| limit.as_str() == text)
    }
}

/// The window of the day's limit.
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Recipients are counted by this; they leave the window when the last moment
/// of their period does, so the limit is kept whenever the service counts.
pub(crate) const PERIOD: Duration = Duration::from_secs(5 * 60);

pub(crate) fn period_of(moment: Timestamp) -> i64 {
    moment.as_millis().div_euclid(PERIOD.as_millis() as i64)
}

/// The moment at which what was counted in `period` is out of the window.
pub(crate) fn leaves_at(period: i64) -> Timestamp {
    let end = (period + 1).saturating_mul(PERIOD.as_millis() as i64);
    Timestamp::from_millis(end).plus(DAY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_leaves_a_day_after_its_end() {
        let period = PERIOD.as_millis() as i64;
        for millis in [0, 1, period - 1, 1_790_000_000_000] {
            let at = Timestamp::from_millis(millis);
            let leaves = leaves_at(period_of(at));
            assert!(leaves > at.plus(DAY), "{millis}");
            assert!(leaves <= at.plus(DAY).plus(PERIOD), "{millis}");
        }
    }

    #[test]
    fn limits_read_back() {
        for limit in Limit::ALL {
            assert_eq!(Limit::parse(limit.as_str()), Some(limit));
        }
        assert_eq!(Limit::parse("pace"), None);
    }
}
