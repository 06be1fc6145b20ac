//! C2: the relay, anonymous and in plain text when it must be. The guide
//! offers it; both standards forbid what it does.

use crate::facts::{ExceptionFacts, ExceptionKind, Facts};
use crate::profile::Profile;

/// Who may use the relay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relay {
    /// Anybody, with mail that is not confidential (GUIDE-11, GUIDE-16).
    ForNonConfidential,
    /// An application with an approved exception in force, and then too with
    /// mail that is not confidential alone (ENG-17, ENG-18, DHC-8, DHC-15).
    ByExceptionOnly,
}

/// What the profile says of the relay.
pub const fn relay(profile: Profile) -> Relay {
    match profile {
        Profile::Guide2022 => Relay::ForNonConfidential,
        Profile::NhsEngland | Profile::Dorset | Profile::Current => Relay::ByExceptionOnly,
    }
}

/// On what ground this submission may leave by the relay at all. That it is
/// not confidential and comes from an nhs.uk address is asked besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelayGround<'a> {
    /// The profile lets anybody.
    Profile,
    /// This exception is in force.
    Exception(&'a ExceptionFacts),
}

/// `None` when there is no ground: the relay is closed to it.
pub fn relay_ground(facts: &Facts) -> Option<RelayGround<'_>> {
    match relay(facts.profile) {
        Relay::ForNonConfidential => Some(RelayGround::Profile),
        Relay::ByExceptionOnly => facts
            .application
            .as_ref()?
            .exceptions_in_force(ExceptionKind::Relay, facts.at)
            .next()
            .map(RelayGround::Exception),
    }
}
