//! The twin's endpoints: each takes its listener and opens on a world.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::any;
use mailward_access::imap::Imap;
use mailward_access::pop3::Pop3;
use mailward_net::http::{HttpServer, Limits as HttpLimits};
use mailward_net::smtp::{ConnectionLimits, Security, Server, Service};
use mailward_net::{Datagrams, Listener, tls};
use mailward_wire::smtp::server::{Dialect, Settings};
use tower::ServiceExt as _;

use crate::api::{self, Guard};
use crate::catch::{self, CatchDoor};
use crate::control::{self, Control};
use crate::dns::{self, NameServer, Zone};
use crate::door::{self, Sessions};
use crate::faults::{self, Faulty, FaultyDialect, HttpFaults, Protocol};
use crate::imap;
use crate::oauth;
use crate::pop;
use crate::relay::{self, RelayDialect};
use crate::submission::{self, DoorKind, ExchangeDialect};
use crate::world::World;
use crate::worlds::{WorldName, Worlds, of_host};

pub(crate) fn submission(worlds: &Worlds, world: &World, listener: Listener, kind: DoorKind) {
    let door = world.submission_door(kind);
    let protocol = match kind {
        DoorKind::Submission => Protocol::Submission,
        DoorKind::HighSending => Protocol::HighSending,
    };
    let server = smtp(worlds, world, protocol, door, submission::settings());
    let listener = listener.tapped(world.sessions.taps(protocol));
    let name = match kind {
        DoorKind::Submission => "twin submission",
        DoorKind::HighSending => "twin high sending",
    };
    serve(world, name, server.serve(listener));
}

pub(crate) fn relay(worlds: &Worlds, world: &World, listener: Listener) {
    let server = smtp(
        worlds,
        world,
        Protocol::Relay,
        world.relay_door(),
        relay::settings(),
    );
    let listener = listener.tapped(world.sessions.taps(Protocol::Relay));
    serve(world, "twin relay", server.serve(listener));
}

/// SMTP for anybody, without TLS.
pub(crate) fn catch(worlds: &Worlds, world: &World, listener: Listener) {
    let (door, settings) = (CatchDoor::new(world), catch::settings());
    let mut server = smtp(worlds, world, Protocol::Catch, door, settings);
    server.security = Security::Plain;
    let listener = listener.tapped(world.sessions.taps(Protocol::Catch));
    serve(world, "twin catch", server.serve(listener));
}

fn smtp<S: Service>(
    worlds: &Worlds,
    world: &World,
    protocol: Protocol,
    service: S,
    settings: Arc<Settings>,
) -> Server<Faulty<S>> {
    Server {
        service: Arc::new(Faulty {
            service,
            protocol,
            worlds: worlds.clone(),
            sessions: world.sessions.clone(),
        }),
        settings,
        dialect: dialect(world, protocol),
        security: Security::StartTls(tls::server_config(&worlds.options().identity)),
        limits: ConnectionLimits::default(),
        clock: world.clock(),
        dice: Arc::clone(&world.dice),
        tasks: world.tasks.clone(),
    }
}

/// The words of a world, with its faults in between.
pub(crate) fn dialect(world: &World, protocol: Protocol) -> Arc<dyn Dialect> {
    let (day, events) = (world.day.clone(), world.events.clone());
    let rest = ExchangeDialect::new(day, events, protocol.as_str());
    match protocol {
        Protocol::Relay => faulty(world, protocol, RelayDialect { rest }),
        Protocol::Catch => faulty(world, protocol, catch::dialect()),
        _ => faulty(world, protocol, rest),
    }
}

fn faulty(world: &World, protocol: Protocol, dialect: impl Dialect + 'static) -> Arc<dyn Dialect> {
    Arc::new(FaultyDialect {
        dialect,
        protocol,
        faults: world.faults.clone(),
        sessions: world.sessions.clone(),
    })
}

/// Accepts until the world is closing. Without the default world's endpoints
/// there is no twin; another's may end.
fn serve(world: &World, name: &'static str, accepting: impl Future<Output = ()> + Send + 'static) {
    if world.name == WorldName::main() {
        world.tasks.spawn_vital(name, accepting);
    } else {
        world.tasks.spawn(name, accepting);
    }
}

pub(crate) fn imaps(worlds: &Worlds, world: &World, listener: Listener) {
    let door =
        Arc::new(world.imap_door(worlds, imap::Profiles::new(worlds.options().imap_in_full)));
    let imap = Imap::new(door, world.deliveries.mailboxes.clone(), world.clock());
    let names = ["twin imaps", "imap connection"];
    let listener = listener.tapped(world.sessions.taps(Protocol::Imap));
    mailboxes(worlds, world, listener, imap, names);
}

pub(crate) fn pop3s(worlds: &Worlds, world: &World, listener: Listener) {
    let door = Arc::new(world.pop_door(worlds, &Arc::new(pop::profile())));
    let pop3 = Pop3::new(door, world.deliveries.mailboxes.clone(), world.clock());
    let names = ["twin pop3s", "pop connection"];
    let listener = listener.tapped(world.sessions.taps(Protocol::Pop));
    mailboxes(worlds, world, listener, pop3, names);
}

/// `names` are those of the listener's task and of its connections'.
fn mailboxes(
    worlds: &Worlds,
    world: &World,
    listener: Listener,
    sessions: impl Sessions,
    names: [&'static str; 2],
) {
    let options = worlds.options();
    let tls = tls::server_config(&options.identity);
    let tasks = world.tasks.clone();
    let accepting = door::accept(
        sessions,
        names[1],
        world.sessions.clone(),
        world.clock(),
        listener,
        tls,
        tasks,
    );
    serve(world, names[0], accepting);
}

/// Mailpit's API, where its clients look for it: without TLS or credentials.
/// The control API is there too, with its token, for test helpers that would
/// have to be told of an authority otherwise.
pub(crate) fn test_api(worlds: &Worlds, world: &World, listener: Listener) {
    let guard = match listener.address().ip().is_loopback() {
        true => Guard::Loopback,
        false => Guard::SameOrigin,
    };
    let guarded = middleware::from_fn_with_state(guard, Guard::pass);
    let keeping_up = Arc::clone(&world.index).keep_up(world.closing().clone());
    world.tasks.spawn("twin test index", keeping_up);
    let server = HttpServer {
        listener,
        tls: None,
        router: in_every_world(worlds, plain_pages).layer(guarded),
        limits: HttpLimits::default(),
        clock: world.clock(),
    };
    let serving = server.serve(world.closing().clone());
    serve(world, "twin test api", serving);
}

/// The name server, struck by the faults of the world.
pub(crate) fn dns(world: &World, zone: Zone, sockets: (Datagrams, Listener)) {
    let server = NameServer {
        zone,
        faults: world.faults.clone(),
    };
    let (datagrams, listener) = sockets;
    let tasks = world.tasks.clone();
    let serving = dns::serve_datagrams(server.clone(), datagrams, world.clock(), tasks.clone());
    serve(world, "twin name server", serving);
    let serving = dns::serve_connections(server, listener, world.clock(), tasks);
    serve(world, "twin name server by tcp", serving);
}

/// The pages of the HTTPS endpoint.
pub(crate) fn router(worlds: &Worlds) -> Router {
    in_every_world(worlds, pages)
}

/// Pages of the default world, or of the one that the client names.
fn in_every_world(worlds: &Worlds, pages: Pages) -> Router {
    pages(worlds, worlds.main())
        .route(NAMED_PATHS, any(async || StatusCode::NOT_FOUND))
        .layer(middleware::from_fn_with_state(
            (worlds.clone(), pages),
            choose_world,
        ))
}

const UNKNOWN_CALL: &str = "there is no such call: GET /api/v1/openapi.json lists all";
const UNKNOWN_METHOD: &str =
    "there is no such call by this method: GET /api/v1/openapi.json lists all";

/// What an endpoint shows of one world.
type Pages = fn(&Worlds, &World) -> Router;

fn plain_pages(worlds: &Worlds, world: &World) -> Router {
    let pages = api::pages(world.api(), &worlds.options().authority);
    control::router(control(worlds, world), Router::new())
        .merge(pages)
        .method_not_allowed_fallback(async || (StatusCode::METHOD_NOT_ALLOWED, UNKNOWN_METHOD))
        .fallback(async || (StatusCode::NOT_FOUND, UNKNOWN_CALL))
}

/// The control API, the test API and the identity service of one world.
fn pages(worlds: &Worlds, world: &World) -> Router {
    let struck = HttpFaults {
        faults: world.faults.clone(),
        callers: worlds.main().sessions.clone(),
        sessions: world.sessions.clone(),
        clock: world.clock(),
    };
    let service = oauth::router(
        world.tokens.clone(),
        world.accounts.clone(),
        world.events.clone(),
        worlds.options().population.organisation.domain.clone(),
    )
    // Faults strike what the service has and the twin has not, too.
    .fallback(async || StatusCode::NOT_FOUND)
    .layer(middleware::from_fn_with_state(struck, faults::layer));
    let more = api::pages(world.api(), &worlds.options().authority);
    control::router(control(worlds, world), more).merge(service)
}

fn control(worlds: &Worlds, world: &World) -> Control {
    let options = worlds.options();
    Control {
        token: options.control_token.clone(),
        worlds: worlds.clone(),
        accounts: world.accounts.clone(),
        deliveries: world.deliveries.clone(),
        registrations: world.tokens.registrations.clone(),
        events: world.events.clone(),
        clock: Arc::clone(&world.clock),
        day: world.day.clone(),
        dice: Arc::clone(&world.dice),
        manners: world.manners.clone(),
        admissions: world.admissions.clone(),
        faults: world.faults.clone(),
        sessions: world.sessions.clone(),
        shutdown: world.closing().clone(),
    }
}

/// The header by which a client of HTTP names a world.
const WORLD_HEADER: &str = "x-mailward-world";

/// The path before all others by which it does so: a client library takes it
/// as part of its base address.
const NAMED_PATHS: &str = "/world/{world}/{*rest}";
const NAMED_PATH: &str = "/world/";

async fn choose_world(
    State((worlds, pages)): State<(Worlds, Pages)>,
    mut request: Request,
    next: Next,
) -> Response {
    let by_path = by_path(request.uri());
    let is_rewritten = by_path.is_some();
    let named = match by_path {
        Some((world, uri)) => {
            *request.uri_mut() = uri;
            Some(world)
        }
        None => named_world(request.headers()),
    };
    let Some(named) = named else {
        return next.run(request).await;
    };
    match worlds.named(&named) {
        Ok(world) if world.name == WorldName::main() && !is_rewritten => next.run(request).await,
        Ok(world) => {
            // The default world's pages matched the path already; the other's
            // match it again.
            let peer = request.extensions_mut().remove::<ConnectInfo<SocketAddr>>();
            request.extensions_mut().clear();
            if let Some(peer) = peer {
                request.extensions_mut().insert(peer);
            }
            match pages(&worlds, &world).oneshot(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        }
        Err(error) => control::problem(StatusCode::NOT_FOUND, &error.to_string()),
    }
}

/// The world that the path names, and the rest of the address.
fn by_path(uri: &Uri) -> Option<(String, Uri)> {
    let path = uri.path_and_query()?.as_str().strip_prefix(NAMED_PATH)?;
    let (world, rest) = path.split_once('/')?;
    Some((world.to_owned(), format!("/{rest}").parse().ok()?))
}

fn named_world(headers: &HeaderMap) -> Option<String> {
    let text = |name: &str| Some(headers.get(name)?.to_str().unwrap_or_default());
    let named = text(WORLD_HEADER).or_else(|| of_host(text("host")?));
    named.map(str::to_owned)
}
