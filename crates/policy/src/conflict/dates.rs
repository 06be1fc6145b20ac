//! The days on which the service changed what the documents say of it. Its
//! own doing, and so the same under every profile.

use crate::period::Date;

/// C1: password sign-in for IMAP, POP and EWS ended on NHSmail (its page Basic
/// Authentication Deprecation).
pub const IMAP_POP_EWS_PASSWORDS_ENDED: Date = Date::new(2023, 5, 25);

/// C1: password sign-in for submission is off unless an administrator turns it
/// on again (Message Center MC786329, text of 27 January 2026: "end of
/// December").
pub const SUBMISSION_PASSWORDS_OFF: Date = Date::new(2026, 12, 31);

/// C4: application accounts have to mix characters. The review date of
/// NHSmail's Application Account page, for want of another.
pub const APPLICATION_PASSWORDS_MIXED: Date = Date::new(2023, 7, 7);

/// C8: EWS answers only applications that the tenant lists (Message Center
/// MC1227454, February 2026).
pub const EWS_BY_ALLOW_LIST: Date = Date::new(2026, 10, 1);

/// C8: EWS is off for good (the same).
pub const EWS_ENDED: Date = Date::new(2027, 4, 1);
