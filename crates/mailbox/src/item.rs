//! One item of a folder.

use std::fmt;

use mailward_mail::Timestamp;
use mailward_store::BodyRef;

use crate::flags::Flags;

/// The unique identifier of an item in its folder; ascending, never reused
/// while the folder's UIDVALIDITY stands (RFC 3501 section 2.3.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Uid(pub u32);

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is known of an item without reading its body.
#[derive(Clone, Copy, Debug)]
pub struct Item {
    pub uid: Uid,
    pub flags: Flags,
    pub internal_date: Timestamp,
    pub body: BodyRef,
    /// The place, in its folder's order of changes, of the last change to it.
    pub change: u64,
}

impl Item {
    /// The body's exact size.
    pub fn octets(&self) -> u64 {
        self.body.octets()
    }
}
