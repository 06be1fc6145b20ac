//! The one list of rules.

use crate::profile::Profile;
use crate::rule::{Problem, Rule, Severity};
use crate::rules::{
    application_registered, cloud_route, content_read, data_class_route, date_present,
    dedicated_account, display_name_form, from_is_account, from_single, header_readable,
    iams_reference, list_spacing, mail_service_allowed, mandatory_headers, marking_kept,
    mass_mailing, message_id_present, message_size, messages_per_minute, no_non_delivery_address,
    one_account_one_application, patient_identifiers, recipient_domain, recipients_per_day,
    recipients_per_message, recipients_readable, relay_sender, reply_to_real, route_authenticated,
    route_retirement, subject_present, tls_route,
};
use crate::settings::{Level, Settings};
use crate::verdict::Finding;

/// Every rule, sorted by id. The order is for readers: all rules are judged,
/// and no verdict depends on it.
pub const RULES: &[&Rule] = &[
    &application_registered::RULE,
    &cloud_route::RULE,
    &content_read::RULE,
    &data_class_route::RULE,
    &date_present::RULE,
    &dedicated_account::RULE,
    &display_name_form::RULE,
    &from_is_account::RULE,
    &from_single::RULE,
    &header_readable::RULE,
    &iams_reference::RULE,
    &list_spacing::RULE,
    &mail_service_allowed::RULE,
    &mandatory_headers::RULE,
    &marking_kept::RULE,
    &mass_mailing::RULE,
    &message_id_present::RULE,
    &message_size::RULE,
    &messages_per_minute::RULE,
    &no_non_delivery_address::RULE,
    &one_account_one_application::RULE,
    &patient_identifiers::RULE,
    &recipient_domain::RULE,
    &recipients_per_day::RULE,
    &recipients_per_message::RULE,
    &recipients_readable::RULE,
    &relay_sender::RULE,
    &reply_to_real::RULE,
    &route_authenticated::RULE,
    &route_retirement::RULE,
    &subject_present::RULE,
    &tls_route::RULE,
];

/// The rule of this id.
pub fn find(id: &str) -> Option<&'static Rule> {
    RULES.iter().copied().find(|rule| rule.id == id)
}

/// The rules to judge by, each with the severity it has here. Made once, when
/// the configuration is read.
#[derive(Clone, Debug)]
pub struct Catalogue {
    pub(crate) active: Vec<(&'static Rule, Severity)>,
    pub(crate) weakened: Vec<(&'static Rule, Level)>,
}

impl Catalogue {
    pub fn new(settings: &Settings) -> Self {
        Self::of(RULES, settings)
    }

    pub(crate) fn of(rules: &[&'static Rule], settings: &Settings) -> Self {
        Self {
            active: rules
                .iter()
                .filter_map(|rule| Some((*rule, settings.severity(rule)?)))
                .collect(),
            weakened: rules
                .iter()
                .filter_map(|rule| Some((*rule, settings.weakens(rule)?)))
                .collect(),
        }
    }

    /// The finding by which to refuse at once, where `problem` is seen before
    /// the message is there: a size announced in MAIL FROM, say. `None` while
    /// `rule` is set to anything milder than refuse, or does not bind.
    pub fn refuse_early(
        &self,
        rule: &'static Rule,
        problem: Problem,
        profile: Profile,
    ) -> Option<Finding> {
        self.rules()
            .any(|(active, set)| active.id == rule.id && set == Severity::Refuse)
            .then_some(problem)
            .filter(|problem| problem.binds(rule, profile))
            .map(|problem| Finding::new(rule, Severity::Refuse, problem, profile))
    }

    /// The rules that are judged, with their severity.
    pub fn rules(&self) -> impl Iterator<Item = (&'static Rule, Severity)> + '_ {
        self.active.iter().copied()
    }
}

impl Default for Catalogue {
    /// Every rule as severe as it is by itself.
    fn default() -> Self {
        Self::new(&Settings::default())
    }
}
