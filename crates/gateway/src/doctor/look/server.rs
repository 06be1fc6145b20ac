//! A route's server, as far as anybody may speak with it: name, connection,
//! greeting, TLS, what it offers.

use std::net::IpAddr;
use std::sync::Arc;

use mailward_mail::Reply;
use mailward_net::Stream;
use mailward_net::clock::within;
use mailward_net::connect::{ConnectError, connect};
use mailward_net::dns::ResolveError;
use mailward_net::smtp::client::{
    ClientError, ClientOptions, ClientSecurity, ClientSession, ClientTimes,
};
use mailward_net::tls::{SeenChain, watched_client_config};
use mailward_policy::RouteKind;
use mailward_wire::smtp::client::Stage;

use super::Surroundings;
use crate::config::Route;
use crate::doctor::seen::{ConnectionSeen, RouteSeen, SenderSeen, SessionSeen, SessionTrouble};

pub(super) async fn look(here: &Surroundings, route: &Route) -> RouteSeen {
    let mut seen = RouteSeen {
        route: route.clone(),
        addresses: None,
        connection: Err(String::new()),
        session: None,
        certificate: None,
        sender: None,
    };
    if let Err(why) = here.time_for(4) {
        seen.connection = Err(why);
        return seen;
    }
    if route.server.parse::<IpAddr>().is_err() {
        let looked_up = within(
            &*here.clock,
            here.step,
            here.resolver.resolve(&route.server),
        );
        let addresses = looked_up.await.unwrap_or_else(|_| Err(silent()));
        let has_none = addresses.is_err();
        seen.addresses = Some(addresses);
        if has_none {
            seen.connection = Err("its name leads nowhere".to_owned());
            return seen;
        }
    }
    let begun = here.clock.now();
    let stream = match call(here, route).await {
        Ok(stream) => stream,
        Err(error) => {
            seen.connection = Err(error.to_string());
            return seen;
        }
    };
    let local = stream.local().ip();
    seen.connection = Ok(ConnectionSeen {
        peer: stream.peer().ip(),
        local,
        took: here.clock.now().since(begun),
    });
    if route.kind == RouteKind::Relay {
        seen.sender = Some(sender(here, local).await);
    }
    let (session, chain) = converse(here, route, stream).await;
    seen.certificate = chain.and_then(|chain| chain.leaf());
    seen.session = Some(session);
    seen
}

pub(super) async fn call(here: &Surroundings, route: &Route) -> Result<Stream, ConnectError> {
    let deadline = here.clock.now().plus(here.step);
    connect(
        &*here.resolver,
        &*here.clock,
        &route.server,
        route.port,
        route.source_address,
        deadline,
    )
    .await
}

async fn converse(
    here: &Surroundings,
    route: &Route,
    stream: Stream,
) -> (Result<SessionSeen, SessionTrouble>, Option<SeenChain>) {
    let (options, chain) = match options(here, route) {
        Ok(made) => made,
        Err(why) => return (Err(trouble_at(Stage::Tls, why)), None),
    };
    let opening = ClientSession::over(stream, &options, Arc::clone(&here.clock));
    let result = match within(&*here.clock, here.step, opening).await {
        Ok(Ok(session)) => {
            let seen = SessionSeen {
                greeting: session.greeting().map(Reply::text).unwrap_or_default(),
                features: session.features().clone(),
                tls: session.tls(),
                at: here.clock.now(),
            };
            session.quit().await;
            Ok(seen)
        }
        Ok(Err(error)) => Err(trouble(&error)),
        Err(_) => Err(trouble_at(
            Stage::Greeting,
            format!(
                "it had not said what it offers within {} s",
                here.step.as_secs()
            ),
        )),
    };
    (result, Some(chain))
}

/// How to speak with the server; the chain it shows is kept.
pub(super) fn options(
    here: &Surroundings,
    route: &Route,
) -> Result<(ClientOptions, SeenChain), String> {
    let trust = super::trust(route.ca_file.as_ref());
    let (tls, chain) = watched_client_config(&trust).map_err(|error| error.to_string())?;
    let security = match route.kind {
        // The relay knows no TLS and is told nothing (GUIDE-51).
        RouteKind::Relay => ClientSecurity::Plain,
        _ => ClientSecurity::StartTls(tls),
    };
    let options = ClientOptions {
        source: None,
        host: route.server.clone(),
        port: route.port,
        client_name: here.config.hostname.clone(),
        security,
        times: times(here),
    };
    Ok((options, chain))
}

/// No stage may take longer than a step.
pub(super) fn times(here: &Surroundings) -> ClientTimes {
    let usual = ClientTimes::default();
    ClientTimes {
        connect: usual.connect.min(here.step),
        tls_handshake: usual.tls_handshake.min(here.step),
        greeting: usual.greeting.min(here.step),
        command: usual.command.min(here.step),
        quit: usual.quit.min(here.step),
        ..usual
    }
}

fn trouble(error: &ClientError) -> SessionTrouble {
    SessionTrouble {
        stage: error.stage(),
        why: error.to_string(),
        is_certificate: matches!(
            error,
            ClientError::Connect(ConnectError::TlsCertificate { .. })
        ),
    }
}

fn trouble_at(stage: Stage, why: String) -> SessionTrouble {
    SessionTrouble {
        stage,
        why,
        is_certificate: false,
    }
}

/// What the address that we call from is called, there and back.
async fn sender(here: &Surroundings, address: IpAddr) -> SenderSeen {
    let asked = within(&*here.clock, here.step, here.resolver.names_of(address)).await;
    let names = asked.unwrap_or_else(|_| Err(silent()));
    let leads_back = match names.as_ref().ok().and_then(|names| names.first()) {
        None => false,
        Some(name) => {
            let back = within(&*here.clock, here.step, here.resolver.resolve(name)).await;
            matches!(back, Ok(Ok(addresses)) if addresses.contains(&address))
        }
    };
    SenderSeen { names, leads_back }
}

fn silent() -> ResolveError {
    ResolveError::Failed("the name servers did not answer in time".to_owned())
}
