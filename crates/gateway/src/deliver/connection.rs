//! A connection to the service, signed in.

use std::sync::Arc;

use mailward_mail::{Reply, Secret};
use mailward_net::clock::within;
use mailward_net::smtp::client::{ClientError, ClientOptions, ClientSession, ClientTimes};
use mailward_policy::RouteKind;
use mailward_queue::{Credential, Stage};
use mailward_wire::smtp::client::{Error, Stage as WireStage};
use mailward_wire::smtp::{Credentials, Mechanism as Sasl};

use super::DeliverOptions;
use super::oauth::TokenError;
use crate::route::{Mechanism, Route, SendingAccount};

/// Why no connection came about.
#[derive(Debug)]
pub(super) struct OpenProblem {
    pub(super) stage: Stage,
    /// The server's reply, or our own words in the form of one.
    pub(super) reply: Reply,
    /// Signing in was refused: no further try with this credential.
    pub(super) credential_refused: bool,
    /// No waiting helps, a person must change something: a relay that does
    /// not know our address (GUIDE-55).
    pub(super) misconfigured: bool,
}

impl OpenProblem {
    fn local(stage: Stage, text: impl std::fmt::Display) -> Self {
        // 4.4.1: no answer from host (RFC 3463); nothing was sent.
        Self {
            stage,
            reply: Reply::status(451, 4, 1, text.to_string()),
            credential_refused: false,
            misconfigured: false,
        }
    }
}

/// What the breaker watches for this account.
pub(super) fn credential(account: &SendingAccount) -> Credential {
    Credential {
        account: account.address.key().into(),
        name: account
            .mechanism
            .as_ref()
            .map_or("none", Mechanism::credential_name)
            .to_owned(),
        version: account
            .mechanism
            .as_ref()
            .map_or("", Mechanism::credential_version)
            .to_owned(),
    }
}

/// Looks the name up, connects, starts TLS, verifies the certificate, signs in.
pub(super) async fn open(
    options: &DeliverOptions,
    route: &Route,
    account: &SendingAccount,
) -> Result<ClientSession, OpenProblem> {
    match within(
        &*options.clock,
        route.times().open,
        open_unbounded(options, route, account),
    )
    .await
    {
        Ok(result) => result,
        Err(_) => Err(OpenProblem::local(
            Stage::Connect,
            format!(
                "{} did not let us in within {} s",
                route.server(),
                route.times().open.as_secs()
            ),
        )),
    }
}

async fn open_unbounded(
    options: &DeliverOptions,
    route: &Route,
    account: &SendingAccount,
) -> Result<ClientSession, OpenProblem> {
    // The token first: without one there is nothing to say to the server.
    let credentials = credentials(account).await?;
    let client = ClientOptions {
        host: route.server().to_owned(),
        port: route.port(),
        source: route.source(),
        client_name: route.client_name().to_owned(),
        security: route.security(),
        times: ClientTimes::default(),
    };
    let mut session =
        ClientSession::connect(&client, &*options.resolver, Arc::clone(&options.clock))
            .await
            .map_err(|error| problem(route, error))?;
    let Some(credentials) = credentials else {
        return Ok(session);
    };
    match session.authenticate(&credentials).await {
        Ok(()) => Ok(session),
        Err(error) => {
            if let Some(Mechanism::XOAuth2 { tokens }) = &account.mechanism {
                tokens.forget().await;
            }
            Err(problem(route, error))
        }
    }
}

async fn credentials(account: &SendingAccount) -> Result<Option<Credentials>, OpenProblem> {
    let Some(mechanism) = &account.mechanism else {
        return Ok(None);
    };
    // The user name is always the full address (GUIDE-9, GUIDE-59).
    let username = account.address.as_str();
    let password = |mechanism, secret: &Secret| {
        Ok(Some(Credentials::password(
            mechanism,
            username,
            secret.clone(),
        )))
    };
    match mechanism {
        Mechanism::Login { password: known } => password(Sasl::Login, &known.secret),
        Mechanism::Plain { password: known } => password(Sasl::Plain, &known.secret),
        Mechanism::XOAuth2 { tokens } => match tokens.token().await {
            Ok(token) => Ok(Some(Credentials::Bearer {
                username: username.to_owned(),
                token,
            })),
            Err(error @ TokenError::Refused { .. }) => Err(OpenProblem {
                stage: Stage::Authenticate,
                reply: Reply::status(535, 7, 8, error.to_string()),
                credential_refused: true,
                misconfigured: false,
            }),
            Err(error) => Err(OpenProblem::local(Stage::Authenticate, error)),
        },
    }
}

fn problem(route: &Route, error: ClientError) -> OpenProblem {
    let stage = queue_stage(error.stage());
    match error {
        ClientError::Session(Error::Refused { reply, .. }) => OpenProblem {
            stage,
            credential_refused: super::classify(stage, &reply).action == super::Action::OpenBreaker,
            misconfigured: route.kind() == RouteKind::Relay && reply.code() / 100 == 5,
            reply,
        },
        other => OpenProblem::local(stage, other),
    }
}

/// The queue's coarser stages.
pub(super) fn queue_stage(stage: WireStage) -> Stage {
    match stage {
        WireStage::Connect | WireStage::Greeting | WireStage::Ehlo | WireStage::Quit => {
            Stage::Connect
        }
        WireStage::StartTls | WireStage::Tls => Stage::Tls,
        WireStage::Auth => Stage::Authenticate,
        WireStage::Reset | WireStage::MailFrom => Stage::MailFrom,
        WireStage::RcptTo => Stage::RcptTo,
        WireStage::Data | WireStage::Body => Stage::Body,
        WireStage::FinalDot => Stage::FinalDot,
    }
}
