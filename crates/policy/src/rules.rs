//! The rules, one file each. To add one: write its file, name it here, and add
//! its line to the list in [`crate::catalogue`].

pub mod application_registered;
pub mod data_class_route;
pub mod date_present;
pub mod display_name_form;
pub mod from_is_account;
pub mod from_single;
pub mod header_readable;
pub mod mail_service_allowed;
pub mod mandatory_headers;
pub mod message_id_present;
pub mod message_size;
pub mod no_non_delivery_address;
pub mod recipients_per_message;
pub mod recipients_readable;
pub mod reply_to_real;
pub mod tls_route;

/// A rule that looks at each address of a field reports no more than this
/// many of them, so that a hostile list cannot swell a verdict.
const ADDRESSES_REPORTED_MAX: usize = 8;
