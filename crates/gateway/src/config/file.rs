//! The shape of the file: what may stand where. Its sense is checked by
//! `check`.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;

use mailward_policy::{
    AccountKind, ApplicationState, DisplayNameDuty, ExceptionKind, Level, MailService,
};
use serde::Deserialize;
use serde::de::IgnoredAny;
use toml::Spanned;

use super::Environment;
use super::application::{
    DeadlineMinutes, Deployment, Direction, IntakeKey, IntakePassword, References, Volumes,
};
use super::error::{ConfigError, ConfigErrors, excerpt};
use super::limits::Limits;
use super::observe::Log;
use super::store::StoreSettings;
use crate::deliver::reply::RowText;

/// A text with its place in the file.
pub(super) type Text = Spanned<String>;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) profile: Option<Text>,
    #[serde(default)]
    pub(super) accredited_domains: Vec<Text>,
    #[serde(default)]
    pub(super) distribution_list: Vec<DistributionList>,
    pub(super) gateway: Gateway,
    pub(super) keystore: Option<Keystore>,
    pub(super) limits: Option<Spanned<Limits>>,
    pub(super) metrics: Option<Metrics>,
    #[serde(default)]
    pub(super) log: Log,
    pub(super) traces: Option<Traces>,
    pub(super) store: Option<Spanned<StoreSettings>>,
    #[serde(default)]
    pub(super) rules: BTreeMap<Text, Level>,
    #[serde(default)]
    pub(super) route: Vec<Route>,
    #[serde(default)]
    pub(super) oauth: BTreeMap<String, OAuth>,
    #[serde(default)]
    pub(super) account: Vec<Account>,
    #[serde(default)]
    pub(super) application: Vec<Application>,
    #[serde(default)]
    pub(super) reply: Vec<RowText>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DistributionList {
    pub(super) address: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Gateway {
    pub(super) hostname: Text,
    #[serde(default)]
    pub(super) environment: Environment,
    pub(super) dir: String,
    pub(super) submission: Option<SocketAddr>,
    pub(super) submissions: Option<SocketAddr>,
    pub(super) https: Option<SocketAddr>,
    pub(super) breached_passwords: Option<String>,
    pub(super) tls: Option<Tls>,
    #[serde(default)]
    pub(super) console_user: Vec<ConsoleUser>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Metrics {
    pub(super) listen: Spanned<SocketAddr>,
    #[serde(default)]
    pub(super) tls: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Traces {
    pub(super) endpoint: Text,
    pub(super) ca_file: Option<String>,
    pub(super) sample: Option<Spanned<f64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) certificate: String,
    pub(super) key: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ConsoleUser {
    pub(super) name: Text,
    pub(super) role: Text,
    pub(super) password_hash: Text,
    pub(super) password: Option<Spanned<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keystore {
    pub(super) file: Text,
    /// `env:NAME` or `credential:NAME`.
    pub(super) passphrase: Option<Text>,
    /// `file:PATH` or `credential:NAME`.
    pub(super) key: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) name: Text,
    pub(super) kind: Text,
    pub(super) server: Text,
    pub(super) port: u16,
    pub(super) ca_file: Option<String>,
    /// Absent on a relay alone.
    pub(super) mechanism: Option<Text>,
    pub(super) oauth: Option<Text>,
    pub(super) source_address: Option<Text>,
    pub(super) connections_max: Option<Spanned<usize>>,
    pub(super) messages_per_minute: Option<Spanned<u32>>,
    pub(super) recipients_max: Option<u64>,
    #[serde(default)]
    pub(super) dcb1596: bool,
    #[serde(default)]
    pub(super) service: MailService,
    #[serde(default)]
    pub(super) on_premise: bool,
    #[serde(default)]
    pub(super) twin: bool,
    #[serde(default)]
    pub(super) retires: Vec<Retirement>,
    pub(super) sent_items: Option<SentItems>,
    #[serde(default)]
    pub(super) fails_over_to: Vec<Text>,
    pub(super) fails_over_after_minutes: Option<Spanned<u64>>,
    pub(super) fails_back_after_minutes: Option<Spanned<u64>>,
    pub(super) fails_over_on: Option<Vec<Text>>,
    #[serde(default)]
    pub(super) timeouts: Timeouts,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Timeouts {
    pub(super) open_seconds: Option<Spanned<u64>>,
    pub(super) reply_seconds: Option<Spanned<u64>>,
    pub(super) final_dot_seconds: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SentItems {
    pub(super) server: Text,
    pub(super) port: Option<u16>,
    pub(super) ca_file: Option<String>,
    pub(super) mechanism: Option<Text>,
    pub(super) oauth: Option<Text>,
    pub(super) folder: Option<Text>,
    pub(super) settle_seconds: Option<Spanned<u64>>,
    pub(super) looks: Option<Spanned<u32>>,
    pub(super) patience_minutes: Option<Spanned<u64>>,
    pub(super) files: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Retirement {
    pub(super) date: Text,
    pub(super) what: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OAuth {
    pub(super) token_url: Text,
    pub(super) client_id: String,
    pub(super) client_secret: Text,
    pub(super) scope: String,
    pub(super) ca_file: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Account {
    pub(super) address: Text,
    pub(super) kind: Option<AccountKind>,
    pub(super) display_name: Option<Text>,
    #[serde(default)]
    pub(super) repair_display_name: Option<Spanned<bool>>,
    pub(super) route: Text,
    pub(super) secret: Option<Text>,
    pub(super) password_changed: Option<Text>,
    /// Never taken; named here so that the refusal can say why.
    pub(super) password: Option<Spanned<IgnoredAny>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Application {
    pub(super) name: Text,
    pub(super) owner: String,
    pub(super) owner_contact: Option<String>,
    pub(super) purpose: String,
    pub(super) data_class: Text,
    pub(super) patient_data: bool,
    #[serde(default)]
    pub(super) clinical: bool,
    #[serde(default)]
    pub(super) direction: Direction,
    #[serde(default)]
    pub(super) volumes: Volumes,
    pub(super) account: Text,
    pub(super) route: Option<Text>,
    pub(super) high_sending_route: Option<Text>,
    #[serde(default)]
    pub(super) references: References,
    pub(super) information_governance_contact: Option<String>,
    pub(super) ods_code: Option<String>,
    pub(super) sponsoring_organisation: Option<String>,
    pub(super) deployment: Option<Deployment>,
    pub(super) migration_date: Option<Text>,
    pub(super) review_date: Option<Text>,
    pub(super) approval_expires: Option<Text>,
    pub(super) state: ApplicationState,
    pub(super) mass_mailing_recipients_max: Option<u64>,
    pub(super) deadline_minutes: Option<Spanned<DeadlineMinutes>>,
    #[serde(default)]
    pub(super) header_priority: bool,
    #[serde(default)]
    pub(super) display_name: DisplayNameDuty,
    #[serde(default)]
    pub(super) send_as: Vec<Text>,
    #[serde(default)]
    pub(super) service_names: Vec<String>,
    #[serde(default)]
    pub(super) exceptions: Vec<Spanned<Exception>>,
    pub(super) callback: Option<Callback>,
    #[serde(default)]
    pub(super) passwords: Vec<Spanned<IntakePassword>>,
    #[serde(default)]
    pub(super) api_keys: Vec<Spanned<IntakeKey>>,
    pub(super) password: Option<Spanned<IgnoredAny>>,
    pub(super) api_key: Option<Spanned<IgnoredAny>>,
}

/// Reference and end are asked for by the check, which can say why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Exception {
    pub(super) kind: ExceptionKind,
    #[serde(default)]
    pub(super) reference: String,
    pub(super) expires: Option<Text>,
    #[serde(default)]
    pub(super) subject: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Callback {
    pub(super) url: Text,
    pub(super) secret: Text,
    pub(super) ca_file: Option<String>,
}

/// Reads the shape. Stops at the first error, since what follows a broken
/// line cannot be trusted.
pub(super) fn parse(text: &str, path: &Path) -> Result<File, ConfigErrors> {
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        let problem = one_line(error.message());
        // What stands in a setting of the wrong type may be a secret: only
        // the line is named then, and the setting's name where that is meant.
        let unknown = problem.starts_with("unknown field");
        let problem = if problem.starts_with("invalid ") {
            "the value has the wrong type or form".to_owned()
        } else {
            problem
        };
        let value = if unknown {
            excerpt(text, span.clone())
        } else {
            String::new()
        };
        let remedy = if unknown {
            "Correct the spelling, or remove it."
        } else if problem.starts_with("missing field") {
            "Add it to this table."
        } else {
            "Correct this line."
        };
        ConfigErrors(vec![ConfigError::at(
            path, text, span, value, problem, remedy,
        )])
    })
}

fn one_line(message: &str) -> String {
    message.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}
