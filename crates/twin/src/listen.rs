//! The twin's endpoints: each takes its listener and opens on a world.

use std::sync::Arc;

use axum::Router;
use mailward_access::imap::Imap;
use mailward_access::pop3::Pop3;
use mailward_net::smtp::{ConnectionLimits, Security, Server, Service};
use mailward_net::{Listener, tls};
use mailward_wire::smtp::server::{Dialect, Settings};

use crate::control::{self, Control};
use crate::door::{self, Sessions};
use crate::imap;
use crate::oauth;
use crate::pop;
use crate::relay::{self, RelayDialect};
use crate::service::TwinOptions;
use crate::submission::{self, DoorKind, ExchangeDialect};
use crate::world::World;

pub(crate) fn submission(world: &World, options: &TwinOptions, listener: Listener, kind: DoorKind) {
    let door = world.submission_door(kind);
    let dialect = ExchangeDialect::new(world.day.clone(), world.events.clone(), kind.as_str());
    let server = smtp(world, options, door, submission::settings(), dialect);
    let name = match kind {
        DoorKind::Submission => "twin submission",
        DoorKind::HighSending => "twin high sending",
    };
    options.tasks.spawn_vital(name, server.serve(listener));
}

pub(crate) fn relay(world: &World, options: &TwinOptions, listener: Listener) {
    let door = world.relay_door();
    let rest = ExchangeDialect::new(world.day.clone(), world.events.clone(), "relay");
    let server = smtp(
        world,
        options,
        door,
        relay::settings(),
        RelayDialect { rest },
    );
    options
        .tasks
        .spawn_vital("twin relay", server.serve(listener));
}

fn smtp<S: Service>(
    world: &World,
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
        clock: world.clock(),
        dice: Arc::clone(&options.dice),
        tasks: options.tasks.clone(),
    }
}

pub(crate) fn imaps(world: &World, options: &TwinOptions, listener: Listener) {
    let door = Arc::new(world.imap_door(imap::Profiles::new(options.imap_in_full)));
    let imap = Imap::new(door, world.deliveries.mailboxes.clone(), world.clock());
    let names = ["twin imaps", "imap connection"];
    mailboxes(world, options, listener, imap, names);
}

pub(crate) fn pop3s(world: &World, options: &TwinOptions, listener: Listener) {
    let door = Arc::new(world.pop_door(&Arc::new(pop::profile())));
    let pop3 = Pop3::new(door, world.deliveries.mailboxes.clone(), world.clock());
    let names = ["twin pop3s", "pop connection"];
    mailboxes(world, options, listener, pop3, names);
}

/// `names` are those of the listener's task and of its connections'.
fn mailboxes(
    world: &World,
    options: &TwinOptions,
    listener: Listener,
    sessions: impl Sessions,
    names: [&'static str; 2],
) {
    let tls = tls::server_config(&options.identity);
    let tasks = options.tasks.clone();
    let accepting = door::accept(sessions, names[1], world.clock(), listener, tls, tasks);
    options.tasks.spawn_vital(names[0], accepting);
}

/// The pages of the HTTPS endpoint: the control API and the identity service.
pub(crate) fn router(world: &World, options: &TwinOptions) -> Router {
    let control = Control {
        token: options.control_token.clone(),
        accounts: world.accounts.clone(),
        deliveries: world.deliveries.clone(),
        registrations: world.tokens.registrations.clone(),
        events: world.events.clone(),
        clock: Arc::clone(&options.clock),
        day: world.day.clone(),
        dice: Arc::clone(&options.dice),
        manners: world.manners.clone(),
        admissions: world.admissions.clone(),
    };
    control::router(control).merge(oauth::router(
        world.tokens.clone(),
        world.accounts.clone(),
        world.events.clone(),
        options.population.organisation.domain.clone(),
    ))
}
