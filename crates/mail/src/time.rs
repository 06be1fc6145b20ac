//! Time and chance as arguments: one clock and one dice, passed in.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// No sum of months goes beyond a thousand years.
const MONTHS_MAX: u32 = 12_000;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z. Shown as RFC 3339.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(into = "String", try_from = "String")]
pub struct Timestamp(i64);

impl Timestamp {
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Reads RFC 3339, for example `2026-11-21T09:30:00Z`, or a plain date,
    /// which means its first moment in UTC.
    pub fn parse(text: &str) -> Result<Self, TimestampError> {
        let whole = if text.len() == 10 {
            format!("{text}T00:00:00Z")
        } else {
            text.to_owned()
        };
        whole
            .parse::<jiff::Timestamp>()
            .map(|moment| Self(moment.as_millisecond()))
            .map_err(|error| TimestampError(format!("{text:?} is not an RFC 3339 time: {error}")))
    }

    pub fn plus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }

    pub fn minus(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }

    /// The same day and time so many calendar months later, in UTC; the last
    /// day of the month where it has no such day.
    #[must_use]
    pub fn plus_months(self, months: u32) -> Self {
        self.zoned()
            .checked_add(jiff::Span::new().months(i64::from(months.min(MONTHS_MAX))))
            .map_or(Self(i64::MAX), |later| {
                Self(later.timestamp().as_millisecond())
            })
    }

    /// How long from `earlier` until now; nothing when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// `Sat, 21 Nov 2026 09:30:00 +0000`, the date form of RFC 5322 section 3.3.
    pub fn to_rfc5322(self) -> String {
        self.zoned()
            .strftime("%a, %-d %b %Y %H:%M:%S +0000")
            .to_string()
    }

    /// `21-Nov-2026 09:30:00 +0000`, with the day padded by a space: the
    /// date-time of RFC 3501 section 9.
    pub fn to_imap(self) -> String {
        self.zoned().strftime("%e-%b-%Y %H:%M:%S +0000").to_string()
    }

    /// `2026-11-21T09:30:00.000Z`, always with milliseconds, so that the text
    /// sorts as the moment does.
    pub fn to_rfc3339(self) -> String {
        self.zoned().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string()
    }

    /// `2026-11-21T09:30:00Z`, for readers who expect no fraction.
    pub fn to_whole_seconds(self) -> String {
        self.zoned().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// `2026-11-21`, the calendar day in UTC.
    pub fn to_date(self) -> String {
        self.zoned().strftime("%Y-%m-%d").to_string()
    }

    fn zoned(self) -> jiff::Zoned {
        jiff::Timestamp::from_millisecond(self.0)
            .unwrap_or(if self.0 < 0 {
                jiff::Timestamp::MIN
            } else {
                jiff::Timestamp::MAX
            })
            .to_zoned(jiff::tz::TimeZone::UTC)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_rfc3339())
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Timestamp> for String {
    fn from(moment: Timestamp) -> Self {
        moment.to_rfc3339()
    }
}

impl TryFrom<String> for Timestamp {
    type Error = TimestampError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

/// Why a text is no moment.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct TimestampError(String);

/// A future that a [`Clock`] completes when its moment has come.
pub type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The one clock. Production passes the system's, the twin its virtual one,
/// tests a simulated one that moves only when told.
pub trait Clock: Send + Sync + fmt::Debug {
    fn now(&self) -> Timestamp;

    /// A time that only goes forward, however the clock is set: windows and
    /// pauses are measured by it. Its zero means nothing. A clock that is
    /// never set may leave it to [`Clock::now`].
    fn steady(&self) -> Duration {
        Duration::from_millis(u64::try_from(self.now().as_millis()).unwrap_or(0))
    }

    /// What [steady](Clock::steady) time counts from, where that outlives the
    /// program: a word for the machine's boot. Two programs that see the same
    /// word see the same steady time.
    fn boot_id(&self) -> Option<&str> {
        None
    }

    /// Completes once [`Clock::now`] has reached `moment`.
    fn wait_until(&self, moment: Timestamp) -> Waiting;

    /// Completes after `duration` of [steady](Clock::steady) time.
    fn wait(&self, duration: Duration) -> Waiting {
        self.wait_until(self.now().plus(duration))
    }
}

/// The one source of chance: the system's in production, seeded elsewhere.
pub trait Dice: Send + Sync + fmt::Debug {
    fn fill(&self, bytes: &mut [u8]);

    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A number in `0..bound`; zero when `bound` is zero.
    fn below(&self, bound: u64) -> u64 {
        if bound == 0 {
            0
        } else {
            self.next_u64() % bound
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_every_form() {
        let moment = Timestamp::parse("2026-11-01T09:05:07Z").expect("a valid time");
        assert_eq!(moment.to_rfc5322(), "Sun, 1 Nov 2026 09:05:07 +0000");
        assert_eq!(moment.to_imap(), " 1-Nov-2026 09:05:07 +0000");
        assert_eq!(moment.to_rfc3339(), "2026-11-01T09:05:07.000Z");
        assert_eq!(moment.to_date(), "2026-11-01");
        assert_eq!(
            Timestamp::parse(&moment.to_string()).expect("round trip"),
            moment
        );
        assert_eq!(
            Timestamp::parse("2026-11-01").expect("a date").to_rfc3339(),
            "2026-11-01T00:00:00.000Z"
        );
    }

    #[test]
    fn months_end_where_the_calendar_says() {
        for (from, months, expected) in [
            ("2026-11-21", 12, "2027-11-21"),
            ("2026-01-31", 1, "2026-02-28"),
            ("2028-01-31", 1, "2028-02-29"),
            ("2024-02-29", 12, "2025-02-28"),
            ("2024-02-29", 48, "2028-02-29"),
            ("2026-12-31", 2, "2027-02-28"),
            ("2026-03-31", 0, "2026-03-31"),
        ] {
            let from = Timestamp::parse(from).expect("a date");
            assert_eq!(from.plus_months(months).to_date(), expected);
        }
        let end = Timestamp::from_millis(i64::MAX);
        assert_eq!(end.plus_months(u32::MAX), end);
    }

    #[test]
    fn refuses_what_is_no_time() {
        for text in ["", "yesterday", "2026-13-01", "2026-11-01T25:00:00Z"] {
            assert!(Timestamp::parse(text).is_err(), "{text}");
        }
    }
}
