//! What was found so far, and where.

use super::identifier::Found;
use super::{ContentPlace, FINDINGS_MAX, Identifier};
use crate::data_class::DataClass;

/// How much of an attachment's name is shown, in characters.
const NAME_SHOWN_MAX: usize = 80;
/// More digits than this in a row may be an identifier.
const DIGITS_SHOWN_MAX: usize = 4;

#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) identifiers: Vec<Identifier>,
    pub(super) marking: Option<DataClass>,
}

impl Findings {
    pub(super) fn identifier(&mut self, found: Found, place: ContentPlace) {
        let identifier = Identifier {
            kind: found.kind,
            place,
            shown: found.shown,
        };
        if !self.is_full() && !self.identifiers.contains(&identifier) {
            self.identifiers.push(identifier);
        }
    }

    pub(super) fn marking(&mut self, class: DataClass) {
        self.marking = self.marking.max(Some(class));
    }

    pub(super) fn is_full(&self) -> bool {
        self.identifiers.len() >= FINDINGS_MAX
    }
}

/// Which text of the message it is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Own,
    Attachment(String),
}

impl Place {
    pub(super) fn at_line(&self, line: usize) -> ContentPlace {
        match self {
            Self::Own => ContentPlace::Text { line },
            Self::Attachment(name) => ContentPlace::Attachment {
                name: name.clone(),
                line,
            },
        }
    }
}

/// A name as a finding may show it: bounded, on one line, and with every
/// longer run of digits masked, since names of files often hold identifiers.
pub(super) fn shown_name(name: &str) -> String {
    let chars: Vec<char> = name.chars().take(NAME_SHOWN_MAX).collect();
    let digits = chars.iter().filter(|char| char.is_ascii_digit()).count();
    chars
        .into_iter()
        .map(|char| match char {
            '0'..='9' if digits > DIGITS_SHOWN_MAX => '*',
            _ if char.is_control() => ' ',
            _ => char,
        })
        .collect()
}
