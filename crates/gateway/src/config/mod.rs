//! What the gateway is told: one TOML file, or the same values made in code.
//!
//! ```text
//!   FILE ─▶ file (the shape, with places) ─▶ check (the sense) ─▶ Config
//!                        └──────────── error: file, line, value, remedy
//! ```
//!
//! A secret never stands in it: only where the secret is kept ([`SecretRef`]).

mod application;
mod check;
mod check_application;
mod check_fail_over;
mod check_gateway;
mod check_observe;
mod check_route;
mod check_sent_items;
mod domains;
mod error;
mod fail_over;
mod file;
mod limits;
mod observe;
mod secret_ref;
pub mod sent_items;
mod store;
pub mod timeouts;

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use mailward_mail::{Address, Timestamp};
use mailward_policy::{
    AccountKind, MailService, Profile, RetirementFacts, RouteFacts, RouteKind, Settings, TlsVersion,
};
use mailward_queue::{AccountName, ApplicationName, RouteName};
use serde::{Deserialize, Serialize};

use crate::deliver::ReplyTable;
pub use application::{
    Application, Callback, DeadlineMinutes, Deployment, Direction, Exception, IntakeKey,
    IntakePassword, KeyKind, References, Volumes,
};
pub use domains::{AccreditedDomains, DomainPattern};
pub use error::{ConfigError, ConfigErrors};
pub use fail_over::FailOver;
pub use limits::Limits;
pub use observe::{Log, LogFormat, LogLevel, Metrics, Traces};
pub use secret_ref::{SecretRef, SecretRefError, is_secret_name};
pub use sent_items::SentItems;
pub use store::StoreSettings;
pub use timeouts::Timeouts;

/// Everything the gateway is told. Names are unique in their lists, and every
/// name that is referred to exists: [`Config::read`] sees to it, and whoever
/// builds one in code.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our own name: in greetings, Received fields and reports.
    pub hostname: String,
    pub environment: Environment,
    /// The store's folder.
    pub dir: PathBuf,
    pub listen: Listen,
    /// None where the identity is passed in code.
    pub tls: Option<TlsFiles>,
    pub keystore: Option<KeystoreFile>,
    pub console_users: Vec<ConsoleUser>,
    /// A list beside the one in the program (GUIDE-28).
    pub breached_passwords: Option<PathBuf>,
    pub limits: Limits,
    /// Where monitoring asks; nowhere without one.
    pub metrics: Option<Metrics>,
    pub log: Log,
    pub traces: Option<Traces>,
    pub store: StoreSettings,
    /// Which documents bind the organisation.
    pub profile: Profile,
    /// Known distribution lists of the service.
    pub distribution_lists: Vec<Address>,
    /// Certified to DCB1596 beside the national service's and the accounts' own.
    pub accredited_domains: Vec<DomainPattern>,
    /// Whether the spacing of messages to a list and the recipients of a day
    /// are kept at sending: always, but against strangers' test servers.
    pub keeps_limits: bool,
    /// What replies of the service mean, the organisation's own rows first.
    pub replies: ReplyTable,
    /// Severities set otherwise than the catalogue of rules does.
    pub rules: Settings,
    pub routes: Vec<Route>,
    /// OAuth client registrations, by the name that routes refer to.
    pub oauth: BTreeMap<String, OAuthClient>,
    pub accounts: Vec<Account>,
    pub applications: Vec<Application>,
}

impl Config {
    /// A configuration with nothing in it but where it keeps its data.
    pub fn new(hostname: impl Into<String>, dir: impl Into<PathBuf>) -> Self {
        Self {
            hostname: hostname.into(),
            environment: Environment::default(),
            dir: dir.into(),
            listen: Listen::default(),
            tls: None,
            keystore: None,
            console_users: Vec::new(),
            breached_passwords: None,
            limits: Limits::default(),
            metrics: None,
            log: Log::default(),
            traces: None,
            store: StoreSettings::default(),
            profile: Profile::default(),
            distribution_lists: Vec::new(),
            accredited_domains: Vec::new(),
            keeps_limits: true,
            replies: ReplyTable::standard(),
            rules: Settings::default(),
            routes: Vec::new(),
            oauth: BTreeMap::new(),
            accounts: Vec::new(),
            applications: Vec::new(),
        }
    }

    /// Reads and checks a file. All errors that can be told at once are.
    pub fn read(path: &Path) -> Result<Self, ConfigErrors> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| ConfigErrors::unreadable(path, &error))?;
        Self::parse(&text, path)
    }

    /// The same from a text; `path` is for messages, and relative paths in
    /// the text start from its folder.
    pub fn parse(text: &str, path: &Path) -> Result<Self, ConfigErrors> {
        let file = file::parse(text, path)?;
        check::check(file, text, path)
    }

    pub fn route(&self, name: &RouteName) -> Option<&Route> {
        self.routes.iter().find(|route| route.name == *name)
    }

    /// The routes that an account may send by: its own; those that its
    /// applications name; those to which these fail over, and high sending,
    /// where it has what signing in there takes.
    pub fn routes_of<'a>(&'a self, account: &'a Account) -> impl Iterator<Item = &'a Route> {
        let name = account.name();
        let named = self.applications.iter().filter(|one| one.account == name);
        let mut own: Vec<&RouteName> = named.map(|one| &one.route).collect();
        own.push(&account.route);
        let mut others: Vec<&RouteName> = Vec::new();
        let mut next = own.clone();
        while let Some(name) = next.pop() {
            for other in self.route(name).iter().flat_map(|one| &one.fail_over.to) {
                if !own.contains(&other) && !others.contains(&other) {
                    others.push(other);
                    next.push(other);
                }
            }
        }
        self.routes.iter().filter(move |route| {
            let fit = match route.kind {
                RouteKind::HighSending => route.mechanism.can_use(account),
                RouteKind::Relay => true,
                _ => others.contains(&&route.name) && route.mechanism.can_use(account),
            };
            own.contains(&&route.name) || fit
        })
    }

    pub fn account(&self, name: &AccountName) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name() == *name)
    }

    /// Every domain that counts as accredited: those named, the national
    /// service's, and the accounts' own.
    pub fn accredited(&self) -> AccreditedDomains {
        let own = self.accounts.iter();
        let own = own.map(|account| DomainPattern::exactly(account.address.domain()));
        AccreditedDomains::new(own.chain(self.accredited_domains.iter().cloned()))
    }

    pub fn application(&self, name: &ApplicationName) -> Option<&Application> {
        self.applications.iter().find(|one| one.name == *name)
    }
}

/// What the gateway is for. A test must not reach production (GUIDE-99).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    #[default]
    Live,
    Test,
}

/// Where to listen; port 0 takes a free one. What is absent is not offered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listen {
    /// STARTTLS, RFC 6409; port 587 by its registration.
    pub submission: Option<SocketAddr>,
    /// Implicit TLS, RFC 8314; port 465 by its registration.
    pub submissions: Option<SocketAddr>,
    /// API and console.
    pub https: Option<SocketAddr>,
}

/// PEM files: the chain, leaf first, and the key of its leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// The keystore's file, and what opens it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeystoreFile {
    pub file: PathBuf,
    pub opened_by: KeystoreOpener,
}

/// Where the keystore's passphrase or key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeystoreOpener {
    /// An environment variable with a passphrase.
    PassphraseEnv(String),
    /// A systemd credential with a passphrase.
    PassphraseCredential(String),
    /// A file with 32 octets, or as many in hexadecimal.
    KeyFile(PathBuf),
    /// A systemd credential with the same.
    KeyCredential(String),
}

/// Who may sign in to the console.
#[derive(Clone, Debug)]
pub struct ConsoleUser {
    pub name: String,
    /// viewer, operator, approver or administrator.
    pub role: String,
    /// Argon2id in PHC form.
    pub password_hash: String,
}

/// A way out.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Route {
    pub name: RouteName,
    pub kind: RouteKind,
    /// A name; an address only of the loopback (GUIDE-56).
    pub server: String,
    pub port: u16,
    /// Trusted instead of the machine's own store.
    pub ca_file: Option<PathBuf>,
    pub mechanism: Mechanism,
    /// The address of ours that a relay knows us by; the system's choice
    /// without one.
    pub source_address: Option<IpAddr>,
    /// Per account, at one time.
    pub connections_max: usize,
    /// Per account; `None` is without limit, for servers that set none.
    pub messages_per_minute: Option<u32>,
    /// Per message, where the service is set otherwise than by default.
    pub recipients_max: Option<u64>,
    /// Certified to DCB1596 (ENG-19).
    pub dcb1596: bool,
    /// Whose service it ends at (DHC-24).
    pub service: MailService,
    /// Ends in the twin: nothing leaves.
    pub twin: bool,
    /// Ends at a server of the organisation's own (ENG-24).
    pub on_premise: bool,
    pub retirements: Vec<Retirement>,
    /// Where what was sent is kept, if it is and somebody may look.
    #[serde(default)]
    pub sent_items: Option<SentItems>,
    /// Where its mail goes while it can't be used.
    #[serde(default)]
    pub fail_over: FailOver,
    #[serde(default)]
    pub timeouts: Timeouts,
}

impl Route {
    /// What the rules may know of it.
    pub fn facts(&self) -> RouteFacts {
        RouteFacts {
            name: self.name.as_str().to_owned(),
            kind: self.kind,
            twin: self.twin,
            dcb1596: self.dcb1596 && self.kind != RouteKind::Relay,
            service: self.service,
            authenticated: self.mechanism != Mechanism::None,
            // The relay may fall back to plain text.
            tls: (self.kind != RouteKind::Relay).then_some(TlsVersion::Tls12),
            recipients_max: self.recipients_max,
            octets_max: None,
            on_premise: self.on_premise,
            retirements: self
                .retirements
                .iter()
                .map(|one| RetirementFacts {
                    date: one.date,
                    what: one.what.clone(),
                })
                .collect(),
        }
    }
}

/// How an account proves itself on a route.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mechanism {
    /// Of a relay, which asks for no sign-in.
    None,
    Login,
    Plain,
    /// With a token of this client registration (a key of [`Config::oauth`]).
    XOAuth2 {
        oauth: String,
    },
}

impl Mechanism {
    /// Whether the account has what it takes.
    pub fn can_use(&self, account: &Account) -> bool {
        match self {
            Self::Login | Self::Plain => account.secret.is_some(),
            Self::None | Self::XOAuth2 { .. } => true,
        }
    }
}

/// A day on which the service takes something away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retirement {
    pub date: Timestamp,
    pub what: String,
}

/// A client registration for the client credentials grant (RFC 6749 section 4.4).
#[derive(Clone, Debug)]
pub struct OAuthClient {
    pub token_url: String,
    pub client_id: String,
    pub client_secret: SecretRef,
    pub scope: String,
    pub ca_file: Option<PathBuf>,
}

/// A mailbox at the service that applications send from.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Account {
    pub address: Address,
    pub kind: AccountKind,
    /// Stands in From where an API request gives none.
    pub display_name: Option<String>,
    pub route: RouteName,
    /// Whether that name takes the place of one that breaks the form (GUIDE-78).
    pub repair_display_name: bool,
    /// Its password; absent where the route signs in with a client's token.
    pub secret: Option<SecretRef>,
    /// When that was set at the service, where the keystore does not know.
    pub password_changed: Option<Timestamp>,
}

impl Account {
    /// The address as a key: lower case.
    pub fn name(&self) -> AccountName {
        AccountName::new(self.address.key())
    }
}

#[cfg(test)]
mod tests;
