//! One entry, wherever it stands, with what commands have said of it; and the
//! configuration as a gateway last had it.

use mailward_mail::{Address, Timestamp};
use mailward_store::Store;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::life::Standing;
use super::{Register, RegisterError, rows};
use crate::config::{Account, Application, Config, Route};

/// An application of the register.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As it counts.
    pub application: Application,
    /// As the configuration or the rows have it.
    pub base: Application,
    pub standing: Standing,
    /// Its fields are changed there; commands move its state.
    pub in_configuration: bool,
}

impl Entry {
    pub(super) fn new(base: Application, standing: Standing, in_configuration: bool) -> Self {
        Self {
            application: standing.over(&base),
            base,
            standing,
            in_configuration,
        }
    }

    /// Whether a command says otherwise of the state than the configuration.
    pub fn overlays(&self) -> bool {
        self.in_configuration && self.application.state != self.base.state
    }

    /// The entry as JSON, by the names of the fields. Holds no credential and
    /// no hash of one: usernames and the number of keys alone.
    pub fn to_json(&self) -> Value {
        let mut value = serde_json::to_value(&self.application).unwrap_or_default();
        let Some(fields) = value.as_object_mut() else {
            return value;
        };
        for secret in ["passwords", "api_keys"] {
            fields.remove(secret);
        }
        let callback = self.application.callback.as_ref();
        fields.insert("callback".to_owned(), json!(callback.map(|one| &one.url)));
        let usernames = self.application.passwords.iter().map(|one| &one.username);
        let more = json!({
            "usernames": usernames.collect::<Vec<_>>(),
            "api_keys": self.application.api_keys.len(),
            "approvals": self.standing.approvals,
            "kept_in": if self.in_configuration { "configuration" } else { "register" },
            "configured_state": self.in_configuration.then_some(self.base.state),
        });
        if let Value::Object(more) = more {
            fields.extend(more);
        }
        value
    }
}

/// What the register needs of a configuration, kept in the store so that a
/// command knows it while no gateway runs. Holds references to secrets, and
/// no secret.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Configured {
    hostname: String,
    routes: Vec<Route>,
    accounts: Vec<Account>,
    applications: Vec<Application>,
    /// What a queue that is opened for a command has to keep too.
    #[serde(default)]
    distribution_lists: Vec<String>,
    #[serde(default = "always")]
    keeps_limits: bool,
}

fn always() -> bool {
    true
}

impl Configured {
    fn of(config: &Config) -> Self {
        Self {
            hostname: config.hostname.clone(),
            routes: config.routes.clone(),
            accounts: config.accounts.clone(),
            applications: config.applications.clone(),
            distribution_lists: config.distribution_lists.iter().map(Address::key).collect(),
            keeps_limits: config.keeps_limits,
        }
    }

    /// What a gateway over this store was last configured with; `None` when
    /// none was started since this is kept.
    ///
    /// # Errors
    /// When the store cannot be read, or another version wrote it.
    pub async fn read(store: &Store) -> Result<Option<Config>, RegisterError> {
        let Some(text) = rows::configuration(store).await? else {
            return Ok(None);
        };
        let configured: Self = serde_json::from_str(&text).map_err(|error| {
            RegisterError::Refused(format!(
                "another version of the gateway used this folder ({error}); start the gateway once"
            ))
        })?;
        let mut config = Config::new(configured.hostname, "");
        config.routes = configured.routes;
        config.accounts = configured.accounts;
        config.applications = configured.applications;
        let lists = configured.distribution_lists.iter();
        config.distribution_lists = lists.filter_map(|one| Address::parse(one).ok()).collect();
        config.keeps_limits = configured.keeps_limits;
        Ok(Some(config))
    }
}

impl Register {
    /// Notes what it is configured with, for commands while nothing runs.
    pub async fn keep_configuration(&self, now: Timestamp) -> Result<(), RegisterError> {
        let store = self.store.as_ref().ok_or(RegisterError::NoStore)?;
        let text = serde_json::to_string(&Configured::of(&self.config))
            .map_err(|error| RegisterError::Refused(error.to_string()))?;
        if rows::configuration(store).await?.as_ref() != Some(&text) {
            rows::keep_configuration(store, text, now).await?;
        }
        Ok(())
    }
}
