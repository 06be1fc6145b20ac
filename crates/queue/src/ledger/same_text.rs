//! How many people an application has addressed with one text within a
//! window. Each person counts once, at the last time.
//!
//! The cost of a message does not grow with what is stored: for each recipient
//! one row is read and one or two are written, and the sum reads one row for
//! each hour of the window. Once an hour a text's old rows leave; texts that
//! are not sent again are swept up by [`forget`].

use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::names::ApplicationName;

const HOUR: Duration = Duration::from_secs(3600);

/// What identifies an application's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TextKey(i64);

impl TextKey {
    pub(crate) fn new(application: &ApplicationName, fingerprint: &[u8; 16]) -> Self {
        let mut digest = Digest::new();
        digest.update(application.as_str().as_bytes());
        digest.update(&[0]);
        digest.update(fingerprint);
        Self(digest.finish() as i64)
    }
}

/// A person as a row: never negative, since negative entries are hours.
pub(crate) fn person(address_key: &str) -> i64 {
    let mut digest = Digest::new();
    digest.update(address_key.as_bytes());
    (digest.finish() >> 1) as i64
}

/// FNV-1a of 64 bits, finished with the mixer of SplitMix64. It has to spread
/// and to stay the same over releases; whoever makes two of an application's
/// own recipients collide gains one person in their own count.
struct Digest(u64);

impl Digest {
    const fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn update(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = (self.0 ^ u64::from(*octet)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    const fn finish(&self) -> u64 {
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// What a message adds to its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counted {
    /// People within the window, this message's among them.
    pub(crate) people: u64,
    /// Of these, those whom nothing but this message makes count.
    pub(crate) added: u64,
}

/// Hours since 1970: this one, and the last one out of the window.
struct Span {
    this: i64,
    outside: i64,
}

impl Span {
    fn of(now: Timestamp, window: Duration) -> Self {
        let hour = HOUR.as_millis() as i64;
        Self {
            this: now.as_millis().div_euclid(hour),
            outside: now.minus(window).as_millis().div_euclid(hour) - 1,
        }
    }
}

/// Counts the people of one message.
pub(crate) fn count(
    tx: &mut Tx<'_>,
    text: TextKey,
    people: &[i64],
    now: Timestamp,
    window: Duration,
) -> Result<Counted, TxError> {
    let span = Span::of(now, window);
    let hours = hours_of(tx, text)?;
    if hours.iter().all(|(hour, _)| *hour != span.this) {
        forget_text(tx, text, &span, &hours)?;
    }
    let known = !hours.is_empty();
    let before: u64 = hours
        .iter()
        .filter(|(hour, _)| *hour > span.outside)
        .map(|(_, people)| *people)
        .sum();
    let (mut added, mut this_hour) = (0, 0);
    for person in people {
        let last = if known {
            last_hour(tx, text, *person)?
        } else {
            None
        };
        match last {
            Some(hour) if hour == span.this => continue,
            Some(hour) if hour > span.outside => add(tx, text, hour, -1)?,
            _ => added += 1,
        }
        this_hour += put(tx, text, *person, span.this)?;
    }
    if this_hour > 0 {
        add(tx, text, span.this, this_hour)?;
    }
    // Two recipients of one unknown text may be one person.
    let added = added.min(u64::try_from(this_hour).unwrap_or(0));
    Ok(Counted {
        people: before + added,
        added,
    })
}

pub(crate) const HOURS_OF: &str =
    "SELECT entry, figure FROM same_text WHERE text = ?1 AND entry < 0 ORDER BY entry";

/// Hour and people, for each hour with any.
fn hours_of(tx: &ReadTx<'_>, text: TextKey) -> Result<Vec<(i64, u64)>, TxError> {
    tx.query(HOURS_OF, &[text.0.into()], |row| {
        Ok((-row.get::<i64>(0)?, row.get(1)?))
    })
}

fn last_hour(tx: &ReadTx<'_>, text: TextKey, person: i64) -> Result<Option<i64>, TxError> {
    tx.query_one(
        "SELECT figure FROM same_text WHERE text = ?1 AND entry = ?2",
        &[text.0.into(), person.into()],
        |row| row.get(0),
    )
}

/// Writes the person's last hour; 1, or 0 where it was this one already.
fn put(tx: &mut Tx<'_>, text: TextKey, person: i64, hour: i64) -> Result<i64, TxError> {
    let changed = tx.execute(
        "INSERT INTO same_text (text, entry, figure) VALUES (?1, ?2, ?3) \
         ON CONFLICT (text, entry) DO UPDATE SET figure = excluded.figure \
         WHERE same_text.figure <> excluded.figure",
        &[text.0.into(), person.into(), hour.into()],
    )?;
    Ok(changed as i64)
}

fn add(tx: &mut Tx<'_>, text: TextKey, hour: i64, people: i64) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO same_text (text, entry, figure) VALUES (?1, ?2, ?3) \
         ON CONFLICT (text, entry) DO UPDATE SET figure = same_text.figure + excluded.figure",
        &[text.0.into(), (-hour).into(), people.into()],
    )?;
    Ok(())
}

/// The first message of an hour takes the text's old rows away.
fn forget_text(
    tx: &mut Tx<'_>,
    text: TextKey,
    span: &Span,
    hours: &[(i64, u64)],
) -> Result<(), TxError> {
    if hours.iter().all(|(hour, _)| *hour > span.outside) {
        return Ok(());
    }
    tx.execute(
        "DELETE FROM same_text WHERE text = ?1 AND entry < 0 AND entry >= ?2",
        &[text.0.into(), (-span.outside).into()],
    )?;
    tx.execute(
        "DELETE FROM same_text WHERE text = ?1 AND entry >= 0 AND figure <= ?2",
        &[text.0.into(), span.outside.into()],
    )?;
    Ok(())
}

/// Where a sweep has come to, in the order of the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(i64, i64);

impl Place {
    pub(crate) const START: Self = Self(i64::MIN, i64::MIN);
}

pub(crate) const FROM_PLACE: &str = "SELECT text, entry, figure FROM same_text \
    WHERE text >= ?1 AND (text > ?1 OR entry > ?2) ORDER BY text, entry LIMIT ?3";

/// Goes on from `place` over at most `limit` rows and takes away those that are
/// out of the window. The next place; `None` once all were seen.
pub(crate) fn forget(
    tx: &mut Tx<'_>,
    place: Place,
    limit: usize,
    now: Timestamp,
    window: Duration,
) -> Result<Option<Place>, TxError> {
    let span = Span::of(now, window);
    let rows: Vec<(i64, i64, i64)> = tx.query(
        FROM_PLACE,
        &[place.0.into(), place.1.into(), limit.into()],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    for (text, entry, figure) in &rows {
        let hour = if *entry < 0 { -entry } else { *figure };
        if hour <= span.outside {
            tx.execute(
                "DELETE FROM same_text WHERE text = ?1 AND entry = ?2",
                &[(*text).into(), (*entry).into()],
            )?;
        }
    }
    Ok(match rows.last() {
        Some((text, entry, _)) if rows.len() == limit => Some(Place(*text, *entry)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_stay_as_they_are() {
        let key = TextKey::new(&"rota".into(), &[7; 16]);
        assert_ne!(key, TextKey::new(&"letters".into(), &[7; 16]));
        assert_eq!(key, TextKey::new(&"rota".into(), &[7; 16]));
        assert!(person("ward@northmoor.example") >= 0);
        assert_ne!(
            person("ward@northmoor.example"),
            person("wards@northmoor.example")
        );
    }
}
