//! C1: how one signs in. That one must is common to all documents; by what
//! means the service decides, from day to day.

use mailward_mail::Timestamp;

use crate::period::Date;

/// Password sign-in for IMAP, POP and EWS ended on NHSmail (its page Basic
/// Authentication Deprecation).
pub const IMAP_POP_EWS_PASSWORDS_ENDED: Date = Date::new(2023, 5, 25);

/// Password sign-in for submission is off unless an administrator turns it on
/// again (Message Center MC786329, text of 27 January 2026: "end of December").
pub const SUBMISSION_PASSWORDS_OFF: Date = Date::new(2026, 12, 31);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInProtocol {
    Submission,
    Imap,
    Pop,
    Ews,
}

/// What becomes of a password that is right. A token is taken throughout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordSignIn {
    Taken,
    /// Refused, unless an administrator of the service allows it again.
    OffByDefault,
    Ended,
}

/// Whatever the profile: it is the service that decides.
pub fn password_sign_in(protocol: SignInProtocol, at: Timestamp) -> PasswordSignIn {
    match protocol {
        SignInProtocol::Submission if at >= SUBMISSION_PASSWORDS_OFF.start() => {
            PasswordSignIn::OffByDefault
        }
        SignInProtocol::Imap | SignInProtocol::Pop | SignInProtocol::Ews
            if at >= IMAP_POP_EWS_PASSWORDS_ENDED.start() =>
        {
            PasswordSignIn::Ended
        }
        _ => PasswordSignIn::Taken,
    }
}
