//! The id of an accepted message.

use std::fmt;
use std::str::FromStr;

use crate::time::{Dice, Timestamp};

/// Crockford's base 32: no I, L, O or U, so an id can be read out over the
/// telephone.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const LENGTH: usize = 20;

/// Names one accepted message, here and in every log and report: 9 characters
/// of time (milliseconds), then 11 of chance. Ids sort by time of acceptance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageId([u8; LENGTH]);

impl MessageId {
    pub fn new(now: Timestamp, dice: &dyn Dice) -> Self {
        let mut text = [0; LENGTH];
        let mut time = now.as_millis().cast_unsigned();
        for place in text[..9].iter_mut().rev() {
            *place = ALPHABET[(time & 31) as usize];
            time >>= 5;
        }
        let mut chance = [0; 11];
        dice.fill(&mut chance);
        for (place, byte) in text[9..].iter_mut().zip(chance) {
            *place = ALPHABET[usize::from(byte & 31)];
        }
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for MessageId {
    type Err = MessageIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let bytes: [u8; LENGTH] = text
            .to_ascii_uppercase()
            .as_bytes()
            .try_into()
            .map_err(|_| MessageIdError)?;
        if bytes.iter().all(|byte| ALPHABET.contains(byte)) {
            Ok(Self(bytes))
        } else {
            Err(MessageIdError)
        }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for MessageId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for MessageId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A text that is no message id.
#[derive(Debug, thiserror::Error)]
#[error("a message id is {LENGTH} letters and digits, for example 01JD4Q0V8Z5N3T7KX2M9")]
pub struct MessageIdError;

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Loaded;
    impl Dice for Loaded {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn sorts_by_time_and_reads_back() {
        let early = MessageId::new(Timestamp::from_millis(1_700_000_000_000), &Loaded);
        let late = MessageId::new(Timestamp::from_millis(1_700_000_000_001), &Loaded);
        assert!(early < late);
        assert_eq!(
            early.to_string().parse::<MessageId>().expect("an id"),
            early
        );
        assert_eq!(
            early
                .to_string()
                .to_lowercase()
                .parse::<MessageId>()
                .expect("an id"),
            early
        );
        assert!("../../etc/passwd....".parse::<MessageId>().is_err());
        assert!("".parse::<MessageId>().is_err());
    }
}
