//! Which of the source documents bind an organisation.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use crate::clause::{ClauseId, Document};

/// The organisation's choice, `profile` in the configuration. Where documents
/// that both bind differ, the stricter wins.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// The Applications Guide alone, as it was written in March 2022.
    #[serde(rename = "guide-2022")]
    Guide2022,
    /// The guide and the NHS England standard.
    NhsEngland,
    /// The guide and the Dorset HealthCare standard.
    Dorset,
    /// All three, and the service as it is on the day.
    #[default]
    Current,
}

impl Profile {
    pub const ALL: [Self; 4] = [
        Self::Guide2022,
        Self::NhsEngland,
        Self::Dorset,
        Self::Current,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Guide2022 => "guide-2022",
            Self::NhsEngland => "nhs-england",
            Self::Dorset => "dorset",
            Self::Current => "current",
        }
    }

    /// Whether what `document` says binds here.
    pub const fn binds(self, document: Document) -> bool {
        match document {
            Document::Guide => true,
            Document::Eng => matches!(self, Self::NhsEngland | Self::Current),
            Document::Dhc => matches!(self, Self::Dorset | Self::Current),
        }
    }

    /// Those of `clauses` that bind here, in their order.
    pub fn binding(self, clauses: &'static [ClauseId]) -> Cow<'static, [ClauseId]> {
        let binds = |id: &ClauseId| self.binds(id.document);
        if clauses.iter().all(binds) {
            Cow::Borrowed(clauses)
        } else {
            clauses.iter().copied().filter(binds).collect()
        }
    }
}

impl fmt::Display for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|profile| profile.as_str() == text)
            .ok_or(ProfileError)
    }
}

/// A text that names no profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProfileError;

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a profile is guide-2022, nhs-england, dorset or current")
    }
}

impl std::error::Error for ProfileError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guide_binds_everybody_and_the_standards_their_own() {
        for (profile, eng, dhc) in [
            (Profile::Guide2022, false, false),
            (Profile::NhsEngland, true, false),
            (Profile::Dorset, false, true),
            (Profile::Current, true, true),
        ] {
            assert!(profile.binds(Document::Guide));
            assert_eq!(profile.binds(Document::Eng), eng, "{profile}");
            assert_eq!(profile.binds(Document::Dhc), dhc, "{profile}");
            assert_eq!(profile.as_str().parse(), Ok(profile));
        }
        assert_eq!("Dorset".parse::<Profile>(), Err(ProfileError));
    }
}
