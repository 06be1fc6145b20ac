//! Calendar days in UTC, and the span of days through which something holds.

use std::fmt;

use mailward_mail::Timestamp;

const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// A day of the Gregorian calendar, counted in UTC. Shown as `2022-03-01`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    year: i64,
    month: i64,
    day: i64,
}

impl Date {
    /// For dates written in the source. A month or day out of range stops the build.
    pub const fn new(year: i64, month: i64, day: i64) -> Self {
        assert!(
            month >= 1 && month <= 12 && day >= 1 && day <= 31,
            "a calendar date"
        );
        Self { year, month, day }
    }

    /// The first moment of the day.
    pub const fn start(self) -> Timestamp {
        Timestamp::from_millis(self.days_since_1970() * MILLIS_PER_DAY)
    }

    /// Years are counted from March, so that the leap day is the last of its
    /// year and the months before it have fixed places.
    const fn days_since_1970(self) -> i64 {
        let year = if self.month <= 2 {
            self.year - 1
        } else {
            self.year
        };
        let months_since_march = (self.month + 9) % 12;
        let day_of_year = (153 * months_since_march + 2) / 5 + self.day - 1;
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        // 1 March of year 0 lies this many days before 1 January 1970.
        const DAYS_FROM_YEAR_0: i64 = 719_468;
        year * 365 + leap_days + day_of_year - DAYS_FROM_YEAR_0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// From the first day, inclusive, to the last, exclusive. An open end holds
/// for all time on that side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Period {
    pub from: Option<Date>,
    pub until: Option<Date>,
}

impl Period {
    pub const ALWAYS: Self = Self {
        from: None,
        until: None,
    };

    pub const fn since(date: Date) -> Self {
        Self {
            from: Some(date),
            until: None,
        }
    }

    pub fn contains(self, moment: Timestamp) -> bool {
        self.from.is_none_or(|date| moment >= date.start())
            && self.until.is_none_or(|date| moment < date.start())
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.from, self.until) {
            (None, None) => f.write_str("always"),
            (Some(from), None) => write!(f, "from {from}"),
            (None, Some(until)) => write!(f, "until {until}"),
            (Some(from), Some(until)) => write!(f, "from {from} until {until}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for date in [
            Date::new(1970, 1, 1),
            Date::new(1969, 12, 31),
            Date::new(2000, 2, 29),
            Date::new(2022, 3, 1),
            Date::new(2024, 2, 29),
            Date::new(2024, 12, 31),
            Date::new(2027, 4, 1),
            Date::new(2100, 3, 1),
        ] {
            assert_eq!(date.start().to_date(), date.to_string());
        }
    }

    #[test]
    fn the_last_day_is_outside() {
        let year = Period {
            from: Some(Date::new(2026, 1, 1)),
            until: Some(Date::new(2027, 1, 1)),
        };
        for (moment, inside) in [
            ("2025-12-31T23:59:59Z", false),
            ("2026-01-01T00:00:00Z", true),
            ("2026-12-31T23:59:59Z", true),
            ("2027-01-01T00:00:00Z", false),
        ] {
            let moment = Timestamp::parse(moment).expect("a time");
            assert_eq!(year.contains(moment), inside, "{moment}");
            assert!(Period::ALWAYS.contains(moment));
        }
    }
}
