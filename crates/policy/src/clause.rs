//! The clauses of the three source documents that rules and limits rest on.
//!
//! A clause is cited by its id, `GUIDE-10`. The tables below hold every clause,
//! one for each normative sentence, paraphrased in our own words; a citation
//! of one that is not there fails the catalogue's tests.

/// One document's table: sections, and in each its clauses as number, strength
/// and paraphrase.
macro_rules! clauses {
    ($document:ident; $($section:literal { $($number:literal $strength:ident $paraphrase:literal;)+ })+) => {
        pub(super) const CLAUSES: &[Clause] = &[$($(
            Clause {
                id: $document($number),
                section: $section,
                paraphrase: $paraphrase,
                strength: $strength,
            },
        )+)+];
    };
}

mod dhc;
mod eng;
mod guide;

use std::fmt;
use std::str::FromStr;

/// A document that binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Document {
    /// Applications Guide for NHSmail, version 14, March 2022, NHS Digital.
    Guide,
    /// NHS England architecture standard "Email Integration for Business
    /// Applications", of 24 June 2022.
    Eng,
    /// Dorset HealthCare standard "Email integration".
    Dhc,
}

impl Document {
    pub const ALL: [Self; 3] = [Self::Guide, Self::Eng, Self::Dhc];

    /// The prefix of its clause ids.
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Guide => "GUIDE",
            Self::Eng => "ENG",
            Self::Dhc => "DHC",
        }
    }

    pub const fn title(self) -> &'static str {
        match self {
            Self::Guide => "Applications Guide for NHSmail, version 14, March 2022",
            Self::Eng => "NHS England standard, Email Integration for Business Applications, 2022",
            Self::Dhc => "Dorset HealthCare standard, Email integration",
        }
    }
}

/// The name of one clause, for example `GUIDE-10`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClauseId {
    pub document: Document,
    pub number: u16,
}

/// A clause of the Applications Guide.
pub const fn guide(number: u16) -> ClauseId {
    ClauseId {
        document: Document::Guide,
        number,
    }
}

/// A clause of the NHS England standard.
pub const fn eng(number: u16) -> ClauseId {
    ClauseId {
        document: Document::Eng,
        number,
    }
}

/// A clause of the Dorset HealthCare standard.
pub const fn dhc(number: u16) -> ClauseId {
    ClauseId {
        document: Document::Dhc,
        number,
    }
}

impl ClauseId {
    /// What the clause says, if there is one of this number.
    pub fn clause(self) -> Option<&'static Clause> {
        let table = table(self.document);
        table
            .binary_search_by_key(&self.number, |clause| clause.id.number)
            .ok()
            .map(|index| &table[index])
    }
}

impl fmt::Display for ClauseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.document.prefix(), self.number)
    }
}

impl fmt::Debug for ClauseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ClauseId {
    type Err = ClauseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ClauseIdError(text.to_owned());
        let (prefix, number) = text.split_once('-').ok_or_else(error)?;
        let document = Document::ALL
            .into_iter()
            .find(|document| document.prefix() == prefix)
            .ok_or_else(error)?;
        // A sign or a leading zero would give one clause two names.
        if number.starts_with(['+', '0']) {
            return Err(error());
        }
        let number = number.parse().map_err(|_| error())?;
        Ok(Self { document, number })
    }
}

impl serde::Serialize for ClauseId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A text that names no clause.
#[derive(Debug, PartialEq, Eq)]
pub struct ClauseIdError(String);

impl fmt::Display for ClauseIdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is no clause id, such as GUIDE-10, ENG-5 or DHC-8",
            self.0
        )
    }
}

impl std::error::Error for ClauseIdError {}

/// How strongly the source words it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Strength {
    Must,
    MustNot,
    Should,
    ShouldNot,
    May,
    /// A fact that the product depends on, or a consequence.
    Info,
}

impl Strength {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "must",
            Self::MustNot => "must not",
            Self::Should => "should",
            Self::ShouldNot => "should not",
            Self::May => "may",
            Self::Info => "information",
        }
    }

    /// Whether a rule that rests on it may not be weakened without a note.
    pub const fn is_binding(self) -> bool {
        matches!(self, Self::Must | Self::MustNot)
    }
}

/// One sentence of a document.
#[derive(Clone, Copy, Debug)]
pub struct Clause {
    pub id: ClauseId,
    pub section: &'static str,
    pub paraphrase: &'static str,
    pub strength: Strength,
}

/// The clauses of one document, by number.
pub fn table(document: Document) -> &'static [Clause] {
    match document {
        Document::Guide => guide::CLAUSES,
        Document::Eng => eng::CLAUSES,
        Document::Dhc => dhc::CLAUSES,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_sorted_complete_and_find_themselves() {
        for document in Document::ALL {
            let table = table(document);
            assert!(table.windows(2).all(|pair| pair[0].id < pair[1].id));
            for clause in table {
                assert_eq!(clause.id.document, document);
                assert!(!clause.section.is_empty() && clause.paraphrase.ends_with('.'));
                let found = clause.id.clause().map(|clause| clause.id);
                assert_eq!(found, Some(clause.id));
            }
        }
    }

    #[test]
    fn ids_go_there_and_back() {
        for id in [guide(10), eng(23), dhc(8)] {
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for text in [
            "",
            "GUIDE",
            "GUIDE-",
            "guide-10",
            "GUIDE-010",
            "GUIDE-+1",
            "GUIDE--1",
            "GUIDE-99999",
            "RFC-10",
            "GUIDE-10 ",
        ] {
            assert!(text.parse::<ClauseId>().is_err(), "{text:?}");
        }
    }
}
