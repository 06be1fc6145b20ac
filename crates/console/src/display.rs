//! How values are written on a page.

use std::time::Duration;

use mailward_mail::Timestamp;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// A count, by value or by any reference: templates hand over both.
pub(crate) trait Number {
    fn get(&self) -> u64;
}

impl Number for u64 {
    fn get(&self) -> u64 {
        *self
    }
}

impl Number for usize {
    fn get(&self) -> u64 {
        u64::try_from(*self).unwrap_or(u64::MAX)
    }
}

impl<T: Number> Number for &T {
    fn get(&self) -> u64 {
        (**self).get()
    }
}

/// `21 Nov 2026, 09:30:07 UTC`. One zone for all, named, since times here are
/// compared with logs.
pub(crate) fn moment(at: &Timestamp) -> String {
    let text = at.to_rfc3339();
    // Years outside 0 to 9999 have another shape; they stay as they are.
    let parts = (|| {
        let month: usize = text.get(5..7)?.parse().ok()?;
        let month = MONTHS.get(month.checked_sub(1)?)?;
        let day = text.get(8..10)?.trim_start_matches('0');
        Some((day, month, text.get(0..4)?, text.get(11..19)?))
    })();
    match parts {
        Some((day, month, year, time)) => format!("{day} {month} {year}, {time} UTC"),
        None => text,
    }
}

/// `21 Nov 2026`.
pub(crate) fn day(at: &Timestamp) -> String {
    let text = moment(at);
    text.split(',').next().unwrap_or_default().to_owned()
}

/// `09:30:07.123`, in UTC, where the day is known.
pub(crate) fn time_of_day(at: &Timestamp) -> String {
    let text = at.to_rfc3339();
    let time = text.get(11..23).map(str::to_owned);
    time.unwrap_or(text)
}

/// `2 hours 5 minutes`: the two largest units that say something.
pub(crate) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let units = [
        (seconds / 86_400, "day"),
        (seconds / 3_600 % 24, "hour"),
        (seconds / 60 % 60, "minute"),
        (seconds % 60, "second"),
    ];
    let said: Vec<String> = units
        .into_iter()
        .skip_while(|(count, _)| *count == 0)
        .take(2)
        .filter(|(count, _)| *count != 0)
        .map(|(count, unit)| counted(count, unit))
        .collect();
    if said.is_empty() {
        "less than a second".to_owned()
    } else {
        said.join(" ")
    }
}

/// How long something took, to the millisecond where that says something.
pub(crate) fn elapsed(from: &Timestamp, until: &Timestamp) -> String {
    let took = until.since(*from);
    if took < Duration::from_secs(1) {
        format!("{} ms", took.as_millis())
    } else {
        duration(took)
    }
}

/// A name of the program's as people write it: `High sending`, `Signed in`;
/// short ones are abbreviations: `IMAP`.
pub(crate) fn words(name: &str) -> String {
    if name.len() <= 5 && ["imap", "pop", "oauth", "ews", "http", "relay"].contains(&name) {
        return match name {
            "oauth" => "OAuth".to_owned(),
            "pop" => "POP3".to_owned(),
            "relay" => "Relay".to_owned(),
            other => other.to_ascii_uppercase(),
        };
    }
    let mut text = name.replace('_', " ");
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

/// `1 message`, `1,204 messages`.
pub(crate) fn counted(count: impl Number, noun: &str) -> String {
    let count = count.get();
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// `1,204`.
pub(crate) fn grouped(count: impl Number) -> String {
    let digits = count.get().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `512 bytes`, `4.1 KB`, `34.9 MB`; a KB has 1,024 bytes, as in the service's
/// limits.
pub(crate) fn octets(octets: impl Number) -> String {
    const UNITS: [&str; 3] = ["KB", "MB", "GB"];
    let octets = octets.get();
    if octets < 1024 {
        return counted(octets, "byte");
    }
    let mut tenths = u128::from(octets) * 10 / 1024;
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < UNITS.len() {
        tenths /= 1024;
        unit += 1;
    }
    format!("{}.{} {}", tenths / 10, tenths % 10, UNITS[unit])
}

/// A text from outside on one line: control characters and those that turn the
/// direction of what follows (a name made to read `exe.pdf` backwards) become
/// visible.
pub(crate) fn plain(text: impl AsRef<str>) -> String {
    text.as_ref()
        .chars()
        .map(|character| {
            if character.is_control() || turns_direction(character) {
                char::REPLACEMENT_CHARACTER
            } else {
                character
            }
        })
        .collect()
}

/// [`plain`] for a text of several lines.
pub(crate) fn plain_lines(text: &str) -> String {
    text.replace("\r\n", "\n")
        .chars()
        .map(|character| match character {
            '\n' | '\t' => character,
            _ if character.is_control() || turns_direction(character) => {
                char::REPLACEMENT_CHARACTER
            }
            _ => character,
        })
        .collect()
}

/// The embeddings, overrides and isolates of Unicode's bidirectional algorithm
/// (UAX 9). Right-to-left text itself needs none of them here: every such text
/// stands in a `bdi` element.
fn turns_direction(character: char) -> bool {
    matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_times() {
        let at = Timestamp::parse("2026-03-01T09:05:07Z").expect("a time");
        assert_eq!(moment(&at), "1 Mar 2026, 09:05:07 UTC");
        assert_eq!(day(&at), "1 Mar 2026");
        assert_eq!(time_of_day(&at), "09:05:07.000");
        assert!(!moment(&Timestamp::from_millis(i64::MAX)).is_empty());
        assert!(!moment(&Timestamp::from_millis(i64::MIN)).is_empty());
    }

    #[test]
    fn writes_durations() {
        for (seconds, text) in [
            (0, "less than a second"),
            (1, "1 second"),
            (60, "1 minute"),
            (125, "2 minutes 5 seconds"),
            (7_500, "2 hours 5 minutes"),
            (86_405, "1 day"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn writes_numbers() {
        for (count, text) in [
            (0_u64, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(grouped(count), text);
        }
        for (count, text) in [
            (1_u64, "1 byte"),
            (1023, "1,023 bytes"),
            (1024, "1.0 KB"),
            (36_700_160, "35.0 MB"),
            (u64::MAX, "17179869183.9 GB"),
        ] {
            assert_eq!(octets(count), text);
        }
    }

    #[test]
    fn shows_what_hides() {
        assert_eq!(
            plain("a\r\nb\u{202e}fdp.exe"),
            "a\u{fffd}\u{fffd}b\u{fffd}fdp.exe"
        );
        assert_eq!(plain("Zażółć שלום"), "Zażółć שלום");
        assert_eq!(plain_lines("a\r\nb\tc\0"), "a\nb\tc\u{fffd}");
    }
}
