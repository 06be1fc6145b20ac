//! Whether an account sends more than its mailbox may, often enough to belong
//! to the high sending service (GUIDE-81, DHC-7). Pure.

use mailward_policy::limits::{MESSAGES_PER_MINUTE, RECIPIENTS_PER_DAY};
use mailward_queue::{LimitHits, RouteName};

/// Minutes of 24 hours with the minute's limit used up, from which on the
/// owner is advised.
const MINUTES_LEAST: u64 = 15;

/// Days of a week with the day's limit used up, from which on they are.
const DAYS_LEAST: u64 = 2;

/// Minutes of the last hour or two, from which on mail is moved.
const MINUTES_BEFORE_MOVE: u64 = 10;

/// What the advice rests on.
#[derive(Clone, Copy, Debug, Default)]
pub struct AdviceFacts<'a> {
    pub hits: LimitHits,
    /// The day's limit is used up now, by our count or the service's word.
    pub is_day_used_up: bool,
    /// The service said so itself: others send from the mailbox too, or it
    /// counts otherwise.
    pub is_said_by_service: bool,
    /// The route that the register names for this.
    pub high_sending: Option<&'a RouteName>,
}

impl AdviceFacts<'_> {
    /// What is wrong, in a clause; nothing while the account is within what
    /// it may send, but for a peak now and then.
    pub fn finding(&self) -> Option<String> {
        let LimitHits {
            minutes_of_day,
            days_of_week,
            ..
        } = self.hits;
        let (minute, day) = (MESSAGES_PER_MINUTE.figure, RECIPIENTS_PER_DAY.figure);
        let minutes = (minutes_of_day >= MINUTES_LEAST).then(|| {
            format!(
                "used up its {minute} messages a minute in {minutes_of_day} minutes of the last 24 hours"
            )
        });
        let days = (days_of_week >= DAYS_LEAST).then(|| {
            format!("used up its {day} recipients of a day on {days_of_week} of the last 7 days")
        });
        let said = (days.is_none() && self.is_said_by_service).then(|| {
            format!("was told by the service that its {day} recipients of a day are used up")
        });
        let found: Vec<String> = minutes.into_iter().chain(days).chain(said).collect();
        (!found.is_empty()).then(|| found.join(" and "))
    }

    /// Why its mail takes high sending now, where it may.
    pub fn moves(&self) -> Option<String> {
        self.high_sending?;
        if self.is_day_used_up {
            return Some(format!(
                "used up its {} recipients of a day",
                RECIPIENTS_PER_DAY.figure
            ));
        }
        let minutes = self.hits.minutes_of_two_hours;
        (minutes >= MINUTES_BEFORE_MOVE).then(|| {
            format!(
                "used up its {} messages a minute in {minutes} minutes of the last two hours",
                MESSAGES_PER_MINUTE.figure
            )
        })
    }

    /// For the owner: the figures, and what to do.
    pub fn text(&self, account: &str) -> Option<String> {
        let finding = self.finding()?;
        Some(match self.high_sending {
            Some(route) => format!(
                "{account} {finding}. Its mail goes by {route} while that lasts, as the register \
                 has it (GUIDE-81, DHC-7)."
            ),
            None => format!(
                "{account} {finding}; what is too much waits. The service offers high sending to \
                 such applications (GUIDE-81, DHC-7): have the Local Administrator ask for it, add \
                 a [[route]] of kind \"high_sending\", then `mailward register change NAME --set \
                 high_sending_route=ROUTE`. Or send less at a time."
            ),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_comes_with_habit_and_the_move_with_need() {
        let route = RouteName::new("bulk");
        // Minutes of two hours, of a day, days of a week, day used up, registered.
        for (hour, day, days, used_up, registered, advised, moved) in [
            (0, 0, 0, false, true, false, false),
            (9, 14, 1, false, true, false, false),
            (10, 14, 1, false, true, false, true),
            (10, 15, 1, false, false, true, false),
            (0, 15, 0, false, true, true, false),
            (0, 0, 2, false, true, true, false),
            (0, 0, 1, true, true, false, true),
            (0, 0, 1, true, false, false, false),
        ] {
            let facts = AdviceFacts {
                hits: LimitHits {
                    minutes_of_two_hours: hour,
                    minutes_of_day: day,
                    days_of_week: days,
                },
                is_day_used_up: used_up,
                is_said_by_service: false,
                high_sending: registered.then_some(&route),
            };
            assert_eq!(facts.finding().is_some(), advised, "{facts:?}");
            assert_eq!(facts.moves().is_some(), moved, "{facts:?}");
            if let Some(text) = facts.text("letters@northmoor.example") {
                let remedy = if registered {
                    "goes by bulk"
                } else {
                    "Local Administrator"
                };
                assert!(text.contains(remedy), "{text}");
            }
        }
        let said = AdviceFacts {
            is_day_used_up: true,
            is_said_by_service: true,
            ..AdviceFacts::default()
        };
        let text = said.text("letters@northmoor.example").expect("advice");
        assert!(text.contains("was told by the service"), "{text}");
    }
}
