//! What a password can be refused for, with clause and remedy.

use crate::clause::{ClauseId, guide};
use crate::limits::PASSWORD_HISTORY;

/// One thing wrong with a password. Never holds any of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordFault {
    /// Fewer characters than its kind of account asks for.
    TooShort {
        characters: usize,
        least: usize,
        application: bool,
    },
    Space,
    AddressPrefix,
    FirstName,
    LastName,
    Breached,
    UsedBefore,
    NoUpperCase,
    NoLowerCase,
    NoDigitOrSymbol,
}

impl PasswordFault {
    /// For scripts; does not change.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "too_short",
            Self::Space => "space",
            Self::AddressPrefix => "address_prefix",
            Self::FirstName => "first_name",
            Self::LastName => "last_name",
            Self::Breached => "breached",
            Self::UsedBefore => "used_before",
            Self::NoUpperCase => "no_upper_case",
            Self::NoLowerCase => "no_lower_case",
            Self::NoDigitOrSymbol => "no_digit_or_symbol",
        }
    }

    /// What it rests on. Rules that only the service's pages state rest on
    /// GUIDE-25, by which the account follows the password policy.
    pub const fn clauses(&self) -> &'static [ClauseId] {
        match self {
            Self::TooShort {
                application: true, ..
            } => const { &[guide(19), guide(32)] },
            Self::TooShort { .. } => const { &[guide(29)] },
            Self::AddressPrefix => const { &[guide(26)] },
            Self::Breached => const { &[guide(28)] },
            Self::UsedBefore => const { &[guide(30)] },
            Self::Space
            | Self::FirstName
            | Self::LastName
            | Self::NoUpperCase
            | Self::NoLowerCase
            | Self::NoDigitOrSymbol => const { &[guide(25)] },
        }
    }

    /// The conflict between the sources that decided it, where there was one.
    pub const fn conflict(&self) -> Option<&'static str> {
        match self {
            Self::NoUpperCase | Self::NoLowerCase | Self::NoDigitOrSymbol => Some("C4"),
            Self::Space | Self::FirstName | Self::LastName => Some("C5"),
            _ => None,
        }
    }

    pub fn text(&self) -> String {
        match self {
            Self::TooShort {
                characters, least, ..
            } => format!("it has {characters} characters and needs {least}"),
            Self::Space => "it has a space".to_owned(),
            Self::AddressPrefix => "it contains the part of the address before the @".to_owned(),
            Self::FirstName => "it contains the first name".to_owned(),
            Self::LastName => "it contains the last name".to_owned(),
            Self::Breached => "it is a common or breached password".to_owned(),
            Self::UsedBefore => format!(
                "it is one of the last {} passwords of the account",
                PASSWORD_HISTORY.figure
            ),
            Self::NoUpperCase => "it has no upper case letter".to_owned(),
            Self::NoLowerCase => "it has no lower case letter".to_owned(),
            Self::NoDigitOrSymbol => "it has neither a digit nor a symbol".to_owned(),
        }
    }

    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::TooShort { .. } => "Take a longer one.",
            Self::Space => "Write hyphens instead of spaces.",
            Self::AddressPrefix | Self::FirstName | Self::LastName => {
                "Take one that has nothing to do with the account's names."
            }
            Self::Breached => "Take one that nobody else uses.",
            Self::UsedBefore => "Take a new one.",
            Self::NoUpperCase => "Add an upper case letter.",
            Self::NoLowerCase => "Add a lower case letter.",
            Self::NoDigitOrSymbol => "Add a digit or a symbol.",
        }
    }
}
