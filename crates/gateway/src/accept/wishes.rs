//! What a submission asks of the queue: how much it hurries, from when on and
//! until when.
//!
//! | asked by | hurry | from | until |
//! | --- | --- | --- | --- |
//! | JSON, query | `message_class`, `priority` | `send_at` | `deadline_at` |
//! | header | X-Priority, Importance, Priority, where the register says so | | |
//!
//! What is asked in the request goes before the header.

use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_mail::header::Header;
use mailward_queue::{MessageClass, Priority};

use crate::config::{Application, Limits};

/// No deadline lies further from the moment of sending than this: after a
/// month nobody waits for a message.
pub(crate) const DEADLINE_MAX: Duration = Duration::from_secs(31 * 24 * 3600);

/// All of it; `None` is the application's or the class's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub(crate) message_class: Option<MessageClass>,
    pub(crate) priority: Option<Priority>,
    pub(crate) send_at: Option<Timestamp>,
    pub(crate) deadline_at: Option<Timestamp>,
    pub(crate) sequence_key: Option<String>,
}

/// A wish that is not granted: the field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfit {
    pub(crate) field: &'static str,
    pub(crate) text: String,
}

/// How far ahead mail may be scheduled.
pub(crate) fn schedule_max(limits: &Limits) -> Duration {
    Duration::from_secs(24 * 3600 * u64::from(limits.scheduled_days_max))
}

impl Wishes {
    /// Whether it can be granted.
    pub(crate) fn check(&self, now: Timestamp, limits: &Limits) -> Result<(), Unfit> {
        let latest = now.plus(schedule_max(limits));
        if self.send_at.is_some_and(|moment| moment > latest) {
            let text = format!(
                "Mail is kept for sending until {latest} at most, {} days from now",
                limits.scheduled_days_max
            );
            return Err(Unfit {
                field: "send_at",
                text,
            });
        }
        let start = self.start(now);
        let last = start.plus(DEADLINE_MAX);
        if let Some(moment) = self.deadline_at {
            if moment <= start || moment > last {
                let text = format!(
                    "A deadline lies after {start}, when it may be sent, and not after {last}"
                );
                return Err(Unfit {
                    field: "deadline_at",
                    text,
                });
            }
        }
        Ok(())
    }

    fn start(&self, now: Timestamp) -> Timestamp {
        self.send_at.map_or(now, |moment| moment.max(now))
    }

    /// The class and the deadline of an application's message; `asked` is what
    /// its header asks, where that counts.
    pub(crate) fn settle(
        &self,
        application: &Application,
        asked: Option<MessageClass>,
        now: Timestamp,
    ) -> (MessageClass, Option<Timestamp>) {
        let class = self.message_class.or(asked).unwrap_or_default();
        let own = application.deadline_minutes.of(class);
        let own = own.map(|minutes| self.start(now).plus(Duration::from_secs(60 * minutes)));
        (class, self.deadline_at.or(own))
    }
}

/// What the header fields of legacy programs ask, the first that says
/// anything: X-Priority (1 highest to 5), Importance and Priority (RFC 2156).
pub(crate) fn class_of_header(section: &[u8]) -> Option<MessageClass> {
    let header = Header::parse(section);
    let word = |name: &str| {
        let text = header.first(name)?.value().trim().to_ascii_lowercase();
        let end = text.find(|char: char| !char.is_ascii_alphanumeric() && char != '-');
        Some(text[..end.unwrap_or(text.len())].to_owned())
    };
    let x_priority = word("X-Priority").and_then(|word| match word.as_str() {
        "1" | "2" => Some(MessageClass::Urgent),
        "3" => Some(MessageClass::Routine),
        "4" | "5" => Some(MessageClass::Bulk),
        _ => None,
    });
    let importance = || {
        word("Importance").and_then(|word| match word.as_str() {
            "high" => Some(MessageClass::Urgent),
            "normal" => Some(MessageClass::Routine),
            "low" => Some(MessageClass::Bulk),
            _ => None,
        })
    };
    let priority = || {
        word("Priority").and_then(|word| match word.as_str() {
            "urgent" => Some(MessageClass::Urgent),
            "normal" => Some(MessageClass::Routine),
            "non-urgent" => Some(MessageClass::Bulk),
            _ => None,
        })
    };
    x_priority.or_else(importance).or_else(priority)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    #[test]
    fn what_lies_too_far_or_behind_is_refused_by_its_field() {
        let limits = Limits::default();
        let at = |days: u32| Some(NOW.plus(days * DAY));
        for (send_at, deadline_at, refused) in [
            (None, None, None),
            (at(31), None, None),
            (at(32), None, Some("send_at")),
            (None, at(31), None),
            (None, at(32), Some("deadline_at")),
            (at(5), at(36), None),
            (at(5), at(5), Some("deadline_at")),
            (None, at(0), Some("deadline_at")),
        ] {
            let wishes = Wishes {
                send_at,
                deadline_at,
                ..Wishes::default()
            };
            let unfit = wishes.check(NOW, &limits).err();
            assert_eq!(unfit.map(|unfit| unfit.field), refused, "{wishes:?}");
        }
    }

    #[test]
    fn legacy_fields_name_a_class() {
        for (section, class) in [
            ("X-Priority: 1 (Highest)\r\n", Some(MessageClass::Urgent)),
            (
                "X-Priority: 5\r\nImportance: high\r\n",
                Some(MessageClass::Bulk),
            ),
            (
                "x-priority: 9\r\nimportance: High\r\n",
                Some(MessageClass::Urgent),
            ),
            ("Importance: low\r\n", Some(MessageClass::Bulk)),
            ("Priority: non-urgent\r\n", Some(MessageClass::Bulk)),
            ("Priority: urgent\r\n", Some(MessageClass::Urgent)),
            ("Importance: normal\r\n", Some(MessageClass::Routine)),
            ("Priority: soon\r\nSubject: urgent\r\n", None),
        ] {
            assert_eq!(class_of_header(section.as_bytes()), class, "{section}");
        }
    }
}
