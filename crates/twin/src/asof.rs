//! What the service did on a given day. Every date stands here once, with its
//! source.

use std::sync::Arc;

use mailward_mail::{Clock, Timestamp};

use crate::own::Own;

/// The day whose service the twin plays. Days are UTC.
#[derive(Clone, Copy, Debug)]
pub struct AsOf {
    day: Timestamp,
    /// What the clock showed when the day was chosen, and what it shows now.
    moved: Option<(Timestamp, Timestamp)>,
}

/// A day on which the service changed: 00:00 UTC, milliseconds since 1970.
const fn day(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// 9 July 2019: mail from nhs.net senders that did not come from NHSmail is
/// deleted; before, it went to Junk Email with a banner (anti-spoofing pages
/// of NHSmail).
const SPOOFED_DELETED: Timestamp = day(1_562_630_400_000);

/// 25 May 2023: password sign-in for IMAP, POP and EWS ended on NHSmail
/// (Basic Authentication Deprecation page of NHSmail).
const PASSWORD_IMAP_ENDED: Timestamp = day(1_684_972_800_000);

/// 7 July 2023: passwords of application accounts need an upper and a lower
/// case letter and a digit or symbol (Application Account page of NHSmail, by
/// its day of review); the guide of 2022 asks for no mix (GUIDE-27).
const PASSWORD_MIX: Timestamp = day(1_688_688_000_000);

/// 31 December 2026: password sign-in for SMTP is off by default (Microsoft
/// message center MC786329, text of 27 January 2026).
const PASSWORD_SMTP_OFF: Timestamp = day(1_798_675_200_000);

/// About the start of 2024 the SMTP banner gained a session id, and the 535
/// bracket a time and an id about 2023 (observed transcripts, 2022 to 2025).
const BANNER_SESSION_ID: Timestamp = day(1_704_067_200_000);
const REFUSAL_DETAIL: Timestamp = day(1_672_531_200_000);

/// September 2026: the IMAP greeting and capabilities of the new front end
/// (observed transcript, 9 September 2026).
const IMAP_FRONT_END_2026: Timestamp = day(1_788_220_800_000);

/// The days on which the service changes, the earliest first.
pub const CHANGES: &[(Timestamp, &str)] = &[
    (
        SPOOFED_DELETED,
        "spoofed mail through the relay is deleted; before, it went to Junk Email with a banner",
    ),
    (REFUSAL_DETAIL, "refusals carry a time and a session id"),
    (PASSWORD_IMAP_ENDED, "IMAP and POP3 take no passwords"),
    (
        PASSWORD_MIX,
        "a new password of an application account needs a mix of characters",
    ),
    (BANNER_SESSION_ID, "the SMTP greeting carries a session id"),
    (
        IMAP_FRONT_END_2026,
        "IMAP has the greeting and capabilities of the new front end",
    ),
    (PASSWORD_SMTP_OFF, "SMTP takes no passwords"),
];

impl AsOf {
    /// The guide as written: version 14, March 2022.
    pub const GUIDE: Self = Self::new(day(1_646_092_800_000));

    pub const fn new(moment: Timestamp) -> Self {
        Self {
            day: moment,
            moved: None,
        }
    }

    pub const fn day(self) -> Timestamp {
        self.day
    }

    /// Whether what changed on `date` holds: it lies before the chosen day, or
    /// the clock has gone over it since. A clock put back over it undoes it.
    fn has_seen(self, date: Timestamp) -> bool {
        match self.moved {
            Some((from, to)) if from < date && date <= to => true,
            Some((from, to)) if to < date && date <= from => false,
            _ => self.day >= date,
        }
    }

    pub fn imap_password(self) -> bool {
        !self.has_seen(PASSWORD_IMAP_ENDED)
    }

    pub(crate) fn password_mix(self) -> bool {
        self.has_seen(PASSWORD_MIX)
    }

    pub fn smtp_password(self) -> bool {
        !self.has_seen(PASSWORD_SMTP_OFF)
    }

    pub(crate) fn spoofed_is_deleted(self) -> bool {
        self.has_seen(SPOOFED_DELETED)
    }

    pub(crate) fn banner_has_session_id(self) -> bool {
        self.has_seen(BANNER_SESSION_ID)
    }

    pub(crate) fn refusal_has_detail(self) -> bool {
        self.has_seen(REFUSAL_DETAIL)
    }

    pub(crate) fn imap_front_end_2026(self) -> bool {
        self.has_seen(IMAP_FRONT_END_2026)
    }
}

/// The chosen day and the clock that moves it. Clones share both.
#[derive(Clone, Debug)]
pub(crate) struct BehaviourDay {
    clock: Arc<dyn Clock>,
    chosen: Own<Chosen>,
}

/// A choice at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Chosen {
    day: Timestamp,
    clock_showed: Timestamp,
}

impl BehaviourDay {
    pub(crate) fn new(as_of: AsOf, clock: Arc<dyn Clock>) -> Self {
        let chosen = Chosen {
            day: as_of.day,
            clock_showed: clock.now(),
        };
        Self {
            clock,
            chosen: Own::new(chosen),
        }
    }

    pub(crate) fn today(&self) -> AsOf {
        let chosen = **self.chosen.read();
        AsOf {
            day: chosen.day,
            moved: Some((chosen.clock_showed, self.clock.now())),
        }
    }

    pub(crate) fn image(&self) -> Arc<Chosen> {
        self.chosen.image()
    }

    /// As another world has it, or this one had it.
    pub(crate) fn adopt(&self, image: &Arc<Chosen>) {
        self.chosen.adopt(image);
    }

    /// The day that was chosen last.
    pub(crate) fn chosen(&self) -> Timestamp {
        self.chosen.read().day
    }

    /// Chooses another day; the clock shows what it shows.
    pub(crate) fn choose(&self, day: Timestamp) {
        *self.chosen.write() = Chosen {
            day,
            clock_showed: self.clock.now(),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The guide's day beside a clock of November 2026, and one day for both.
    #[test]
    fn the_clock_takes_the_behaviour_over_each_date() {
        let date = |text: &str| Timestamp::parse(text).expect("a date");
        for (day, from, to, imap_password, smtp_password) in [
            ("2022-03-01", "2026-11-21", "2026-11-21", true, true),
            ("2022-03-01", "2026-11-21", "2027-01-05", true, false),
            ("2022-03-01", "2026-11-21", "2019-01-01", true, true),
            ("2023-05-24", "2023-05-24", "2023-05-25", false, true),
            ("2027-01-05", "2027-01-05", "2026-06-01", false, true),
            ("2027-01-05", "2027-01-05", "2023-01-01", true, true),
        ] {
            let as_of = AsOf {
                day: date(day),
                moved: Some((date(from), date(to))),
            };
            let seen = (as_of.imap_password(), as_of.smtp_password());
            assert_eq!(seen, (imap_password, smtp_password), "{day} {from} {to}");
        }
    }

    #[test]
    fn each_day_is_the_day_it_says() {
        for (moment, date) in [
            (AsOf::GUIDE.day, "2022-03-01"),
            (SPOOFED_DELETED, "2019-07-09"),
            (PASSWORD_IMAP_ENDED, "2023-05-25"),
            (PASSWORD_MIX, "2023-07-07"),
            (PASSWORD_SMTP_OFF, "2026-12-31"),
            (BANNER_SESSION_ID, "2024-01-01"),
            (REFUSAL_DETAIL, "2023-01-01"),
            (IMAP_FRONT_END_2026, "2026-09-01"),
        ] {
            assert_eq!(moment, Timestamp::parse(date).expect("a date"), "{date}");
        }
        assert!(CHANGES.is_sorted_by_key(|(day, _)| *day));
    }
}
