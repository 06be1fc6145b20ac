//! Applications registered in the tenant: who may ask for which token.

use std::collections::HashMap;
use std::sync::Arc;

use mailward_mail::{Address, Secret};
use serde::{Deserialize, Serialize};

use crate::error::TwinError;
use crate::kept::{Kept, Kind};
use crate::own::Own;

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

/// A registration as it is kept: with its secret, which is a test's.
#[derive(Deserialize, Serialize)]
struct KeptRegistration {
    client_id: String,
    client_secret: String,
    name: String,
    roles: Vec<String>,
    mailboxes: Vec<Address>,
}

/// All registrations of the tenant, by client id.
#[derive(Clone, Debug)]
pub struct Registrations {
    all: Own<HashMap<String, Arc<AppRegistration>>>,
    kept: Kept,
}

impl Registrations {
    /// Those that were registered over the control API.
    pub(crate) async fn open(kept: Kept) -> Result<Self, TwinError> {
        let rows: Vec<(String, KeptRegistration)> = kept.all(Kind::Application).await?;
        let registrations = Self {
            all: Own::default(),
            kept,
        };
        for (_, row) in rows {
            registrations.add(AppRegistration {
                client_id: row.client_id,
                client_secret: Secret::new(row.client_secret),
                name: row.name,
                roles: row.roles,
                mailboxes: row.mailboxes,
            });
        }
        Ok(registrations)
    }

    /// As [`Registrations::add`]; returns once the next start will know of it too.
    pub(crate) async fn register(&self, registration: AppRegistration) -> Result<(), TwinError> {
        let row = KeptRegistration {
            client_id: registration.client_id.clone(),
            client_secret: registration.client_secret.expose().to_owned(),
            name: registration.name.clone(),
            roles: registration.roles.clone(),
            mailboxes: registration.mailboxes.clone(),
        };
        let key = registration.client_id.to_ascii_lowercase();
        self.kept.put(Kind::Application, &key, &row).await?;
        self.add(registration);
        Ok(())
    }

    /// Until the next start.
    pub fn add(&self, registration: AppRegistration) {
        self.all.write().insert(
            registration.client_id.to_ascii_lowercase(),
            Arc::new(registration),
        );
    }

    pub fn find(&self, client_id: &str) -> Option<Arc<AppRegistration>> {
        let all = self.all.read();
        all.get(&client_id.to_ascii_lowercase()).cloned()
    }

    pub(crate) fn image(&self) -> Arc<HashMap<String, Arc<AppRegistration>>> {
        self.all.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<HashMap<String, Arc<AppRegistration>>>) {
        self.all.adopt(image);
    }
}
