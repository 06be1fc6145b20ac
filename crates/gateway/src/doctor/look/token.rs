//! A token of one client registration: asked for once, and not at all when
//! every account that would use it was refused with this client secret before.

use std::sync::Arc;

use mailward_mail::{Reply, Secret};
use mailward_net::http::HttpClient;
use mailward_net::http::client::Options;
use mailward_net::tls::watched_client_config;
use mailward_queue::{BreakerState, Credential};

use super::Surroundings;
use super::sign_in::{TOKEN, named};
use crate::config::{Mechanism, OAuthClient};
use crate::deliver::oauth::{TokenError, TokenSettings, TokenSource};
use crate::doctor::ledger::Ledger;
use crate::doctor::seen::{TokenOutcome, TokenSeen};
use crate::secrets::LiveSecret;

/// What was seen, and what signing in needs of it.
#[derive(Debug)]
pub(super) struct Looked {
    pub(super) seen: TokenSeen,
    pub(super) token: Option<Secret>,
    /// Of the client's secret.
    pub(super) version: Option<String>,
}

pub(super) async fn look(
    here: &Surroundings,
    ledger: &Ledger,
    name: &str,
    client: &OAuthClient,
) -> Looked {
    let mut looked = Looked {
        seen: TokenSeen {
            name: name.to_owned(),
            url: client.token_url.clone(),
            outcome: TokenOutcome::NotTried(String::new()),
            certificate: None,
        },
        token: None,
        version: None,
    };
    looked.seen.outcome = match ask(here, ledger, client, &mut looked).await {
        Ok(outcome) => outcome,
        Err(why) => TokenOutcome::NotTried(why),
    };
    looked
}

async fn ask(
    here: &Surroundings,
    ledger: &Ledger,
    client: &OAuthClient,
    looked: &mut Looked,
) -> Result<TokenOutcome, String> {
    let found = here
        .secrets
        .as_ref()
        .map_err(String::clone)?
        .resolve(&client.client_secret)
        .map_err(|error| error.to_string())?;
    let users = users(here, &looked.seen.name, &found.version);
    if users.is_empty() {
        return Err("no account of this configuration uses it".to_owned());
    }
    let mut may_try = false;
    for credential in &users {
        may_try |= ledger.state(credential).await? == BreakerState::Closed;
    }
    if !may_try {
        return Err("the service refused every account that uses it before; \
                    set a new client secret first"
            .to_owned());
    }
    here.time_for(2)?;
    let trust = super::trust(client.ca_file.as_ref());
    let (tls, chain) = watched_client_config(&trust).map_err(|error| error.to_string())?;
    let mut options = Options::new(tls, Arc::clone(&here.resolver), Arc::clone(&here.clock));
    options.timeout = here.step;
    let http = HttpClient::new(options).map_err(|error| error.to_string())?;
    let settings = TokenSettings {
        token_url: client.token_url.clone(),
        client_id: client.client_id.clone(),
        client_secret: LiveSecret::fixed(found.clone()),
        scope: client.scope.clone(),
    };
    let begun = here.clock.now();
    let answer = TokenSource::new(settings, http, Arc::clone(&here.clock))
        .token()
        .await;
    looked.seen.certificate = chain.leaf();
    looked.version = Some(found.version);
    Ok(match answer {
        Ok(token) => {
            looked.token = Some(token);
            TokenOutcome::Obtained {
                took: here.clock.now().since(begun),
            }
        }
        Err(error @ TokenError::Refused { .. }) => {
            // As delivery would write it down for each of them.
            let reply = Reply::status(535, 7, 8, error.to_string());
            let mut unrecorded = None;
            for credential in &users {
                unrecorded = ledger
                    .refused(credential, &reply)
                    .await
                    .err()
                    .or(unrecorded);
            }
            TokenOutcome::Refused {
                why: error.to_string(),
                unrecorded,
            }
        }
        Err(error) => TokenOutcome::Failed(error.to_string()),
    })
}

/// The credentials that rest on this client's secret.
fn users(here: &Surroundings, oauth: &str, version: &str) -> Vec<Credential> {
    let config = &here.config;
    let uses = |mechanism: &Mechanism| matches!(mechanism, Mechanism::XOAuth2 { oauth: name } if name == oauth);
    let accounts = config.accounts.iter();
    accounts
        .filter(|account| {
            let route = config.route(&account.route);
            route.is_some_and(|route| uses(&route.mechanism))
        })
        .map(|account| named(account, TOKEN, version.to_owned()))
        .collect()
}
