//! Answers one question from the register.

use std::sync::Arc;

use mailward_gateway::Register;
use mailward_gateway::config::KeyKind;
use mailward_gateway::register::{
    Act, Approval, ApprovalKind, Author, Credentials, DocumentFormat, Entry, Event, ImportErrors,
    ImportFormat, RegisterError, exception_of,
};
use mailward_mail::{Clock, Dice, Timestamp};
use mailward_policy::{ApplicationState, ExceptionKind};
use mailward_queue::ApplicationName;
use mailward_store::WriteError;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::OperatorError;

/// What is asked of the register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "register", rename_all = "snake_case")]
pub(crate) enum RegisterRequest {
    Add {
        name: ApplicationName,
        fields: Vec<(String, String)>,
        credentials: Option<KeyKind>,
        username: Option<String>,
    },
    Change {
        name: ApplicationName,
        fields: Vec<(String, String)>,
    },
    Show {
        name: ApplicationName,
    },
    Document {
        name: ApplicationName,
        format: DocumentFormat,
    },
    List {
        state: Option<ApplicationState>,
    },
    History {
        name: ApplicationName,
    },
    Approve {
        name: ApplicationName,
        kind: ApprovalKind,
        reference: String,
        by: String,
        expires: Option<Timestamp>,
    },
    Move {
        name: ApplicationName,
        act: Act,
    },
    AddException {
        name: ApplicationName,
        kind: ExceptionKind,
        reference: String,
        expires: Option<Timestamp>,
        subject: String,
    },
    RemoveException {
        name: ApplicationName,
        kind: ExceptionKind,
        subject: String,
    },
    Credentials {
        name: ApplicationName,
        kind: KeyKind,
        username: Option<String>,
    },
    Import {
        text: String,
        format: ImportFormat,
        check: bool,
    },
    Export {
        format: ImportFormat,
    },
    /// Every interface record.
    Documents {
        format: DocumentFormat,
    },
}

/// The register with what its acts need.
#[derive(Clone)]
pub(crate) struct RegisterPart {
    pub(crate) register: Arc<Register>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<dyn Dice>,
}

impl RegisterPart {
    pub(crate) async fn answer(
        &self,
        who: String,
        why: String,
        request: RegisterRequest,
    ) -> Result<Value, OperatorError> {
        let at = self.clock.now();
        let author = Author { who, why, at };
        match request {
            RegisterRequest::Add {
                name,
                fields,
                credentials,
                username,
            } => {
                self.add(&name, &fields, credentials, username, &author)
                    .await
            }
            RegisterRequest::Change { name, fields } => {
                self.register.change(&name, &fields, &author).await?;
                self.entry(&name)
            }
            RegisterRequest::Show { name } => self.show(&name).await,
            RegisterRequest::Document { name, format } => {
                let text = self.register.document(&name, format, at).await?;
                Ok(json!({ "text": text }))
            }
            RegisterRequest::List { state } => {
                let entries = self.register.entries();
                let wanted = |entry: &&Arc<Entry>| {
                    state.is_none_or(|state| entry.application.state == state)
                };
                let list = entries.iter().filter(wanted).map(|entry| entry.to_json());
                Ok(json!({ "applications": list.collect::<Vec<_>>() }))
            }
            RegisterRequest::History { name } => {
                self.known(&name)?;
                let events = self.register.history(&name).await?;
                Ok(json!({ "name": name, "history": events }))
            }
            RegisterRequest::Approve {
                name,
                kind,
                reference,
                by,
                expires,
            } => {
                let approval = Approval {
                    kind,
                    reference,
                    by,
                    at,
                    expires,
                };
                self.register.approve(&name, approval, &author).await?;
                self.entry(&name)
            }
            RegisterRequest::Move { name, act } => {
                self.register.act(&name, act, &author).await?;
                self.entry(&name)
            }
            RegisterRequest::AddException {
                name,
                kind,
                reference,
                expires,
                subject,
            } => {
                let exception = exception_of(kind, reference, expires, subject)
                    .map_err(OperatorError::Refused)?;
                self.register
                    .add_exception(&name, exception, &author)
                    .await?;
                self.entry(&name)
            }
            RegisterRequest::RemoveException {
                name,
                kind,
                subject,
            } => {
                self.register
                    .remove_exception(&name, kind, &subject, &author)
                    .await?;
                self.entry(&name)
            }
            RegisterRequest::Credentials {
                name,
                kind,
                username,
            } => self.credentials(&name, kind, username, &author).await,
            RegisterRequest::Import {
                text,
                format,
                check,
            } => {
                let done = self.register.import(&text, format, check, &author).await?;
                Ok(json!({ "checked_only": check, "imported": done }))
            }
            RegisterRequest::Export { format } => {
                let text = match format {
                    ImportFormat::Json => self.register.export_json()?,
                    ImportFormat::Csv => self.register.export_csv(),
                };
                Ok(json!({ "text": text }))
            }
            RegisterRequest::Documents { format } => {
                let mut documents = Vec::new();
                for entry in self.register.entries() {
                    let name = &entry.application.name;
                    let text = self.register.document(name, format, at).await?;
                    documents.push(json!({ "name": name, "text": text }));
                }
                Ok(json!({ "documents": documents }))
            }
        }
    }

    async fn add(
        &self,
        name: &ApplicationName,
        fields: &[(String, String)],
        kind: Option<KeyKind>,
        username: Option<String>,
        author: &Author,
    ) -> Result<Value, OperatorError> {
        let application = self.register.draft(name, fields)?;
        let username = username.unwrap_or_else(|| name.as_str().to_owned());
        let credentials = match kind {
            Some(kind) => Some(Credentials::make(&username, kind, &*self.dice)?),
            None => None,
        };
        self.register
            .add(application, credentials.as_ref(), author)
            .await?;
        let mut entry = self.entry(name)?;
        entry["credentials"] = json!(credentials.as_ref().map(shown));
        Ok(entry)
    }

    async fn credentials(
        &self,
        name: &ApplicationName,
        kind: KeyKind,
        username: Option<String>,
        author: &Author,
    ) -> Result<Value, OperatorError> {
        let entry = self.known(name)?;
        let before = entry.application.passwords.first();
        let username = username
            .or_else(|| before.map(|password| password.username.clone()))
            .unwrap_or_else(|| name.as_str().to_owned());
        let credentials = Credentials::make(&username, kind, &*self.dice)?;
        self.register
            .replace_credentials(name, &credentials, author)
            .await?;
        Ok(json!({ "name": name, "credentials": shown(&credentials) }))
    }

    async fn show(&self, name: &ApplicationName) -> Result<Value, OperatorError> {
        let mut value = self.entry(name)?;
        let found = self.register.find(name);
        let shared = found.map(|found| found.application_facts.account_shared_with.clone());
        // Nothing is found of what has no account or route to send by.
        value["account_shared_with"] = json!(shared);
        let events: Vec<Event> = self.register.history(name).await?;
        value["history"] = json!(events);
        Ok(value)
    }

    fn entry(&self, name: &ApplicationName) -> Result<Value, OperatorError> {
        Ok(self.known(name)?.to_json())
    }

    fn known(&self, name: &ApplicationName) -> Result<Arc<Entry>, OperatorError> {
        let entry = self.register.entry(name);
        Ok(entry.ok_or_else(|| RegisterError::NoSuchApplication(name.clone()))?)
    }
}

/// The one time that they are said.
fn shown(credentials: &Credentials) -> Value {
    json!({
        "kind": credentials.kind,
        "username": credentials.username,
        "password": credentials.password.expose(),
        "api_key": credentials.api_key.expose(),
    })
}

impl From<RegisterError> for OperatorError {
    fn from(error: RegisterError) -> Self {
        let text = error.to_string();
        match error {
            RegisterError::NoSuchApplication(_) => Self::NotFound(text),
            RegisterError::InConfiguration(_)
            | RegisterError::Exists(_)
            | RegisterError::NoAccount(_)
            | RegisterError::AccountTaken { .. }
            | RegisterError::CredentialTaken { .. }
            | RegisterError::Refused(_) => Self::Refused(text),
            RegisterError::BadName
            | RegisterError::BadUsername
            | RegisterError::NoField(_)
            | RegisterError::Unfit { .. }
            | RegisterError::Hash(_) => Self::Invalid(text),
            RegisterError::Write(WriteError::Full(_)) => {
                Self::Unavailable(format!("{text}; make room and try again"))
            }
            RegisterError::NoStore | RegisterError::Write(_) | RegisterError::Read(_) => {
                Self::Unavailable(text)
            }
        }
    }
}

impl From<ImportErrors> for OperatorError {
    fn from(error: ImportErrors) -> Self {
        match error {
            ImportErrors::File(text) => Self::Invalid(text),
            ImportErrors::Rows(_) => Self::Refused(format!("nothing was imported\n{error}")),
            ImportErrors::Register(error) => error.into(),
        }
    }
}
