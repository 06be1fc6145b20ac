//! The twin as one thing that starts and listens.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use mailward_mail::{Address, Clock, Dice, Secret, Timestamp};
use mailward_mailbox::Mailboxes;
use mailward_net::http::{HttpServer, Limits as HttpLimits};
use mailward_net::{Datagrams, Listener, ServerIdentity, ShiftedClock, Tasks, tls};
use mailward_policy::password::BreachedList;
use mailward_store::{Disk, Limits as StoreLimits, Options, Store};

use crate::accounts::{Account, Accounts};
use crate::asof::AsOf;
use crate::dns::{self, Zone};
use crate::error::TwinError;
use crate::events::EventLog;
use crate::faults::{FaultSpec, Faults, Protocol};
use crate::kept::Kept;
use crate::listen;
use crate::manners::ServiceSpec;
use crate::oauth::{Registrations, SigningKey};
use crate::pace::Pace;
use crate::portal::Portal;
use crate::schema::SCHEMA;
use crate::seed::{
    AccountSpec, DistributionListSpec, HostSpec, Organisation, PtrSpec, RelayRegistrationSpec,
    SignInSpec,
};
use crate::shelf::Shelf;
use crate::submission::DoorKind;
use crate::worlds::{WorldLimits, Worlds};

/// Who and what there is from the start.
#[derive(Clone, Debug)]
pub struct Population {
    pub organisation: Organisation,
    pub accounts: Vec<AccountSpec>,
    pub lists: Vec<DistributionListSpec>,
    pub relay_registrations: Vec<RelayRegistrationSpec>,
    /// The reverse zone that the relay asks.
    pub ptr_records: Vec<PtrSpec>,
    /// Names that the name server tells, in place of or beside the usual ones.
    pub hosts: Vec<HostSpec>,
    pub service: ServiceSpec,
    pub sign_in: SignInSpec,
    /// What goes wrong from the start.
    pub faults: Vec<FaultSpec>,
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
    pub pop3s: SocketAddr,
    /// Plain HTTP, without credentials: on loopback alone.
    pub test_api: SocketAddr,
    /// The name server: datagrams and connections.
    pub dns: SocketAddr,
    pub https: SocketAddr,
    /// SMTP without TLS, sign-in or rules: on loopback alone.
    pub catch: Option<SocketAddr>,
}

/// What a twin is started with.
#[derive(Clone, Debug)]
pub struct TwinOptions {
    /// The folder for its store; made if absent, held by one process. Without
    /// one everything is in memory and ends with the process.
    pub dir: Option<PathBuf>,
    pub disk: Arc<dyn Disk>,
    pub population: Population,
    pub endpoints: Endpoints,
    pub identity: ServerIdentity,
    pub clock: Arc<ShiftedClock>,
    pub dice: Arc<dyn Dice>,
    pub as_of: AsOf,
    /// False lifts every rate; wrong passwords lock an account all the same.
    pub rates: bool,
    /// Every IMAP extension there is, beyond what Exchange offers.
    pub imap_in_full: bool,
    /// Passwords that nobody may change to (GUIDE-28).
    pub breached: Arc<dyn BreachedList>,
    pub tenant_id: String,
    pub oauth_client: OAuthClient,
    pub control_token: Secret,
    /// The certificate by which clients trust `identity`, as a PEM file has it;
    /// the test API gives it to whoever asks.
    pub authority: String,
    pub limits: WorldLimits,
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
    pub faults: Faults,
    /// To be closed after the tasks have drained; none in memory.
    pub store: Option<Store>,
    pub tenant_id: String,
    https: Option<(Listener, Router)>,
    identity: ServerIdentity,
    clock: Arc<ShiftedClock>,
    tasks: Tasks,
    portal: Portal,
}

impl Twin {
    /// Opens the store, makes what is missing, and listens. HTTPS waits for
    /// [`Twin::serve_https`], so that the program may add its own pages.
    pub async fn start(options: TwinOptions) -> Result<Self, TwinError> {
        // Bound first: a port in use is the commonest trouble and changes nothing.
        let submission = Listener::bind(options.endpoints.submission)?;
        let high_sending = Listener::bind(options.endpoints.high_sending)?;
        let relay = Listener::bind(options.endpoints.relay)?;
        let relays = more_relays(&options.population.hosts, relay.address());
        let imaps = Listener::bind(options.endpoints.imaps)?;
        let pop3s = Listener::bind(options.endpoints.pop3s)?;
        let test_api = Listener::bind(options.endpoints.test_api)?;
        let dns = Datagrams::bind_with_listener(options.endpoints.dns)?;
        let https = Listener::bind(options.endpoints.https)?;
        let catch = options.endpoints.catch.map(Listener::bind).transpose()?;
        let endpoints = Endpoints {
            submission: submission.address(),
            high_sending: high_sending.address(),
            relay: relay.address(),
            imaps: imaps.address(),
            pop3s: pop3s.address(),
            test_api: test_api.address(),
            dns: dns.0.address(),
            https: https.address(),
            catch: catch.as_ref().map(Listener::address),
        };
        let zone = Zone::new(&options.population.hosts, &options.population.ptr_records)?;
        let store = match &options.dir {
            None => None,
            Some(dir) => Some(Store::open(Options {
                dir: dir.clone(),
                schema: SCHEMA,
                limits: StoreLimits::default(),
                disk: Arc::clone(&options.disk),
            })?),
        };
        // The signing key takes longest: it is made while the rest starts.
        let key = match &store {
            None => SigningKey::make(),
            Some(store) => {
                let kept = Kept::new(Shelf::of(store.clone()));
                SigningKey::kept(kept, &options.tasks).await?
            }
        };
        let worlds = Worlds::open(&options, store.clone(), key).await?;
        let world = worlds.main().clone();
        listen::submission(&worlds, &world, submission, DoorKind::Submission);
        listen::submission(&worlds, &world, high_sending, DoorKind::HighSending);
        for relay in std::iter::once(relay).chain(relays) {
            listen::relay(&worlds, &world, relay);
        }
        listen::imaps(&worlds, &world, imaps);
        listen::pop3s(&worlds, &world, pop3s);
        listen::test_api(&worlds, &world, test_api);
        if let Some(catch) = catch {
            listen::catch(&worlds, &world, catch);
        }
        listen::dns(&world, zone, dns);
        let router = listen::router(&worlds);
        let https = https.tapped(world.sessions.taps(Protocol::Http));
        Ok(Self {
            endpoints,
            accounts: world.accounts,
            mailboxes: world.deliveries.mailboxes,
            registrations: world.tokens.registrations,
            events: world.events,
            faults: world.faults,
            store,
            tenant_id: options.tenant_id,
            https: Some((https, router)),
            identity: options.identity,
            clock: options.clock,
            portal: Portal::new(worlds),
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

    /// Every world, for a console.
    pub fn portal(&self) -> Portal {
        self.portal.clone()
    }

    /// All accounts with their passwords, in order of making.
    pub fn all_accounts(&self) -> Vec<Arc<Account>> {
        self.accounts.all()
    }
}

/// Listeners on the other addresses of the relay's name, as far as this
/// machine has them.
fn more_relays(hosts: &[HostSpec], endpoint: SocketAddr) -> Vec<Listener> {
    let bind = |address: IpAddr| {
        let listener = Listener::bind(SocketAddr::new(address, endpoint.port()));
        listener
            .inspect_err(|error| tracing::warn!(%error, "an address of the relay is not served"))
            .ok()
    };
    let more = dns::more_relay_addresses(hosts, endpoint.ip());
    more.into_iter().filter_map(bind).collect()
}

/// Who is delayed by the service's rates.
#[derive(Clone, Debug)]
pub struct Throttling(Pace);

impl Throttling {
    pub(crate) fn new(pace: Pace) -> Self {
        Self(pace)
    }

    /// Until when the account's next message is delayed, if it would be.
    pub fn until(&self, account: &Address, now: Timestamp) -> Option<Timestamp> {
        self.0.throttled_until(account, now)
    }
}
