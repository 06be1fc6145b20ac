//! The sense of the file: names that exist, forms that hold, clauses that
//! bind. Every error is kept, so that one run tells all.

use std::collections::{BTreeMap, HashSet};
use std::net::IpAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use mailward_mail::{Address, Domain, Timestamp};
use mailward_policy::limits::{ACCEPTED_OCTETS_MAX, CONNECTIONS, MESSAGES_PER_MINUTE};
use mailward_policy::{AccountKind, Level, RouteKind, Settings};
use mailward_queue::RouteName;
use toml::Spanned;

use super::error::{ConfigError, ConfigErrors, excerpt};
use super::file::{self, File, Text};
use super::secret_ref::{SecretRef, SecretRefError, is_secret_name};
use super::{
    Account, Config, ConsoleUser, KeystoreFile, KeystoreOpener, Limits, Listen, Mechanism,
    OAuthClient, Retirement, Route, TlsFiles,
};

pub(super) fn check(file: File, text: &str, path: &Path) -> Result<Config, ConfigErrors> {
    let mut checker = Checker::new(text, path);
    let config = checker.config(file);
    checker.errors.sort_by_key(|error| error.line);
    match config {
        Some(config) if checker.errors.is_empty() => Ok(config),
        _ => Err(ConfigErrors(checker.errors)),
    }
}

/// Keeps the errors. Its methods give `None` once they have told why.
pub(super) struct Checker<'a> {
    text: &'a str,
    path: &'a Path,
    folder: PathBuf,
    errors: Vec<ConfigError>,
}

impl<'a> Checker<'a> {
    fn new(text: &'a str, path: &'a Path) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self { text, path, folder, errors: Vec::new() }
    }

    fn config(&mut self, file: File) -> Option<Config> {
        let hostname = self.hostname(&file.gateway.hostname);
        let limits = self.limits(file.limits);
        let keystore = file.keystore.map(|keystore| self.keystore(&keystore));
        let oauth = self.oauth(file.oauth);
        let routes = self.routes(file.route, &oauth);
        let accounts = self.accounts(file.account, &routes);
        let applications = self.applications(file.application, &routes, &accounts);
        let console_users = self.console_users(file.gateway.console_user);
        let listen = Listen {
            submission: file.gateway.submission,
            submissions: file.gateway.submissions,
            https: file.gateway.https,
        };
        Some(Config {
            hostname: hostname?,
            dir: self.folder.join(&file.gateway.dir),
            listen,
            tls: file.gateway.tls.map(|tls| TlsFiles {
                certificate: self.folder.join(tls.certificate),
                key: self.folder.join(tls.key),
            }),
            keystore: match keystore {
                None => None,
                Some(keystore) => Some(keystore?),
            },
            console_users,
            limits,
            rules: self.rules(&file.rules)?,
            routes,
            oauth,
            accounts,
            applications,
        })
    }

    /// Adds an error with the value at `span`.
    pub(super) fn fail(
        &mut self,
        span: Range<usize>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let value = excerpt(self.text, span.clone());
        self.errors.push(ConfigError::at(self.path, self.text, span, value, problem, remedy));
    }

    /// The same where the value may be a secret: it is not shown.
    pub(super) fn fail_unseen(
        &mut self,
        span: Range<usize>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let value = "***".to_owned();
        self.errors.push(ConfigError::at(self.path, self.text, span, value, problem, remedy));
    }

    /// Reads a value of a type that knows its own form.
    pub(super) fn read<T: FromStr<Err: ToString>>(
        &mut self,
        text: &Text,
        remedy: &str,
    ) -> Option<T> {
        match text.get_ref().parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(text.span(), error.to_string(), remedy);
                None
            }
        }
    }

    pub(super) fn time(&mut self, text: &Text) -> Option<Timestamp> {
        match Timestamp::parse(text.get_ref()) {
            Ok(moment) => Some(moment),
            Err(_) => {
                self.fail(text.span(), "this is no date", "Write it as \"2026-12-31\".");
                None
            }
        }
    }

    pub(super) fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }

    /// Names in one list must differ.
    pub(super) fn once(&mut self, seen: &mut HashSet<String>, text: &Text, what: &str) {
        if !seen.insert(text.get_ref().to_lowercase()) {
            self.fail(
                text.span(),
                format!("there is already {what} of this name"),
                "Give each a name of its own.",
            );
        }
    }

    pub(super) fn secret_ref(&mut self, text: &Text) -> Option<SecretRef> {
        match text.get_ref().parse() {
            Ok(reference) => Some(reference),
            Err(error @ SecretRefError::Inline) => {
                self.fail_unseen(
                    text.span(),
                    error.to_string(),
                    "Store it with `mailward secrets set NAME` and write \"keystore:NAME\".",
                );
                None
            }
            Err(error @ SecretRefError::Name) => {
                self.fail(text.span(), error.to_string(), "Choose such a name.");
                None
            }
        }
    }

    /// A secret in the file itself, in whatever setting.
    pub(super) fn no_inline<T>(&mut self, found: Option<&Spanned<T>>, instead: &str) {
        if let Some(found) = found {
            self.fail_unseen(
                found.span(),
                "a secret may not stand in the configuration (GUIDE-23, ENG-13)",
                instead,
            );
        }
    }

    /// `https`, or plain only to this very machine.
    pub(super) fn url(&mut self, text: &Text) -> Option<String> {
        let url = text.get_ref();
        let plain_loopback = ["http://127.0.0.1", "http://localhost", "http://[::1]"]
            .iter()
            .any(|start| {
                url.strip_prefix(start)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
            });
        let has_host = url.strip_prefix("https://").is_some_and(|rest| {
            rest.starts_with(|char: char| char.is_ascii_alphanumeric() || char == '[')
        });
        let printable = url.chars().all(|char| char.is_ascii_graphic());
        if printable && (has_host || plain_loopback) {
            return Some(url.clone());
        }
        self.fail(
            text.span(),
            "this is no https URL, and every connection must be encrypted (ENG-17)",
            "Write it as \"https://host/path\".",
        );
        None
    }

    fn hostname(&mut self, text: &Text) -> Option<String> {
        if Domain::parse(text.get_ref()).is_ok() && text.get_ref().is_ascii() {
            return Some(text.get_ref().clone());
        }
        self.fail(
            text.span(),
            "this is no host name",
            "Write the name that clients reach this gateway by, such as \"gateway.northmoor.example\".",
        );
        None
    }

    fn limits(&mut self, limits: Option<Spanned<Limits>>) -> Limits {
        let Some(limits) = limits else {
            return Limits::default();
        };
        let span = limits.span();
        let limits = limits.into_inner();
        if limits.message_octets_max > ACCEPTED_OCTETS_MAX {
            self.fail(
                span.clone(),
                format!("message_octets_max is above the published limit of {ACCEPTED_OCTETS_MAX} (GUIDE-67)"),
                "Remove it, or set less.",
            );
        }
        let counts = [
            limits.smtp_connections_max,
            limits.smtp_connections_per_address_max,
            limits.http_connections_max,
            limits.json_large_at_once_max,
            limits.password_checks_at_once_max,
            limits.sign_ins_remembered_max,
        ];
        if counts.contains(&0) || limits.requests_per_minute_max == 0 {
            self.fail(span, "a limit of 0 would let nothing in", "Set 1 or more.");
        }
        limits
    }

    fn rules(&mut self, rules: &BTreeMap<Text, Level>) -> Option<Settings> {
        let mut sound = true;
        for (name, level) in rules {
            if let Err(error) = Settings::new([(name.get_ref(), *level)]) {
                self.fail(name.span(), error.to_string(), "Name a rule; `mailward explain` lists them.");
                sound = false;
            }
        }
        sound.then(|| {
            let table = rules.iter().map(|(name, level)| (name.get_ref(), *level));
            Settings::new(table).unwrap_or_default()
        })
    }

    fn keystore(&mut self, keystore: &file::Keystore) -> Option<KeystoreFile> {
        let opener = match (&keystore.passphrase, &keystore.key) {
            (Some(text), None) => self.opener(
                text,
                [("env", KeystoreOpener::PassphraseEnv), ("credential", KeystoreOpener::PassphraseCredential)],
                "Write \"env:NAME\" or \"credential:NAME\".",
            ),
            (None, Some(text)) => {
                let folder = self.folder.clone();
                match text.get_ref().strip_prefix("file:") {
                    Some(path) if !path.is_empty() => Some(KeystoreOpener::KeyFile(folder.join(path))),
                    _ => self.opener(
                        text,
                        [("credential", KeystoreOpener::KeyCredential)],
                        "Write \"file:PATH\" or \"credential:NAME\".",
                    ),
                }
            }
            _ => {
                self.fail(
                    keystore.file.span(),
                    "the keystore needs either a passphrase or a key to open it",
                    "Add passphrase = \"env:NAME\" or key = \"file:PATH\".",
                );
                None
            }
        };
        Some(KeystoreFile {
            file: self.folder.join(keystore.file.get_ref()),
            opened_by: opener?,
        })
    }

    fn opener<const N: usize>(
        &mut self,
        text: &Text,
        kinds: [(&str, fn(String) -> KeystoreOpener); N],
        remedy: &str,
    ) -> Option<KeystoreOpener> {
        if let Some((kind, name)) = text.get_ref().split_once(':')
            && is_secret_name(name)
            && let Some((_, make)) = kinds.iter().find(|(known, _)| *known == kind)
        {
            return Some(make(name.to_owned()));
        }
        self.fail_unseen(
            text.span(),
            "does not say where to find it, and it may not stand here itself (GUIDE-23, ENG-13)",
            remedy,
        );
        None
    }

    fn console_users(&mut self, users: Vec<file::ConsoleUser>) -> Vec<ConsoleUser> {
        const ROLES: [&str; 4] = ["viewer", "operator", "approver", "administrator"];
        let mut seen = HashSet::new();
        for user in &users {
            self.once(&mut seen, &user.name, "a console user");
            self.no_inline(
                user.password.as_ref(),
                "Write password_hash with the output of `mailward secrets hash`.",
            );
            if !ROLES.contains(&user.role.get_ref().as_str()) {
                self.fail(user.role.span(), "there is no such role", format!("Write one of {}.", ROLES.join(", ")));
            }
            if crate::register::PasswordHash::parse_slow(user.password_hash.get_ref()).is_err() {
                self.fail_unseen(
                    user.password_hash.span(),
                    "this is no Argon2id hash in PHC form ($argon2id$...)",
                    "Make one with `mailward secrets hash`.",
                );
            }
        }
        users
            .into_iter()
            .map(|user| ConsoleUser {
                name: user.name.into_inner(),
                role: user.role.into_inner(),
                password_hash: user.password_hash.into_inner(),
            })
            .collect()
    }

    fn oauth(&mut self, clients: BTreeMap<String, file::OAuth>) -> BTreeMap<String, OAuthClient> {
        let mut checked = BTreeMap::new();
        for (name, client) in clients {
            let token_url = self.url(&client.token_url);
            let client_secret = self.secret_ref(&client.client_secret);
            if let (Some(token_url), Some(client_secret)) = (token_url, client_secret) {
                let client = OAuthClient {
                    token_url,
                    client_id: client.client_id,
                    client_secret,
                    scope: client.scope,
                    ca_file: client.ca_file.map(|path| self.path(&path)),
                };
                checked.insert(name, client);
            }
        }
        checked
    }

    fn routes(
        &mut self,
        routes: Vec<file::Route>,
        oauth: &BTreeMap<String, OAuthClient>,
    ) -> Vec<Route> {
        let mut seen = HashSet::new();
        let mut checked = Vec::new();
        for route in routes {
            self.once(&mut seen, &route.name, "a route");
            checked.extend(self.route(route, oauth));
        }
        checked
    }

    fn route(&mut self, route: file::Route, oauth: &BTreeMap<String, OAuthClient>) -> Option<Route> {
        let server = self.server_name(&route.server);
        let mechanism = self.mechanism(&route, oauth);
        if route.kind.get_ref() != RouteKind::Submission.as_str() {
            self.fail(route.kind.span(), "this kind of route is not offered", "Write \"submission\".");
        }
        let retirements = route
            .retires
            .into_iter()
            .filter_map(|one| Some(Retirement { date: self.time(&one.date)?, what: one.what }))
            .collect();
        let connections_max = match &route.connections_max {
            None => usize::try_from(CONNECTIONS.figure).unwrap_or(1),
            Some(count) => *self.at_least_one(count),
        };
        let messages_per_minute = match &route.messages_per_minute {
            None => u32::try_from(MESSAGES_PER_MINUTE.figure).ok(),
            Some(count) => Some(*self.at_least_one(count)),
        };
        Some(Route {
            name: RouteName::new(route.name.get_ref()),
            kind: RouteKind::Submission,
            server: server?,
            port: route.port,
            ca_file: route.ca_file.map(|path| self.path(&path)),
            mechanism: mechanism?,
            connections_max,
            messages_per_minute,
            recipients_max: route.recipients_max,
            dcb1596: route.dcb1596,
            twin: route.twin,
            retirements,
        })
    }

    fn at_least_one<'n, N: Default + PartialEq>(&mut self, count: &'n Spanned<N>) -> &'n N {
        if *count.get_ref() == N::default() {
            self.fail(count.span(), "a limit of 0 would let nothing out", "Set 1 or more.");
        }
        count.get_ref()
    }

    /// A name, so that the service may move (GUIDE-56). Addresses of this very
    /// machine do not move.
    fn server_name(&mut self, text: &Text) -> Option<String> {
        let name = text.get_ref();
        match name.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if address.is_loopback() => Some(address.to_string()),
            Ok(_) => {
                self.fail(
                    text.span(),
                    "an address stands where a name must (GUIDE-56)",
                    "Write the server's name, such as \"smtp.office365.com\".",
                );
                None
            }
            Err(_) if name.is_ascii() && Domain::parse(name).is_ok() => Some(name.clone()),
            Err(_) => {
                self.fail(text.span(), "this is no host name", "Write the server's name.");
                None
            }
        }
    }

    fn mechanism(
        &mut self,
        route: &file::Route,
        oauth: &BTreeMap<String, OAuthClient>,
    ) -> Option<Mechanism> {
        let named = route.mechanism.get_ref().as_str();
        if let (Some(name), "login" | "plain") = (&route.oauth, named) {
            self.fail(
                name.span(),
                "oauth is of no use to a route that signs in with passwords",
                "Remove it, or write mechanism = \"xoauth2\".",
            );
        }
        match (named, &route.oauth) {
            ("login", _) => Some(Mechanism::Login),
            ("plain", _) => Some(Mechanism::Plain),
            ("xoauth2", Some(name)) if oauth.contains_key(name.get_ref()) => {
                Some(Mechanism::XOAuth2 { oauth: name.get_ref().clone() })
            }
            ("xoauth2", Some(name)) => {
                self.fail(
                    name.span(),
                    "there is no such client registration",
                    format!("Add a table [oauth.{}], or correct the name.", name.get_ref()),
                );
                None
            }
            ("xoauth2", None) => {
                self.fail(
                    route.mechanism.span(),
                    "xoauth2 needs a client registration",
                    "Add oauth = \"NAME\" and a table [oauth.NAME].",
                );
                None
            }
            _ => {
                self.fail(
                    route.mechanism.span(),
                    "there is no such mechanism",
                    "Write \"login\", \"plain\" or \"xoauth2\".",
                );
                None
            }
        }
    }

    fn accounts(&mut self, accounts: Vec<file::Account>, routes: &[Route]) -> Vec<Account> {
        let mut seen = HashSet::new();
        let mut checked = Vec::new();
        for account in accounts {
            self.once(&mut seen, &account.address, "an account");
            self.no_inline(
                account.password.as_ref(),
                "Store it with `mailward secrets set NAME` and write secret = \"keystore:NAME\".",
            );
            checked.extend(self.account(account, routes));
        }
        checked
    }

    fn account(&mut self, account: file::Account, routes: &[Route]) -> Option<Account> {
        let address = self.read::<Address>(
            &account.address,
            "Write the full address of the mailbox (GUIDE-9).",
        );
        let secret = account.secret.as_ref().map(|text| self.secret_ref(text));
        if let Some(name) = &account.display_name
            && (name.get_ref().chars().any(char::is_control) || name.get_ref().chars().count() > 200)
        {
            self.fail(name.span(), "this is no display name", "Write one line of text.");
        }
        let route = self.known_route(&account.route, routes)?;
        if route.mechanism == Mechanism::Login || route.mechanism == Mechanism::Plain {
            if secret.is_none() && account.password.is_none() {
                self.fail(
                    account.address.span(),
                    "the account needs a secret to sign in on its route",
                    "Add secret = \"keystore:NAME\".",
                );
            }
        }
        Some(Account {
            address: address?,
            kind: account.kind.unwrap_or(AccountKind::Application),
            display_name: account.display_name.map(Spanned::into_inner),
            route: route.name.clone(),
            secret: match secret {
                None => None,
                Some(secret) => Some(secret?),
            },
        })
    }

    pub(super) fn known_route<'r>(&mut self, text: &Text, routes: &'r [Route]) -> Option<&'r Route> {
        let found = routes.iter().find(|route| route.name.as_str() == text.get_ref());
        if found.is_none() {
            self.fail(
                text.span(),
                "there is no such route, or it has errors of its own",
                "Name a [[route]] of this file.",
            );
        }
        found
    }
}
