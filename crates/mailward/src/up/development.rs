//! `up` and `twin`: a whole development setting in one folder, with an
//! authority, accounts and secrets of its own.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use mailward_console::{PasswordHash, Role, User, Users};
use mailward_gateway::config::{
    Account, Application, Callback, Config, Environment, IntakeKey, IntakePassword, KeyKind,
    Mechanism, Metrics, OAuthClient as ConfigOAuth, Route, SecretRef, SentItems, sent_items,
};
use mailward_gateway::password::BreachedFile;
use mailward_gateway::register::{KeyHash, PasswordHash as IntakeHash, make_api_key};
use mailward_gateway::{GatewayOptions, Keystore, Secrets};
use mailward_mail::{Address, Clock, Dice, Secret, Timestamp};
use mailward_net::{DevAuthority, ShiftedClock, SystemClock};
use mailward_policy::password::{BreachedList, CommonPasswords};
use mailward_policy::{AccountKind as PolicyKind, MailService, RouteKind, limits};
use mailward_queue::RouteName;
use mailward_store::SystemDisk;
use mailward_twin::seed::AccountKind;
use mailward_twin::{AsOf, Endpoints, OAuthClient, Twin, TwinOptions};

use super::secrets::DevelopmentSecrets;
use super::standing::{self, ConsoleSettings};
use super::{Surroundings, announce, once};
use crate::cli::{PlaceArguments, TwinArguments, UpArguments};
use crate::console_source::TwinPart;
use crate::log;
use crate::ports::{Endpoint, Ports};
use crate::ready::{
    Control, Ready, ReadyAccount, ReadyApplication, ReadyOAuth, SignIn, TwinEndpoints,
};
use crate::seed::{Seed, SeedApplication, SeedMechanism, SeedRoute};

/// Names that clients may have built in; the certificate covers them, so that
/// such clients can be pointed here.
const SERVICE_NAMES: [&str; 7] = [
    "localhost",
    "127.0.0.1",
    "outlook.office365.com",
    "smtp.office365.com",
    "relay.nhs.uk",
    "login.microsoftonline.com",
    "graph.microsoft.com",
];

const CONSOLE_USER: &str = "admin";
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
const OAUTH_SCOPE: &str = "https://outlook.office365.com/.default";

/// Starts both halves, joined.
pub(crate) async fn up(arguments: UpArguments) -> Result<ExitCode, String> {
    let place = Place::open(&arguments.place)?;
    let seed = Seed::load(arguments.place.seed.as_deref())?;
    let mut setting = Setting::make(place, seed)?;
    let mut twin = setting.start_twin().await?;
    twin.serve_https(axum::Router::new());
    let (config, applications) = setting.gateway_config(&twin)?;
    log::own_addresses(config.accounts.iter().map(|account| account.address.key()));
    setting.secrets.save()?;
    let keystore = setting.keystore(&twin, &config.accounts)?;

    let mut options = GatewayOptions::new(
        config,
        setting.surroundings.clock(),
        Arc::clone(&setting.surroundings.dice),
        Arc::clone(&setting.surroundings.resolver),
        setting.surroundings.tasks.clone(),
    );
    options.identity = Some(setting.authority.identity().clone());
    options.secrets = Some(Secrets::new(Some(keystore), None));
    let part = setting.twin_part(&twin);
    let console = setting.console()?;
    let standing = standing::start(&setting.surroundings, options, Some(part), console).await?;

    let console_url = standing
        .endpoints
        .https
        .as_ref()
        .map(|address| format!("https://{address}/console"));
    let mut ready = setting.ready(&twin, console_url);
    ready.gateway = Some(standing.endpoints.clone());
    ready.metrics_url = standing.metrics_url.clone();
    standing.gateway.observe.add(twin.figures());
    ready.applications = applications;

    let outcome = if arguments.once {
        once::run(
            &setting.surroundings,
            &ready,
            &standing.gateway,
            &twin,
            arguments.place.json,
        )
        .await
    } else {
        announce(&ready, arguments.place.json)?;
        setting
            .surroundings
            .until_stopped(Some(&standing.gateway.queue))
            .await
            .map(|()| ExitCode::SUCCESS)
    };
    setting.surroundings.drain().await;
    standing.gateway.queue.close().await;
    twin.store.close().await;
    outcome
}

/// Starts the twin alone.
pub(crate) async fn twin(arguments: TwinArguments) -> Result<ExitCode, String> {
    let place = Place::open(&arguments.place)?;
    let seed = Seed::load(arguments.place.seed.as_deref())?;
    let mut setting = Setting::make(place, seed)?;
    let mut twin = setting.start_twin().await?;
    let part = setting.twin_part(&twin);
    let console = setting.console()?;
    setting.secrets.save()?;
    let pages = standing::console_pages(&setting.surroundings, None, Some(part), console);
    twin.serve_https(pages);
    let console_url = Some(format!("https://{}/console", twin.endpoints.https));
    announce(&setting.ready(&twin, console_url), arguments.place.json)?;
    let stopped = setting.surroundings.until_stopped(None).await;
    setting.surroundings.drain().await;
    twin.store.close().await;
    stopped.map(|()| ExitCode::SUCCESS)
}

/// Where state is kept, and how to listen and behave.
struct Place {
    dir: PathBuf,
    /// Removed at the end, when nobody named a folder.
    _temporary: Option<tempfile::TempDir>,
    ports: Ports,
    rates: bool,
    as_of: Option<Timestamp>,
}

impl Place {
    fn open(arguments: &PlaceArguments) -> Result<Self, String> {
        let ports = Ports::new(arguments.ports_from, arguments.ports.is_some())?;
        let as_of = match &arguments.as_of {
            None => None,
            Some(day) => {
                Some(Timestamp::parse(day).map_err(|error| format!("--as-of {day}: {error}"))?)
            }
        };
        let (dir, temporary) = match &arguments.dir {
            Some(dir) => {
                std::fs::create_dir_all(dir)
                    .map_err(|error| format!("--dir {}: {error}", dir.display()))?;
                let whole = dir
                    .canonicalize()
                    .map_err(|error| format!("--dir {}: {error}", dir.display()))?;
                (whole, None)
            }
            None => {
                let temporary = tempfile::Builder::new()
                    .prefix("mailward-")
                    .tempdir()
                    .map_err(|error| format!("no temporary folder can be made: {error}"))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        Ok(Self {
            dir,
            _temporary: temporary,
            ports,
            rates: arguments.limits == "on",
            as_of,
        })
    }
}

/// Everything of a development start that both halves share.
struct Setting {
    place: Place,
    seed: Seed,
    surroundings: Surroundings,
    secrets: DevelopmentSecrets,
    authority: DevAuthority,
    tenant_id: String,
    oauth_client: OAuthClient,
    control_token: Secret,
    console_password: Secret,
}

impl Setting {
    fn make(place: Place, seed: Seed) -> Result<Self, String> {
        let mut surroundings = Surroundings::new()?;
        if let Some(day) = place.as_of {
            surroundings.clock = Arc::new(clock_on(day));
        }
        let mut secrets = DevelopmentSecrets::open(&place.dir)?;
        let authority = authority(&place.dir, &seed.organisation.domain, &*surroundings.clock)?;
        let dice = Arc::clone(&surroundings.dice);
        let mut fresh = |name: &str| secrets.settle(name, None, || random(&*dice));
        let (control_token, console_password) = (fresh("control-token"), fresh("console-password"));
        let client_secret = fresh("oauth-client-secret");
        let mut guid = |name: &str| {
            secrets
                .settle(name, None, || Secret::new(guid(&*dice)))
                .expose()
                .to_owned()
        };
        let (tenant_id, client_id) = (guid("tenant-id"), guid("oauth-client-id"));
        Ok(Self {
            place,
            seed,
            surroundings,
            secrets,
            authority,
            tenant_id,
            oauth_client: OAuthClient {
                client_id,
                client_secret,
            },
            control_token,
            console_password,
        })
    }

    async fn start_twin(&mut self) -> Result<Twin, String> {
        let ports = self.place.ports;
        let twin = Twin::start(TwinOptions {
            dir: self.place.dir.join("twin"),
            disk: Arc::new(SystemDisk),
            population: self.seed.population(),
            endpoints: Endpoints {
                submission: ports.address(Endpoint::TwinSubmission),
                high_sending: ports.address(Endpoint::TwinHighSending),
                relay: ports.address(Endpoint::TwinRelay),
                imaps: ports.address(Endpoint::TwinImaps),
                https: ports.address(Endpoint::TwinHttps),
            },
            identity: self.authority.identity().clone(),
            clock: Arc::clone(&self.surroundings.clock),
            dice: Arc::clone(&self.surroundings.dice),
            as_of: self.place.as_of.map_or(AsOf::GUIDE, AsOf::new),
            rates: self.place.rates,
            breached: breached(self.seed.breached_passwords.as_deref())?,
            tenant_id: self.tenant_id.clone(),
            oauth_client: self.oauth_client.clone(),
            control_token: self.control_token.clone(),
            tasks: self.surroundings.tasks.clone(),
        });
        twin.await.map_err(|error| error.to_string())
    }

    /// The gateway's configuration for this twin, and what the ready object
    /// says of each application.
    fn gateway_config(&mut self, twin: &Twin) -> Result<(Config, Vec<ReadyApplication>), String> {
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
            source_address: None,
            recipients_max: None,
            dcb1596: true,
            service: MailService::Nhsmail,
            on_premise: false,
            twin: true,
            retirements: Vec::new(),
            sent_items: Some(sent_items),
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
    fn keystore(&self, twin: &Twin, accounts: &[Account]) -> Result<Keystore, String> {
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

    fn twin_part(&self, twin: &Twin) -> TwinPart {
        TwinPart {
            accounts: twin.accounts.clone(),
            mailboxes: twin.mailboxes.clone(),
            store: twin.store.clone(),
            clock: self.surroundings.clock(),
        }
    }

    fn console(&self) -> Result<ConsoleSettings, String> {
        let dice = &*self.surroundings.dice;
        let user = User {
            name: CONSOLE_USER.to_owned(),
            password: PasswordHash::new(&self.console_password, dice)
                .map_err(|error| error.to_string())?,
            role: Role::Administrator,
        };
        let users = Users::new(vec![user], dice).map_err(|error| error.to_string())?;
        Ok(ConsoleSettings {
            credentials: Arc::new(users),
            title: "Mailward".to_owned(),
            banner: Some(mailward_console::ConsoleOptions::DEVELOPMENT_BANNER.to_owned()),
        })
    }

    fn ready(&self, twin: &Twin, console_url: Option<String>) -> Ready {
        let https = twin.endpoints.https;
        Ready {
            ready: true,
            pid: std::process::id(),
            dir: self.place.dir.clone(),
            ca_file: Some(self.authority.ca_file().to_owned()),
            console_url,
            console: Some(SignIn {
                username: CONSOLE_USER.to_owned(),
                password: self.console_password.expose().to_owned(),
            }),
            gateway: None,
            metrics_url: None,
            twin: Some(TwinEndpoints {
                submission: twin.endpoints.submission.to_string(),
                high_sending: twin.endpoints.high_sending.to_string(),
                relay: twin.endpoints.relay.to_string(),
                imaps: twin.endpoints.imaps.to_string(),
                https: https.to_string(),
                oauth: ReadyOAuth {
                    token_url: format!("https://{https}/{}/oauth2/v2.0/token", twin.tenant_id),
                    client_id: self.oauth_client.client_id.clone(),
                    client_secret: self.oauth_client.client_secret.expose().to_owned(),
                    scope: OAUTH_SCOPE.to_owned(),
                },
            }),
            applications: Vec::new(),
            accounts: twin
                .all_accounts()
                .iter()
                .map(|account| ReadyAccount {
                    address: account.address.as_str().to_owned(),
                    password: account.password.expose().to_owned(),
                    kind: account.kind.as_str(),
                })
                .collect(),
            control: Some(Control {
                url: format!("https://{https}/control/v1"),
                token: self.control_token.expose().to_owned(),
            }),
        }
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

fn authority(dir: &Path, domain: &str, clock: &dyn Clock) -> Result<DevAuthority, String> {
    let autodiscover = format!("autodiscover.{domain}");
    let mut names: Vec<&str> = SERVICE_NAMES.to_vec();
    names.extend([domain, autodiscover.as_str()]);
    DevAuthority::load_or_create(&dir.join("authority"), &names, clock)
        .map_err(|error| error.to_string())
}

fn breached(file: Option<&Path>) -> Result<Arc<dyn BreachedList>, String> {
    match file {
        None => Ok(Arc::new(CommonPasswords)),
        Some(file) => match BreachedFile::open(file) {
            Ok(list) => Ok(Arc::new(list)),
            Err(error) => Err(error.to_string()),
        },
    }
}

/// That day, at the present time of day.
fn clock_on(day: Timestamp) -> ShiftedClock {
    const DAY_MILLIS: i64 = 24 * 3600 * 1000;
    let time_of_day = SystemClock.now().as_millis().rem_euclid(DAY_MILLIS);
    let moment = Timestamp::from_millis(day.as_millis() + time_of_day);
    ShiftedClock::starting_at(Arc::new(SystemClock), moment)
}

/// 160 bits in letters and digits that can be read out.
fn random(dice: &dyn Dice) -> Secret {
    const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
    let mut chance = [0; 32];
    dice.fill(&mut chance);
    Secret::new(
        chance
            .iter()
            .map(|byte| char::from(LETTERS[usize::from(byte & 31)]))
            .collect::<String>(),
    )
}

fn guid(dice: &dyn Dice) -> String {
    mailward_twin::oauth::guid(dice)
}
