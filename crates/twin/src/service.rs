//! The twin as one thing that starts and listens.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use mailward_access::imap::Imap;
use mailward_mail::{Clock, Dice, Secret};
use mailward_mailbox::Mailboxes;
use mailward_net::http::{HttpServer, Limits as HttpLimits};
use mailward_net::smtp::{ConnectionLimits, Security, Server, Service};
use mailward_net::{Listener, ServerIdentity, ShiftedClock, Tasks, tls};
use mailward_policy::limits;
use mailward_policy::password::BreachedList;
use mailward_store::{Disk, Limits as StoreLimits, Options, Store};
use mailward_wire::smtp::server::{Dialect, Settings};

use crate::accounts::{Account, Accounts, GivenBy, SignInRules};
use crate::asof::AsOf;
use crate::control::{self, Control};
use crate::deliver::Deliveries;
use crate::error::TwinError;
use crate::events::EventLog;
use crate::imap::{self, ImapDoor};
use crate::manners::{Manners, ServiceSpec};
use crate::oauth::{self, AppRegistration, Registrations, SigningKey, Tokens};
use crate::pace::{Pace, Rates};
use crate::relay::{self, Admissions, RelayDialect, RelayDoor};
use crate::schema::SCHEMA;
use crate::seed::{
    AccountSpec, DistributionListSpec, Organisation, PtrSpec, RelayRegistrationSpec, SignInSpec,
};
use crate::senders::Senders;
use crate::submission::{self, DoorKind, ExchangeDialect, SubmissionDoor};
use crate::tally::Tally;

/// Observed in 2022; the service has been slower since.
const REFUSAL_DELAY: Duration = Duration::from_secs(5);

/// Who and what there is from the start.
#[derive(Clone, Debug)]
pub struct Population {
    pub organisation: Organisation,
    pub accounts: Vec<AccountSpec>,
    pub lists: Vec<DistributionListSpec>,
    pub relay_registrations: Vec<RelayRegistrationSpec>,
    /// The reverse zone that the relay asks.
    pub ptr_records: Vec<PtrSpec>,
    pub service: ServiceSpec,
    pub sign_in: SignInSpec,
}

/// The application registration that may use every account of the seed.
#[derive(Clone, Debug)]
pub struct OAuthClient {
    pub client_id: String,
    pub client_secret: Secret,
}

/// Where to listen; port 0 takes a free one.
#[derive(Clone, Copy, Debug)]
pub struct Endpoints {
    pub submission: SocketAddr,
    pub high_sending: SocketAddr,
    pub relay: SocketAddr,
    pub imaps: SocketAddr,
    pub https: SocketAddr,
}

/// What a twin is started with.
#[derive(Debug)]
pub struct TwinOptions {
    /// The folder for its store; made if absent, held by one process.
    pub dir: PathBuf,
    pub disk: Arc<dyn Disk>,
    pub population: Population,
    pub endpoints: Endpoints,
    pub identity: ServerIdentity,
    pub clock: Arc<ShiftedClock>,
    pub dice: Arc<dyn Dice>,
    pub as_of: AsOf,
    /// False lifts every rate; wrong passwords lock an account all the same.
    pub rates: bool,
    /// Passwords that nobody may change to (GUIDE-28).
    pub breached: Arc<dyn BreachedList>,
    pub tenant_id: String,
    pub oauth_client: OAuthClient,
    pub control_token: Secret,
    pub tasks: Tasks,
}

/// A running twin.
#[derive(Debug)]
pub struct Twin {
    /// As they are, with real ports.
    pub endpoints: Endpoints,
    pub accounts: Accounts,
    pub mailboxes: Mailboxes,
    pub registrations: Registrations,
    pub events: EventLog,
    /// To be closed after the tasks have drained.
    pub store: Store,
    pub tenant_id: String,
    https: Option<(Listener, Router)>,
    identity: ServerIdentity,
    clock: Arc<ShiftedClock>,
    tasks: Tasks,
}

impl Twin {
    /// Opens the store, makes what is missing, and listens. HTTPS waits for
    /// [`Twin::serve_https`], so that the program may add its own pages.
    pub async fn start(options: TwinOptions) -> Result<Self, TwinError> {
        // Bound first: a port in use is the commonest trouble and changes nothing.
        let submission = Listener::bind(options.endpoints.submission)?;
        let high_sending = Listener::bind(options.endpoints.high_sending)?;
        let relay = Listener::bind(options.endpoints.relay)?;
        let imaps = Listener::bind(options.endpoints.imaps)?;
        let https = Listener::bind(options.endpoints.https)?;
        let endpoints = Endpoints {
            submission: submission.address(),
            high_sending: high_sending.address(),
            relay: relay.address(),
            imaps: imaps.address(),
            https: https.address(),
        };
        // The signing key takes longest: it is made while the rest starts.
        let key = SigningKey::make();
        let store = Store::open(Options {
            dir: options.dir.clone(),
            schema: SCHEMA,
            limits: StoreLimits::default(),
            disk: Arc::clone(&options.disk),
        })?;
        let clock: Arc<dyn Clock> = Arc::clone(&options.clock) as Arc<dyn Clock>;
        let parts = Parts::make(&options, store.clone(), key, &clock).await?;
        parts.listen_smtp(&options, submission, DoorKind::Submission);
        parts.listen_smtp(&options, high_sending, DoorKind::HighSending);
        parts.listen_relay(&options, relay);
        parts.listen_imap(&options, imaps);
        let router = parts.router(&options);
        Ok(Self {
            endpoints,
            accounts: parts.accounts,
            mailboxes: parts.deliveries.mailboxes,
            registrations: parts.tokens.registrations.clone(),
            events: parts.events,
            store,
            tenant_id: options.tenant_id,
            https: Some((https, router)),
            identity: options.identity,
            clock: options.clock,
            tasks: options.tasks,
        })
    }

    /// Serves the twin's own pages and `more` beside them.
    pub fn serve_https(&mut self, more: Router) {
        let Some((listener, router)) = self.https.take() else {
            return;
        };
        let server = HttpServer {
            listener,
            tls: Some(tls::http_server_config(&self.identity)),
            router: router.merge(more),
            limits: HttpLimits::default(),
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
        };
        let shutdown = self.tasks.shutdown().clone();
        self.tasks.spawn_vital("twin https", server.serve(shutdown));
    }

    /// All accounts with their passwords, in order of making.
    pub fn all_accounts(&self) -> Vec<Arc<Account>> {
        self.accounts.all()
    }
}

/// What the doors share.
struct Parts {
    accounts: Accounts,
    deliveries: Deliveries,
    tokens: Tokens,
    events: EventLog,
    pace: Pace,
    manners: Manners,
    admissions: Admissions,
    clock: Arc<dyn Clock>,
}

impl Parts {
    async fn make(
        options: &TwinOptions,
        store: Store,
        key: SigningKey,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, TwinError> {
        let events = EventLog::new(Arc::clone(clock));
        let rules = SignInRules::new(
            &options.population.sign_in,
            options.as_of,
            Arc::clone(&options.breached),
        );
        let accounts = Accounts::open(store.clone(), Arc::clone(clock), rules).await?;
        let deliveries = Deliveries {
            tally: Tally::open(store.clone()).await?,
            senders: Senders::open(store.clone()).await?,
            mailboxes: Mailboxes::open(store, Arc::clone(clock)),
            accounts: accounts.clone(),
            events: events.clone(),
            clock: Arc::clone(clock),
            dice: Arc::clone(&options.dice),
            domain: options.population.organisation.domain.clone(),
        };
        deliveries.make_outside().await?;
        deliveries
            .put_accounts(
                options.population.accounts.clone(),
                GivenBy::Seed,
                &*options.dice,
            )
            .await?;
        accounts.put_lists(options.population.lists.clone()).await?;

        let registrations = Registrations::default();
        registrations.add(AppRegistration {
            client_id: options.oauth_client.client_id.clone(),
            client_secret: options.oauth_client.client_secret.clone(),
            name: "every account of the seed".to_owned(),
            roles: AppRegistration::mail_roles(),
            mailboxes: accounts
                .all()
                .iter()
                .map(|account| account.address.clone())
                .collect(),
        });
        let tokens = Tokens::new(
            options.tenant_id.clone(),
            key,
            registrations,
            Arc::clone(clock),
            Arc::clone(&options.dice),
        );
        let rates = options.rates.then_some(Rates {
            connections_max: limits::CONNECTIONS.figure as usize,
            messages_per_minute: limits::MESSAGES_PER_MINUTE.figure as usize,
            refusal_delay: REFUSAL_DELAY,
        });
        Ok(Self {
            accounts,
            deliveries,
            tokens,
            events,
            pace: Pace::new(rates),
            manners: Manners::new(options.population.service.clone()),
            admissions: Admissions::new(
                &options.population.organisation,
                options.population.relay_registrations.clone(),
                options.population.ptr_records.clone(),
            ),
            clock: Arc::clone(clock),
        })
    }

    fn listen_smtp(&self, options: &TwinOptions, listener: Listener, kind: DoorKind) {
        let pace = match kind {
            DoorKind::Submission => self.pace.clone(),
            DoorKind::HighSending => self.high_sending_pace(options),
        };
        let door = SubmissionDoor {
            accounts: self.accounts.clone(),
            deliveries: self.deliveries.clone(),
            tokens: self.tokens.clone(),
            events: self.events.clone(),
            pace,
            manners: self.manners.clone(),
            kind,
            rates: options.rates,
            as_of: options.as_of,
            clock: Arc::clone(&self.clock),
            dice: Arc::clone(&options.dice),
        };
        let dialect = ExchangeDialect::new(options.as_of, self.events.clone(), kind.as_str());
        let server = self.smtp(options, door, submission::settings(), dialect);
        let name = match kind {
            DoorKind::Submission => "twin submission",
            DoorKind::HighSending => "twin high sending",
        };
        options.tasks.spawn_vital(name, server.serve(listener));
    }

    /// Nothing is limited there but what the settings say.
    fn high_sending_pace(&self, options: &TwinOptions) -> Pace {
        let limits = self.manners.now().high_sending;
        Pace::new(options.rates.then_some(Rates {
            connections_max: limits.connections_max.unwrap_or(usize::MAX),
            messages_per_minute: limits.messages_per_minute.unwrap_or(usize::MAX),
            refusal_delay: REFUSAL_DELAY,
        }))
    }

    fn listen_relay(&self, options: &TwinOptions, listener: Listener) {
        let door = RelayDoor {
            admissions: self.admissions.clone(),
            deliveries: self.deliveries.clone(),
            events: self.events.clone(),
            manners: self.manners.clone(),
            as_of: options.as_of,
            clock: Arc::clone(&self.clock),
            dice: Arc::clone(&options.dice),
        };
        let rest = ExchangeDialect::new(options.as_of, self.events.clone(), "relay");
        let server = self.smtp(options, door, relay::settings(), RelayDialect { rest });
        options
            .tasks
            .spawn_vital("twin relay", server.serve(listener));
    }

    fn smtp<S: Service>(
        &self,
        options: &TwinOptions,
        service: S,
        settings: Arc<Settings>,
        dialect: impl Dialect + 'static,
    ) -> Server<S> {
        Server {
            service: Arc::new(service),
            settings,
            dialect: Arc::new(dialect),
            security: Security::StartTls(tls::server_config(&options.identity)),
            limits: ConnectionLimits::default(),
            clock: Arc::clone(&self.clock),
            dice: Arc::clone(&options.dice),
            tasks: options.tasks.clone(),
        }
    }

    fn listen_imap(&self, options: &TwinOptions, listener: Listener) {
        let door = ImapDoor {
            accounts: self.accounts.clone(),
            tokens: self.tokens.clone(),
            events: self.events.clone(),
            pace: self.pace.clone(),
            as_of: options.as_of,
            clock: Arc::clone(&self.clock),
            profile: Arc::new(imap::profile(options.as_of)),
        };
        let imap = Imap::new(
            Arc::new(door),
            self.deliveries.mailboxes.clone(),
            Arc::clone(&self.clock),
        );
        let tls = tls::server_config(&options.identity);
        let tasks = options.tasks.clone();
        let accepting = imap::accept(imap, Arc::clone(&self.clock), listener, tls, tasks.clone());
        tasks.spawn_vital("twin imaps", accepting);
    }

    fn router(&self, options: &TwinOptions) -> Router {
        let control = Control {
            token: options.control_token.clone(),
            accounts: self.accounts.clone(),
            deliveries: self.deliveries.clone(),
            registrations: self.tokens.registrations.clone(),
            events: self.events.clone(),
            clock: Arc::clone(&options.clock),
            dice: Arc::clone(&options.dice),
            manners: self.manners.clone(),
            admissions: self.admissions.clone(),
        };
        let domain = options.population.organisation.domain.clone();
        control::router(control).merge(oauth::router(
            self.tokens.clone(),
            self.accounts.clone(),
            self.events.clone(),
            domain,
        ))
    }
}
