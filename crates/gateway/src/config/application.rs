//! One entry of the interface register.

use mailward_mail::{Address, Timestamp};
use mailward_policy::{
    ApplicationFacts, ApplicationState, DataClass, DisplayNameDuty, ExceptionFacts, ExceptionKind,
    ReferenceFacts,
};
use mailward_queue::{AccountName, ApplicationName, Lane, MessageClass, RouteName};
use serde::{Deserialize, Serialize};

use super::SecretRef;

/// A registered application: what it is for, what it may do, and how it
/// proves itself at intake (ENG-14, DHC-1). What each field is and which
/// clauses ask for it stands in [`crate::register::FIELDS`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Application {
    pub name: ApplicationName,
    pub owner: String,
    /// Whom to call about it.
    #[serde(default)]
    pub owner_contact: Option<String>,
    pub purpose: String,
    /// The class of its messages unless they say otherwise.
    pub data_class: DataClass,
    pub patient_data: bool,
    /// Treated as a clinical system (GUIDE-22).
    #[serde(default)]
    pub clinical: bool,
    pub direction: Direction,
    #[serde(default)]
    pub volumes: Volumes,
    pub account: AccountName,
    pub route: RouteName,
    /// Taken instead when its account sends more than the route above carries
    /// (GUIDE-81, DHC-7).
    #[serde(default)]
    pub high_sending_route: Option<RouteName>,
    #[serde(default)]
    pub references: References,
    /// The Information Governance representative (ENG-22).
    #[serde(default)]
    pub information_governance_contact: Option<String>,
    /// The organisation's code in the Organisation Data Service (GUIDE-12).
    #[serde(default)]
    pub ods_code: Option<String>,
    /// Who sponsors a party outside the NHS (GUIDE-105).
    #[serde(default)]
    pub sponsoring_organisation: Option<String>,
    /// Where it runs (GUIDE-103, ENG-24).
    #[serde(default)]
    pub deployment: Option<Deployment>,
    /// By when it leaves legacy mail on the premises (ENG-25).
    #[serde(default)]
    pub migration_date: Option<Timestamp>,
    /// When the entry is to be looked at again.
    pub review_date: Option<Timestamp>,
    /// When the approval lapses, where it has an end.
    pub approval_expires: Option<Timestamp>,
    pub state: ApplicationState,
    /// People whom one text may reach before it is a mass mailing.
    #[serde(default)]
    pub mass_mailing_recipients_max: Option<u64>,
    /// How long its messages may wait, where other than their class says.
    #[serde(default)]
    pub deadline_minutes: DeadlineMinutes,
    /// X-Priority, Importance and Priority in its messages name their class.
    #[serde(default)]
    pub header_priority: bool,
    #[serde(default)]
    pub display_name: DisplayNameDuty,
    /// Addresses other than its account's that it was granted to send as.
    #[serde(default)]
    pub send_as: Vec<Address>,
    /// Names that may stand in place of `Lastname, Firstname`.
    #[serde(default)]
    pub service_names: Vec<String>,
    /// Departures from the rules that somebody approved, in force or not.
    #[serde(default)]
    pub exceptions: Vec<Exception>,
    pub callback: Option<Callback>,
    #[serde(default)]
    pub passwords: Vec<IntakePassword>,
    #[serde(default)]
    pub api_keys: Vec<IntakeKey>,
}

impl Application {
    /// A draft that sends OFFICIAL mail by this account and route, with
    /// everything else left open.
    pub fn draft(name: ApplicationName, account: AccountName, route: RouteName) -> Self {
        Self {
            name,
            owner: String::new(),
            owner_contact: None,
            purpose: String::new(),
            data_class: DataClass::Official,
            patient_data: false,
            clinical: false,
            direction: Direction::default(),
            volumes: Volumes::default(),
            account,
            route,
            high_sending_route: None,
            references: References::default(),
            information_governance_contact: None,
            ods_code: None,
            sponsoring_organisation: None,
            deployment: None,
            migration_date: None,
            review_date: None,
            approval_expires: None,
            state: ApplicationState::Draft,
            mass_mailing_recipients_max: None,
            deadline_minutes: DeadlineMinutes::default(),
            header_priority: false,
            display_name: DisplayNameDuty::default(),
            send_as: Vec::new(),
            service_names: Vec::new(),
            exceptions: Vec::new(),
            callback: None,
            passwords: Vec::new(),
            api_keys: Vec::new(),
        }
    }

    /// What the rules may know of it. Who else uses its account is for the
    /// register to say.
    pub fn facts(&self) -> ApplicationFacts {
        let references = &self.references;
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
                application_documentation: references.application_documentation.clone(),
                // A configuration management database is a suitable place for
                // the service's side of the record (ENG-15).
                architecture_documentation: references
                    .architecture_documentation
                    .clone()
                    .or_else(|| references.cmdb.clone()),
                iams: references.iams.clone(),
                architecture_approval: references.architecture_approval.clone(),
            },
            exceptions: self.exceptions.iter().map(Exception::facts).collect(),
            mass_mailing_recipients_max: self.mass_mailing_recipients_max,
            high_sending: self.high_sending_route.is_some(),
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

/// Minutes from acceptance, or from the moment that a message is scheduled
/// for, to its deadline.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeadlineMinutes {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routine: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk: Option<u64>,
}

impl DeadlineMinutes {
    /// The most that a class may have: a month.
    pub const MAX: u64 = 31 * 24 * 60;

    pub fn of(&self, class: MessageClass) -> Option<u64> {
        match class {
            MessageClass::Urgent => self.urgent,
            MessageClass::Routine => self.routine,
            MessageClass::Bulk => self.bulk,
        }
    }

    /// Whether each lies between a minute and a month.
    pub fn is_sound(&self) -> bool {
        let all = [self.urgent, self.routine, self.bulk];
        all.into_iter()
            .flatten()
            .all(|minutes| (1..=Self::MAX).contains(&minutes))
    }
}

/// Where an application runs (GUIDE-103, ENG-24).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deployment {
    Internet,
    Hscn,
    Cloud,
    OnPremises,
}

impl Deployment {
    pub const ALL: [Self; 4] = [Self::Internet, Self::Hscn, Self::Cloud, Self::OnPremises];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Internet => "internet",
            Self::Hscn => "hscn",
            Self::Cloud => "cloud",
            Self::OnPremises => "on-premises",
        }
    }
}

/// One approved departure from the rules. It always has the approval's
/// reference and an end (DHC-8, DHC-15).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exception {
    pub kind: ExceptionKind,
    pub reference: String,
    /// The first moment at which it no longer holds.
    pub expires: Timestamp,
    /// A device's source address, a service's name; empty for the relay.
    #[serde(default)]
    pub subject: String,
}

impl Exception {
    fn facts(&self) -> ExceptionFacts {
        ExceptionFacts {
            kind: self.kind,
            reference: self.reference.clone(),
            expires: self.expires,
            subject: self.subject.clone(),
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
    pub const ALL: [Self; 3] = [Self::Send, Self::Receive, Self::Both];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Send => "send",
            Self::Receive => "receive",
            Self::Both => "both",
        }
    }

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
    /// Where the integration is documented with the application (DHC-1).
    pub application_documentation: Option<String>,
    /// Where it is documented in the organisation's architecture (DHC-2).
    pub architecture_documentation: Option<String>,
    pub architecture_approval: Option<String>,
    pub cmdb: Option<String>,
    /// The Information Asset Management System (ENG-21).
    pub iams: Option<String>,
    /// The request to the Local Administrator (GUIDE-6).
    pub la_request: Option<String>,
    /// The request for the application account, or for a user account to
    /// become one (GUIDE-18, DHC-13).
    pub account_request: Option<String>,
    /// The request to register the sending address for the relay (GUIDE-58).
    pub dns_request: Option<String>,
    /// Where the NHSmail team was told of the plan (GUIDE-102).
    pub nhsmail_contact: Option<String>,
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
