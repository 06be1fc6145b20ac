//! The high sending route: submission as on port 587, to the service for those
//! who send more than its usual limits let through (GUIDE-81, DHC-7).
//!
//! Neither host nor limits are published, so that both are configuration: no
//! limit of messages a minute unless one is set.

use super::submission::SubmissionRoute;

/// The same server, trust and times as submission; other limits.
#[derive(Clone, Debug)]
pub struct HighSendingRoute(pub SubmissionRoute);
