//! The gateway of a development start: its configuration and its keystore,
//! made for the twin beside it.

use std::collections::HashSet;
use std::sync::Arc;

use mailward_gateway::Keystore;
use mailward_gateway::config::{
    Account, Application, Callback, Config, Environment, IntakeKey, IntakePassword, KeyKind,
    Mechanism, Metrics, OAuthClient as ConfigOAuth, Route, SecretRef, SentItems, Timeouts,
    sent_items,
};
use mailward_gateway::register::{KeyHash, PasswordHash as IntakeHash, make_api_key};
use mailward_mail::{Address, Clock, Secret, Timestamp};
use mailward_policy::{AccountKind as PolicyKind, MailService, RouteKind, limits};
use mailward_queue::RouteName;
use mailward_twin::Twin;
use mailward_twin::seed::AccountKind;

use super::{OAUTH_SCOPE, Setting, random};
use crate::ports::Endpoint;
use crate::ready::ReadyApplication;
use crate::seed::{SeedApplication, SeedMechanism, SeedRoute};

const SECRET_NAME_READABLE: usize = 40;
const SECRET_NAME_DIGITS: usize = 16;

/// Accounts beside those of applications that the gateway can send from: its
/// keystore has room for them.
const SPARE_ACCOUNTS_MAX: usize = 5_000;
/// The twin is quick, and who tries it should not have to wait.
const TWIN_SETTLE_SECONDS: u64 = 2;
const TWIN_LOOKS: u32 = 2;
const HIGH_SENDING: &str = "high-sending";
const RELAY: &str = "relay";

impl Setting {
    /// The gateway's configuration for this twin, and what the ready object
    /// says of each application.
    pub(super) fn gateway_config(
        &mut self,
        twin: &Twin,
    ) -> Result<(Config, Vec<ReadyApplication>), String> {
        let mut config = Config::new("localhost", self.place.dir.join("gateway"));
        config.environment = Environment::Test;
        self.seed.apply(&mut config)?;
        config.keeps_limits = self.place.rates;
        let ports = self.place.ports;
        config.listen.submission = Some(ports.address(Endpoint::GatewaySubmission));
        config.listen.submissions = Some(ports.address(Endpoint::GatewaySubmissions));
        config.listen.https = Some(ports.address(Endpoint::GatewayHttps));
        config.metrics = Some(Metrics {
            listen: ports.metrics(),
            tls: false,
        });
        config.routes = vec![
            self.route(
                "nhsmail",
                twin,
                Mechanism::XOAuth2 {
                    oauth: "twin".to_owned(),
                },
            ),
            self.route("nhsmail-login", twin, Mechanism::Login),
            self.high_sending(twin),
            self.relay(twin),
        ];
        let oauth = ConfigOAuth {
            token_url: format!(
                "https://{}/{}/oauth2/v2.0/token",
                twin.endpoints.https, twin.tenant_id
            ),
            client_id: self.oauth_client.client_id.clone(),
            client_secret: SecretRef::Keystore("oauth-client".to_owned()),
            scope: OAUTH_SCOPE.to_owned(),
            ca_file: Some(self.authority.ca_file().to_owned()),
        };
        config.oauth.insert("twin".to_owned(), oauth);
        let mut ready = Vec::new();
        for application in self.seed.application.clone() {
            let (registered, shown) = self.application(&application)?;
            if config.account(&registered.account).is_none() {
                let address = &application.account;
                config
                    .accounts
                    .push(account(address, &own_route(&application), twin));
            }
            config.applications.push(registered);
            ready.push(shown);
        }
        // The rest wait for applications that are registered by command.
        let route = RouteName::new(route_name(SeedMechanism::default()));
        let taken: HashSet<_> = config.accounts.iter().map(Account::name).collect();
        let spare = twin.all_accounts().into_iter();
        let spare = spare.map(|known| account(&known.address, &route, twin));
        let spare = spare.filter(|account| !taken.contains(&account.name()));
        config.accounts.extend(spare.take(SPARE_ACCOUNTS_MAX));
        for account in &mut config.accounts {
            account.repair_display_name = self.seed.repairs_name_of(&account.address);
        }
        Ok((config, ready))
    }

    fn route(&self, name: &str, twin: &Twin, mechanism: Mechanism) -> Route {
        let limited = self.place.rates;
        // The twin files what it takes in the same write.
        let sent_items = SentItems {
            server: "localhost".to_owned(),
            port: twin.endpoints.imaps.port(),
            ca_file: None,
            mechanism: mechanism.clone(),
            folder: None,
            settle_seconds: TWIN_SETTLE_SECONDS,
            looks: TWIN_LOOKS,
            patience_minutes: sent_items::PATIENCE_MINUTES,
            files: true,
        };
        Route {
            name: RouteName::new(name),
            kind: RouteKind::Submission,
            server: "localhost".to_owned(),
            port: twin.endpoints.submission.port(),
            ca_file: Some(self.authority.ca_file().to_owned()),
            mechanism,
            connections_max: limits::CONNECTIONS.figure as usize,
            messages_per_minute: limited.then_some(limits::MESSAGES_PER_MINUTE.figure as u32),
            fail_over: Default::default(),
            source_address: None,
            recipients_max: None,
            dcb1596: true,
            service: MailService::Nhsmail,
            on_premise: false,
            twin: true,
            retirements: Vec::new(),
            sent_items: Some(sent_items),
            timeouts: Timeouts::default(),
        }
    }

    /// With no limit of its own but connections, as long as nobody publishes one.
    fn high_sending(&self, twin: &Twin) -> Route {
        let mechanism = Mechanism::XOAuth2 {
            oauth: "twin".to_owned(),
        };
        Route {
            kind: RouteKind::HighSending,
            port: twin.endpoints.high_sending.port(),
            messages_per_minute: None,
            ..self.route(HIGH_SENDING, twin, mechanism)
        }
    }

    /// For applications with an approved exception alone; the twin must know
    /// our address as well.
    fn relay(&self, twin: &Twin) -> Route {
        Route {
            kind: RouteKind::Relay,
            port: twin.endpoints.relay.port(),
            ca_file: None,
            messages_per_minute: None,
            dcb1596: false,
            sent_items: None,
            timeouts: Timeouts::default(),
            ..self.route(RELAY, twin, Mechanism::None)
        }
    }

    fn application(
        &mut self,
        seed: &SeedApplication,
    ) -> Result<(Application, ReadyApplication), String> {
        let dice = Arc::clone(&self.surroundings.dice);
        let named = |what: &str| format!("application:{}:{what}", seed.name);
        let username = seed.username.clone().unwrap_or_else(|| seed.name.clone());
        let password = self
            .secrets
            .settle(&named("password"), seed.password.as_ref(), || {
                random(&*dice)
            });
        let api_key = self
            .secrets
            .settle(&named("api-key"), seed.api_key.as_ref(), || {
                make_api_key(KeyKind::Live, &*dice)
            });
        // A password somebody chose is hashed slowly; a made one can't be guessed.
        let hash = match &seed.password {
            Some(chosen) => IntakeHash::of_chosen(chosen, &*dice)
                .map_err(|error| error.to_string())?
                .to_text(),
            None => KeyHash::of(password.expose()).to_text(),
        };
        let callback = seed.callback.as_ref().map(|callback| Callback {
            url: callback.url.clone(),
            secret: SecretRef::Keystore(callback_name(seed)),
            ca_file: callback.ca_file.clone(),
        });
        let registered = Application {
            callback,
            passwords: vec![IntakePassword {
                username: username.clone(),
                kind: KeyKind::Live,
                hash,
            }],
            api_keys: vec![IntakeKey {
                kind: KeyKind::Live,
                hash: KeyHash::of(api_key.expose()).to_text(),
            }],
            high_sending_route: seed.high_sending.then(|| RouteName::new(HIGH_SENDING)),
            ..seed.registered(route_of(seed))
        };
        let shown = ReadyApplication {
            name: seed.name.clone(),
            username,
            password: password.expose().to_owned(),
            api_key: api_key.expose().to_owned(),
            from: seed.account.as_str().to_owned(),
        };
        Ok((registered, shown))
    }

    /// The gateway's keystore: the passwords that the twin knows, in memory.
    pub(super) fn keystore(&self, twin: &Twin, accounts: &[Account]) -> Result<Keystore, String> {
        let keystore = Keystore::in_memory();
        let (now, dice) = (self.surroundings.clock.now(), &*self.surroundings.dice);
        let set_at = |name: &str, secret: &Secret, changed: Timestamp| {
            keystore
                .set(name, secret, changed, dice)
                .map(drop)
                .map_err(|error| error.to_string())
        };
        let set = |name: &str, secret: &Secret| set_at(name, secret, now);
        set("oauth-client", &self.oauth_client.client_secret)?;
        for account in accounts {
            if let Some(known) = twin.accounts.find(&account.address) {
                let name = secret_name(&account.address);
                set_at(&name, &known.password, known.password_changed)?;
            }
        }
        for application in &self.seed.application {
            if let Some(callback) = &application.callback {
                set(&callback_name(application), &callback.secret)?;
            }
        }
        Ok(keystore)
    }
}

/// An account of the twin as the gateway knows it.
fn account(address: &Address, route: &RouteName, twin: &Twin) -> Account {
    let known = twin.accounts.find(address);
    let password_changed = known.as_ref().map(|account| account.password_changed);
    Account {
        address: address.clone(),
        kind: match known.as_ref().map(|account| account.kind) {
            Some(AccountKind::User) => PolicyKind::User,
            Some(AccountKind::Shared) => PolicyKind::Shared,
            _ => PolicyKind::Application,
        },
        display_name: known.map(|account| account.display_name.clone()),
        repair_display_name: false,
        route: route.clone(),
        secret: Some(SecretRef::Keystore(secret_name(address))),
        password_changed,
    }
}

/// The route that the application names, or that of its account.
fn route_of(application: &SeedApplication) -> RouteName {
    match application.route {
        None => own_route(application),
        Some(SeedRoute::HighSending) => RouteName::new(HIGH_SENDING),
        Some(SeedRoute::Relay) => RouteName::new(RELAY),
    }
}

/// The route that the application's account signs in on.
fn own_route(application: &SeedApplication) -> RouteName {
    RouteName::new(route_name(application.mechanism))
}

fn route_name(mechanism: SeedMechanism) -> &'static str {
    match mechanism {
        SeedMechanism::XOAuth2 => "nhsmail",
        SeedMechanism::Login => "nhsmail-login",
    }
}

/// Names of secrets have a small alphabet; addresses do not.
/// The digits keep apart what the alphabet makes alike.
fn secret_name(address: &Address) -> String {
    let key = address.key();
    let digits = KeyHash::of(&key).to_text();
    let digits = digits.trim_start_matches("sha256:");
    let mut name = safe_name("account", &key);
    name.truncate(SECRET_NAME_READABLE);
    format!("{name}-{}", &digits[..SECRET_NAME_DIGITS])
}

fn callback_name(application: &SeedApplication) -> String {
    safe_name("callback", &application.name)
}

fn safe_name(kind: &str, text: &str) -> String {
    const LENGTH_MAX: usize = 48;
    let kept: String = text
        .chars()
        .map(|char| {
            if char.is_ascii_alphanumeric() || char == '-' {
                char
            } else {
                '_'
            }
        })
        .take(LENGTH_MAX)
        .collect();
    format!("{kind}-{kept}")
}
