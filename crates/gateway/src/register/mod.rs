//! The interface register: which applications there are, and who may speak
//! for them.
//!
//! ```text
//!   configuration ─┐
//!                  ├─▶ Register ─▶ SignIn ─▶ Principal (application, account, route)
//!   rows ──────────┘                 │
//!                             limits, memory
//! ```
//!
//! Knows no protocol: SMTP and HTTP say the same refusals in their own words.

mod change;
mod entry;
mod fields;
mod hash;
mod life;
mod refusals;
mod remembered;
mod rows;
mod sign_in;
mod transfer;
mod values;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use mailward_policy::{AccountFacts, ApplicationFacts, ApplicationState, RouteFacts};
use mailward_queue::{AccountName, ApplicationName, Lane, Queue, Scope, Suspension};
use mailward_store::{ReadError, Store, WriteError};

pub use change::Credentials;
pub use entry::{Configured, Entry};
pub use fields::{FIELDS, Field, Form, fields_table};
pub use hash::{HashError, KeyHash, PasswordHash, make_api_key, make_password};
pub use life::{Act, Approval, ApprovalKind, Author, Event, Standing};
pub use rows::{MIGRATION, MIGRATION_LIFE};
pub use sign_in::{Denied, Principal, SignIn};
pub use transfer::{DocumentFormat, ImportError, ImportErrors, ImportFormat, Imported};
pub use values::{NAME_OCTETS_MAX, Unfit, day, exception_of, is_name, is_sign_in_name};

use rows::Kept;

use crate::config::{Account, Application, Config, KeyKind, Route};

/// Applications of one account that are named to each other.
const SHARERS_NAMED_MAX: usize = 10;

/// An application with what its messages need, made ready once.
#[derive(Clone, Debug)]
pub struct Registered {
    pub application: Application,
    pub account: Account,
    pub route: Route,
    pub lane: Lane,
    /// The way by the high sending service, where it has one.
    pub high_sending: Option<Way>,
    pub application_facts: ApplicationFacts,
    pub account_facts: AccountFacts,
    pub route_facts: RouteFacts,
}

impl Registered {
    fn new(
        application: Application,
        config: &Config,
        sharers: &HashMap<AccountName, Vec<ApplicationName>>,
    ) -> Option<Self> {
        let account = config.account(&application.account)?.clone();
        let route = config.route(&application.route)?.clone();
        let shared_with = sharers.get(&application.account).into_iter().flatten();
        let shared_with = shared_with.filter(|other| **other != application.name);
        let application_facts = ApplicationFacts {
            account_shared_with: shared_with.map(|other| other.as_str().to_owned()).collect(),
            ..application.facts()
        };
        Some(Self {
            lane: application.lane(),
            high_sending: application
                .high_sending_route
                .as_ref()
                .and_then(|name| config.route(name))
                .map(|route| Way {
                    lane: Lane {
                        route: route.name.clone(),
                        account: application.account.clone(),
                    },
                    route_facts: route.facts(),
                }),
            application_facts,
            account_facts: AccountFacts {
                address: account.address.clone(),
                kind: account.kind,
                display_name: account.display_name.clone(),
                repair_display_name: account.repair_display_name,
            },
            route_facts: route.facts(),
            application,
            account,
            route,
        })
    }
}

/// Another way out than the application's own.
#[derive(Clone, Debug)]
pub struct Way {
    pub lane: Lane,
    pub route_facts: RouteFacts,
}

/// The applications, by name and by credential. What the configuration says
/// of one goes before what the rows say.
#[derive(Debug)]
pub struct Register {
    config: Arc<Config>,
    store: Option<Store>,
    index: RwLock<Arc<Index>>,
    /// One change at a time: it is judged by the state that it changes.
    turn: tokio::sync::Mutex<()>,
    /// Whose mail waits is told here.
    queue: OnceLock<Queue>,
}

/// One state of the register; replaced as a whole.
#[derive(Debug, Default)]
struct Index {
    /// Grows with every change, so that what was remembered of an earlier
    /// state is known to be old.
    generation: u64,
    by_name: HashMap<ApplicationName, Arc<Registered>>,
    /// All of them, those that cannot send too.
    entries: BTreeMap<ApplicationName, Arc<Entry>>,
    suspensions: HashMap<ApplicationName, Suspension>,
    passwords: HashMap<String, Password>,
    keys: HashMap<KeyHash, (Arc<Registered>, KeyKind)>,
    /// Costs as much to try as the first chosen password does, and fits none.
    decoy: Arc<PasswordHash>,
    has_slow: bool,
}

#[derive(Clone, Debug)]
struct Password {
    registered: Arc<Registered>,
    kind: KeyKind,
    hash: Arc<PasswordHash>,
}

/// Why the register was not changed.
#[derive(Debug, thiserror::Error)]
pub enum RegisterError {
    #[error("application {0} stands in the configuration; change it there")]
    InConfiguration(ApplicationName),
    #[error("there is no application {0} in the register")]
    NoSuchApplication(ApplicationName),
    #[error("there is an application {0} already; change it, or choose another name")]
    Exists(ApplicationName),
    #[error("an application's name is 1 to {NAME_OCTETS_MAX} letters, digits, '-', '_' and '.'")]
    BadName,
    #[error("a username is 1 to {NAME_OCTETS_MAX} visible ASCII characters")]
    BadUsername,
    #[error("there is no field {0:?}; docs/reference/register.md lists them")]
    NoField(String),
    #[error("{field} {problem}")]
    Unfit { field: String, problem: String },
    #[error("account {0} is not configured; name the address of an account of the gateway")]
    NoAccount(AccountName),
    #[error(
        "account {account} is application {by}'s; each application has an account of its own (GUIDE-70)"
    )]
    AccountTaken {
        account: AccountName,
        by: ApplicationName,
    },
    #[error("{what} is in use by application {by}")]
    CredentialTaken { what: String, by: ApplicationName },
    /// It may not be done as things stand.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Hash(#[from] HashError),
    #[error("this register is kept in the configuration alone")]
    NoStore,
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Register {
    /// A register of what the configuration says alone.
    pub fn of(config: Arc<Config>) -> Self {
        let register = Self {
            config,
            store: None,
            index: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
            queue: OnceLock::new(),
        };
        register.replace(Kept::default());
        register
    }

    /// The same and what the store's rows say. The store must have been opened
    /// with [`MIGRATION`] and [`MIGRATION_LIFE`] among its own.
    pub async fn open(config: Arc<Config>, store: Store) -> Result<Self, ReadError> {
        let kept = rows::all(&store).await?;
        let register = Self {
            config,
            store: Some(store),
            index: RwLock::default(),
            turn: tokio::sync::Mutex::default(),
            queue: OnceLock::new(),
        };
        register.replace(kept);
        Ok(register)
    }

    pub fn find(&self, name: &ApplicationName) -> Option<Arc<Registered>> {
        self.index().by_name.get(name).cloned()
    }

    /// All of them, by name.
    pub fn list(&self) -> Vec<Arc<Registered>> {
        let mut list: Vec<_> = self.index().by_name.values().cloned().collect();
        list.sort_by(|one, other| one.application.name.cmp(&other.application.name));
        list
    }

    /// The entry of this name, whether it can send or not.
    pub fn entry(&self, name: &ApplicationName) -> Option<Arc<Entry>> {
        self.index().entries.get(name).cloned()
    }

    /// All entries, by name.
    pub fn entries(&self) -> Vec<Arc<Entry>> {
        self.index().entries.values().cloned().collect()
    }

    /// What it is configured with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    async fn reload(&self, store: &Store) -> Result<(), ReadError> {
        let kept = rows::all(store).await?;
        self.replace(kept);
        Ok(())
    }

    fn replace(&self, kept: Kept) {
        let generation = self.index().generation + 1;
        let mut index = Index {
            generation,
            suspensions: kept.suspensions,
            ..Index::default()
        };
        let mut applications = Vec::new();
        for (entry, in_configuration) in self
            .config
            .applications
            .iter()
            .map(|one| (one.clone(), true))
            .chain(kept.applications.into_iter().map(|one| (one, false)))
        {
            let name = entry.name.clone();
            if index.entries.contains_key(&name) {
                tracing::warn!(application = %name, "a register row is hidden by the configuration");
                continue;
            }
            let standing = kept.standings.get(&name).cloned().unwrap_or_default();
            let entry = Entry::new(entry, standing, in_configuration);
            applications.push(entry.application.clone());
            index.entries.insert(name, Arc::new(entry));
        }
        let sharers = shared_accounts(&applications);
        for application in applications {
            index.add(application, &self.config, &sharers);
        }
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(index);
        self.stop_suspended();
    }

    /// Mail of suspended and retired applications waits in this queue from now
    /// on, of those that become so later too.
    pub fn tell(&self, queue: Queue) {
        // Told once, when the gateway is opened.
        let _ = self.queue.set(queue);
        self.stop_suspended();
    }

    fn stop_suspended(&self) {
        let Some(queue) = self.queue.get() else {
            return;
        };
        let index = self.index();
        let suspended = index.entries.iter().filter_map(|(name, entry)| {
            let state = entry.application.state;
            let is_retired = state == ApplicationState::Retired;
            if !is_retired && state != ApplicationState::Suspended {
                return None;
            }
            let known = index.suspensions.get(name).cloned();
            let mut stopped = known.unwrap_or_else(|| Suspension {
                scope: Scope::Application(name.clone()),
                since: queue.clock().now(),
                by: "configuration".into(),
                why: format!("its state there is {}", state.as_str()),
            });
            if is_retired {
                stopped.why = format!("retired for good: {}", stopped.why);
            }
            Some(stopped)
        });
        queue.set_stopped(suspended);
    }

    fn index(&self) -> Arc<Index> {
        Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Index {
    fn add(
        &mut self,
        application: Application,
        config: &Config,
        sharers: &HashMap<AccountName, Vec<ApplicationName>>,
    ) {
        let name = application.name.clone();
        let Some(registered) = Registered::new(application, config, sharers) else {
            tracing::error!(application = %name, "its account or route is not configured: it cannot send");
            return;
        };
        let registered = Arc::new(registered);
        for password in &registered.application.passwords {
            let Ok(hash) = PasswordHash::parse(&password.hash) else {
                tracing::error!(application = %name, "a password hash cannot be read: it will not sign in");
                continue;
            };
            if let (PasswordHash::Slow(_), false) = (&hash, self.has_slow) {
                self.decoy = Arc::new(hash.decoy());
                self.has_slow = true;
            }
            let entry = Password {
                registered: Arc::clone(&registered),
                kind: password.kind,
                hash: Arc::new(hash),
            };
            self.passwords
                .entry(username_key(&password.username))
                .or_insert(entry);
        }
        for key in &registered.application.api_keys {
            let Ok(hash) = KeyHash::parse(&key.hash) else {
                tracing::error!(application = %name, "an API key's hash cannot be read: it will not sign in");
                continue;
            };
            self.keys
                .entry(hash)
                .or_insert((Arc::clone(&registered), key.kind));
        }
        self.by_name.insert(name, registered);
    }
}

/// Tells each application who else sends from its account (GUIDE-70). What is
/// retired sends no more.
fn shared_accounts(applications: &[Application]) -> HashMap<AccountName, Vec<ApplicationName>> {
    let mut users: HashMap<AccountName, Vec<ApplicationName>> = HashMap::new();
    let sending = applications
        .iter()
        .filter(|one| one.state != ApplicationState::Retired);
    for application in sending {
        let names = users.entry(application.account.clone()).or_default();
        if names.len() < SHARERS_NAMED_MAX && !names.contains(&application.name) {
            names.push(application.name.clone());
        }
    }
    users.retain(|_, names| names.len() > 1);
    users
}

/// Names are compared without regard to case.
fn username_key(username: &str) -> String {
    username.to_lowercase()
}
