//! The rules, one file each. To add one: write its file, name it here, and add
//! its line to the list in [`crate::catalogue`].

pub mod application_registered;
pub mod cloud_route;
pub mod content_read;
pub mod data_class_route;
pub mod date_present;
pub mod dedicated_account;
pub mod display_name_form;
pub mod from_is_account;
pub mod from_single;
pub mod header_readable;
pub mod iams_reference;
pub mod list_spacing;
pub mod mail_service_allowed;
pub mod mandatory_headers;
pub mod marking_kept;
pub mod mass_mailing;
pub mod message_id_present;
pub mod message_size;
pub mod messages_per_minute;
pub mod no_non_delivery_address;
pub mod one_account_one_application;
pub mod patient_identifiers;
pub mod recipient_domain;
pub mod recipients_per_day;
pub mod recipients_per_message;
pub mod recipients_readable;
pub mod relay_sender;
pub mod reply_to_real;
pub mod route_authenticated;
pub mod route_retirement;
pub mod subject_present;
pub mod tls_route;

use crate::content::{Identifier, IdentifierKind};
use crate::data_class::DataClass;
use crate::facts::Facts;

/// A rule that looks at each address of a field reports no more than this
/// many of them, so that a hostile list cannot swell a verdict.
const ADDRESSES_REPORTED_MAX: usize = 8;

/// Why a message counts as that class, when the submission did not say so
/// itself; empty, or a text in parentheses after a space.
fn origin(facts: &Facts, class: DataClass) -> String {
    let label = facts.message.data_class.as_ref();
    if facts.data_class == class {
        String::new()
    } else if label.is_some_and(|label| label.class == Ok(class)) {
        " (by its X-Mailward-Data-Class field)".to_owned()
    } else if facts.stated_class() == class {
        " (the application is registered as carrying patient data)".to_owned()
    } else if facts.content.marking == Some(class) {
        " (it is marked so)".to_owned()
    } else if let Some(found) = facts.content.identifiers.first() {
        format!(" (it holds {})", identifier(found))
    } else {
        String::new()
    }
}

/// `an NHS number (******0018) in line 3 of the text`: never the identifier
/// itself.
fn identifier(found: &Identifier) -> String {
    let article = match found.kind {
        IdentifierKind::NhsNumber => "an",
        IdentifierKind::DateOfBirth | IdentifierKind::HospitalNumber => "a",
    };
    format!(
        "{article} {} ({}) in {}",
        found.kind.as_str(),
        found.shown,
        found.place
    )
}
