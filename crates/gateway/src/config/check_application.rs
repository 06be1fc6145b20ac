//! The sense of `[[application]]`.

use std::collections::{HashMap, HashSet};

use mailward_mail::Address;
use mailward_policy::{ApplicationState, DataClass, RouteKind};
use mailward_queue::{ApplicationName, RouteName};
use toml::Spanned;

use super::check::Checker;
use super::file::{self, Text};
use super::{Account, Application, Callback, DeadlineMinutes, Exception, Route};
use crate::register::{
    KeyHash, NAME_OCTETS_MAX, PasswordHash, exception_of, is_name, is_sign_in_name,
};

impl Checker<'_> {
    pub(super) fn applications(
        &mut self,
        applications: Vec<file::Application>,
        routes: &[Route],
        accounts: &[Account],
    ) -> Vec<Application> {
        let (mut names, mut usernames) = (HashSet::new(), HashSet::new());
        let mut hashes = HashSet::new();
        let mut owners = HashMap::new();
        let mut checked = Vec::new();
        for application in applications {
            self.once(&mut names, &application.name, "an application");
            self.account_of_its_own(&application, &mut owners);
            self.credentials(&application, &mut usernames, &mut hashes);
            checked.extend(self.application(application, routes, accounts));
        }
        checked
    }

    fn application(
        &mut self,
        application: file::Application,
        routes: &[Route],
        accounts: &[Account],
    ) -> Option<Application> {
        let name = self.application_name(&application.name);
        let data_class = self.data_class(&application.data_class);
        let account = self.known_account(&application.account, accounts);
        let route = match &application.route {
            Some(text) => self.known_route(text, routes),
            None => account.and_then(|account| routes.iter().find(|one| one.name == account.route)),
        };
        if let (Some(text), Some(account), Some(route)) = (&application.route, account, route)
            && route.name != account.route
            && !matches!(route.kind, RouteKind::HighSending | RouteKind::Relay)
        {
            self.fail(
                text.span(),
                format!(
                    "its account signs in on the route {:?} alone",
                    account.route
                ),
                "Remove this line, or name an account of this route.",
            );
        }
        let high_sending_route = match (&application.high_sending_route, route) {
            (Some(text), Some(route)) => Some(self.high_sending_route(text, route, routes)),
            _ => None,
        };
        let mut day = |text: &Option<Text>| text.as_ref().and_then(|text| self.time(text));
        let migration_date = day(&application.migration_date);
        let review_date = day(&application.review_date);
        let approval_expires = day(&application.approval_expires);
        let deadline_minutes = self.deadline_minutes(application.deadline_minutes);
        let exceptions = application.exceptions.into_iter();
        let exceptions = exceptions.filter_map(|one| self.exception(one)).collect();
        let send_as: Vec<Address> = application
            .send_as
            .iter()
            .filter_map(|text| self.read(text, "Write a full address."))
            .collect();
        let callback = application
            .callback
            .and_then(|callback| self.callback(callback));
        let checked = Application {
            name: name?,
            owner: application.owner,
            owner_contact: application.owner_contact,
            purpose: application.purpose,
            data_class: data_class?,
            patient_data: application.patient_data,
            clinical: application.clinical,
            direction: application.direction,
            volumes: application.volumes,
            account: account?.name(),
            route: route?.name.clone(),
            high_sending_route: match high_sending_route {
                None => None,
                Some(name) => Some(name?),
            },
            references: application.references,
            information_governance_contact: application.information_governance_contact,
            ods_code: application.ods_code,
            sponsoring_organisation: application.sponsoring_organisation,
            deployment: application.deployment,
            migration_date,
            review_date,
            approval_expires,
            state: application.state,
            mass_mailing_recipients_max: application.mass_mailing_recipients_max,
            deadline_minutes,
            header_priority: application.header_priority,
            display_name: application.display_name,
            send_as,
            service_names: application.service_names,
            exceptions,
            callback,
            passwords: into_inner(application.passwords),
            api_keys: into_inner(application.api_keys),
        };
        self.iams(&checked, &application.name, route?);
        Some(checked)
    }

    fn deadline_minutes(&mut self, given: Option<Spanned<DeadlineMinutes>>) -> DeadlineMinutes {
        let Some(given) = given else {
            return DeadlineMinutes::default();
        };
        if !given.get_ref().is_sound() {
            let most = DeadlineMinutes::MAX;
            self.fail(
                given.span(),
                format!("a deadline is 1 to {most} minutes"),
                "Write minutes within these bounds, or leave the class out.",
            );
        }
        given.into_inner()
    }

    /// Quota, replies and permissions are the account's (GUIDE-70). One that is
    /// retired has given its account back.
    fn account_of_its_own(
        &mut self,
        application: &file::Application,
        owners: &mut HashMap<String, String>,
    ) {
        if self.may_share_accounts || application.state == ApplicationState::Retired {
            return;
        }
        let account = application.account.get_ref().to_lowercase();
        let name = application.name.get_ref().clone();
        if let Some(owner) = owners.insert(account, name) {
            self.fail(
                application.account.span(),
                format!("application {owner} sends from it already (GUIDE-70)"),
                "Give each application an account of its own.",
            );
        }
    }

    /// Of the right kind, and not leading out of the twin or into it.
    fn high_sending_route(
        &mut self,
        text: &Text,
        own: &Route,
        routes: &[Route],
    ) -> Option<RouteName> {
        let found = self.known_route(text, routes)?;
        if found.kind != RouteKind::HighSending {
            self.fail(
                text.span(),
                format!("this route is of kind {:?}", found.kind.as_str()),
                "Name a [[route]] with kind = \"high_sending\" (GUIDE-81), or remove this line.",
            );
            return None;
        }
        if found.twin != own.twin {
            self.fail(
                text.span(),
                "one of the application's routes ends in the twin and the other does not",
                "Name a route that ends where the application's own does.",
            );
            return None;
        }
        Some(found.name.clone())
    }

    fn application_name(&mut self, text: &Text) -> Option<ApplicationName> {
        if is_name(text.get_ref()) {
            return Some(ApplicationName::new(text.get_ref()));
        }
        self.fail(
            text.span(),
            format!(
                "an application's name is 1 to {NAME_OCTETS_MAX} letters, digits, '-', '_' and '.'"
            ),
            "Choose such a name, such as \"clinic-letters\".",
        );
        None
    }

    fn data_class(&mut self, text: &Text) -> Option<DataClass> {
        let class = self.read(text, "Write \"OFFICIAL\" or \"OFFICIAL-SENSITIVE\".")?;
        if class > DataClass::OfficialSensitive {
            self.fail(
                text.span(),
                format!("{class} may not be sent by mail through this gateway (ENG-23)"),
                "Ask your IT or cyber security team for another way.",
            );
            return None;
        }
        Some(class)
    }

    fn known_account<'r>(&mut self, text: &Text, accounts: &'r [Account]) -> Option<&'r Account> {
        let key = text.get_ref().to_lowercase();
        let found = accounts.iter().find(|account| account.address.key() == key);
        if found.is_none() && !self.declared_accounts.contains(&key) {
            self.fail(
                text.span(),
                "there is no such account",
                "Name the address of an [[account]] of this file.",
            );
        }
        found
    }

    fn exception(&mut self, exception: Spanned<file::Exception>) -> Option<Exception> {
        let (span, exception) = (exception.span(), exception.into_inner());
        let expires = match &exception.expires {
            Some(text) => Some(self.time(text)?),
            None => None,
        };
        match exception_of(
            exception.kind,
            exception.reference,
            expires,
            exception.subject,
        ) {
            Ok(exception) => Some(exception),
            Err(problem) => {
                self.fail(
                    span,
                    problem,
                    "Write { kind, reference, expires, subject }.",
                );
                None
            }
        }
    }

    fn callback(&mut self, callback: file::Callback) -> Option<Callback> {
        let url = self.url(&callback.url);
        let secret = self.secret_ref(&callback.secret);
        Some(Callback {
            url: url?,
            secret: secret?,
            ca_file: callback.ca_file.map(|path| self.path(&path)),
        })
    }

    /// Whoever sends sensitive data to the real service is registered as an
    /// information asset.
    fn iams(&mut self, application: &Application, name: &Text, route: &Route) {
        let sensitive = application.data_class.is_confidential() || application.patient_data;
        let sends = matches!(
            application.state,
            ApplicationState::Approved | ApplicationState::Live
        );
        if sensitive && sends && !route.twin && application.references.iams.is_none() {
            self.fail(
                name.span(),
                "an application for OFFICIAL-SENSITIVE or patient data must be registered in IAMS (ENG-21)",
                "Add references = { iams = \"...\" }, or set state = \"draft\" until it is.",
            );
        }
    }

    fn credentials(
        &mut self,
        application: &file::Application,
        usernames: &mut HashSet<String>,
        hashes: &mut HashSet<String>,
    ) {
        let instead = "Write passwords = [{ username, hash }] or api_keys = [{ hash }] as docs/how-to/run-the-gateway-for-nhsmail.md says.";
        self.no_inline(application.password.as_ref(), instead);
        self.no_inline(application.api_key.as_ref(), instead);
        for password in &application.passwords {
            let (span, password) = (password.span(), password.get_ref());
            if !is_sign_in_name(&password.username) {
                self.fail_unseen(
                    span.clone(),
                    format!("a username is 1 to {NAME_OCTETS_MAX} visible ASCII characters"),
                    "Choose such a name.",
                );
            }
            if !usernames.insert(password.username.to_lowercase()) {
                self.fail_unseen(
                    span.clone(),
                    format!("the username {:?} is given twice", password.username),
                    "Give each its own.",
                );
            }
            if let Err(error) = PasswordHash::parse(&password.hash) {
                self.fail_unseen(
                    span,
                    error.to_string(),
                    "docs/how-to/run-the-gateway-for-nhsmail.md says how to make one.",
                );
            }
        }
        for key in &application.api_keys {
            let (span, key) = (key.span(), key.get_ref());
            if let Err(error) = KeyHash::parse(&key.hash) {
                self.fail_unseen(
                    span,
                    error.to_string(),
                    "docs/how-to/run-the-gateway-for-nhsmail.md says how to make one.",
                );
            } else if !hashes.insert(key.hash.to_lowercase()) {
                self.fail_unseen(
                    span,
                    "this key's hash is given twice",
                    "Make a key for each.",
                );
            }
        }
    }
}

fn into_inner<T>(list: Vec<Spanned<T>>) -> Vec<T> {
    list.into_iter().map(Spanned::into_inner).collect()
}
