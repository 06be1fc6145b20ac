//! From configuration to routes and callbacks with their secrets in hand.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Clock;
use mailward_net::http::client::Options as HttpOptions;
use mailward_net::http::{HttpClient, HttpError};
use mailward_net::tls::{TlsConfigError, client_config, opportunistic_client_config};
use mailward_net::{Resolver, Trust};
use mailward_policy::RouteKind;
use mailward_queue::LaneLimits;
use rustls::ClientConfig;

use super::submission::{Mechanism, SubmissionRoute, Times};
use super::{HighSendingRoute, RelayRoute, Route, Routes, SendingAccount, SentItems};
use crate::config::{self, Config};
use crate::deliver::oauth::{TokenSettings, TokenSource};
use crate::outcome::{CallbackTarget, Callbacks};
use crate::secrets::{LiveSecret, SecretError, Secrets};

/// The window of the published rate.
const MINUTE: Duration = Duration::from_secs(60);

/// Why a route can't be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Tls(#[from] TlsConfigError),
    #[error(transparent)]
    Http(#[from] HttpError),
    #[error(
        "route {name} is of kind {kind}, which this version can't deliver by: use submission, high_sending or relay"
    )]
    Kind { name: String, kind: String },
    #[error(
        "account {account} signs in with a password on route {route}, but has no secret: add secret = \"keystore:NAME\""
    )]
    NoSecret { account: String, route: String },
    #[error("route {route} names [oauth.{oauth}], which is not there")]
    NoOAuth { route: String, oauth: String },
}

/// Makes TLS configurations and HTTP clients, one for each set of trusted
/// authorities.
struct Makers<'a> {
    resolver: &'a Arc<dyn Resolver>,
    clock: &'a Arc<dyn Clock>,
    tls: HashMap<Option<PathBuf>, Arc<ClientConfig>>,
}

impl Makers<'_> {
    fn tls(&mut self, ca_file: &Option<PathBuf>) -> Result<Arc<ClientConfig>, AssembleError> {
        if let Some(known) = self.tls.get(ca_file) {
            return Ok(Arc::clone(known));
        }
        let trust = ca_file.clone().map_or(Trust::System, Trust::CaFile);
        let made = client_config(&trust)?;
        self.tls.insert(ca_file.clone(), Arc::clone(&made));
        Ok(made)
    }

    fn http(&mut self, ca_file: &Option<PathBuf>) -> Result<HttpClient, AssembleError> {
        let tls = self.tls(ca_file)?;
        let options = HttpOptions::new(tls, Arc::clone(self.resolver), Arc::clone(self.clock));
        Ok(HttpClient::new(options)?)
    }
}

/// Every route and account, ready to send. Reads secrets and authorities, so
/// call it at the start, off the hot path.
pub fn routes(
    config: &Config,
    secrets: &Arc<Secrets>,
    resolver: &Arc<dyn Resolver>,
    clock: &Arc<dyn Clock>,
) -> Result<Routes, AssembleError> {
    let mut makers = Makers {
        resolver,
        clock,
        tls: HashMap::new(),
    };
    let mut routes = Vec::with_capacity(config.routes.len());
    for route in &config.routes {
        routes.push(assemble(config, route, &mut makers)?);
    }
    let mut accounts = Vec::new();
    for account in &config.accounts {
        for route in config.routes_of(account) {
            let known = &route.mechanism;
            let mechanism = mechanism(config, secrets, route, known, account, &mut makers)?;
            let sent_items = match &route.sent_items {
                None => None,
                // One token serves both.
                Some(reading) if reading.mechanism == *known => mechanism.clone(),
                Some(reading) => {
                    let known = &reading.mechanism;
                    self::mechanism(config, secrets, route, known, account, &mut makers)?
                }
            };
            accounts.push(SendingAccount {
                address: account.address.clone(),
                route: route.name.as_str().to_owned(),
                mechanism,
                sent_items,
            });
        }
    }
    Ok(Routes::new(routes, accounts))
}

fn assemble(
    config: &Config,
    route: &config::Route,
    makers: &mut Makers<'_>,
) -> Result<Route, AssembleError> {
    let limits = LaneLimits {
        connections_max: u32::try_from(route.connections_max).unwrap_or(u32::MAX),
        messages_max: route.messages_per_minute,
        window: MINUTE,
    };
    let name = route.name.as_str().to_owned();
    match route.kind {
        RouteKind::Submission => Ok(Route::Submission(submission(
            config, route, limits, makers,
        )?)),
        RouteKind::HighSending => Ok(Route::HighSending(HighSendingRoute(submission(
            config, route, limits, makers,
        )?))),
        RouteKind::Relay => Ok(Route::Relay(RelayRoute {
            name,
            server: route.server.clone(),
            port: route.port,
            tls: opportunistic_client_config(),
            source: route.source_address,
            limits,
            times: Times::of(route.timeouts),
            client_name: config.hostname.clone(),
        })),
        RouteKind::Graph | RouteKind::Ews => Err(AssembleError::Kind {
            name,
            kind: route.kind.as_str().to_owned(),
        }),
    }
}

fn submission(
    config: &Config,
    route: &config::Route,
    limits: LaneLimits,
    makers: &mut Makers<'_>,
) -> Result<SubmissionRoute, AssembleError> {
    Ok(SubmissionRoute {
        name: route.name.as_str().to_owned(),
        server: route.server.clone(),
        port: route.port,
        tls: makers.tls(&route.ca_file)?,
        limits,
        times: Times::of(route.timeouts),
        client_name: config.hostname.clone(),
        sent_items: match &route.sent_items {
            Some(known) => Some(sent_items(route, known, makers)?),
            None => None,
        },
    })
}

fn sent_items(
    route: &config::Route,
    known: &config::SentItems,
    makers: &mut Makers<'_>,
) -> Result<SentItems, AssembleError> {
    let ca_file = known.ca_file.as_ref().or(route.ca_file.as_ref());
    Ok(SentItems {
        server: known.server.clone(),
        port: known.port,
        tls: makers.tls(&ca_file.cloned())?,
        folder: known.folder.clone(),
        files: known.files,
    })
}

fn mechanism(
    config: &Config,
    secrets: &Arc<Secrets>,
    route: &config::Route,
    known: &config::Mechanism,
    account: &config::Account,
    makers: &mut Makers<'_>,
) -> Result<Option<Mechanism>, AssembleError> {
    let password = || {
        let reference = account
            .secret
            .as_ref()
            .ok_or_else(|| AssembleError::NoSecret {
                account: account.address.as_str().to_owned(),
                route: route.name.as_str().to_owned(),
            })?;
        Ok::<_, AssembleError>(LiveSecret::of(secrets, reference)?)
    };
    match known {
        config::Mechanism::None => Ok(None),
        config::Mechanism::Login => Ok(Some(Mechanism::Login {
            password: password()?,
        })),
        config::Mechanism::Plain => Ok(Some(Mechanism::Plain {
            password: password()?,
        })),
        config::Mechanism::XOAuth2 { oauth } => {
            let client = config
                .oauth
                .get(oauth)
                .ok_or_else(|| AssembleError::NoOAuth {
                    route: route.name.as_str().to_owned(),
                    oauth: oauth.clone(),
                })?;
            let settings = TokenSettings {
                token_url: client.token_url.clone(),
                client_id: client.client_id.clone(),
                client_secret: LiveSecret::of(secrets, &client.client_secret)?,
                scope: client.scope.clone(),
            };
            let http = makers.http(&client.ca_file)?;
            let tokens = TokenSource::new(settings, http, Arc::clone(makers.clock));
            Ok(Some(Mechanism::XOAuth2 { tokens }))
        }
    }
}

/// The callback of every application that has one.
pub fn callbacks(
    config: &Config,
    secrets: &Arc<Secrets>,
    resolver: &Arc<dyn Resolver>,
    clock: &Arc<dyn Clock>,
) -> Result<Callbacks, AssembleError> {
    let mut makers = Makers {
        resolver,
        clock,
        tls: HashMap::new(),
    };
    let mut targets = Vec::new();
    for application in &config.applications {
        if let Some(callback) = &application.callback {
            let target = CallbackTarget {
                url: callback.url.clone(),
                secret: LiveSecret::of(secrets, &callback.secret)?,
                http: makers.http(&callback.ca_file)?,
            };
            targets.push((application.name.clone(), target));
        }
    }
    Ok(Callbacks::new(targets))
}
