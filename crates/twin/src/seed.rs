//! What a twin is populated with: the organisation, its accounts, its
//! distribution lists. The same shapes are read from a seed file and from the
//! control API.

use mailward_mail::{Address, Secret, Timestamp};
use serde::{Deserialize, Serialize};

/// The organisation whose mail the twin serves. Fictional, always.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    pub name: String,
    /// Its code in the Organisation Data Service.
    #[serde(default)]
    pub ods_code: String,
    /// The mail domain, for example `northmoor.example`.
    pub domain: String,
    /// The domains that it may send from through the relay (GUIDE-13); its
    /// mail domain alone when empty.
    #[serde(default)]
    pub relay_domains: Vec<String>,
}

/// What an account is for; passwords and rights follow from it (GUIDE-18, GUIDE-19).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    #[default]
    User,
    Application,
    Shared,
}

impl AccountKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Application => "application",
            Self::Shared => "shared",
        }
    }
}

/// A protocol that the Local Administrator enables for an account (GUIDE-6).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    Smtp,
    Imap,
    Pop,
    Ews,
    Graph,
}

/// Whether an account opens at all (GUIDE-35).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountState {
    #[default]
    Active,
    /// After too many wrong passwords, or by the Local Administrator, who
    /// alone unlocks it (GUIDE-36).
    Locked,
    Disabled,
}

impl AccountState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Locked => "locked",
            Self::Disabled => "disabled",
        }
    }
}

/// One account as a seed file or the control API gives it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSpec {
    pub address: Address,
    /// Without one the twin makes one and shows it in the ready object.
    #[serde(default)]
    pub password: Option<Secret>,
    #[serde(default)]
    pub kind: AccountKind,
    #[serde(default)]
    pub display_name: Option<String>,
    /// Enabled protocols; all that the twin has when absent.
    #[serde(default)]
    pub protocols: Option<Vec<Protocol>>,
    /// The service's own when absent; 0 is without a quota.
    #[serde(default)]
    pub quota_mb: Option<u64>,
    /// Recipients that one message may have, 1 to 1000.
    #[serde(default)]
    pub recipients_max: Option<u64>,
    /// Whose tokens open this mailbox beside the account's own: the service's
    /// Full Access and Send As in one.
    #[serde(default)]
    pub full_access: Option<Vec<Address>>,
    /// For example `en-GB`.
    #[serde(default)]
    pub culture: Option<String>,
    /// When the password was set; the moment of making when absent.
    #[serde(default)]
    pub password_changed: Option<Timestamp>,
    #[serde(default)]
    pub state: Option<AccountState>,
    /// The password must be changed before anybody signs in with it.
    #[serde(default)]
    pub must_change: Option<bool>,
}

impl AccountSpec {
    /// All of it in one text, to tell whether a seed has changed.
    pub(crate) fn fingerprint(&self) -> String {
        serde_json::json!({
            "password": self.password.as_ref().map(Secret::expose),
            "kind": self.kind,
            "display_name": self.display_name,
            "protocols": self.protocols,
            "quota_mb": self.quota_mb,
            "culture": self.culture,
            "password_changed": self.password_changed,
            "state": self.state,
            "must_change": self.must_change,
            "full_access": self.full_access,
        })
        .to_string()
    }
}

/// How the service takes wrong passwords, and what it says of a locked account.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SignInSpec {
    /// Wrong passwords in a row before an account is locked; 0 never locks.
    #[serde(default)]
    pub wrong_passwords_max: Option<u32>,
    /// What stands after `Authentication unsuccessful, ` for a locked account.
    #[serde(default)]
    pub locked_words: Option<String>,
    /// After so many days without use a protocol is switched off (GUIDE-7);
    /// the interval is not published, and without one nothing is.
    #[serde(default)]
    pub disuse_days: Option<u32>,
}

/// A distribution list of the organisation.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DistributionListSpec {
    pub address: Address,
    pub members: Vec<Address>,
}

/// An address that may use the relay service (GUIDE-53).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RelayRegistrationSpec {
    pub address: std::net::IpAddr,
    #[serde(default)]
    pub organisation: String,
    /// What it may send from; the organisation's domains when empty.
    #[serde(default)]
    pub domains: Vec<String>,
}

/// A name that the twin's name server tells, and its addresses by turn
/// (GUIDE-56).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct HostSpec {
    pub name: String,
    pub addresses: Vec<std::net::IpAddr>,
    /// How long an answer may be kept.
    #[serde(default = "HostSpec::ttl_seconds")]
    pub ttl_seconds: u32,
}

impl HostSpec {
    pub(crate) const TTL_SECONDS: u32 = 30;

    const fn ttl_seconds() -> u32 {
        Self::TTL_SECONDS
    }
}

/// One record of the reverse zone that the relay asks when an address is not
/// registered (GUIDE-54).
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PtrSpec {
    pub address: std::net::IpAddr,
    pub name: String,
}
