//! The structure of a message as IMAP shows it. The parts themselves are found
//! by [`mailward_mail::mime`], in one pass and bounded memory.
//!
//! ```text
//!   octets ─▶ walker ─▶ Structure ─▶ BODYSTRUCTURE, sections (ranges)
//!             (lines)     │
//!                         └ header fields: ENVELOPE, HEADER.FIELDS, SEARCH
//! ```
//!
//! MIME is RFC 2045 and 2046, header fields RFC 5322, read leniently: there is
//! no message without a structure, however broken. Nothing here holds a body.

mod address;
mod armour;
mod facts;
mod field;
mod structure;
mod walker;
mod words;

pub(crate) use address::parse as addresses;
pub use armour::{Armour, StrayNul};
pub use field::{envelope, select_fields};
pub use mailward_mail::mime::{
    DEPTH_MAX, HEADER_OCTETS_MAX, PART_HEADERS_OCTETS_MAX, PARTS_MAX, TransferDecoder, fields,
};
pub use structure::{Kind, Located, Part, Structure};
pub use walker::Walker;
pub use words::{decode_field, decode_text, sent_day};

#[cfg(test)]
mod tests;

/// Addresses of one field; later ones are not shown.
pub const ADDRESSES_MAX: usize = 2000;
