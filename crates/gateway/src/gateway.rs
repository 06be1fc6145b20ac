//! The gateway put together: what the program opens, starts and stops.
//!
//! ```text
//!   Gateway::open ─▶ store, queue, register, secrets        nothing listens yet
//!         │
//!   Gateway::start(pages) ─▶ submission, submissions, https
//! ```
//!
//! Between the two the program makes its console over [`Gateway::queue`], and
//! starts the workers that deliver.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use mailward_mail::{Address, Clock, Dice};
use mailward_net::http::{self, HttpServer};
use mailward_net::listen::BindError;
use mailward_net::smtp::{Security, Server};
use mailward_net::tls::{TlsConfigError, http_server_config, server_config};
use mailward_net::{Listener, Resolver, ServerIdentity, SystemClock, Tasks};
use mailward_policy::{RouteKind, limits};
use mailward_queue::{Gates, LookTable, Queue, Recovered, Terms};
use mailward_store::{Disk, OpenError, ReadError, Schema, Store, SystemDisk};

use crate::accept::http::HttpIntake;
use crate::accept::{Intake, smtp};
use crate::check::Checker;
use crate::config::Config;
use crate::deliver::{Budgets, SendingLimits};
use crate::observe::{self, Observe};
use crate::password::{SharedSecret, shared_secret};
use crate::register::{Register, SignIn};
use crate::route::reroute::{self, RerouteFacts};
use crate::route::way_out::way_out;
use crate::secrets::{SecretError, Secrets};

/// The tables of everything that the gateway keeps, in the order in which they
/// came to be. A script that has been released never changes its place.
pub const MIGRATIONS: &[&str] = &[
    QUEUE_FIRST,
    crate::register::MIGRATION,
    QUEUE_LIMITS,
    crate::password::MIGRATION,
    crate::register::MIGRATION_LIFE,
    QUEUE_TALLIES,
    QUEUE_CONTROL,
    QUEUE_PAUSES,
    QUEUE_DOUBTS,
    QUEUE_MAILBOXES,
    QUEUE_ROUTES,
    QUEUE_CLOCK_STEPS,
    QUEUE_KNOWN_CLOCK,
];

/// What a store of the gateway is opened with.
pub const SCHEMA: Schema = Schema {
    name: "gateway",
    migrations: MIGRATIONS,
};

const QUEUE_FIRST: &str = mailward_queue::MIGRATIONS[0];
const QUEUE_LIMITS: &str = mailward_queue::MIGRATIONS[1];
const QUEUE_TALLIES: &str = mailward_queue::MIGRATIONS[2];
const QUEUE_CONTROL: &str = mailward_queue::MIGRATIONS[3];
const QUEUE_PAUSES: &str = mailward_queue::MIGRATIONS[4];
const QUEUE_DOUBTS: &str = mailward_queue::MIGRATIONS[5];
const QUEUE_MAILBOXES: &str = mailward_queue::MIGRATIONS[6];
const QUEUE_ROUTES: &str = mailward_queue::MIGRATIONS[7];
const QUEUE_CLOCK_STEPS: &str = mailward_queue::MIGRATIONS[8];
const QUEUE_KNOWN_CLOCK: &str = mailward_queue::MIGRATIONS[9];

/// A migration that the queue adds goes to the end of [`MIGRATIONS`].
const _: () = assert!(
    mailward_queue::MIGRATIONS.len() == 10,
    "a migration of the queue is missing"
);

/// Monitoring systems that ask at once.
const METRICS_CONNECTIONS_MAX: usize = 16;
const METRICS_REQUEST_OCTETS_MAX: usize = 1024;

/// What the gateway is opened with.
#[derive(Debug)]
pub struct GatewayOptions {
    pub config: Config,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    pub resolver: Arc<dyn Resolver>,
    /// Instead of the files that the configuration names.
    pub identity: Option<ServerIdentity>,
    /// Instead of the keystore that the configuration names.
    pub secrets: Option<Secrets>,
    /// Bodies go here; the system's disk unless a test passes another.
    pub disk: Arc<dyn Disk>,
    pub tasks: Tasks,
}

impl GatewayOptions {
    /// With everything as the configuration says.
    pub fn new(
        config: Config,
        clock: Arc<dyn Clock>,
        dice: Arc<dyn Dice>,
        resolver: Arc<dyn Resolver>,
        tasks: Tasks,
    ) -> Self {
        let disk = Arc::new(SystemDisk);
        Self {
            config,
            clock,
            dice,
            resolver,
            identity: None,
            secrets: None,
            disk,
            tasks,
        }
    }
}

/// An open gateway. Its parts are shared; clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    pub config: Arc<Config>,
    pub queue: Queue,
    pub sending_limits: SendingLimits,
    pub register: Arc<Register>,
    pub secrets: Arc<Secrets>,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    pub resolver: Arc<dyn Resolver>,
    pub tasks: Tasks,
    /// What an earlier process had left unfinished.
    pub recovered: Recovered,
    pub observe: Observe,
    identity: Option<ServerIdentity>,
    intake: Arc<Intake>,
}

/// Where the gateway listens, with the ports that were taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    pub submission: Option<SocketAddr>,
    pub submissions: Option<SocketAddr>,
    pub https: Option<SocketAddr>,
    /// For monitoring.
    pub metrics: Option<SocketAddr>,
}

/// Why there is no gateway. Each text is one a person can act upon.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error("the queue cannot be opened: {0}")]
    Queue(String),
    #[error("the register cannot be read: {0}")]
    Register(#[from] ReadError),
    #[error(transparent)]
    Secrets(#[from] SecretError),
    #[error(transparent)]
    SharedSecret(#[from] SharedSecret),
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
    #[error("no certificate is configured: add [gateway.tls] with certificate and key")]
    NoIdentity,
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("cannot use {}: {source}", .path.display())]
    Folder {
        path: PathBuf,
        source: std::io::Error,
    },
}

impl Gateway {
    /// Opens the folder and reads what is in it. Blocks for a moment while the
    /// store is checked: for start-up only.
    pub async fn open(options: GatewayOptions) -> Result<Self, GatewayError> {
        let config = Arc::new(options.config);
        let secrets = match options.secrets {
            Some(secrets) => secrets,
            None => Secrets::open(config.keystore.as_ref())?,
        };
        if let Some(shared) = shared_secret(&config, &secrets)? {
            // The twin's seeds are taken as they are.
            if config.routes.iter().all(|route| route.twin) {
                tracing::warn!("{shared}");
            } else {
                return Err(shared.into());
            }
        }
        let identity = match (options.identity, &config.tls) {
            (Some(identity), _) => Some(identity),
            (None, Some(files)) => Some(ServerIdentity::from_pem_files(
                &files.certificate,
                &files.key,
            )?),
            (None, None) => None,
        };
        let store = open_store(&config, options.disk)?;
        let queue = Queue::over(
            store.clone(),
            Arc::clone(&options.clock),
            Arc::clone(&options.dice),
            Terms::default(),
            gates(&config),
        );
        queue.look_by(looks(&config));
        let recovered = queue
            .recover()
            .await
            .map_err(|error| GatewayError::Queue(error.to_string()))?;
        let register = Register::open(Arc::clone(&config), store).await?;
        // A full disk must not keep a gateway from sending what it has.
        if let Err(error) = register.keep_configuration(options.clock.now()).await {
            tracing::error!(%error, "the configuration is not noted for register commands");
        }
        let register = Arc::new(register);
        // What the register suspends is stopped before anything is sent.
        register.tell(queue.clone());
        let sign_in = SignIn::new(
            Arc::clone(&register),
            &config.limits,
            Arc::clone(&options.clock),
            &*options.dice,
        );
        let observe = Observe::new(Arc::clone(&options.clock));
        for registered in register.list() {
            observe.expect(&registered.application.name);
        }
        let ways = RerouteFacts {
            register: Arc::clone(&register),
            profile: config.profile,
            clock: Arc::clone(&options.clock),
        };
        queue.explain_ways_by(way_out(ways.clone()));
        let sending_limits = SendingLimits::new(queue.clone(), Budgets::of(&config));
        let intake = Arc::new(Intake {
            hostname: config.hostname.clone(),
            limits: config.limits.clone(),
            queue: queue.clone(),
            sending_limits: sending_limits.clone(),
            checker: Arc::new(Checker::new(&config)),
            ways: reroute::judge_unattended(ways),
            ways_facts: config
                .routes
                .iter()
                .map(|route| (route.name.clone(), route.facts()))
                .collect(),
            sign_in,
            clock: Arc::clone(&options.clock),
            dice: Arc::clone(&options.dice),
            alarm: Default::default(),
            observe: observe.clone(),
        });
        Ok(Self {
            config,
            queue,
            sending_limits,
            register,
            secrets: Arc::new(secrets),
            clock: options.clock,
            dice: options.dice,
            resolver: options.resolver,
            tasks: options.tasks,
            recovered,
            observe,
            identity,
            intake,
        })
    }

    /// The API: `/v1`, `/livez` and `/readyz`.
    pub fn api(&self) -> Result<Router, GatewayError> {
        let spool = self.config.dir.join("spool");
        std::fs::create_dir_all(&spool).map_err(|source| GatewayError::Folder {
            path: spool.clone(),
            source,
        })?;
        let intake = Arc::clone(&self.intake);
        Ok(HttpIntake::new(intake, spool, self.tasks.shutdown().clone()).router())
    }

    /// The certificate that it listens with, where there is one.
    pub fn identity(&self) -> Option<&ServerIdentity> {
        self.identity.as_ref()
    }

    /// Begins to listen. `pages` are served beside the API, where they do not
    /// name the same paths.
    pub fn start(&self, pages: Router) -> Result<Addresses, GatewayError> {
        let listen = &self.config.listen;
        // All ports are taken before anything is served.
        let submission = listen.submission.map(Listener::bind).transpose()?;
        let submissions = listen.submissions.map(Listener::bind).transpose()?;
        let https = listen.https.map(Listener::bind).transpose()?;
        let metrics = self.config.metrics.as_ref();
        let watched = metrics.map(|one| Listener::bind(one.listen)).transpose()?;
        let addresses = Addresses {
            metrics: watched.as_ref().map(Listener::address),
            submission: submission.as_ref().map(Listener::address),
            submissions: submissions.as_ref().map(Listener::address),
            https: https.as_ref().map(Listener::address),
        };
        if let (Some(listener), Some(metrics)) = (watched, metrics) {
            self.serve_metrics(listener, metrics.tls)?;
        }
        if submission.is_none() && submissions.is_none() && https.is_none() {
            return Ok(addresses);
        }
        let identity = self.identity.as_ref().ok_or(GatewayError::NoIdentity)?;
        let tls = server_config(identity);
        if let Some(listener) = submission {
            let server = self.smtp(Security::StartTls(Arc::clone(&tls)));
            self.tasks.spawn_vital("submission", server.serve(listener));
        }
        if let Some(listener) = submissions {
            let server = self.smtp(Security::ImplicitTls(tls));
            self.tasks
                .spawn_vital("submissions", server.serve(listener));
        }
        if let Some(listener) = https {
            let server = HttpServer {
                listener,
                tls: Some(http_server_config(identity)),
                router: self.api()?.merge(pages),
                limits: crate::accept::http::limits(&self.intake),
                clock: Arc::clone(&self.clock),
            };
            self.tasks
                .spawn_vital("https", server.serve(self.tasks.shutdown().clone()));
        }
        Ok(addresses)
    }

    /// For monitoring alone: few connections, requests without bodies.
    fn serve_metrics(&self, listener: Listener, tls: bool) -> Result<(), GatewayError> {
        let tls = match (tls, &self.identity) {
            (false, _) => None,
            (true, Some(identity)) => Some(http_server_config(identity)),
            (true, None) => return Err(GatewayError::NoIdentity),
        };
        let server = HttpServer {
            listener,
            tls,
            router: observe::endpoint(self),
            limits: http::Limits {
                connections_max: METRICS_CONNECTIONS_MAX,
                body_octets_max: METRICS_REQUEST_OCTETS_MAX,
                ..http::Limits::default()
            },
            // What monitoring asks has nothing to do with the gateway's day.
            clock: Arc::new(SystemClock),
        };
        self.tasks
            .spawn("metrics", server.serve(self.tasks.shutdown().clone()));
        Ok(())
    }

    fn smtp(&self, security: Security) -> Server<smtp::SmtpIntake> {
        Server {
            service: Arc::new(smtp::SmtpIntake(Arc::clone(&self.intake))),
            settings: Arc::new(smtp::settings(&self.intake)),
            dialect: Arc::new(smtp::dialect(&self.intake)),
            security,
            limits: smtp::connection_limits(&self.intake),
            clock: Arc::clone(&self.clock),
            dice: Arc::clone(&self.dice),
            tasks: self.tasks.clone(),
        }
    }
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("hostname", &self.config.hostname)
            .finish_non_exhaustive()
    }
}

/// What is kept at sending, beyond the pace of a lane.
pub fn gates(config: &Config) -> Gates {
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let without_day = |kind| matches!(kind, RouteKind::HighSending | RouteKind::Relay);
    Gates {
        lists: config.distribution_lists.iter().map(Address::key).collect(),
        list_spacing: config
            .keeps_limits
            .then(|| minutes(limits::LIST_SPACING.figure)),
        recipients_per_day_max: config
            .keeps_limits
            .then_some(limits::RECIPIENTS_PER_DAY.figure),
        // They are not the mailbox's, whose recipients the service counts.
        routes_without_day: config
            .routes
            .iter()
            .filter(|route| without_day(route.kind))
            .map(|route| route.name.clone())
            .collect(),
    }
}

/// The routes whose sent mail can be looked into, and when.
fn looks(config: &Config) -> LookTable {
    let routes = config.routes.iter();
    let known = routes.filter_map(|route| Some((route, route.sent_items.as_ref()?)));
    known
        .map(|(route, sent_items)| (route.name.clone(), sent_items.terms()))
        .collect()
}

fn open_store(config: &Config, disk: Arc<dyn Disk>) -> Result<Store, OpenError> {
    Store::open(mailward_store::Options {
        disk,
        limits: config.store.limits(),
        ..mailward_store::Options::new(&config.dir, SCHEMA)
    })
}
