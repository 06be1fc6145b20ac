//! The sense of the file: names that exist, forms that hold, clauses that
//! bind. Every error is kept, so that one run tells all.

use std::collections::{BTreeMap, HashSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use mailward_mail::{Address, Domain, Timestamp};
use mailward_policy::limits::ACCEPTED_OCTETS_MAX;
use mailward_policy::rules::one_account_one_application;
use mailward_policy::{Level, Settings};
use mailward_queue::KEPT_LEAST;
use toml::Spanned;

use super::error::{ConfigError, ConfigErrors, excerpt};
use super::file::{DistributionList, File, Text};
use super::secret_ref::{SecretRef, SecretRefError};
use super::{Config, DomainPattern, Limits, Listen, StoreSettings, TlsFiles};
use crate::deliver::ReplyTable;
use crate::deliver::reply::{RowText, read_rows};

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
    pub(super) folder: PathBuf,
    /// Names that stand in the file, be what they name sound or not: an error
    /// is told once, where it is.
    pub(super) declared_routes: HashSet<String>,
    pub(super) declared_oauth: HashSet<String>,
    pub(super) declared_accounts: HashSet<String>,
    /// The rule against it is set to something milder than refuse.
    pub(super) may_share_accounts: bool,
    errors: Vec<ConfigError>,
}

impl<'a> Checker<'a> {
    fn new(text: &'a str, path: &'a Path) -> Self {
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        Self {
            text,
            path,
            folder,
            declared_routes: HashSet::new(),
            declared_oauth: HashSet::new(),
            declared_accounts: HashSet::new(),
            may_share_accounts: false,
            errors: Vec::new(),
        }
    }

    fn config(&mut self, file: File) -> Option<Config> {
        let hostname = self.hostname(&file.gateway.hostname);
        let limits = self.limits(file.limits);
        let store = self.store(file.store);
        let profile = file.profile.as_ref().map(|text| {
            let remedy = "Write \"current\", \"guide-2022\", \"nhs-england\" or \"dorset\".";
            self.read(text, remedy)
        });
        let distribution_lists = self.distribution_lists(&file.distribution_list);
        let accredited_domains = self.accredited_domains(&file.accredited_domains);
        let keystore = file.keystore.map(|keystore| self.keystore(&keystore));
        self.declared_routes = file
            .route
            .iter()
            .map(|one| one.name.get_ref().clone())
            .collect();
        self.declared_oauth = file.oauth.keys().cloned().collect();
        self.declared_accounts = file
            .account
            .iter()
            .map(|one| one.address.get_ref().to_lowercase())
            .collect();
        self.may_share_accounts = file.rules.iter().any(|(rule, level)| {
            rule.get_ref() == one_account_one_application::RULE.id && *level != Level::Refuse
        });
        let oauth = self.oauth(file.oauth);
        let routes = self.routes(file.route, &oauth);
        let accounts = self.accounts(file.account, &routes);
        let applications = self.applications(file.application, &routes, &accounts);
        let replies = self.replies(&file.reply);
        let console_users = self.console_users(file.gateway.console_user);
        let listen = Listen {
            submission: file.gateway.submission,
            submissions: file.gateway.submissions,
            https: file.gateway.https,
        };
        let has_tls = file.gateway.tls.is_some();
        let metrics = file
            .metrics
            .map(|metrics| self.metrics(metrics, &listen, has_tls));
        let traces = file.traces.map(|traces| self.traces(traces));
        Some(Config {
            metrics,
            log: file.log,
            traces,
            hostname: hostname?,
            environment: file.gateway.environment,
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
            breached_passwords: file
                .gateway
                .breached_passwords
                .map(|list| self.folder.join(list)),
            limits,
            store,
            profile: match profile {
                None => Default::default(),
                Some(profile) => profile?,
            },
            distribution_lists,
            accredited_domains,
            keeps_limits: true,
            replies,
            rules: self.rules(&file.rules)?,
            routes,
            oauth,
            accounts,
            applications,
        })
    }

    /// The organisation's own rows of what replies mean.
    fn replies(&mut self, rows: &[RowText]) -> ReplyTable {
        let (rows, problems) = read_rows(rows);
        for one in problems {
            self.fail(one.span, one.problem, one.remedy);
        }
        ReplyTable::with_own(rows)
    }

    /// Adds an error with the value at `span`.
    pub(super) fn fail(
        &mut self,
        span: Range<usize>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let value = excerpt(self.text, span.clone());
        self.errors.push(ConfigError::at(
            self.path, self.text, span, value, problem, remedy,
        ));
    }

    /// The same where the value may be a secret: it is not shown.
    pub(super) fn fail_unseen(
        &mut self,
        span: Range<usize>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let value = "***".to_owned();
        self.errors.push(ConfigError::at(
            self.path, self.text, span, value, problem, remedy,
        ));
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
                self.fail(
                    text.span(),
                    "this is no date",
                    "Write it as \"2026-12-31\".",
                );
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
        let most = Limits::SCHEDULED_DAYS_MOST;
        if limits.scheduled_days_max > most {
            self.fail(
                span.clone(),
                format!("scheduled_days_max is {}, above {most}", limits.scheduled_days_max),
                format!("Set {most} or less: what lies further ahead is better asked for nearer the day."),
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

    fn store(&mut self, store: Option<Spanned<StoreSettings>>) -> StoreSettings {
        let Some(store) = store else {
            return StoreSettings::default();
        };
        let span = store.span();
        let store = store.into_inner();
        let least = KEPT_LEAST.as_secs() / (24 * 3600);
        if (1..least).contains(&store.records_kept_days) {
            self.fail(
                span,
                format!("records_kept_days is below {least}, for which keys of requests are known"),
                format!("Set {least} or more, or 0 to keep records for ever."),
            );
        }
        store
    }

    fn distribution_lists(&mut self, lists: &[DistributionList]) -> Vec<Address> {
        let mut seen = HashSet::new();
        let mut checked = Vec::new();
        for list in lists {
            self.once(&mut seen, &list.address, "a distribution list");
            checked.extend(self.read::<Address>(&list.address, "Write the list's full address."));
        }
        checked
    }

    fn accredited_domains(&mut self, domains: &[Text]) -> Vec<DomainPattern> {
        let remedy =
            "Write a domain such as \"trust.example\", or \"*.trust.example\" for all below it.";
        domains
            .iter()
            .filter_map(|text| self.read(text, remedy))
            .collect()
    }

    fn rules(&mut self, rules: &BTreeMap<Text, Level>) -> Option<Settings> {
        let mut sound = true;
        for (name, level) in rules {
            if let Err(error) = Settings::new([(name.get_ref(), *level)]) {
                self.fail(
                    name.span(),
                    error.to_string(),
                    "Name a rule; `mailward explain` lists them.",
                );
                sound = false;
            }
        }
        sound.then(|| {
            let table = rules.iter().map(|(name, level)| (name.get_ref(), *level));
            Settings::new(table).unwrap_or_default()
        })
    }
}
