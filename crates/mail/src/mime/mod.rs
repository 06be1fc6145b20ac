//! The parts of a message as its octets go by, in bounded memory.
//!
//! ```text
//!   octets ─▶ Walker ─▶ Visitor: part begins, header, body, part ends
//!             (lines)              └ TransferDecoder ─▶ CharsetDecoder ─▶ text
//! ```
//!
//! MIME is RFC 2045 and 2046, encoded words RFC 2047, all read leniently:
//! there is no message without a structure, however broken. Nothing here holds
//! a body.

mod charset;
mod field;
mod parameters;
mod part;
mod transfer;
mod walker;
mod words;

pub use charset::CharsetDecoder;
pub use field::{RawField, fields};
pub use parameters::Parameterised;
pub use part::PartHeader;
pub use transfer::TransferDecoder;
pub use walker::{Begin, HeaderEnd, Nesting, Visitor, Walker};
pub(crate) use words::decode_encoded_word;
pub use words::{decode_words, encode_phrase};

/// Parts within parts; what lies deeper is shown as one.
pub const DEPTH_MAX: usize = 32;
/// Parts of one message; what lies beyond is counted to the last.
pub const PARTS_MAX: usize = 1000;
/// The longest header section whose fields are looked at; the rest of a longer
/// one is carried but not read.
pub const HEADER_OCTETS_MAX: usize = 256 * 1024;
/// The header sections of all parts of a message together, likewise.
pub const PART_HEADERS_OCTETS_MAX: usize = 512 * 1024;
/// Parameters of one field; later ones are not shown.
pub const PARAMETERS_MAX: usize = 64;
