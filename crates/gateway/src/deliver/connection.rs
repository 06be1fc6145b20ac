//! A connection to the service, signed in.

use std::sync::Arc;

use mailward_mail::{Reply, Secret};
use mailward_net::clock::within;
use mailward_net::connect::ConnectError;
use mailward_net::smtp::client::{ClientError, ClientOptions, ClientSession};
use mailward_queue::{BreakerState, Credential, Stage};
use mailward_wire::smtp::client::{Error, Stage as WireStage};
use mailward_wire::smtp::{Credentials, Mechanism as Sasl};

use super::DeliverOptions;
use super::oauth::{TokenError, TokenSource};
use super::reply::{Action, Meaning};
use super::trouble;
use crate::route::{Mechanism, Route, SendingAccount};

/// Why no connection came about.
#[derive(Debug)]
pub(super) struct OpenProblem {
    pub(super) stage: Stage,
    /// The server's reply, or our own words in the form of one.
    pub(super) reply: Reply,
    pub(super) what: What,
}

/// What kind of problem it is.
#[derive(Debug)]
pub(super) enum What {
    /// The server said so, and this is what it means.
    Said(Meaning),
    /// The credential was refused before: nothing was tried with it.
    Refused,
    /// The server proved to be somebody else, or nobody: its certificate or
    /// its TLS is at fault, or what we trust.
    Certificate,
    /// Nothing came, or nothing that can be used.
    Silent,
}

impl OpenProblem {
    fn local(stage: Stage, what: What, text: impl std::fmt::Display) -> Self {
        // 4.4.1: no answer from host (RFC 3463); nothing was sent.
        Self {
            stage,
            reply: Reply::status(451, 4, 1, text.to_string()),
            what,
        }
    }
}

/// What the breaker watches for this account, with the secret as it is now.
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
            .map_or_else(String::new, Mechanism::credential_version),
    }
}

/// Looks the name up, connects, starts TLS, verifies the certificate, signs in.
///
/// One opening of a credential is under way at a time: whoever comes after a
/// refusal finds the breaker open.
pub(super) async fn open(
    options: &DeliverOptions,
    route: &Route,
    account: &SendingAccount,
) -> Result<ClientSession, OpenProblem> {
    let Some(mechanism) = &account.mechanism else {
        return sign_in(options, route, account).await;
    };
    let name = account.address.key().into();
    let turn = options.doors.turn(&name, mechanism.credential_name()).await;
    if let Some(problem) = refused_before(options, account).await {
        return Err(problem);
    }
    let opened = sign_in(options, route, account).await;
    if let Err(problem) = &opened
        && let What::Said(meaning) = &problem.what
        && meaning.action == Action::OpenBreaker
    {
        // On disk before anybody else may try.
        trouble::refuse(options, account, &problem.reply).await;
    }
    drop(turn);
    opened
}

/// A credential that the service refused is not tried again.
async fn refused_before(options: &DeliverOptions, account: &SendingAccount) -> Option<OpenProblem> {
    let text = match options.queue.breaker_state(&credential(account)).await {
        Ok(BreakerState::Closed) => return None,
        Ok(BreakerState::Open { since, reply }) => {
            format!("the credential was refused at {since}: {reply}")
        }
        // Not known is as good as open: one try too many locks the account.
        Err(error) => format!("what was refused before can't be read: {error}"),
    };
    Some(OpenProblem::local(Stage::Authenticate, What::Refused, text))
}

/// In time: a token has as long as the opening, and so has the conversation.
async fn sign_in(
    options: &DeliverOptions,
    route: &Route,
    account: &SendingAccount,
) -> Result<ClientSession, OpenProblem> {
    // The token first: without one there is nothing to say to the server.
    let limit = route.times().open;
    let asked = credentials(options, route, account);
    let credentials = match within(&*options.clock, limit, asked).await {
        Ok(credentials) => credentials?,
        Err(_) => {
            let text = format!("there was no token within {} s", limit.as_secs());
            return Err(OpenProblem::local(Stage::Authenticate, What::Silent, text));
        }
    };
    let client = ClientOptions {
        host: route.server().to_owned(),
        port: route.port(),
        source: route.source(),
        client_name: route.client_name().to_owned(),
        security: route.security(),
        times: route.times().of_client(),
    };
    let mut session =
        ClientSession::connect(&client, &*options.resolver, Arc::clone(&options.clock))
            .await
            .map_err(|error| problem(options, route, error))?;
    let Some(credentials) = credentials else {
        return Ok(session);
    };
    match session.authenticate(&credentials).await {
        Ok(()) => Ok(session),
        Err(error) => {
            if let Some(Mechanism::XOAuth2 { tokens }) = &account.mechanism {
                tokens.forget().await;
            }
            Err(problem(options, route, error))
        }
    }
}

async fn credentials(
    options: &DeliverOptions,
    route: &Route,
    account: &SendingAccount,
) -> Result<Option<Credentials>, OpenProblem> {
    let Some(mechanism) = &account.mechanism else {
        return Ok(None);
    };
    // The user name is always the full address (GUIDE-9, GUIDE-59).
    let username = account.address.as_str();
    let (sasl, password) = match mechanism {
        Mechanism::Login { password } => (Sasl::Login, password),
        Mechanism::Plain { password } => (Sasl::Plain, password),
        Mechanism::XOAuth2 { tokens } => {
            let token = match tokens.kept().await {
                Some(token) => token,
                None => fresh_token(options, route, tokens).await?,
            };
            return Ok(Some(Credentials::Bearer {
                username: username.to_owned(),
                token,
            }));
        }
    };
    let secret = password.current().secret;
    Ok(Some(Credentials::password(sasl, username, secret)))
}

/// Asks for a token, unless the client was refused before: its secret is the
/// same for all accounts, so what one of them has learnt counts for each. The
/// account's own breaker follows.
async fn fresh_token(
    options: &DeliverOptions,
    route: &Route,
    tokens: &TokenSource,
) -> Result<Secret, OpenProblem> {
    let refused = |text: String| {
        let reply = Reply::status(535, 7, 8, text);
        said(options, route, Stage::Authenticate, reply)
    };
    let local = |error: &dyn std::fmt::Display| {
        OpenProblem::local(Stage::Authenticate, What::Silent, error)
    };
    let client = Credential::of_client(tokens.client_id(), tokens.credential_version());
    let turn = options.doors.turn(&client.account, &client.name).await;
    match options.queue.breaker_state(&client).await {
        Ok(BreakerState::Closed) => {}
        Ok(BreakerState::Open { since, reply }) => {
            return Err(refused(format!(
                "client {} was refused at {since}: {reply}",
                tokens.client_id()
            )));
        }
        // Not known is as good as open.
        Err(error) => return Err(local(&error)),
    }
    let asked = tokens.token().await;
    if let Err(error @ TokenError::Refused { .. }) = &asked {
        let reply = Reply::status(535, 7, 8, error.to_string());
        // On disk before anybody else may ask.
        if let Err(error) = options.queue.breaker_open(&client, &reply).await {
            tracing::error!(%error, "an opened breaker could not be recorded");
        }
    } else if let Err(error) = options.queue.close_older_breakers(&client).await {
        tracing::error!(%error, "a closed breaker could not be recorded");
    }
    drop(turn);
    asked.map_err(|error| match error {
        TokenError::Refused { .. } => refused(error.to_string()),
        TokenError::Unavailable(_) => local(&error),
    })
}

fn said(options: &DeliverOptions, route: &Route, stage: Stage, reply: Reply) -> OpenProblem {
    let meaning = options.replies.classify(route.kind(), stage, &reply);
    OpenProblem {
        stage,
        reply,
        what: What::Said(meaning),
    }
}

fn problem(options: &DeliverOptions, route: &Route, error: ClientError) -> OpenProblem {
    let stage = queue_stage(error.stage());
    match error {
        ClientError::Session(Error::Refused { reply, .. }) => said(options, route, stage, reply),
        // In the words of RFC 4954 for a mechanism that the server does not know.
        ClientError::Session(error @ (Error::MechanismNotOffered { .. } | Error::AuthNeedsTls)) => {
            let reply = Reply::status(504, 5, 4, error.to_string());
            said(options, route, Stage::Authenticate, reply)
        }
        ClientError::Connect(
            error @ (ConnectError::TlsCertificate { .. } | ConnectError::TlsProtocol { .. }),
        ) => OpenProblem::local(stage, What::Certificate, error),
        ClientError::Session(error @ Error::TlsNotOffered) => {
            OpenProblem::local(Stage::Tls, What::Certificate, error)
        }
        other => OpenProblem::local(stage, What::Silent, other),
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
