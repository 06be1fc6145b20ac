//! C8: Exchange Web Services, which the guide recommends, come to their end.

use mailward_mail::Timestamp;

use crate::period::Date;

/// From this day EWS answers only applications that the tenant lists
/// (Message Center MC1227454, February 2026).
pub const EWS_BY_ALLOW_LIST: Date = Date::new(2026, 10, 1);

/// From this day EWS is off for good (the same).
pub const EWS_ENDED: Date = Date::new(2027, 4, 1);

/// What is left of EWS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ews {
    Open,
    /// Only for applications on the tenant's list.
    ByAllowList,
    Ended,
}

/// Whatever the profile: it is the service that ends it.
pub fn ews(at: Timestamp) -> Ews {
    if at >= EWS_ENDED.start() {
        Ews::Ended
    } else if at >= EWS_BY_ALLOW_LIST.start() {
        Ews::ByAllowList
    } else {
        Ews::Open
    }
}
