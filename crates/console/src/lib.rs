//! The console: web pages over plain view structs.
//!
//! ```text
//! browser ── GET /console/messages ──► guard    headers, session, form token
//!                                        │
//!                                        ▼
//!                                      pages ──► Source ──► whoever knows
//!                                        │
//!                                        ▼
//!                                    templates
//! ```
//!
//! This crate knows neither queue nor mailbox, no socket and no disk: what it
//! shows comes through [`Source`], who may see it through [`Credentials`], and
//! the program merges [`router`] into its https endpoint. Pages are made here,
//! work without script (a small one keeps some of them up to date), load
//! nothing from elsewhere, and follow the NHS.UK
//! design system's patterns, class names, colours and scales with a stylesheet
//! of our own.

mod assets;
mod credentials;
mod display;
mod guard;
mod item;
mod links;
mod page;
mod pages;
mod rehearsal;
mod session;
mod sign_in;
mod source;
#[cfg(test)]
mod test_time;
mod throttle;
pub mod view;
mod world;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::middleware::from_fn_with_state;
use axum::response::Redirect;
use axum::routing::{Router, get, post};
use mailward_mail::{Clock, Dice};
use tokio::sync::Semaphore;

pub use credentials::{Cost, Credentials, PasswordError, PasswordHash, Role, User, Users};
pub use source::{Answer, Content, Halves, Item, Source, SourceError};
pub use world::World;

/// What a console is made of.
pub struct ConsoleOptions {
    pub source: Arc<dyn Source>,
    pub credentials: Arc<dyn Credentials>,
    /// By which what is shown is dated; somebody may move it.
    pub clock: Arc<dyn Clock>,
    /// By which sessions end, and sign-in is held back: the machine's own, so
    /// that nobody is signed out by a rehearsal.
    pub time: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    /// The name in the header: `Mailward`, or with the organisation's.
    pub title: String,
    /// A sentence on every page, for a mode people must not mistake; see
    /// [`ConsoleOptions::DEVELOPMENT_BANNER`].
    pub banner: Option<String>,
    /// Whether cookies are `Secure`. False only where the console is served in
    /// plain text on loopback.
    pub secure_cookie: bool,
}

impl ConsoleOptions {
    pub const DEVELOPMENT_BANNER: &str = "Development twin: nothing leaves this machine.";
}

impl fmt::Debug for ConsoleOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleOptions")
            .field("title", &self.title)
            .field("banner", &self.banner)
            .field("secure_cookie", &self.secure_cookie)
            .finish_non_exhaustive()
    }
}

/// Where a request comes from. The program puts it into the request's
/// extensions (axum's `ConnectInfo<SocketAddr>` does as well); sign-in attempts
/// are limited by it.
#[derive(Clone, Copy, Debug)]
pub struct PeerAddress(pub IpAddr);

/// The pages, all under `/console`, to be merged into the https endpoint.
pub fn router(options: ConsoleOptions) -> Router {
    let console = Arc::new(Console::new(options));
    let halves = console.source.halves();

    let mut guarded = Router::new()
        .route("/console", get(pages::overview::show))
        .route("/console/sign-out", post(sign_in::sign_out));
    if halves.gateway {
        guarded = guarded
            .route("/console/messages", get(pages::messages::list))
            .route(
                "/console/control",
                get(pages::control::show).post(pages::control::act),
            )
            .route("/console/messages/{id}", get(pages::message::show))
            .route(
                "/console/messages/{id}/{action}",
                get(pages::message::confirm).post(pages::message::act),
            );
    }
    if halves.twin {
        guarded = guarded
            .merge(pages::live::routes())
            .route("/console/events", get(pages::events::list))
            .route("/console/traces", get(pages::trace::show))
            .route("/console/sessions", get(pages::sessions::list))
            .route("/console/sessions/{session}", get(pages::session::show))
            .route(
                "/console/rehearsal",
                get(pages::rehearsal::show).post(pages::rehearsal::act),
            )
            .route(
                "/console/worlds",
                get(pages::worlds::list).post(pages::worlds::make),
            )
            .route(
                "/console/worlds/{world}",
                get(pages::worlds::show).post(pages::worlds::keep),
            )
            .route(
                "/console/worlds/{world}/{verb}",
                get(pages::worlds::ask).post(pages::worlds::act),
            )
            .route("/console/accounts/{account}", get(pages::account::show))
            .route(
                "/console/accounts/{account}/{verb}",
                get(pages::account_act::ask).post(pages::account_act::act),
            )
            .route("/console/mailboxes", get(pages::accounts::list))
            .route("/console/mailboxes/{account}", get(pages::mailbox::show))
            .route(
                "/console/mailboxes/{account}/items/{uid}",
                get(pages::item::show),
            )
            .route(
                "/console/mailboxes/{account}/items/{uid}/html",
                get(pages::item_files::frame),
            )
            .route(
                "/console/mailboxes/{account}/items/{uid}/download",
                get(pages::item_files::download),
            )
            .route(
                "/console/mailboxes/{account}/items/{uid}/attachments/{part}",
                get(pages::item_files::attachment),
            );
    }
    guarded
        .route("/console/{*rest}", get(pages::not_found))
        .route_layer(from_fn_with_state(console.clone(), guard::require_session))
        .route(
            "/console/",
            get(|| async { Redirect::permanent(links::OVERVIEW) }),
        )
        .route("/console/sign-in", get(sign_in::form).post(sign_in::submit))
        .route("/console/assets/{name}", get(assets::serve))
        .route_layer(DefaultBodyLimit::max(guard::FORM_OCTETS_MAX))
        .route_layer(from_fn_with_state(console.clone(), guard::dress))
        .with_state(console)
}

/// What the handlers share.
struct Console {
    source: Arc<dyn Source>,
    credentials: Arc<dyn Credentials>,
    clock: Arc<dyn Clock>,
    time: Arc<dyn Clock>,
    dice: Arc<dyn Dice>,
    title: String,
    banner: Option<String>,
    secure_cookie: bool,
    sessions: session::Sessions,
    rehearsals: rehearsal::Rehearsals,
    /// Places for pages that hear what is new.
    listeners: Arc<Semaphore>,
    throttle: throttle::Throttle,
    gate: sign_in::Gate,
    /// Whole items held in memory at once, to be taken apart for display.
    readers: Arc<Semaphore>,
}

impl Console {
    fn new(options: ConsoleOptions) -> Self {
        Self {
            sessions: session::Sessions::new(options.time.clone(), options.dice.clone()),
            throttle: throttle::Throttle::new(options.time.clone()),
            gate: sign_in::Gate::new(),
            rehearsals: rehearsal::Rehearsals::default(),
            listeners: Arc::new(Semaphore::new(pages::live::LISTENERS_MAX)),
            readers: Arc::new(Semaphore::new(item::READERS_MAX)),
            source: options.source,
            credentials: options.credentials,
            clock: options.clock,
            time: options.time,
            dice: options.dice,
            title: options.title,
            banner: options.banner,
            secure_cookie: options.secure_cookie,
        }
    }

    /// With the prefix, browsers keep the cookie only if it is `Secure`, for
    /// the whole host and set by it (RFC 6265bis section 4.1.3.2).
    fn session_cookie(&self) -> &'static str {
        if self.secure_cookie {
            "__Host-mailward-session"
        } else {
            "mailward-session"
        }
    }

    fn form_cookie(&self) -> &'static str {
        if self.secure_cookie {
            "__Host-mailward-sign-in"
        } else {
            "mailward-sign-in"
        }
    }
}
