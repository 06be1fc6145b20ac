//! Where the parts of a message are, found in one pass and bounded memory.
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
mod facts;
mod field;
mod parameters;
mod structure;
mod transfer;
mod walker;
mod words;

pub use field::{envelope, fields, select_fields};
pub use structure::{Kind, Located, Part, Structure};
pub use transfer::TransferDecoder;
pub use walker::Walker;
pub use words::{decode_field, decode_text, sent_day};

#[cfg(test)]
mod tests;

/// Parts within parts; what lies deeper is shown as one.
pub const DEPTH_MAX: usize = 32;
/// Parts of one message; what lies beyond is counted to the last.
pub const PARTS_MAX: usize = 1000;
/// The longest header section whose fields are looked at; the rest of a longer
/// one is carried but not read.
pub const HEADER_OCTETS_MAX: usize = 256 * 1024;
/// The header sections of all parts of a message together, likewise.
pub const PART_HEADERS_OCTETS_MAX: usize = 512 * 1024;
/// Addresses of one field; later ones are not shown.
pub const ADDRESSES_MAX: usize = 2000;
/// Parameters of one field; later ones are not shown.
pub const PARAMETERS_MAX: usize = 64;
