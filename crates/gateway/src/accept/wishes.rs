//! What a submission asks of the queue: how much it hurries, from when on and
//! until when.
//!
//! | asked by | hurry | from | until |
//! | --- | --- | --- | --- |
//! | JSON, query | `message_class`, `priority` | `send_at` | `deadline_at` |
//! | MAIL | MT-PRIORITY= (RFC 6710) | HOLDFOR=, HOLDUNTIL= (RFC 4865) | BY= (RFC 2852) |
//! | header | X-Priority, Importance, Priority, where the register says so | | |
//!
//! What is asked in the envelope or the request goes before the header.

use std::time::Duration;

use mailward_mail::header::Header;
use mailward_mail::{Reply, Timestamp};
use mailward_queue::{DeliverBy, MessageClass, Priority};
use mailward_wire::smtp::{ByMode, MailFrom, Release};

use crate::config::{Application, Limits};

/// No deadline lies further from the moment of sending than this: after a
/// month nobody waits for a message.
pub(crate) const DEADLINE_MAX: Duration = Duration::from_secs(31 * 24 * 3600);

/// The shortest time of BY= with R: deadlines are looked at once a minute.
pub(crate) const BY_RETURN_MIN: Duration = Duration::from_secs(60);

/// All of it; `None` is the application's or the class's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    pub(crate) message_class: Option<MessageClass>,
    pub(crate) priority: Option<Priority>,
    pub(crate) send_at: Option<Timestamp>,
    pub(crate) deadline_at: Option<Timestamp>,
    /// BY=. With R its moment is `deadline_at` too.
    pub(crate) deliver_by: Option<DeliverBy>,
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
    /// What MAIL's parameters ask.
    pub(crate) fn of_mail(
        mail: &MailFrom,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<Self, Box<Reply>> {
        let mut wishes = Self::default();
        if let Some(number) = mail.priority {
            wishes.message_class = Some(class_of(number));
            wishes.priority = Priority::try_from(i64::from(number)).ok();
        }
        wishes.send_at = mail.release.map(|release| match release {
            Release::After(wait) => now.plus(wait),
            Release::At(moment) => moment,
        });
        let start = wishes.start(now);
        if let Some(by) = mail.deliver_by {
            let at = start.plus(by.within);
            let returns = by.mode == ByMode::Return;
            if returns && by.within < BY_RETURN_MIN {
                let least = BY_RETURN_MIN.as_secs();
                let text = format!("BY= with R gives {least} seconds at least");
                return Err(Box::new(Reply::status(555, 5, 4, text)));
            }
            wishes.deadline_at = returns.then_some(at);
            wishes.deliver_by = Some(DeliverBy {
                at,
                tells: !returns,
                traced: by.trace,
            });
        }
        wishes.check(now, limits).map_err(|unfit| {
            // RFC 4865 section 4 and RFC 2852 section 4: a value out of range.
            Box::new(Reply::status(501, 5, 4, unfit.text))
        })?;
        Ok(wishes)
    }

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
        // With BY and N the time may be over (RFC 2852 section 4).
        let told = self.deliver_by.filter(|by| by.tells);
        let told = told.map(|by| (by.at, by.at < start));
        let ended = self.deadline_at.map(|moment| (moment, moment <= start));
        for (moment, is_early) in [ended, told].into_iter().flatten() {
            if is_early || moment > last {
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

/// RFC 6710 gives numbers and no classes: these are the three levels of its
/// MIXER profile, -4, 0 and 4 (RFC 2156's non-urgent, normal and urgent).
fn class_of(priority: i8) -> MessageClass {
    match priority {
        4.. => MessageClass::Urgent,
        -3..=3 => MessageClass::Routine,
        ..=-4 => MessageClass::Bulk,
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
    use mailward_mail::ReversePath;
    use mailward_wire::smtp::DeliverBy as By;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
    const HOUR: Duration = Duration::from_secs(3600);

    fn mail() -> MailFrom {
        MailFrom::new(ReversePath::Null)
    }

    fn of(mail: &MailFrom) -> Wishes {
        Wishes::of_mail(mail, NOW, &Limits::default()).expect("granted")
    }

    fn by(within: Duration, mode: ByMode) -> Option<By> {
        Some(By {
            within,
            mode,
            trace: true,
        })
    }

    /// Of a trace.
    fn delivered_by(at: Timestamp, tells: bool) -> Option<DeliverBy> {
        Some(DeliverBy {
            at,
            tells,
            traced: true,
        })
    }

    #[test]
    fn the_numbers_of_mail_make_classes() {
        for (number, class) in [
            (9, MessageClass::Urgent),
            (4, MessageClass::Urgent),
            (3, MessageClass::Routine),
            (0, MessageClass::Routine),
            (-3, MessageClass::Routine),
            (-4, MessageClass::Bulk),
            (-9, MessageClass::Bulk),
        ] {
            let mut mail = mail();
            mail.priority = Some(number);
            let wishes = of(&mail);
            assert_eq!(wishes.message_class, Some(class), "{number}");
            assert_eq!(wishes.priority.map(Priority::get), Some(number));
        }
        assert_eq!(of(&mail()), Wishes::default());
    }

    #[test]
    fn a_deadline_counts_from_the_release() {
        let mut mail = mail();
        mail.release = Some(Release::After(HOUR));
        mail.deliver_by = by(HOUR, ByMode::Return);
        let wishes = of(&mail);
        assert_eq!(wishes.send_at, Some(NOW.plus(HOUR)));
        let end = NOW.plus(2 * HOUR);
        assert_eq!(wishes.deadline_at, Some(end));
        assert_eq!(wishes.deliver_by, delivered_by(end, false));
        // With N it is no deadline.
        mail.deliver_by = by(HOUR, ByMode::Notify);
        let wishes = of(&mail);
        assert_eq!(
            (wishes.deadline_at, wishes.deliver_by),
            (None, delivered_by(end, true))
        );
        // What has passed is at once.
        mail.release = Some(Release::At(NOW.minus(HOUR)));
        let end = NOW.plus(HOUR);
        assert_eq!(of(&mail).deliver_by, delivered_by(end, true));
        // A sender may want to hear of it straight away.
        mail.deliver_by = by(Duration::ZERO, ByMode::Notify);
        assert_eq!(of(&mail).deliver_by, delivered_by(NOW, true));
    }

    #[test]
    fn mail_is_not_returned_within_the_minute() {
        for (seconds, mode, refused) in [
            (59, ByMode::Return, true),
            (60, ByMode::Return, false),
            (59, ByMode::Notify, false),
        ] {
            let mut mail = mail();
            mail.deliver_by = by(Duration::from_secs(seconds), mode);
            let reply = Wishes::of_mail(&mail, NOW, &Limits::default()).err();
            let said = reply.map(|reply| reply.to_string());
            let expected = "555 5.5.4 BY= with R gives 60 seconds at least";
            assert_eq!(said, refused.then(|| expected.to_owned()));
        }
    }

    #[test]
    fn what_lies_too_far_is_refused_with_the_limit() {
        let days = |count: u32| count * 24 * HOUR;
        let limits = Limits::default();
        for (release, within, refused) in [
            (Some(days(31)), None, None),
            (Some(days(31) + HOUR), None, Some("31 days from now")),
            (None, Some(days(31)), None),
            (None, Some(days(32)), Some("A deadline lies after")),
            (Some(days(5)), Some(days(31)), None),
        ] {
            let mut mail = mail();
            mail.release = release.map(|wait| Release::At(NOW.plus(wait)));
            mail.deliver_by = within.and_then(|within| by(within, ByMode::Return));
            let reply = Wishes::of_mail(&mail, NOW, &limits).err();
            match (&reply, refused) {
                (None, None) => {}
                (Some(reply), Some(text)) => {
                    let said = reply.to_string();
                    assert!(
                        said.starts_with("501 5.5.4") && said.contains(text),
                        "{said}"
                    );
                }
                _ => panic!("{release:?} {within:?}: {reply:?}"),
            }
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
