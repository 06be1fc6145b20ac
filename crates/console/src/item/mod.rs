//! Taking a mail item apart for display.

mod content;
mod frame;
mod open;
mod part;
mod structure;

pub(crate) use content::{HtmlView, ItemContent, file_name};
pub(crate) use frame::{FRAME_POLICY, framed};
pub(crate) use open::{ItemFacts, off_thread, open};
pub(crate) use part::Part;
pub(crate) use structure::parts;

/// An item is read into memory whole up to this, which is above the service's
/// message size; of a larger one only the beginning is shown.
pub(crate) const ITEM_OCTETS_MAX: usize = 40 * 1024 * 1024;
/// So much of a larger item is shown.
pub(crate) const ITEM_BEGINNING_OCTETS: usize = 1024 * 1024;
/// Items in memory at once.
pub(crate) const READERS_MAX: usize = 2;

/// More text than this is cut, and said to be.
pub(crate) const TEXT_OCTETS_MAX: usize = 256 * 1024;
/// HTML longer than this is not framed; its text is shown instead.
pub(crate) const HTML_OCTETS_MAX: usize = 1024 * 1024;
/// So much of the raw source is shown on a page.
pub(crate) const SOURCE_OCTETS_MAX: usize = 256 * 1024;
