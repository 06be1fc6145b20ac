//! How sensitive a message is, in the words of the Government Security
//! Classifications that the standards use (ENG-19 to ENG-23).

use std::fmt;
use std::str::FromStr;

/// Ordered: the later, the stricter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataClass {
    Official,
    /// Includes personal data and data that identifies patients (ENG-20).
    OfficialSensitive,
    Secret,
    TopSecret,
}

impl DataClass {
    pub const ALL: [Self; 4] = [
        Self::Official,
        Self::OfficialSensitive,
        Self::Secret,
        Self::TopSecret,
    ];

    /// The marking as it is printed on a document.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Official => "OFFICIAL",
            Self::OfficialSensitive => "OFFICIAL-SENSITIVE",
            Self::Secret => "SECRET",
            Self::TopSecret => "TOP SECRET",
        }
    }

    /// Patient data or confidential data (GUIDE-15).
    pub fn is_confidential(self) -> bool {
        self >= Self::OfficialSensitive
    }
}

impl fmt::Display for DataClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for DataClass {
    type Err = DataClassError;

    /// Case, and whether words are parted by hyphens, underscores, colons or
    /// spaces, do not matter: `official-sensitive`, `OFFICIAL: SENSITIVE` and
    /// `OFFICIAL_SENSITIVE` are one.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<String> = text
            .split(|char: char| char.is_ascii_whitespace() || "-_:".contains(char))
            .filter(|word| !word.is_empty())
            .map(str::to_ascii_lowercase)
            .collect();
        match words.join(" ").as_str() {
            "official" => Ok(Self::Official),
            "official sensitive" => Ok(Self::OfficialSensitive),
            "secret" => Ok(Self::Secret),
            "top secret" => Ok(Self::TopSecret),
            _ => Err(DataClassError),
        }
    }
}

impl serde::Serialize for DataClass {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> serde::Deserialize<'de> for DataClass {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// A text that is no data class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataClassError;

impl fmt::Display for DataClassError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a data class is OFFICIAL, OFFICIAL-SENSITIVE, SECRET or TOP SECRET")
    }
}

impl std::error::Error for DataClassError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_spelling_and_nothing_else() {
        for class in DataClass::ALL {
            assert_eq!(class.as_str().parse(), Ok(class));
            assert_eq!(class.as_str().to_lowercase().parse(), Ok(class));
        }
        for text in [
            "official-sensitive",
            "OFFICIAL_SENSITIVE",
            " Official: Sensitive ",
            "OFFICIAL  SENSITIVE",
        ] {
            assert_eq!(text.parse(), Ok(DataClass::OfficialSensitive), "{text:?}");
        }
        for text in ["", "sensitive", "OFFICIALSENSITIVE", "secret!", "topsecret"] {
            assert_eq!(text.parse::<DataClass>(), Err(DataClassError), "{text:?}");
        }
    }

    #[test]
    fn the_stricter_is_the_greater() {
        assert!(DataClass::ALL.is_sorted());
        let confidential = DataClass::ALL.map(DataClass::is_confidential);
        assert_eq!(confidential, [false, true, true, true]);
    }
}
