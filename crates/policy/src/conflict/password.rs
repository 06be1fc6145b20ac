//! C4 and C5: what a password is made of, by the guide and by the service's
//! later pages.

use mailward_mail::Timestamp;

use crate::facts::AccountKind;
use crate::period::Date;

/// Since when application accounts have to mix characters: the review date of
/// NHSmail's Application Account page.
pub const APPLICATION_PASSWORDS_MIXED: Date = Date::new(2023, 7, 7);

/// Since when names and spaces are barred: the review date of the NHSmail
/// password policy page.
pub const NAMES_AND_SPACES_BARRED: Date = Date::new(2023, 7, 27);

/// Which kinds of character a password must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Composition {
    /// Any (GUIDE-27).
    Free,
    /// A capital letter, a small one, and a digit or symbol.
    Mixed,
}

/// C4: what the service asks of a password on this day. A password that we
/// make ourselves is mixed whatever the day.
pub fn password_composition(kind: AccountKind, at: Timestamp) -> Composition {
    if kind == AccountKind::Application && at >= APPLICATION_PASSWORDS_MIXED.start() {
        Composition::Mixed
    } else {
        Composition::Free
    }
}

/// C5: whether, beside the account's own prefix (GUIDE-26), first name, last
/// name and spaces are barred on this day.
pub fn names_and_spaces_barred(at: Timestamp) -> bool {
    at >= NAMES_AND_SPACES_BARRED.start()
}
