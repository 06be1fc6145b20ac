//! What the service did on a given day. Every date stands here once, with its
//! source.

use mailward_mail::Timestamp;

/// The day whose service the twin plays. Days are UTC.
#[derive(Clone, Copy, Debug)]
pub struct AsOf(Timestamp);

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

impl AsOf {
    /// The guide as written: version 14, March 2022.
    pub const GUIDE: Self = Self(day(1_646_092_800_000));

    pub const fn new(moment: Timestamp) -> Self {
        Self(moment)
    }

    pub fn imap_password(self) -> bool {
        self.0 < PASSWORD_IMAP_ENDED
    }

    pub(crate) fn password_mix(self) -> bool {
        self.0 >= PASSWORD_MIX
    }

    pub fn smtp_password(self) -> bool {
        self.0 < PASSWORD_SMTP_OFF
    }

    pub(crate) fn spoofed_is_deleted(self) -> bool {
        self.0 >= SPOOFED_DELETED
    }

    pub(crate) fn banner_has_session_id(self) -> bool {
        self.0 >= BANNER_SESSION_ID
    }

    pub(crate) fn refusal_has_detail(self) -> bool {
        self.0 >= REFUSAL_DETAIL
    }

    pub(crate) fn imap_front_end_2026(self) -> bool {
        self.0 >= IMAP_FRONT_END_2026
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_is_the_day_it_says() {
        for (moment, date) in [
            (AsOf::GUIDE.0, "2022-03-01"),
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
    }
}
