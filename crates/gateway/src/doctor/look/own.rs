//! Our own doors, called as a stranger would: without signing in nothing may
//! be taken (ENG-6).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use mailward_mail::{Address, Envelope, ForwardPath, Recipient, ReversePath};
use mailward_net::clock::within;
use mailward_net::connect::connect;
use mailward_net::http::HttpClient;
use mailward_net::http::client::Options;
use mailward_net::smtp::client::{
    ClientError, ClientOptions, ClientSecurity, ClientSession, Outgoing, Stopped,
};
use mailward_net::tls::{TlsFacts, client_config};
use mailward_net::{ServerIdentity, StaticResolver, Trust};
use mailward_wire::smtp::client::{Error, Verdict};
use rustls::ClientConfig;

use super::Surroundings;
use super::server::times;
use crate::doctor::Standing;
use crate::doctor::seen::{ListenerOutcome, ListenerSeen, OwnSeen, StoreState};
use crate::gateway::Addresses;

pub(super) async fn look(
    here: &Surroundings,
    standing: Option<&Standing>,
    store: &StoreState,
) -> OwnSeen {
    let identity = identity(here, standing);
    let mut seen = OwnSeen {
        certificate: identity.as_ref().map(|identity| {
            let certificate = identity.as_ref().map_err(String::clone)?.certificate();
            certificate.ok_or_else(|| "it cannot be read".to_owned())
        }),
        ..OwnSeen::default()
    };
    let addresses = match (standing, store) {
        (Some(standing), _) => standing.addresses,
        (None, StoreState::InUse(_)) => configured(here),
        (None, _) => {
            seen.not_called = Some("the gateway does not run".to_owned());
            return seen;
        }
    };
    let Some(Ok(identity)) = identity else {
        seen.not_called = Some("there is no certificate to know ourselves by".to_owned());
        return seen;
    };
    let tls = match client_config(&Trust::Only(identity)) {
        Ok(tls) => tls,
        Err(error) => {
            seen.not_called = Some(error.to_string());
            return seen;
        }
    };
    let start_tls = ClientSecurity::StartTls(Arc::clone(&tls));
    let implicit = ClientSecurity::ImplicitTls(Arc::clone(&tls));
    let smtp = [
        (
            "submission in the clear",
            addresses.submission,
            ClientSecurity::Plain,
        ),
        ("submission", addresses.submission, start_tls),
        ("submissions", addresses.submissions, implicit),
    ];
    for (name, address, security) in smtp {
        if let Some(address) = address {
            let (tls, outcome) = hand_over(here, address, security).await;
            seen.listeners.push(ListenerSeen {
                name,
                address: address.to_string(),
                tls,
                outcome,
            });
        }
    }
    if let Some(address) = addresses.https {
        seen.listeners.push(ListenerSeen {
            name: "https",
            address: address.to_string(),
            tls: None,
            outcome: post(here, address, tls).await,
        });
    }
    seen
}

fn identity(
    here: &Surroundings,
    standing: Option<&Standing>,
) -> Option<Result<ServerIdentity, String>> {
    if let Some(identity) = standing.and_then(|standing| standing.identity.clone()) {
        return Some(Ok(identity));
    }
    let files = here.config.tls.as_ref()?;
    let read = ServerIdentity::from_pem_files(&files.certificate, &files.key);
    Some(read.map_err(|error| error.to_string()))
}

/// Where the configuration says that the gateway listens; a port of the
/// system's choice can't be known.
fn configured(here: &Surroundings) -> Addresses {
    let known = |address: Option<SocketAddr>| address.filter(|address| address.port() != 0);
    let listen = &here.config.listen;
    Addresses {
        submission: known(listen.submission),
        submissions: known(listen.submissions),
        https: known(listen.https),
        metrics: None,
    }
}

/// Who listens on every address is called on the loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        ip if !ip.is_unspecified() => ip,
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    SocketAddr::new(ip, address.port())
}

/// Never has anything to send: who asks for it is open.
struct Nothing;

impl Outgoing for Nothing {
    async fn chunk(&mut self) -> Result<Option<Bytes>, Stopped> {
        Err(Stopped("this was a test of the door".to_owned()))
    }

    async fn before_final_dot(&mut self, _verdicts: &[Verdict]) -> Result<(), Stopped> {
        Err(Stopped("this was a test of the door".to_owned()))
    }
}

/// Tries to hand over a message without signing in, and stops before its end.
async fn hand_over(
    here: &Surroundings,
    address: SocketAddr,
    security: ClientSecurity,
) -> (Option<TlsFacts>, ListenerOutcome) {
    let address = reachable(address);
    let options = ClientOptions {
        source: None,
        host: address.ip().to_string(),
        port: address.port(),
        client_name: here.config.hostname.clone(),
        security,
        times: times(here),
    };
    let mut tls = None;
    let work = async {
        let deadline = here.clock.now().plus(here.step);
        let nobody = StaticResolver::new();
        let (host, port) = (&options.host, options.port);
        let stream = connect(&nobody, &*here.clock, host, port, None, deadline).await?;
        let mut session = ClientSession::over(stream, &options, Arc::clone(&here.clock)).await?;
        tls = session.tls();
        let verdicts = session.send(&stranger(), None, &mut Nothing).await;
        session.quit().await;
        verdicts
    };
    let result = within(&*here.clock, here.step, work).await;
    let outcome = match result {
        Ok(Ok(verdicts)) => match verdicts.into_iter().find(|one| !one.is_positive()) {
            Some(verdict) => ListenerOutcome::Closed(verdict.reply.to_string()),
            None => ListenerOutcome::Open,
        },
        Ok(Err(ClientError::Stopped(_))) => ListenerOutcome::Open,
        Ok(Err(ClientError::Session(Error::Refused { reply, .. }))) => {
            ListenerOutcome::Closed(reply.to_string())
        }
        Ok(Err(error)) => ListenerOutcome::Failed(error.to_string()),
        Err(error) => ListenerOutcome::Failed(error.to_string()),
    };
    (tls, outcome)
}

/// From nobody to nowhere (RFC 2606).
fn stranger() -> Envelope {
    let address = |text: &str| Address::parse(text).ok();
    let from = ReversePath::parse("stranger@elsewhere.example").unwrap_or(ReversePath::Null);
    let mut envelope = Envelope::new(from);
    let to = address("nobody@elsewhere.example");
    envelope
        .recipients
        .extend(to.map(|to| Recipient::new(ForwardPath(to))));
    envelope
}

async fn post(here: &Surroundings, address: SocketAddr, tls: Arc<ClientConfig>) -> ListenerOutcome {
    let mut options = Options::new(tls, Arc::clone(&here.resolver), Arc::clone(&here.clock));
    options.timeout = here.step;
    let client = match HttpClient::new(options) {
        Ok(client) => client,
        Err(error) => return ListenerOutcome::Failed(error.to_string()),
    };
    let url = format!("https://{}/v1/messages", reachable(address));
    let headers = [("content-type", "message/rfc822")];
    match client.post_bytes(&url, &headers, Bytes::new()).await {
        Ok(answer) if answer.status.is_success() => ListenerOutcome::Open,
        Ok(answer) if matches!(answer.status.as_u16(), 401 | 403) => {
            ListenerOutcome::Closed(answer.status.to_string())
        }
        Ok(answer) => ListenerOutcome::Failed(format!("it answered {}", answer.status)),
        Err(error) => ListenerOutcome::Failed(error.to_string()),
    }
}
