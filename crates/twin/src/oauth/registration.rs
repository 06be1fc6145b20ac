//! Applications registered in the tenant: who may ask for which token.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use mailward_mail::{Address, Secret};
use serde::Deserialize;

/// One application registration with its service principal's rights.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AppRegistration {
    /// The application (client) id, a GUID.
    pub client_id: String,
    pub client_secret: Secret,
    #[serde(default)]
    pub name: String,
    /// Application permissions, for example `SMTP.SendAsApp`.
    #[serde(default = "AppRegistration::mail_roles")]
    pub roles: Vec<String>,
    /// Mailboxes that the service principal was given full access to.
    pub mailboxes: Vec<Address>,
}

impl AppRegistration {
    /// What an application that sends and reads mail is given.
    pub fn mail_roles() -> Vec<String> {
        ["SMTP.SendAsApp", "IMAP.AccessAsApp", "POP.AccessAsApp"]
            .map(str::to_owned)
            .to_vec()
    }

    pub fn may_use(&self, mailbox: &Address) -> bool {
        self.mailboxes.contains(mailbox)
    }
}

/// All registrations of the tenant, by client id.
#[derive(Clone, Debug, Default)]
pub struct Registrations(Arc<RwLock<HashMap<String, Arc<AppRegistration>>>>);

impl Registrations {
    pub fn add(&self, registration: AppRegistration) {
        let mut all = self
            .0
            .write()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.insert(
            registration.client_id.to_ascii_lowercase(),
            Arc::new(registration),
        );
    }

    pub fn find(&self, client_id: &str) -> Option<Arc<AppRegistration>> {
        let all = self
            .0
            .read()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        all.get(&client_id.to_ascii_lowercase()).cloned()
    }
}
