//! Every bound of the intake, by name. Figures of the service itself stand in
//! `mailward_policy::limits`.

use mailward_policy::limits::ACCEPTED_OCTETS_MAX;
use serde::Deserialize;

/// `[limits]`: what the intake grants. Each has a default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// SMTP connections at once, over all listeners.
    pub smtp_connections_max: usize,
    /// Of these from one address.
    pub smtp_connections_per_address_max: usize,
    /// HTTPS connections at once.
    pub http_connections_max: usize,
    /// Octets of a message as it travels. Never more than the published limit.
    pub message_octets_max: u64,
    /// API requests of one key in a minute, else 429.
    pub requests_per_minute_max: u32,
    /// JSON submissions above `json_small_octets` worked on at once.
    pub json_large_at_once_max: usize,
    /// A JSON submission up to this size does not wait for large ones.
    pub json_small_octets: u64,
    /// Attachments of one JSON submission.
    pub attachments_max: usize,
    /// Octets of text and HTML together in one JSON submission.
    pub text_octets_max: usize,
    /// Fields in `headers` of one JSON submission.
    pub headers_max: usize,
    /// Refused sign-ins from one address in a quarter of an hour.
    pub refusals_per_address_max: u32,
    /// Refused sign-ins with one name in a quarter of an hour.
    pub refusals_per_name_max: u32,
    /// Password checks at once: each takes a core and 19 MiB for a while.
    pub password_checks_at_once_max: usize,
    /// Password checks that may wait for their turn.
    pub password_checks_waiting_max: usize,
    /// Sign-ins remembered as good, so that a connection for each message
    /// does not cost a password check each.
    pub sign_ins_remembered_max: usize,
    /// How far ahead a message may be scheduled; 0 for not at all.
    pub scheduled_days_max: u32,
}

impl Limits {
    /// The most that `scheduled_days_max` may be: a leap year.
    pub const SCHEDULED_DAYS_MOST: u32 = 366;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            smtp_connections_max: 2000,
            smtp_connections_per_address_max: 1000,
            http_connections_max: 1024,
            message_octets_max: ACCEPTED_OCTETS_MAX,
            requests_per_minute_max: 6000,
            json_large_at_once_max: 1,
            json_small_octets: 256 * 1024,
            attachments_max: 100,
            text_octets_max: 4 * 1024 * 1024,
            headers_max: 50,
            refusals_per_address_max: 30,
            refusals_per_name_max: 10,
            password_checks_at_once_max: 2,
            password_checks_waiting_max: 64,
            sign_ins_remembered_max: 4096,
            scheduled_days_max: 31,
        }
    }
}
