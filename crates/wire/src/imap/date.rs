//! Dates: `21-Nov-2026`, and with time and zone (RFC 3501 section 9).

use std::fmt;

use mailward_mail::Timestamp;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A calendar day, without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    pub year: u16,
    pub month: u8,
    pub day: u8,
}

impl Date {
    /// `1-Feb-2026` or `01-Feb-2026`.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('-');
        let (day, month, year) = (fields.next()?, fields.next()?, fields.next()?);
        if fields.next().is_some() || day.is_empty() || day.len() > 2 || year.len() != 4 {
            return None;
        }
        let month = MONTHS
            .iter()
            .position(|name| name.eq_ignore_ascii_case(month))?;
        let date = Self {
            year: digits(year)?.try_into().ok()?,
            month: u8::try_from(month).ok()? + 1,
            day: digits(day)?.try_into().ok()?,
        };
        (date.day >= 1 && date.day <= date.days_in_month()).then_some(date)
    }

    /// The day in UTC; the last of year 9999 for anything later, the first of
    /// year 1 for anything earlier.
    pub fn of(moment: Timestamp) -> Self {
        const MILLIS_PER_DAY: i64 = 86_400_000;
        let (first, last) = (
            Self {
                year: 1,
                month: 1,
                day: 1,
            },
            Self {
                year: 9999,
                month: 12,
                day: 31,
            },
        );
        let days = moment.as_millis().div_euclid(MILLIS_PER_DAY);
        if days <= first.days() {
            return first;
        }
        if days >= last.days() {
            return last;
        }
        // A guess that is a few years off at the most, then counted.
        let guess = u16::try_from(1970 + days.div_euclid(366)).unwrap_or(1);
        let begins = |year| {
            Self {
                year,
                month: 1,
                day: 1,
            }
            .days()
        };
        let mut year = guess.max(1);
        while year > 1 && begins(year) > days {
            year -= 1;
        }
        while begins(year + 1) <= days {
            year += 1;
        }
        let mut date = Self {
            year,
            month: 1,
            day: 1,
        };
        while date.month < 12
            && (Self {
                month: date.month + 1,
                ..date
            })
            .days()
                <= days
        {
            date.month += 1;
        }
        date.day = u8::try_from(days - date.days() + 1).unwrap_or(1);
        date
    }

    /// Days since 1970-01-01, by counting leap years of the Gregorian calendar.
    pub fn days(self) -> i64 {
        let year = i64::from(self.year);
        let before = year - 1;
        let leap_days = before / 4 - before / 100 + before / 400;
        // 719,162 days lie between 0001-01-01 and 1970-01-01.
        let mut days = before * 365 + leap_days - 719_162;
        for month in 1..self.month {
            days += i64::from(Self { month, ..self }.days_in_month());
        }
        days + i64::from(self.day) - 1
    }

    fn days_in_month(self) -> u8 {
        let year = self.year;
        match self.month {
            2 if year.is_multiple_of(if year.is_multiple_of(100) { 400 } else { 4 }) => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let month = MONTHS
            .get(usize::from(self.month.wrapping_sub(1)))
            .unwrap_or(&"Jan");
        write!(f, "{}-{month}-{:04}", self.day, self.year)
    }
}

/// Reads the date-time of APPEND, ` 1-Nov-2026 09:05:07 +0000`.
pub fn parse_date_time(text: &str) -> Option<Timestamp> {
    let mut fields = text.trim_start().split(' ');
    let (date, time, zone) = (fields.next()?, fields.next()?, fields.next()?);
    if fields.next().is_some() {
        return None;
    }
    let date = Date::parse(date)?;
    let mut clock = time.split(':');
    let (hour, minute, second) = (
        two_digits(clock.next()?)?,
        two_digits(clock.next()?)?,
        two_digits(clock.next()?)?,
    );
    if clock.next().is_some() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let (sign, offset) = match zone.split_at_checked(1)? {
        ("+", offset) => (1, offset),
        ("-", offset) => (-1, offset),
        _ => return None,
    };
    let (hours, minutes) = offset.split_at_checked(2)?;
    let (hours, minutes) = (two_digits(hours)?, two_digits(minutes)?);
    if hours > 14 || minutes > 59 {
        return None;
    }
    let zone_seconds = sign * (hours * 3600 + minutes * 60);
    let seconds = date.days() * 86_400 + hour * 3600 + minute * 60 + second - zone_seconds;
    Some(Timestamp::from_millis(seconds * 1000))
}

fn two_digits(text: &str) -> Option<i64> {
    (text.len() == 2)
        .then(|| digits(text))
        .flatten()
        .map(i64::from)
}

fn digits(text: &str) -> Option<u32> {
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_days() {
        for (text, days) in [
            ("1-Jan-1970", 0),
            ("31-Dec-1969", -1),
            ("29-Feb-2000", 11_016),
            ("01-mar-2000", 11_017),
            ("21-Nov-2026", 20_778),
        ] {
            let date = Date::parse(text).expect(text);
            assert_eq!(date.days(), days, "{text}");
            assert_eq!(Date::parse(&date.to_string()), Some(date));
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "1-Jan",
            "0-Jan-2026",
            "32-Jan-2026",
            "29-Feb-2026",
            "1-Foo-2026",
            "1-Jan-26",
            "+1-Jan-2026",
            "1-Jan-2026-",
            "100-Jan-2026",
        ] {
            assert_eq!(Date::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn reads_date_times() {
        for (text, expected) in [
            (" 1-Nov-2026 09:05:07 +0000", "2026-11-01T09:05:07Z"),
            ("01-Nov-2026 09:05:07 +0100", "2026-11-01T08:05:07Z"),
            ("31-Dec-1969 20:00:00 -0800", "1970-01-01T04:00:00Z"),
        ] {
            let expected = Timestamp::parse(expected).expect(expected);
            assert_eq!(parse_date_time(text), Some(expected), "{text}");
        }
        for days in (-80_000..80_000).step_by(7).chain([59, 60, 11_016, 11_017]) {
            let date = Date::of(Timestamp::from_millis(days * 86_400_000 + 5));
            assert_eq!(date.days(), days, "{date}");
            assert_eq!(Date::parse(&date.to_string()), Some(date));
        }
        for far in [i64::MAX, i64::MIN] {
            let _ = Date::of(Timestamp::from_millis(far)).to_string();
        }
        let moment = Timestamp::from_millis(1_795_000_000_000);
        assert_eq!(parse_date_time(&moment.to_imap()), Some(moment));
        for text in [
            "",
            "1-Nov-2026",
            "1-Nov-2026 24:00:00 +0000",
            "1-Nov-2026 09:05:07 0000",
            "1-Nov-2026 09:05:07 +9900",
            "1-Nov-2026 9:5:7 +0000",
            "1-Nov-2026 09:05:07 +é00",
        ] {
            assert_eq!(parse_date_time(text), None, "{text:?}");
        }
    }
}
