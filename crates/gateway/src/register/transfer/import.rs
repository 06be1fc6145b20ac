//! Records read into the register: all of them, or none.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use mailward_mail::Timestamp;
use mailward_policy::ApplicationState;
use mailward_queue::{AccountName, ApplicationName, RouteName};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{DERIVED, csv};
use crate::config::{Application, Exception};
use crate::register::change::{event, sound_approval};
use crate::register::life::{Act, Approval, Author, Standing};
use crate::register::rows::{APPLICATIONS_MAX, Change};
use crate::register::{
    Entry, FIELDS, Field, Register, RegisterError, exception_of, is_name, values,
};

/// Errors that one answer names.
const ERRORS_MAX: usize = 100;

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImportFormat {
    Json,
    Csv,
}

/// What an import has done, or would do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    pub added: Vec<ApplicationName>,
    pub changed: Vec<ApplicationName>,
    pub unchanged: Vec<ApplicationName>,
}

/// One fault of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportError {
    /// Counted from 1: the record in JSON, the line in CSV.
    pub row: usize,
    /// Empty where the row as a whole is wrong.
    pub field: String,
    pub problem: String,
}

impl fmt::Display for ImportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}", self.row)?;
        if !self.field.is_empty() {
            write!(f, ", {}", self.field)?;
        }
        write!(f, ": {}", self.problem)
    }
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportErrors {
    /// The file cannot be read at all.
    #[error("{0}")]
    File(String),
    #[error("{}", lines(.0))]
    Rows(Vec<ImportError>),
    #[error(transparent)]
    Register(#[from] RegisterError),
}

fn lines(errors: &[ImportError]) -> String {
    let lines: Vec<String> = errors.iter().map(ImportError::to_string).collect();
    lines.join("\n")
}

/// A record's texts by the names of fields.
struct Row {
    number: usize,
    texts: BTreeMap<String, String>,
}

/// A record understood.
struct Wanted {
    row: usize,
    application: Application,
    approvals: Vec<Approval>,
    exceptions: Vec<Exception>,
}

impl Register {
    /// Takes the records of `text` into the register. With `check` it only
    /// says what would be done.
    ///
    /// # Errors
    /// All faults that can be told at once; nothing was changed then.
    pub async fn import(
        &self,
        text: &str,
        format: ImportFormat,
        check: bool,
        author: &Author,
    ) -> Result<Imported, ImportErrors> {
        let rows = match format {
            ImportFormat::Json => json_rows(text),
            ImportFormat::Csv => csv_rows(text),
        }
        .map_err(ImportErrors::File)?;
        let _turn = self.turn.lock().await;
        let mut errors = Vec::new();
        let mut wanted = Vec::new();
        for row in rows {
            match self.wanted(row) {
                Ok(one) => wanted.push(one),
                Err(mut found) => errors.append(&mut found),
            }
        }
        self.one_account_each(&wanted, &mut errors);
        let mut done = Imported::default();
        let mut changes = Vec::new();
        for one in wanted {
            let (row, name) = (one.row, one.application.name.clone());
            let known = self.entry(&name);
            match self.change_for(one, known.as_deref(), author) {
                Err((field, problem)) => errors.push(ImportError {
                    row,
                    field,
                    problem,
                }),
                Ok(None) => done.unchanged.push(name),
                Ok(Some(change)) => {
                    match known {
                        Some(_) => done.changed.push(name),
                        None => done.added.push(name),
                    }
                    changes.push(change);
                }
            }
        }
        if !errors.is_empty() {
            errors.sort_by_key(|error| error.row);
            errors.truncate(ERRORS_MAX);
            return Err(ImportErrors::Rows(errors));
        }
        if !check && !changes.is_empty() {
            self.write(changes).await?;
        }
        Ok(done)
    }

    fn wanted(&self, row: Row) -> Result<Wanted, Vec<ImportError>> {
        let mut errors = Vec::new();
        let mut fail = |field: &str, problem: String| {
            errors.push(ImportError {
                row: row.number,
                field: field.to_owned(),
                problem,
            });
        };
        let name = row
            .texts
            .get("name")
            .map(String::as_str)
            .unwrap_or_default();
        if !is_name(name) {
            fail("name", RegisterError::BadName.to_string());
        }
        let (account, route) = (AccountName::new(""), RouteName::new(""));
        let mut application = Application::draft(ApplicationName::new(name), account, route);
        let (mut approvals, mut exceptions) = (Vec::new(), Vec::new());
        for (field, text) in &row.texts {
            let result = match field.as_str() {
                "name" => Ok(()),
                "state" => state(text).map(|state| application.state = state),
                "approval_expires" => moment(text).map(|at| application.approval_expires = at),
                "approvals" => list(text).map(|list| approvals = list),
                "exceptions" => exceptions_of(text).map(|list| exceptions = list),
                _ => match Field::find(field) {
                    Some(field) => field
                        .set(&mut application, text)
                        .map_err(|problem| problem.to_string()),
                    None => Err("is no field of the register".to_owned()),
                },
            };
            if let Err(problem) = result {
                fail(field, problem);
            }
        }
        for field in ["owner", "purpose", "account"] {
            if !row.texts.contains_key(field) {
                fail(field, "is missing".to_owned());
            }
        }
        if application.route.as_str().is_empty()
            && let Some(account) = self.config.account(&application.account)
        {
            application.route = account.route.clone();
        }
        if errors.is_empty() {
            Ok(Wanted {
                row: row.number,
                application,
                approvals,
                exceptions,
            })
        } else {
            Err(errors)
        }
    }

    /// Neither two rows nor a row and an entry may share name or account.
    fn one_account_each(&self, wanted: &[Wanted], errors: &mut Vec<ImportError>) {
        let mut users: HashMap<ApplicationName, AccountName> = self.account_users();
        let mut rows: HashMap<&ApplicationName, usize> = HashMap::new();
        for one in wanted {
            let application = &one.application;
            if let Some(first) = rows.insert(&application.name, one.row) {
                errors.push(ImportError {
                    row: one.row,
                    field: "name".to_owned(),
                    problem: format!("{} stands in row {first} already", application.name),
                });
            }
            users.remove(&application.name);
        }
        let mut owners: HashMap<AccountName, ApplicationName> = users
            .into_iter()
            .map(|(name, account)| (account, name))
            .collect();
        for one in wanted {
            let application = &one.application;
            if application.state == ApplicationState::Retired {
                continue;
            }
            let owner = owners
                .entry(application.account.clone())
                .or_insert_with(|| application.name.clone());
            if *owner != application.name {
                errors.push(ImportError {
                    row: one.row,
                    field: "account".to_owned(),
                    problem: RegisterError::AccountTaken {
                        account: application.account.clone(),
                        by: owner.clone(),
                    }
                    .to_string(),
                });
            }
        }
    }

    fn change_for(
        &self,
        one: Wanted,
        known: Option<&Entry>,
        author: &Author,
    ) -> Result<Option<Change>, (String, String)> {
        match known {
            None => self.addition(one, author).map(Some),
            Some(entry) => self.alteration(one, entry, author),
        }
    }

    fn addition(&self, one: Wanted, author: &Author) -> Result<Change, (String, String)> {
        let application = one.application;
        let standing = Standing {
            state: Some(application.state),
            approvals: one.approvals,
            exceptions: one.exceptions,
        };
        let effective = standing.over(&application);
        self.configured(&effective)?;
        let sends = matches!(
            effective.state,
            ApplicationState::Approved | ApplicationState::Live
        );
        let twin = self
            .config
            .route(&effective.route)
            .is_some_and(|route| route.twin);
        if sends && !twin && effective.references.architecture_approval.is_none() {
            let problem = format!(
                "{} without an approval; add one, or import it as a draft (DHC-14, DHC-15, ENG-16)",
                effective.state.as_str()
            );
            return Err(("state".to_owned(), problem));
        }
        let detail = format!(
            "{}, account {}",
            effective.state.as_str(),
            effective.account
        );
        Ok(Change {
            name: application.name.clone(),
            entry: Some(application),
            standing: Some(standing),
            event: event(Act::Import, author, detail),
        })
    }

    fn alteration(
        &self,
        one: Wanted,
        entry: &Entry,
        author: &Author,
    ) -> Result<Option<Change>, (String, String)> {
        let mut altered = Vec::new();
        for field in FIELDS {
            let (now, then) = (
                (field.get)(&entry.application),
                (field.get)(&one.application),
            );
            if now != then {
                altered.push((field.name, then.unwrap_or_default()));
            }
        }
        let new = |known: &[Exception]| -> Vec<Exception> {
            let mut fresh = one.exceptions.clone();
            fresh.retain(|exception| !known.contains(exception));
            fresh
        };
        let exceptions = new(&entry.application.exceptions);
        let mut approvals = one.approvals.clone();
        approvals.retain(|approval| !entry.standing.approvals.contains(approval));
        if altered.is_empty() && exceptions.is_empty() && approvals.is_empty() {
            return Ok(None);
        }
        let first = altered.first().map_or("exceptions", |(field, _)| field);
        if entry.in_configuration {
            let error = RegisterError::InConfiguration(entry.base.name.clone());
            return Err((first.to_owned(), error.to_string()));
        }
        if entry.application.state == ApplicationState::Retired {
            return Err((
                first.to_owned(),
                "is of an application that is retired".to_owned(),
            ));
        }
        for (field, clauses) in [("state", "ENG-16"), ("approval_expires", "DHC-14, DHC-15")] {
            if altered.iter().any(|(name, _)| *name == field) {
                let problem = format!(
                    "differs from the register's; an import moves nothing that is there, use `mailward register approve`, `go-live`, `suspend` or `retire` ({clauses})"
                );
                return Err((field.to_owned(), problem));
            }
        }
        let mut base = Application {
            passwords: entry.base.passwords.clone(),
            api_keys: entry.base.api_keys.clone(),
            callback: entry.base.callback.clone(),
            exceptions: entry.base.exceptions.clone(),
            approval_expires: entry.base.approval_expires,
            state: entry.base.state,
            ..one.application
        };
        // What an approval says is not the entry's own.
        if entry.standing.approval().is_some() {
            base.references.architecture_approval =
                entry.base.references.architecture_approval.clone();
        }
        self.configured(&base)?;
        let mut standing = entry.standing.clone();
        standing.exceptions.extend(exceptions);
        standing.approvals.extend(approvals);
        let details: Vec<String> = altered
            .into_iter()
            .map(|(field, text)| format!("{field} = {text:?}"))
            .collect();
        Ok(Some(Change {
            name: base.name.clone(),
            entry: Some(base),
            standing: Some(standing),
            event: event(Act::Import, author, details.join(", ")),
        }))
    }

    fn configured(&self, application: &Application) -> Result<(), (String, String)> {
        self.fits_configuration(application).map_err(|error| {
            let field = match &error {
                RegisterError::NoAccount(_) => "account",
                _ => "route",
            };
            (field.to_owned(), error.to_string())
        })
    }
}

fn state(text: &str) -> Result<ApplicationState, String> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|_| {
        format!("{text:?} is no state; write draft, approved, live, suspended or retired")
    })
}

fn moment(text: &str) -> Result<Option<Timestamp>, String> {
    values::optional_of(text, values::moment).map_err(|problem| problem.to_string())
}

fn list(text: &str) -> Result<Vec<Approval>, String> {
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let approvals: Vec<Approval> = serde_json::from_str(text).map_err(|error| {
        format!("is no list of {{ kind, reference, by, at, expires }}: {error}")
    })?;
    for approval in &approvals {
        // One that has lapsed is history and comes along.
        let unending = Approval {
            expires: None,
            ..approval.clone()
        };
        sound_approval(&unending, approval.at).map_err(|error| error.to_string())?;
    }
    Ok(approvals)
}

fn exceptions_of(text: &str) -> Result<Vec<Exception>, String> {
    /// Reference and end may be missing, so that it can be said why not.
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Loose {
        kind: mailward_policy::ExceptionKind,
        #[serde(default)]
        reference: String,
        #[serde(default)]
        expires: Option<Timestamp>,
        #[serde(default)]
        subject: String,
    }
    if text.trim().is_empty() {
        return Ok(Vec::new());
    }
    let list: Vec<Loose> = serde_json::from_str(text).map_err(|error| {
        format!("is no list of {{ kind, reference, expires, subject }}: {error}")
    })?;
    let exceptions = list.into_iter();
    exceptions
        .map(|one| exception_of(one.kind, one.reference, one.expires, one.subject))
        .collect()
}

fn json_rows(text: &str) -> Result<Vec<Row>, String> {
    let document: Value =
        serde_json::from_str(text).map_err(|error| format!("this is no JSON: {error}"))?;
    let list = match document {
        Value::Array(list) => list,
        Value::Object(mut object) => {
            match object.remove("records").or(object.remove("applications")) {
                Some(Value::Array(list)) => list,
                _ => return Err("there is no list \"records\" in it".to_owned()),
            }
        }
        _ => return Err("there is no list \"records\" in it".to_owned()),
    };
    bounded(list.len())?;
    let rows = list.into_iter().enumerate().map(|(index, value)| {
        let number = index + 1;
        let Value::Object(object) = value else {
            return Err(format!("row {number}: this is no object"));
        };
        let mut texts = BTreeMap::new();
        for (name, value) in object {
            flat(&mut texts, &name, value).map_err(|problem| format!("row {number}: {problem}"))?;
        }
        Ok(Row { number, texts })
    });
    rows.collect()
}

/// A table leads to fields with a dot in their names.
fn flat(texts: &mut BTreeMap<String, String>, name: &str, value: Value) -> Result<(), String> {
    if DERIVED.contains(&name) {
        return Ok(());
    }
    let name = Field::find(name).map_or(name, |field| field.name);
    let text = match value {
        Value::Null => return Ok(()),
        Value::String(text) => text,
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(list) if matches!(name, "approvals" | "exceptions") => {
            Value::Array(list).to_string()
        }
        Value::Array(list) => {
            let parts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            let parts = parts.ok_or_else(|| format!("{name}: a list holds texts alone"))?;
            parts.join(";")
        }
        Value::Object(object) => {
            for (inner, value) in object {
                if value.is_object() {
                    return Err(format!("{name}.{inner}: this is no field"));
                }
                flat(texts, &format!("{name}.{inner}"), value)?;
            }
            return Ok(());
        }
    };
    if texts.insert(name.to_owned(), text).is_some() {
        return Err(format!("{name}: this is given twice"));
    }
    Ok(())
}

fn csv_rows(text: &str) -> Result<Vec<Row>, String> {
    let most = usize::try_from(APPLICATIONS_MAX).unwrap_or(usize::MAX);
    let mut lines = csv::read(text, most + 1)?.into_iter();
    let Some((_, header)) = lines.next() else {
        return Err("there is no header line in it".to_owned());
    };
    let mut rows = Vec::new();
    for (number, values) in lines {
        if values.len() != header.len() {
            return Err(format!(
                "line {number}: {} values for {} columns",
                values.len(),
                header.len()
            ));
        }
        let mut texts = BTreeMap::new();
        for (name, text) in header.iter().zip(values) {
            if !text.is_empty() {
                flat(&mut texts, name.trim(), Value::String(text))
                    .map_err(|problem| format!("line {number}: {problem}"))?;
            }
        }
        rows.push(Row { number, texts });
    }
    Ok(rows)
}

fn bounded(count: usize) -> Result<(), String> {
    let most = usize::try_from(APPLICATIONS_MAX).unwrap_or(usize::MAX);
    if count > most {
        return Err(format!(
            "it has {count} records, and the register holds {most}"
        ));
    }
    Ok(())
}
