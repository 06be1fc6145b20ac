//! What operators do to the register. Each act is on disk before it is
//! answered, and counts from then on.

use std::collections::HashMap;

use mailward_mail::{Dice, Secret, Timestamp};
use mailward_policy::{ApplicationState, ExceptionKind, RouteKind};
use mailward_queue::{AccountName, ApplicationName};

use super::hash::{KeyHash, PasswordHash, make_api_key, make_password};
use super::life::{self, Act, Approval, ApprovalKind, Author, Event, Standing};
use super::rows::{self, Change};
use super::{
    Entry, Field, Register, RegisterError, is_name, is_sign_in_name, username_key, values,
};
use crate::config::{Application, Exception, IntakeKey, IntakePassword, KeyKind};

/// Characters of a value that the history repeats.
const VALUE_SHOWN_MAX: usize = 60;

/// Exceptions or approvals that one entry may gather.
const LIST_MAX: usize = 200;

/// New credentials of an application, as they are shown this once.
#[derive(Debug)]
pub struct Credentials {
    pub kind: KeyKind,
    pub username: String,
    pub password: Secret,
    pub api_key: Secret,
}

impl Credentials {
    /// # Errors
    /// When nobody could sign in by that name.
    pub fn make(username: &str, kind: KeyKind, dice: &dyn Dice) -> Result<Self, RegisterError> {
        if !is_sign_in_name(username) {
            return Err(RegisterError::BadUsername);
        }
        Ok(Self {
            kind,
            username: username.to_owned(),
            password: make_password(dice),
            api_key: make_api_key(kind, dice),
        })
    }

    /// In place of what it had.
    fn put_into(&self, entry: &mut Application) {
        entry.passwords = vec![IntakePassword {
            username: self.username.clone(),
            kind: self.kind,
            hash: KeyHash::of(self.password.expose()).to_text(),
        }];
        entry.api_keys = vec![IntakeKey {
            kind: self.kind,
            hash: KeyHash::of(self.api_key.expose()).to_text(),
        }];
    }
}

impl Register {
    /// Puts a new entry into the register, as a draft or as `application`
    /// says, with credentials where some were made.
    pub async fn add(
        &self,
        mut application: Application,
        credentials: Option<&Credentials>,
        author: &Author,
    ) -> Result<(), RegisterError> {
        let _turn = self.turn.lock().await;
        if let Some(credentials) = credentials {
            credentials.put_into(&mut application);
        }
        self.fits_new(&application)?;
        self.fits(&application)?;
        let detail = format!(
            "{}, account {}, route {}{}",
            application.state.as_str(),
            application.account,
            application.route,
            if credentials.is_some() {
                ", with credentials"
            } else {
                ""
            }
        );
        let standing = Standing {
            state: Some(application.state),
            ..Standing::default()
        };
        let name = application.name.clone();
        let event = event(Act::Add, author, detail);
        self.write(vec![Change {
            name,
            entry: Some(application),
            standing: Some(standing),
            event,
        }])
        .await
    }

    /// Sets fields of an entry of the rows, each given as name and text.
    pub async fn change(
        &self,
        name: &ApplicationName,
        fields: &[(String, String)],
        author: &Author,
    ) -> Result<(), RegisterError> {
        let _turn = self.turn.lock().await;
        let entry = self.movable(name, Act::Change)?;
        self.in_rows(&entry)?;
        let mut application = entry.base.clone();
        let mut details = Vec::with_capacity(fields.len());
        for (field, text) in fields {
            set(&mut application, field, text)?;
            let shown: String = text.chars().take(VALUE_SHOWN_MAX).collect();
            details.push(format!("{field} = {shown:?}"));
        }
        self.fits(&application)?;
        let effective = entry.standing.over(&application);
        if matches!(
            effective.state,
            ApplicationState::Approved | ApplicationState::Live
        ) {
            self.has_papers(Act::Approve, &effective, author.at)?;
        }
        let event = event(Act::Change, author, details.join(", "));
        self.write(vec![Change {
            name: name.clone(),
            entry: Some(application),
            standing: None,
            event,
        }])
        .await
    }

    /// Records an approval; that of the architects makes a draft, or what is
    /// suspended, approved.
    pub async fn approve(
        &self,
        name: &ApplicationName,
        approval: Approval,
        author: &Author,
    ) -> Result<ApplicationState, RegisterError> {
        let _turn = self.turn.lock().await;
        let entry = self.movable(name, Act::Approve)?;
        sound_approval(&approval, author.at)?;
        let mut standing = entry.standing.clone();
        if standing.approvals.len() >= LIST_MAX {
            return Err(RegisterError::Refused(format!(
                "{name} has {LIST_MAX} approvals already"
            )));
        }
        let until = approval
            .expires
            .map(|expires| format!(" until {}", values::day(expires)));
        let detail = format!(
            "{} by {}, reference {}{}",
            approval.kind.as_str(),
            approval.by,
            approval.reference,
            until.unwrap_or_default()
        );
        let moves = approval.kind == ApprovalKind::Architecture;
        standing.approvals.push(approval);
        let mut state = entry.application.state;
        if moves {
            self.has_papers(Act::Approve, &standing.over(&entry.base), author.at)?;
            state = Act::Approve.leads_to(state).unwrap_or(state);
            standing.state = Some(state);
        }
        let event = event(Act::Approve, author, detail);
        self.write_standing(name, standing, event).await?;
        Ok(state)
    }

    /// `GoLive`, `Suspend` or `Retire`.
    pub async fn act(
        &self,
        name: &ApplicationName,
        act: Act,
        author: &Author,
    ) -> Result<ApplicationState, RegisterError> {
        let _turn = self.turn.lock().await;
        let entry = self.movable(name, act)?;
        let from = entry.application.state;
        let state = act.leads_to(from).unwrap_or(from);
        if act == Act::GoLive {
            self.has_papers(act, &entry.application, author.at)?;
        }
        let standing = Standing {
            state: Some(state),
            ..entry.standing.clone()
        };
        let detail = format!("from {} to {}", from.as_str(), state.as_str());
        self.write_standing(name, standing, event(act, author, detail))
            .await?;
        Ok(state)
    }

    /// Adds an approved departure.
    pub async fn add_exception(
        &self,
        name: &ApplicationName,
        exception: Exception,
        author: &Author,
    ) -> Result<(), RegisterError> {
        let _turn = self.turn.lock().await;
        let entry = self.movable(name, Act::AddException)?;
        if author.at >= exception.expires {
            return Err(RegisterError::Refused(format!(
                "an exception must end in the future, and this one ended on {}",
                values::day(exception.expires)
            )));
        }
        let alike =
            |one: &&Exception| one.kind == exception.kind && one.subject == exception.subject;
        if let Some(known) = entry.application.exceptions.iter().find(alike) {
            return Err(RegisterError::Refused(format!(
                "{name} has this exception already: {known}; remove it first"
            )));
        }
        let mut standing = entry.standing.clone();
        if standing.exceptions.len() >= LIST_MAX {
            return Err(RegisterError::Refused(format!(
                "{name} has {LIST_MAX} exceptions already"
            )));
        }
        let event = event(Act::AddException, author, exception.to_string());
        standing.exceptions.push(exception);
        self.write_standing(name, standing, event).await
    }

    /// Takes back a departure that a command added.
    pub async fn remove_exception(
        &self,
        name: &ApplicationName,
        kind: ExceptionKind,
        subject: &str,
        author: &Author,
    ) -> Result<(), RegisterError> {
        let _turn = self.turn.lock().await;
        let entry = self.movable(name, Act::RemoveException)?;
        let mut standing = entry.standing.clone();
        let Some(index) = standing.exception(kind, subject) else {
            let mut known = entry.application.exceptions.iter();
            return Err(
                if known.any(|one| one.kind == kind && one.subject == subject) {
                    RegisterError::InConfiguration(name.clone())
                } else {
                    RegisterError::Refused(format!(
                        "{name} has no exception of kind {} for {subject:?}",
                        kind.as_str()
                    ))
                },
            );
        };
        let removed = standing.exceptions.remove(index);
        let event = event(Act::RemoveException, author, removed.to_string());
        self.write_standing(name, standing, event).await
    }

    /// Gives an entry of the rows new credentials; the old ones are gone.
    pub async fn replace_credentials(
        &self,
        name: &ApplicationName,
        credentials: &Credentials,
        author: &Author,
    ) -> Result<(), RegisterError> {
        let _turn = self.turn.lock().await;
        let entry = self.movable(name, Act::Credentials)?;
        self.in_rows(&entry)?;
        let mut application = entry.base.clone();
        credentials.put_into(&mut application);
        self.fits(&application)?;
        let detail = format!(
            "new {} credentials for {}, in place of all it had",
            credentials.kind.as_str(),
            credentials.username
        );
        self.write(vec![Change {
            name: name.clone(),
            entry: Some(application),
            standing: None,
            event: event(Act::Credentials, author, detail),
        }])
        .await
    }

    /// Of one entry, oldest first.
    pub async fn history(&self, name: &ApplicationName) -> Result<Vec<Event>, RegisterError> {
        let store = self.store.as_ref().ok_or(RegisterError::NoStore)?;
        Ok(rows::history(store, name).await?)
    }

    async fn write_standing(
        &self,
        name: &ApplicationName,
        standing: Standing,
        event: Event,
    ) -> Result<(), RegisterError> {
        self.write(vec![Change {
            name: name.clone(),
            entry: None,
            standing: Some(standing),
            event,
        }])
        .await
    }

    pub(super) async fn write(&self, changes: Vec<Change>) -> Result<(), RegisterError> {
        let store = self.store.as_ref().ok_or(RegisterError::NoStore)?;
        let told: Vec<_> = changes
            .iter()
            .map(|change| (change.name.clone(), change.event.act))
            .collect();
        rows::write(store, changes).await?;
        self.reload(store).await?;
        for (name, act) in told {
            tracing::info!(application = %name, act = act.as_str(), "register entry changed");
        }
        Ok(())
    }

    fn movable(
        &self,
        name: &ApplicationName,
        act: Act,
    ) -> Result<std::sync::Arc<Entry>, RegisterError> {
        let entry = self
            .entry(name)
            .ok_or_else(|| RegisterError::NoSuchApplication(name.clone()))?;
        let state = entry.application.state;
        if act.leads_to(state).is_none() {
            return Err(RegisterError::Refused(life::illegal(name, act, state)));
        }
        Ok(entry)
    }

    fn in_rows(&self, entry: &Entry) -> Result<(), RegisterError> {
        if entry.in_configuration {
            return Err(RegisterError::InConfiguration(entry.base.name.clone()));
        }
        Ok(())
    }

    fn has_papers(
        &self,
        act: Act,
        application: &Application,
        now: Timestamp,
    ) -> Result<(), RegisterError> {
        let Some(route) = self.config.route(&application.route) else {
            return Err(self.no_route(application));
        };
        match life::lacks(act, application, route, now) {
            Some(problem) => Err(RegisterError::Refused(problem)),
            None => Ok(()),
        }
    }

    /// What a new entry must have.
    pub(super) fn fits_new(&self, application: &Application) -> Result<(), RegisterError> {
        let name = &application.name;
        if !is_name(name.as_str()) {
            return Err(RegisterError::BadName);
        }
        let index = self.index();
        if index.entries.contains_key(name) {
            return Err(RegisterError::Exists(name.clone()));
        }
        if index.entries.len() >= usize::try_from(rows::APPLICATIONS_MAX).unwrap_or(usize::MAX) {
            return Err(RegisterError::Refused(format!(
                "the register holds {} applications, which is all it can",
                rows::APPLICATIONS_MAX
            )));
        }
        for (field, text) in [
            ("owner", &application.owner),
            ("purpose", &application.purpose),
        ] {
            if text.trim().is_empty() {
                return Err(RegisterError::Unfit {
                    field: field.to_owned(),
                    problem: "is missing".to_owned(),
                });
            }
        }
        Ok(())
    }

    /// What every entry must have: an account and a route that are there, and
    /// credentials and an account that nobody else has.
    pub(super) fn fits(&self, application: &Application) -> Result<(), RegisterError> {
        self.fits_configuration(application)?;
        let name = &application.name;
        let index = self.index();
        let mut sharing = index.entries.values().filter(|other| {
            other.application.account == application.account
                && other.application.name != *name
                && other.application.state != ApplicationState::Retired
        });
        if let Some(other) = sharing.next() {
            return Err(RegisterError::AccountTaken {
                account: application.account.clone(),
                by: other.application.name.clone(),
            });
        }
        let taken = |by: &ApplicationName, what: String| {
            (by != name).then(|| RegisterError::CredentialTaken {
                what,
                by: by.clone(),
            })
        };
        for password in &application.passwords {
            PasswordHash::parse(&password.hash)?;
            let found = index.passwords.get(&username_key(&password.username));
            let by = found.map(|found| &found.registered.application.name);
            let what = format!("the username {:?}", password.username);
            if let Some(error) = by.and_then(|by| taken(by, what)) {
                return Err(error);
            }
        }
        for key in &application.api_keys {
            let found = index.keys.get(&KeyHash::parse(&key.hash)?);
            let by = found.map(|(owner, _)| &owner.application.name);
            if let Some(error) = by.and_then(|by| taken(by, "this API key".to_owned())) {
                return Err(error);
            }
        }
        Ok(())
    }

    pub(super) fn fits_configuration(
        &self,
        application: &Application,
    ) -> Result<(), RegisterError> {
        let Some(account) = self.config.account(&application.account) else {
            return Err(RegisterError::NoAccount(application.account.clone()));
        };
        if self.config.route(&application.route).is_none() {
            return Err(self.no_route(application));
        }
        if account.route != application.route && !self.is_seeded(&application.account, application)
        {
            return Err(RegisterError::Refused(format!(
                "account {} signs in on the route {} alone, not on {}",
                application.account, account.route, application.route
            )));
        }
        self.fits_high_sending(application)
    }

    /// Of the right kind, and not leading out of the twin or into it.
    fn fits_high_sending(&self, application: &Application) -> Result<(), RegisterError> {
        let Some(name) = &application.high_sending_route else {
            return Ok(());
        };
        let own = self.config.route(&application.route);
        let fits = self.config.route(name).is_some_and(|route| {
            route.kind == RouteKind::HighSending && own.is_some_and(|own| own.twin == route.twin)
        });
        if fits {
            return Ok(());
        }
        Err(RegisterError::Refused(format!(
            "{name} is no route of kind high_sending that ends where {} does (GUIDE-81, DHC-7)",
            application.route
        )))
    }

    /// Whether the entry stands so already.
    fn is_seeded(&self, account: &AccountName, application: &Application) -> bool {
        self.entry(&application.name).is_some_and(|entry| {
            entry.base.account == *account && entry.base.route == application.route
        })
    }

    fn no_route(&self, application: &Application) -> RegisterError {
        let routes = self.config.routes.iter();
        let routes: Vec<&str> = routes.map(|route| route.name.as_str()).collect();
        RegisterError::Refused(format!(
            "there is no route {}; there are {}",
            application.route,
            routes.join(", ")
        ))
    }

    /// A draft for a new entry, with what `fields` say. Its route is its
    /// account's unless they name another.
    pub fn draft(
        &self,
        name: &ApplicationName,
        fields: &[(String, String)],
    ) -> Result<Application, RegisterError> {
        if !is_name(name.as_str()) {
            return Err(RegisterError::BadName);
        }
        let (account, route) = (AccountName::new(""), mailward_queue::RouteName::new(""));
        let mut application = Application::draft(name.clone(), account, route);
        for (field, text) in fields {
            set(&mut application, field, text)?;
        }
        if application.account.as_str().is_empty() {
            return Err(RegisterError::Unfit {
                field: "account".to_owned(),
                problem: "is missing".to_owned(),
            });
        }
        if application.route.as_str().is_empty()
            && let Some(account) = self.config.account(&application.account)
        {
            application.route = account.route.clone();
        }
        Ok(application)
    }

    /// Who uses each account, what is retired left out.
    pub(super) fn account_users(&self) -> HashMap<ApplicationName, AccountName> {
        let index = self.index();
        let sending = index
            .entries
            .values()
            .filter(|one| one.application.state != ApplicationState::Retired);
        sending
            .map(|one| (one.base.name.clone(), one.base.account.clone()))
            .collect()
    }
}

/// An approval names itself and whoever gave it, and has not lapsed.
pub(super) fn sound_approval(approval: &Approval, now: Timestamp) -> Result<(), RegisterError> {
    for (field, text) in [("reference", &approval.reference), ("by", &approval.by)] {
        values::required(text)
            .and_then(|text| values::checked(&text).map(drop))
            .map_err(|problem| RegisterError::Unfit {
                field: format!("the approval's {field}"),
                problem: format!("{problem} (DHC-14, DHC-15)"),
            })?;
    }
    match approval.expires {
        Some(expires) if now >= expires => Err(RegisterError::Refused(format!(
            "an approval must end in the future, and this one ended on {}",
            values::day(expires)
        ))),
        _ => Ok(()),
    }
}

pub(super) fn event(act: Act, author: &Author, detail: String) -> Event {
    Event {
        at: author.at,
        act,
        who: author.who.clone(),
        why: author.why.clone(),
        detail,
    }
}

fn set(application: &mut Application, field: &str, text: &str) -> Result<(), RegisterError> {
    let known = Field::find(field).ok_or_else(|| RegisterError::NoField(field.to_owned()))?;
    known
        .set(application, text)
        .map_err(|problem| RegisterError::Unfit {
            field: known.name.to_owned(),
            problem: problem.to_string(),
        })
}
