//! Reading sent mail, once for each account that can sign in to send: the
//! folder that mail in doubt is looked for in.

use std::sync::Arc;

use mailward_mail::{Reply, Secret};
use mailward_net::clock::within;
use mailward_net::imap::client::{ImapError, ImapOptions, ImapSession, ImapTimes};
use mailward_net::tls::client_config;
use mailward_queue::BreakerState;
use mailward_wire::imap::Credentials;
use mailward_wire::imap::client::{Error, Stage};

use super::sign_in::{PASSWORD, TOKEN, named};
use super::token::Looked;
use super::{Surroundings, trust};
use crate::config::{Account, Mechanism, Route, SentItems};
use crate::deliver::doubt::folder::{self, FolderError};
use crate::doctor::ledger::Ledger;
use crate::doctor::seen::{SentItemsSeen, SignInSeen};

/// Steps that a look may take: a connection, a sign-in, a list, a folder.
const STEPS: u32 = 4;

pub(super) async fn look(
    here: &Surroundings,
    ledger: &Ledger,
    tokens: &[Looked],
    account: &Account,
    sign_in: &SignInSeen,
) -> SentItemsSeen {
    let route = here.config.route(&account.route);
    let Some((route, sent_items)) = route.and_then(|one| Some((one, one.sent_items.as_ref()?)))
    else {
        return SentItemsSeen::NotConfigured;
    };
    // Where sending is refused, reading with the same secret would be too.
    if !matches!(sign_in, SignInSeen::SignedIn { .. }) {
        return SentItemsSeen::NotTried("nobody signed in to send".to_owned());
    }
    if let Err(why) = here.time_for(STEPS) {
        return SentItemsSeen::NotTried(why);
    }
    match attempt(here, ledger, tokens, account, route, sent_items).await {
        Ok(seen) | Err(seen) => seen,
    }
}

async fn attempt(
    here: &Surroundings,
    ledger: &Ledger,
    tokens: &[Looked],
    account: &Account,
    route: &Route,
    sent_items: &SentItems,
) -> Result<SentItemsSeen, SentItemsSeen> {
    let failed = |why: &dyn std::fmt::Display| SentItemsSeen::Failed(why.to_string());
    let (name, version, credentials) =
        proof(here, tokens, account, sent_items).map_err(SentItemsSeen::NotTried)?;
    let credential = named(account, name, version).for_reading();
    match ledger.state(&credential).await {
        Ok(BreakerState::Closed) => {}
        Ok(BreakerState::Open { since, reply }) => {
            return Err(SentItemsSeen::BreakerOpen { since, reply });
        }
        Err(why) => return Err(SentItemsSeen::NotTried(why)),
    }
    let ca_file = sent_items.ca_file.as_ref().or(route.ca_file.as_ref());
    let usual = ImapTimes::default();
    let options = ImapOptions {
        host: sent_items.server.clone(),
        port: sent_items.port,
        tls: client_config(&trust(ca_file)).map_err(|error| failed(&error))?,
        times: ImapTimes {
            connect: usual.connect.min(here.step),
            tls_handshake: usual.tls_handshake.min(here.step),
            greeting: usual.greeting.min(here.step),
            command: usual.command.min(here.step),
            logout: usual.logout.min(here.step),
        },
    };
    let clock = Arc::clone(&here.clock);
    let opening = Box::pin(ImapSession::connect(&options, &*here.resolver, clock));
    let mut session = within(&*here.clock, here.step, opening)
        .await
        .map_err(|error| failed(&error))?
        .map_err(|error| failed(&error))?;
    match session.sign_in(&credentials).await {
        Ok(()) => {}
        Err(ImapError::Session(Error::Refused {
            stage: Stage::SignIn,
            code,
            text,
            ..
        })) if folder::is_lasting(code.as_deref()) => {
            let reply = Reply::status(535, 7, 8, format!("IMAP: {text}"));
            let unrecorded = ledger.refused(&credential, &reply).await.err();
            return Err(SentItemsSeen::Refused { text, unrecorded });
        }
        Err(error) => return Err(failed(&error)),
    }
    let opened = folder::open(&mut session, sent_items.folder.as_deref()).await;
    session.logout().await;
    match opened {
        Ok((name, opened)) => Ok(SentItemsSeen::Opened {
            folder: name.as_str().to_owned(),
            messages: opened.messages,
        }),
        Err(FolderError::Absent(why)) => Err(SentItemsSeen::NoFolder(why)),
        Err(FolderError::Imap(error)) => Err(failed(&error)),
    }
}

/// Which credential it is for the record, its version, and what to show.
fn proof(
    here: &Surroundings,
    tokens: &[Looked],
    account: &Account,
    sent_items: &SentItems,
) -> Result<(&'static str, String, Credentials), String> {
    // The user name is always the full address (GUIDE-9, GUIDE-59).
    let user = account.address.as_str().to_owned();
    match &sent_items.mechanism {
        Mechanism::None => Err("its route asks for no sign-in".to_owned()),
        Mechanism::XOAuth2 { oauth } => {
            let looked = tokens.iter().find(|one| one.seen.name == *oauth);
            let known = looked.and_then(|one| Some((one.token.clone()?, one.version.clone()?)));
            let (token, version): (Secret, String) =
                known.ok_or_else(|| format!("there is no token of oauth.{oauth}"))?;
            Ok((TOKEN, version, Credentials::XOAuth2 { user, token }))
        }
        Mechanism::Login | Mechanism::Plain => {
            let reference = account.secret.as_ref();
            let reference = reference.ok_or_else(|| "it has no secret".to_owned())?;
            let secrets = here.secrets.as_ref().map_err(String::clone)?;
            let found = secrets.resolve(reference);
            let found = found.map_err(|error| error.to_string())?;
            let credentials = Credentials::Plain {
                authorization: String::new(),
                user,
                password: found.secret,
            };
            Ok((PASSWORD, found.version, credentials))
        }
    }
}
