//! smtp.office365.com:587 as the twin plays it, and the high sending service,
//! which differs in its limits alone.

mod checks;
mod dialect;
mod session;

use std::sync::Arc;

use mailward_policy::limits::SIZE_ANNOUNCED_BY_SERVICE;
use mailward_wire::smtp::Mechanism;
use mailward_wire::smtp::server::{Extension, Limits, Settings};

pub(crate) use dialect::ExchangeDialect;
pub(crate) use session::{DoorKind, SubmissionDoor};

/// Capabilities, order and limits as observed.
pub(crate) fn settings() -> Arc<Settings> {
    use Extension::*;
    let mut settings = Settings::submission();
    settings.extensions = vec![
        Size,
        Pipelining,
        Dsn,
        EnhancedStatusCodes,
        StartTls,
        Auth,
        EightBitMime,
        BinaryMime,
        Chunking,
        SmtpUtf8,
    ];
    settings.mechanisms = vec![Mechanism::Login, Mechanism::XOAuth2];
    settings.limits = Limits {
        message_octets_max: SIZE_ANNOUNCED_BY_SERVICE.figure,
        ..Limits::default()
    };
    Arc::new(settings)
}
