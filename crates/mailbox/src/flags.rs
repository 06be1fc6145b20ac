//! The flags of an item, as a small set.

use std::fmt;
use std::ops::BitOr;

/// A set of flags. Besides the system flags of RFC 3501 section 2.3.2 it has
/// the keywords that mail programs agree on, and places for those that a
/// mailbox names itself ([`crate::Mailboxes::keywords`]). `\Recent` is no flag
/// of the item but of a session, see [`crate::View`].
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Flags(u32);

/// Keywords of one mailbox, beside those in [`Flags::NAMES`].
pub const KEYWORDS_MAX: usize = 23;
/// The bit of the keyword in place 0; those before it are for names that all
/// mailboxes share.
const KEYWORDS_SHIFT: u32 = 9;
const KEYWORDS_MASK: u32 = u32::MAX << KEYWORDS_SHIFT;

impl Flags {
    pub const NONE: Self = Self(0);
    pub const SEEN: Self = Self(1);
    pub const ANSWERED: Self = Self(1 << 1);
    pub const FLAGGED: Self = Self(1 << 2);
    pub const DELETED: Self = Self(1 << 3);
    pub const DRAFT: Self = Self(1 << 4);
    /// A disposition notification was sent (RFC 3503).
    pub const MDN_SENT: Self = Self(1 << 5);
    pub const FORWARDED: Self = Self(1 << 6);
    pub const JUNK: Self = Self(1 << 7);
    pub const NOT_JUNK: Self = Self(1 << 8);

    /// Every flag with its IMAP spelling.
    pub const NAMES: [(Self, &'static str); 9] = [
        (Self::SEEN, "\\Seen"),
        (Self::ANSWERED, "\\Answered"),
        (Self::FLAGGED, "\\Flagged"),
        (Self::DELETED, "\\Deleted"),
        (Self::DRAFT, "\\Draft"),
        (Self::MDN_SENT, "$MDNSent"),
        (Self::FORWARDED, "$Forwarded"),
        (Self::JUNK, "$Junk"),
        (Self::NOT_JUNK, "$NotJunk"),
    ];

    /// The flag of this name, in any case; `None` when it can't be kept.
    pub fn named(name: &str) -> Option<Self> {
        Self::NAMES
            .iter()
            .find(|(_, own)| own.eq_ignore_ascii_case(name))
            .map(|(flag, _)| *flag)
    }

    /// The names of the flags in the set.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES
            .into_iter()
            .filter(move |(flag, _)| self.contains(*flag))
            .map(|(_, name)| name)
    }

    /// The keyword that has this place in its mailbox; `None` for a place that
    /// no mailbox has.
    pub fn keyword(place: usize) -> Option<Self> {
        let place = u32::try_from(place).ok()?;
        1_u32
            .checked_shl(place.checked_add(KEYWORDS_SHIFT)?)
            .map(Self)
    }

    /// The places of the keywords in the set.
    pub fn keyword_places(self) -> impl Iterator<Item = usize> {
        (0..KEYWORDS_MAX)
            .filter(move |place| Self::keyword(*place).is_some_and(|flag| self.contains(flag)))
    }

    /// The place after the last keyword in the set.
    pub const fn keyword_places_end(self) -> usize {
        (u32::BITS - (self.0 & KEYWORDS_MASK).leading_zeros()).saturating_sub(KEYWORDS_SHIFT)
            as usize
    }

    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub(crate) fn to_row(self) -> i64 {
        i64::from(self.0)
    }

    /// Bits that no flag has are dropped.
    pub(crate) fn from_row(bits: i64) -> Self {
        Self(u32::try_from(bits & i64::from(u32::MAX)).unwrap_or(0))
    }
}

impl BitOr for Flags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        self.with(other)
    }
}

impl fmt::Debug for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// How to change the flags of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FlagChange {
    Replace(Flags),
    Add(Flags),
    Remove(Flags),
}

impl FlagChange {
    pub fn apply(self, old: Flags) -> Flags {
        match self {
            Self::Replace(flags) => flags,
            Self::Add(flags) => old.with(flags),
            Self::Remove(flags) => old.without(flags),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_flags_in_any_case_and_drops_unknown_bits() {
        assert_eq!(Flags::named("\\seen"), Some(Flags::SEEN));
        assert_eq!(Flags::named("$mdnsent"), Some(Flags::MDN_SENT));
        assert_eq!(Flags::named("\\Recent"), None);
        assert_eq!(Flags::named("urgent"), None);
        assert_eq!(Flags::from_row(-1).to_row(), i64::from(u32::MAX));
        assert_eq!(Flags::from_row(1 << 32), Flags::NONE);
        assert_eq!(
            format!("{:?}", Flags::SEEN | Flags::DRAFT),
            r#"{"\\Seen", "\\Draft"}"#
        );
    }

    #[test]
    fn keywords_have_places() {
        let last = Flags::keyword(KEYWORDS_MAX - 1).expect("a place");
        assert_eq!(Flags::keyword(KEYWORDS_MAX), None);
        let both = last | Flags::keyword(0).expect("a place") | Flags::SEEN;
        assert_eq!(both.keyword_places().collect::<Vec<_>>(), [0, 22]);
        assert_eq!(both.names().collect::<Vec<_>>(), ["\\Seen"]);
        for (flags, end) in [(Flags::SEEN, 0), (Flags::NOT_JUNK, 0), (both, 23)] {
            assert_eq!(flags.keyword_places_end(), end, "{flags:?}");
        }
        assert_eq!(Flags::from_row(both.to_row()), both);
    }

    #[test]
    fn changes_flags() {
        let old = Flags::SEEN | Flags::FLAGGED;
        for (change, expected) in [
            (FlagChange::Replace(Flags::DRAFT), Flags::DRAFT),
            (FlagChange::Add(Flags::DRAFT), old | Flags::DRAFT),
            (FlagChange::Remove(Flags::SEEN), Flags::FLAGGED),
            (FlagChange::Remove(Flags::DRAFT), old),
        ] {
            assert_eq!(change.apply(old), expected, "{change:?}");
        }
    }
}
