//! Signing in, once at the most: not with a credential that was refused
//! before, and a refusal met here is written down before it is told.

use std::sync::Arc;

use mailward_mail::{Reply, Secret};
use mailward_net::clock::within;
use mailward_net::smtp::client::{ClientError, ClientSession};
use mailward_queue::{BreakerState, Credential, Stage};
use mailward_wire::smtp::client::Error;
use mailward_wire::smtp::{Credentials, Mechanism as Sasl};

use super::Surroundings;
use super::server::{call, options};
use super::token::Looked;
use crate::config::{Account, Mechanism, Route};
use crate::deliver::Action;
use crate::doctor::ledger::Ledger;
use crate::doctor::seen::{RouteSeen, SignInSeen};

/// What the gateway's breaker calls a password.
pub(super) const PASSWORD: &str = "password";
/// And a token got by a client's secret.
pub(super) const TOKEN: &str = "xoauth2";

pub(super) async fn look(
    here: &Surroundings,
    ledger: &Ledger,
    routes: &[RouteSeen],
    tokens: &[Looked],
    account: &Account,
) -> SignInSeen {
    let not_tried = |why: &str| SignInSeen::NotTried(why.to_owned());
    let Some(seen) = routes.iter().find(|seen| seen.route.name == account.route) else {
        return not_tried("its route was not looked at");
    };
    let Some(session) = seen.session() else {
        return not_tried("its server could not be spoken with");
    };
    let (sasl, credential, secret) = match proof(here, &seen.route, account, tokens) {
        Ok(proof) => proof,
        Err(why) => return SignInSeen::NotTried(why),
    };
    if !session.features.offers(sasl) {
        return not_tried("its mechanism is not offered");
    }
    match ledger.state(&credential).await {
        Ok(BreakerState::Closed) => {}
        Ok(BreakerState::Open { since, reply }) => {
            return SignInSeen::BreakerOpen { since, reply };
        }
        Err(why) => {
            return SignInSeen::NotTried(format!(
                "what the service refused before can't be known: {why}"
            ));
        }
    }
    if let Err(why) = here.time_for(3) {
        return SignInSeen::NotTried(why);
    }
    // The user name is always the full address (GUIDE-9, GUIDE-59).
    let username = account.address.as_str();
    let credentials = match sasl {
        Sasl::XOAuth2 => Credentials::Bearer {
            username: username.to_owned(),
            token: secret,
        },
        _ => Credentials::password(sasl, username, secret),
    };
    attempt(here, ledger, &seen.route, &credential, &credentials).await
}

/// The mechanism, which credential it is for the record, and the secret.
fn proof(
    here: &Surroundings,
    route: &Route,
    account: &Account,
    tokens: &[Looked],
) -> Result<(Sasl, Credential, Secret), String> {
    let sasl = match &route.mechanism {
        Mechanism::None => return Err("its route asks for no sign-in".to_owned()),
        Mechanism::Login => Sasl::Login,
        Mechanism::Plain => Sasl::Plain,
        Mechanism::XOAuth2 { oauth } => {
            let looked = tokens.iter().find(|one| one.seen.name == *oauth);
            let token = looked.and_then(|one| Some((one.token.clone()?, one.version.clone()?)));
            let (token, version) =
                token.ok_or_else(|| format!("there is no token of oauth.{oauth}"))?;
            return Ok((Sasl::XOAuth2, named(account, TOKEN, version), token));
        }
    };
    let reference = account
        .secret
        .as_ref()
        .ok_or_else(|| "it has no secret".to_owned())?;
    let found = here
        .secrets
        .as_ref()
        .map_err(String::clone)?
        .resolve(reference)
        .map_err(|error| error.to_string())?;
    Ok((sasl, named(account, PASSWORD, found.version), found.secret))
}

/// As delivery names it, so that both keep one record.
pub(super) fn named(account: &Account, name: &str, version: String) -> Credential {
    Credential {
        account: account.name(),
        name: name.to_owned(),
        version,
    }
}

async fn attempt(
    here: &Surroundings,
    ledger: &Ledger,
    route: &Route,
    credential: &Credential,
    credentials: &Credentials,
) -> SignInSeen {
    let (options, _) = match options(here, route) {
        Ok(made) => made,
        Err(why) => return SignInSeen::Failed(why),
    };
    let stream = match call(here, route).await {
        Ok(stream) => stream,
        Err(error) => return SignInSeen::Failed(error.to_string()),
    };
    let opening = ClientSession::over(stream, &options, Arc::clone(&here.clock));
    let mut session = match within(&*here.clock, here.step, opening).await {
        Ok(Ok(session)) => session,
        Ok(Err(error)) => return SignInSeen::Failed(error.to_string()),
        Err(error) => return SignInSeen::Failed(error.to_string()),
    };
    let begun = here.clock.now();
    match session.authenticate(credentials).await {
        Ok(()) => {
            let took = here.clock.now().since(begun);
            session.quit().await;
            SignInSeen::SignedIn { took }
        }
        Err(ClientError::Session(Error::Refused { reply, .. })) => {
            refused(here, ledger, route, credential, reply).await
        }
        Err(error) => SignInSeen::Failed(error.to_string()),
    }
}

async fn refused(
    here: &Surroundings,
    ledger: &Ledger,
    route: &Route,
    credential: &Credential,
    reply: Reply,
) -> SignInSeen {
    let replies = &here.config.replies;
    let meaning = replies.classify(route.kind, Stage::Authenticate, &reply);
    if meaning.action != Action::OpenBreaker {
        return SignInSeen::Failed(reply.to_string());
    }
    let unrecorded = ledger.refused(credential, &reply).await.err();
    SignInSeen::Refused { reply, unrecorded }
}
