//! The facts in what a message says: its subject, its texts and the names of
//! its parts, read in one pass while it arrives.

mod fingerprint;
mod found;
mod html;
mod identifier;
mod label;
mod marking;
mod scanner;
mod text;

pub use scanner::Scanner;

use crate::data_class::DataClass;

/// How many findings are kept of one message: enough to show.
pub const FINDINGS_MAX: usize = 16;

/// What was found in the content. The default is that of a message whose
/// content was not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContentFacts {
    /// It has more parts than are opened: the rest may hold what these facts
    /// do not say.
    pub cut_short: bool,
    /// Identifiers of patients, at most [`FINDINGS_MAX`].
    pub identifiers: Vec<Identifier>,
    /// `[secure]` stands in the subject, which makes the service encrypt.
    pub secure_tag: bool,
    /// A marking in subject or text, the strictest: `OFFICIAL-SENSITIVE`.
    pub marking: Option<DataClass>,
    /// The same for texts that differ only in what is a person's own: names in
    /// a salutation, digits, spaces, case. `None` without text.
    pub fingerprint: Option<[u8; 16]>,
}

impl ContentFacts {
    /// The class that the content asks for by itself (ENG-20).
    pub fn class(&self) -> Option<DataClass> {
        let identified = (!self.identifiers.is_empty()).then_some(DataClass::OfficialSensitive);
        identified.max(self.marking)
    }
}

/// One identifier of a patient, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identifier {
    pub kind: IdentifierKind,
    pub place: ContentPlace,
    /// As it may be shown to a person: all but its last digits masked.
    pub shown: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum IdentifierKind {
    /// Ten digits whose last is the check digit, modulus 11.
    NhsNumber,
    /// A date beside a word such as `DOB`.
    DateOfBirth,
    /// A number beside a word such as `hospital number`.
    HospitalNumber,
}

impl IdentifierKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NhsNumber => "NHS number",
            Self::DateOfBirth => "date of birth",
            Self::HospitalNumber => "hospital number",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContentPlace {
    Subject,
    /// The message's own text, by its line.
    Text {
        line: usize,
    },
    /// An attached text, by its name (digits masked) or else its number, and
    /// its line; line 0 is the name itself, or the subject of a message within.
    Attachment {
        name: String,
        line: usize,
    },
}

impl std::fmt::Display for ContentPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Subject => f.write_str("the subject"),
            Self::Text { line } => write!(f, "line {line} of the text"),
            Self::Attachment { name, line: 0 } => write!(f, "the name or subject of \"{name}\""),
            Self::Attachment { name, line } => write!(f, "line {line} of \"{name}\""),
        }
    }
}
