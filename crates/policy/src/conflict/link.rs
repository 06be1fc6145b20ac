//! C15: which links must be encrypted. The standards say all; the guidance to
//! DCB1596 says that NHSmail enforces nothing between domains, since a letter
//! that arrives in the clear does less harm than one that does not arrive. So
//! it is asked of the links that are ours, and of no other.

use crate::facts::TlsVersion;

/// The least version on a link that is ours (ENG-5, ENG-7, DHC-11). Under the
/// guide alone as well: GUIDE-60 asks for TLS, and the service takes nothing
/// older.
pub const TLS_LEAST: TlsVersion = TlsVersion::Tls12;
