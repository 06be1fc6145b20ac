//! What FETCH may ask for (RFC 3501 section 6.4.5).

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FetchItem {
    Envelope,
    Flags,
    InternalDate,
    Rfc822,
    Rfc822Header,
    Rfc822Size,
    Rfc822Text,
    /// `BODY` alone: the structure without extension data.
    Body,
    BodyStructure,
    Uid,
    /// RFC 7162 section 3.1.4.2.
    ModSeq,
    /// `BINARY[1.2]<…>`: a part with its transfer encoding undone (RFC 3516
    /// section 4.2).
    Binary {
        peek: bool,
        part: Vec<u32>,
        partial: Option<Partial>,
    },
    /// `BINARY.SIZE[1.2]`.
    BinarySize(Vec<u32>),
    /// `BODY[…]<…>`; `peek` leaves `\Seen` alone.
    Section {
        peek: bool,
        section: Section,
        partial: Option<Partial>,
    },
}

impl FetchItem {
    /// True when fetching it sets `\Seen`.
    pub fn reads(&self) -> bool {
        matches!(
            self,
            Self::Rfc822
                | Self::Rfc822Text
                | Self::Section { peek: false, .. }
                | Self::Binary { peek: false, .. }
        )
    }

    /// True when it gives text of the message, and not of a header alone.
    pub fn has_text(&self) -> bool {
        match self {
            Self::Rfc822 | Self::Rfc822Text | Self::Binary { .. } => true,
            Self::Section { section, .. } => {
                matches!(section.text, None | Some(SectionText::Text))
            }
            _ => false,
        }
    }
}

/// Parts below parts in a section: `1.2.3`.
pub const SECTION_DEPTH_MAX: usize = 64;

/// The place in a message: `1.2.MIME`, `HEADER.FIELDS (From)`, or nothing for
/// all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Section {
    /// Part numbers, from 1.
    pub part: Vec<u32>,
    pub text: Option<SectionText>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SectionText {
    Header,
    HeaderFields(Vec<Vec<u8>>),
    HeaderFieldsNot(Vec<Vec<u8>>),
    Text,
    Mime,
}

/// `<start.count>`: octets of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Partial {
    pub start: u32,
    /// At least 1.
    pub count: u32,
}
