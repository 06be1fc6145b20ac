//! When to try again, and when to stop. Pure: now and chance are arguments.

use std::time::Duration;

use mailward_mail::Timestamp;

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

const fn hours(count: u64) -> Duration {
    minutes(60 * count)
}

/// How long to wait after the first, second … failed attempt; after the last
/// entry, always that one. It starts fast because the service's busy replies
/// (432, 421) clear within minutes, and ends at an hour because an outage that
/// has lasted that long is not shortened by asking more often. RFC 5321
/// section 4.5.4.1 asks for 30 minutes at least between later attempts.
pub const BACK_OFF: [Duration; 7] = [
    minutes(1),
    minutes(2),
    minutes(5),
    minutes(10),
    minutes(20),
    minutes(30),
    minutes(60),
];

/// Waits are stretched or cut by up to this share, so that mail deferred by
/// one outage does not come back in one wave.
pub const JITTER_PERCENT: u32 = 20;

/// Chance as a number: 0 cuts a wait by [`JITTER_PERCENT`], `u32::MAX`
/// stretches it by as much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jitter(pub u32);

impl Jitter {
    pub fn from_dice(dice: &dyn mailward_mail::Dice) -> Self {
        Self((dice.next_u64() >> 32) as u32)
    }
}

/// The moment of the next attempt after `attempts` failed ones (1 or more).
pub fn next_attempt_at(attempts: u32, now: Timestamp, jitter: Jitter) -> Timestamp {
    let place = (attempts.max(1) as usize - 1).min(BACK_OFF.len() - 1);
    now.plus(stretch(BACK_OFF[place], jitter))
}

fn stretch(wait: Duration, jitter: Jitter) -> Duration {
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    let least = millis - millis * u64::from(JITTER_PERCENT) / 100;
    let spread = 2 * (millis - least);
    let share = (u128::from(spread) * u128::from(jitter.0)) / u128::from(u32::MAX);
    Duration::from_millis(least + u64::try_from(share).unwrap_or(spread))
}

/// The share of a message's time that is left when its deadline is warned of.
pub const WARN_LEFT_PERCENT: u32 = 25;

/// When to warn of a deadline: late enough that most have long gone, early
/// enough that a person can still do something.
pub fn warn_at(start: Timestamp, deadline: Timestamp) -> Timestamp {
    let left = deadline.since(start) * WARN_LEFT_PERCENT / 100;
    deadline.minus(left)
}

/// How much a message hurries: decides how long it may wait.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum MessageClass {
    /// Somebody waits for it: an alert, a laboratory result.
    Urgent,
    #[default]
    Routine,
    /// Newsletters, nightly reports.
    Bulk,
}

impl MessageClass {
    pub const ALL: [Self; 3] = [Self::Urgent, Self::Routine, Self::Bulk];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Urgent => "urgent",
            Self::Routine => "routine",
            Self::Bulk => "bulk",
        }
    }
}

impl std::str::FromStr for MessageClass {
    type Err = UnknownMessageClass;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| UnknownMessageClass(text.to_owned()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no message class; the classes are urgent, routine and bulk")]
pub struct UnknownMessageClass(String);

/// What to do with a message that may have been sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DoubtPolicy {
    /// A person decides. The default: a doubled clinical letter does harm too.
    #[default]
    Hold,
    /// Send again at once: a second copy does less harm than none.
    Retry,
}

/// What one message class is promised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClassTerms {
    /// From acceptance until a recipient that still waits is expired and the
    /// sender told.
    pub deadline: Duration,
    pub in_doubt: DoubtPolicy,
}

/// The terms of every class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    pub urgent: ClassTerms,
    pub routine: ClassTerms,
    pub bulk: ClassTerms,
}

impl Terms {
    pub fn of(&self, class: MessageClass) -> ClassTerms {
        match class {
            MessageClass::Urgent => self.urgent,
            MessageClass::Routine => self.routine,
            MessageClass::Bulk => self.bulk,
        }
    }
}

impl Default for Terms {
    /// Urgent: 4 hours, within which a person can still telephone. Routine: 48
    /// hours, which outlasts a weekend's night but not the weekend. Bulk: 5
    /// days, the upper end of what RFC 5321 section 4.5.4.1 suggests.
    fn default() -> Self {
        let terms = |deadline| ClassTerms {
            deadline,
            in_doubt: DoubtPolicy::Hold,
        };
        Self {
            urgent: terms(hours(4)),
            routine: terms(hours(48)),
            bulk: terms(hours(5 * 24)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    #[test]
    fn waits_follow_the_table_within_the_jitter() {
        for (attempts, seconds) in [
            (0, 60),
            (1, 60),
            (2, 120),
            (3, 300),
            (4, 600),
            (5, 1200),
            (6, 1800),
            (7, 3600),
            (8, 3600),
            (u32::MAX, 3600),
        ] {
            let wait = |jitter| {
                next_attempt_at(attempts, NOW, Jitter(jitter))
                    .since(NOW)
                    .as_millis()
            };
            let whole = seconds * 1000;
            assert_eq!(wait(0), whole * 8 / 10, "{attempts} attempts, least");
            assert_eq!(wait(u32::MAX), whole * 12 / 10, "{attempts} attempts, most");
            assert!(
                wait(u32::MAX / 2).abs_diff(whole) <= 1,
                "{attempts} attempts, middle"
            );
        }
    }

    #[test]
    fn more_chance_never_waits_less() {
        let mut last = NOW;
        for step in 0..=1000 {
            let moment = next_attempt_at(3, NOW, Jitter((u32::MAX / 1000).saturating_mul(step)));
            assert!(moment >= last);
            last = moment;
        }
    }

    #[test]
    fn a_deadline_is_warned_of_with_a_quarter_left() {
        let hour = NOW.plus(hours(1));
        assert_eq!(warn_at(NOW, hour), NOW.plus(minutes(45)));
        assert_eq!(warn_at(hour, NOW), NOW, "past already");
    }

    #[test]
    fn the_more_urgent_the_sooner_the_deadline() {
        let terms = Terms::default();
        assert!(terms.urgent.deadline < terms.routine.deadline);
        assert!(terms.routine.deadline < terms.bulk.deadline);
        for class in MessageClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            assert_eq!(terms.of(class).in_doubt, DoubtPolicy::Hold);
        }
    }
}
