//! C15: which links must be encrypted. The standards say all; the guidance to
//! DCB1596 says that NHSmail enforces nothing between domains, since a letter
//! that arrives in the clear does less harm than one that does not arrive.

use crate::facts::TlsVersion;

/// The least version on a link that we control (ENG-5, ENG-7, DHC-11). Under
/// the guide alone as well: GUIDE-60 asks for TLS, and the service takes
/// nothing older.
pub const TLS_LEAST: TlsVersion = TlsVersion::Tls12;

/// One stretch of the way from application to reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hop {
    /// From the application to the gateway.
    ToGateway,
    /// From the gateway to the mail service.
    ToService,
    /// From the mail service to anybody else.
    Onward,
}

/// What is asked of a hop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkDuty {
    /// Nothing goes by a link below this version.
    AtLeast(TlsVersion),
    /// Not ours to enforce: what is known of it is kept as evidence.
    Evidence,
}

/// The same under every profile.
pub const fn link_duty(hop: Hop) -> LinkDuty {
    match hop {
        Hop::ToGateway | Hop::ToService => LinkDuty::AtLeast(TLS_LEAST),
        Hop::Onward => LinkDuty::Evidence,
    }
}
