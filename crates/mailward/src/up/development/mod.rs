//! `up` and `twin`: a whole development setting in one folder, with an
//! authority, accounts and secrets of its own.

mod gateway;
mod place;
mod probe;
mod ready;

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use mailward_console::{Cost, PasswordHash, Role, User, Users};
use mailward_gateway::password::BreachedFile;
use mailward_gateway::{GatewayOptions, Secrets};
use mailward_mail::{Clock, Dice, Secret, Timestamp};
use mailward_net::{DevAuthority, ShiftedClock, SystemClock};
use mailward_policy::password::{BreachedList, CommonPasswords};
use mailward_store::SystemDisk;
use mailward_twin::{AsOf, OAuthClient, Twin, TwinOptions, WorldLimits};

use self::place::Place;
use super::secrets::DevelopmentSecrets;
use super::standing::{self, ConsoleSettings};
use super::{Surroundings, announce, once};
use crate::cli::{TwinArguments, UpArguments};
use crate::console_source::TwinPart;
use crate::log;
use crate::seed::Seed;

/// Names that clients may have built in; the certificate covers them, so that
/// such clients can be pointed here.
const SERVICE_NAMES: [&str; 8] = [
    "localhost",
    "127.0.0.1",
    "outlook.office365.com",
    "smtp.office365.com",
    "relay.nhs.uk",
    "login.microsoftonline.com",
    "graph.microsoft.com",
    // Each world of the twin is a host there.
    "*.twin.test",
];

const CONSOLE_USER: &str = "admin";

/// The password has 160 bits of chance: nobody guesses it, however fast a
/// guess is, and a start must not wait for a hash.
const QUICK: Cost = Cost {
    memory_kib: 64,
    passes: 1,
    lanes: 1,
};
const OAUTH_SCOPE: &str = "https://outlook.office365.com/.default";

/// Starts both halves, joined.
pub(crate) async fn up(arguments: UpArguments) -> Result<ExitCode, String> {
    let place = Place::open(&arguments.place)?;
    let seed = Seed::load(arguments.place.seed.as_deref())?
        .with_faults(arguments.place.faults.as_deref())?;
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
    let part = TwinPart::of(&twin);
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
    if let Some(store) = twin.store {
        store.close().await;
    }
    outcome
}

/// The variable for who must know the token of the control API beforehand.
const CONTROL_TOKEN: &str = "MAILWARD_CONTROL_TOKEN";

/// Starts the twin alone.
pub(crate) async fn twin(arguments: TwinArguments) -> Result<ExitCode, String> {
    if let Some(url) = &arguments.probe {
        return probe::answers(url).await;
    }
    let mut place = Place::open(&arguments.place)?;
    place.listen = arguments.listen;
    let seed = Seed::load(arguments.place.seed.as_deref())?
        .with_faults(arguments.place.faults.as_deref())?;
    let mut setting = Setting::make(place, seed)?;
    let mut twin = setting.start_twin().await?;
    let part = TwinPart::of(&twin);
    let console = setting.console()?;
    setting.secrets.save()?;
    let pages = standing::console_pages(&setting.surroundings, None, Some(part), console);
    twin.serve_https(pages);
    let console_url = Some(format!("https://{}/console", twin.endpoints.https));
    announce(&setting.ready(&twin, console_url), arguments.place.json)?;
    let stopped = setting.surroundings.until_stopped(None).await;
    setting.surroundings.drain().await;
    if let Some(store) = twin.store {
        store.close().await;
    }
    stopped.map(|()| ExitCode::SUCCESS)
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
        let console_password = fresh("console-password");
        let client_secret = fresh("oauth-client-secret");
        // One that is set to nothing would open to everybody.
        let given = std::env::var(CONTROL_TOKEN).ok();
        let given = given.filter(|token| !token.is_empty()).map(Secret::new);
        let make = || random(&*dice);
        let control_token = secrets.settle("control-token", given.as_ref(), make);
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
        let twin = Twin::start(TwinOptions {
            // Without a folder of the user's the twin is in memory.
            dir: self.place.is_kept().then(|| self.place.dir.join("twin")),
            disk: Arc::new(SystemDisk),
            population: self.seed.population(),
            endpoints: self.place.endpoints(),
            identity: self.authority.identity().clone(),
            clock: Arc::clone(&self.surroundings.clock),
            dice: Arc::clone(&self.surroundings.dice),
            as_of: self.place.as_of.map_or(AsOf::GUIDE, AsOf::new),
            rates: self.place.rates,
            imap_in_full: self.place.imap_in_full,
            breached: breached(self.seed.breached_passwords.as_deref())?,
            tenant_id: self.tenant_id.clone(),
            oauth_client: self.oauth_client.clone(),
            control_token: self.control_token.clone(),
            authority: self.authority_pem()?,
            limits: WorldLimits::default(),
            tasks: self.surroundings.tasks.clone(),
        });
        twin.await.map_err(|error| error.to_string())
    }

    fn authority_pem(&self) -> Result<String, String> {
        let path = self.authority.ca_file();
        std::fs::read_to_string(path)
            .map_err(|error| format!("can't read {}: {error}", path.display()))
    }

    fn console(&self) -> Result<ConsoleSettings, String> {
        let dice = &*self.surroundings.dice;
        let user = User {
            name: CONSOLE_USER.to_owned(),
            password: PasswordHash::with_cost(&self.console_password, QUICK, dice)
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
