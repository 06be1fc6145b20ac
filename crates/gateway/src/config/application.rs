//! One entry of the interface register.

use mailward_mail::{Address, Timestamp};
use mailward_policy::{
    ApplicationFacts, ApplicationState, DataClass, DisplayNameDuty, ReferenceFacts,
};
use mailward_queue::{AccountName, ApplicationName, Lane, RouteName};
use serde::{Deserialize, Serialize};

use super::SecretRef;

/// A registered application: what it is for, what it may do, and how it
/// proves itself at intake (ENG-14, DHC-1).
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Application {
    pub name: ApplicationName,
    pub owner: String,
    pub purpose: String,
    /// The class of its messages unless they say otherwise.
    pub data_class: DataClass,
    pub patient_data: bool,
    pub direction: Direction,
    #[serde(default)]
    pub volumes: Volumes,
    pub account: AccountName,
    pub route: RouteName,
    #[serde(default)]
    pub references: References,
    /// When the entry is to be looked at again.
    pub review_date: Option<Timestamp>,
    /// When the approval lapses, where it has an end.
    pub approval_expires: Option<Timestamp>,
    pub state: ApplicationState,
    #[serde(default)]
    pub display_name: DisplayNameDuty,
    /// Addresses other than its account's that it was granted to send as.
    #[serde(default)]
    pub send_as: Vec<Address>,
    /// Names that may stand in place of `Lastname, Firstname`.
    #[serde(default)]
    pub service_names: Vec<String>,
    pub callback: Option<Callback>,
    #[serde(default)]
    pub passwords: Vec<IntakePassword>,
    #[serde(default)]
    pub api_keys: Vec<IntakeKey>,
}

impl Application {
    /// What the rules may know of it.
    pub fn facts(&self) -> ApplicationFacts {
        ApplicationFacts {
            name: self.name.as_str().to_owned(),
            state: self.state,
            approval_expires: self.approval_expires,
            send_as: self.send_as.clone(),
            patient_data: self.patient_data,
            display_name: self.display_name,
            service_names: self.service_names.clone(),
            account_shared_with: Vec::new(),
            references: ReferenceFacts {
                application_documentation: self.references.cmdb.clone(),
                architecture_documentation: None,
                iams: self.references.iams.clone(),
                architecture_approval: self.references.architecture_approval.clone(),
            },
            exceptions: Vec::new(),
            mass_mailing_recipients_max: None,
            high_sending: false,
        }
    }

    /// What its messages queue in.
    pub fn lane(&self) -> Lane {
        Lane {
            route: self.route.clone(),
            account: self.account.clone(),
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    #[default]
    Send,
    Receive,
    Both,
}

impl Direction {
    pub fn sends(self) -> bool {
        self != Self::Receive
    }
}

/// What its owner expects; for evidence and advice, not enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Volumes {
    pub messages_per_day: Option<u64>,
    pub messages_per_minute_peak: Option<u64>,
}

/// Where the papers are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct References {
    pub architecture_approval: Option<String>,
    pub cmdb: Option<String>,
    /// The Information Asset Management System (ENG-21).
    pub iams: Option<String>,
    /// The request to the Local Administrator (GUIDE-6).
    pub la_request: Option<String>,
    pub clinical_safety_case: Option<String>,
}

/// Where outcomes are told, signed with the secret (Standard Webhooks).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    pub url: String,
    pub secret: SecretRef,
    /// Trusted instead of the machine's own store.
    pub ca_file: Option<std::path::PathBuf>,
}

/// Whose mail a credential may send.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    #[default]
    Live,
    /// To the own organisation's addresses only.
    Team,
    /// To the twin only.
    Test,
}

impl KeyKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Team => "team",
            Self::Test => "test",
        }
    }
}

/// A name and password for SMTP AUTH.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakePassword {
    pub username: String,
    #[serde(default)]
    pub kind: KeyKind,
    /// Argon2id in PHC form for a password somebody chose; `sha256:` and 64
    /// hexadecimal digits for one that was made with 128 bits of chance or
    /// more, where a slow hash would protect nothing.
    pub hash: String,
}

/// A key for the HTTP API, made with more chance than anybody can guess.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntakeKey {
    #[serde(default)]
    pub kind: KeyKind,
    /// `sha256:` and 64 hexadecimal digits.
    pub hash: String,
}
