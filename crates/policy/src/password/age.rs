//! When a password expires, and when to say so.

use std::time::Duration;

use mailward_mail::Timestamp;

use crate::facts::AccountKind;
use crate::limits::{PASSWORD_AGE_DAYS, PASSWORD_AGE_MONTHS, PASSWORD_WARNINGS};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The moment from which a password that was set at `changed` no longer
/// opens. For an application account the earlier of 365 days (GUIDE-31) and
/// 12 calendar months (GUIDE-33), which is conflict C10; for others the days.
pub fn expires_at(changed: Timestamp, kind: AccountKind) -> Timestamp {
    let by_days = changed.plus(DAY.saturating_mul(PASSWORD_AGE_DAYS.figure as u32));
    match kind {
        AccountKind::Application => {
            by_days.min(changed.plus_months(PASSWORD_AGE_MONTHS.figure as u32))
        }
        _ => by_days,
    }
}

/// Days until `expires`, of which one that has begun counts whole; 0 once it
/// has expired.
pub fn days_left(expires: Timestamp, now: Timestamp) -> u64 {
    let left = expires.since(now).as_millis();
    u64::try_from(left.div_ceil(DAY.as_millis())).unwrap_or(u64::MAX)
}

/// Where a password stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    Fresh,
    /// So many days or fewer are left: one of [`PASSWORD_WARNINGS`].
    Warned(u64),
    Expired,
}

/// The warning that is due, the latest of 18, 10, 5, 2 and 1 days.
pub fn standing(expires: Timestamp, now: Timestamp) -> Standing {
    if now >= expires {
        return Standing::Expired;
    }
    let left = days_left(expires, now);
    PASSWORD_WARNINGS
        .iter()
        .map(|warning| warning.figure)
        .filter(|days| left <= *days)
        .min()
        .map_or(Standing::Fresh, Standing::Warned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(text: &str) -> Timestamp {
        Timestamp::parse(text).expect(text)
    }

    #[test]
    fn expires_at_the_earlier_of_days_and_months() {
        for (changed, expires) in [
            ("2026-11-21", "2027-11-21"),
            ("2026-11-21T13:14:15Z", "2027-11-21T13:14:15Z"),
            // A leap day in between: the days come first.
            ("2023-03-01", "2024-02-29"),
            ("2023-02-28", "2024-02-28"),
            ("2023-12-31", "2024-12-30"),
            ("2024-02-28", "2025-02-27"),
            // From a leap day, and over the ends of months.
            ("2024-02-29", "2025-02-28"),
            ("2024-03-01", "2025-03-01"),
            ("2026-01-31", "2027-01-31"),
            ("2027-08-31", "2028-08-30"),
            ("1999-03-01", "2000-02-29"),
            ("2099-03-01", "2100-03-01"),
        ] {
            assert_eq!(
                expires_at(moment(changed), AccountKind::Application),
                moment(expires),
                "{changed}"
            );
        }
        assert_eq!(
            expires_at(moment("2023-12-31"), AccountKind::User),
            moment("2024-12-30")
        );
    }

    #[test]
    fn warns_at_eighteen_ten_five_two_and_one() {
        let expires = moment("2027-06-30T12:00:00Z");
        for (now, left, expected) in [
            ("2027-06-01T12:00:00Z", 29, Standing::Fresh),
            ("2027-06-12T11:59:59Z", 19, Standing::Fresh),
            ("2027-06-12T12:00:00Z", 18, Standing::Warned(18)),
            ("2027-06-20T11:59:59Z", 11, Standing::Warned(18)),
            ("2027-06-20T12:00:00Z", 10, Standing::Warned(10)),
            ("2027-06-25T12:00:00Z", 5, Standing::Warned(5)),
            ("2027-06-28T11:00:00Z", 3, Standing::Warned(5)),
            ("2027-06-28T12:00:00Z", 2, Standing::Warned(2)),
            ("2027-06-29T12:00:00Z", 1, Standing::Warned(1)),
            ("2027-06-30T11:59:59Z", 1, Standing::Warned(1)),
            ("2027-06-30T12:00:00Z", 0, Standing::Expired),
            ("2028-01-01", 0, Standing::Expired),
        ] {
            let now = moment(now);
            assert_eq!(days_left(expires, now), left, "{now}");
            assert_eq!(standing(expires, now), expected, "{now}");
        }
    }
}
