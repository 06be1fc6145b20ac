//! relay.nhs.uk:25 as the twin plays it: no sign-in, TLS if the client likes,
//! and a look at the client's address instead (GUIDE-51 to GUIDE-58).
//!
//! ```text
//!   connect ── registered? ── in the reverse zone? ── refused
//!                   └───────────────┴── sender of nhs.net, or of another's
//!                                       domain? ── deleted (GUIDE-14)
//!                                              └── delivered
//! ```

mod admission;
mod dialect;
mod session;

use std::sync::Arc;

use mailward_policy::limits::MESSAGE_OCTETS;
use mailward_wire::smtp::server::{Extension, Limits, Settings};

pub(crate) use admission::Admissions;
pub(crate) use dialect::RelayDialect;
pub(crate) use session::RelayDoor;

/// The capabilities are not published; these are what every relay has.
pub(crate) fn settings() -> Arc<Settings> {
    use Extension::*;
    let mut settings = Settings::submission();
    settings.extensions = vec![
        Pipelining,
        Size,
        StartTls,
        EnhancedStatusCodes,
        EightBitMime,
        Dsn,
    ];
    settings.mechanisms = Vec::new();
    settings.tls_required = false;
    settings.auth_required = false;
    settings.limits = Limits {
        message_octets_max: MESSAGE_OCTETS.figure,
        ..Limits::default()
    };
    Arc::new(settings)
}
