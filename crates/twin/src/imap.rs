//! The IMAP door of the twin: who may enter, in Exchange's words.

use std::sync::Arc;

use mailward_access::imap::{Entry, Host, Imap, Peer, Profile, Words};
use mailward_mail::{Address, Clock, Secret};
use mailward_net::clock::within;
use mailward_net::{Listener, Tasks};
use rustls::ServerConfig;
use tokio::sync::Semaphore;

use crate::accounts::{Account, Accounts, Entrance, Refusal, SignIn};
use crate::asof::{AsOf, BehaviourDay};
use crate::behaviour;
use crate::events::EventLog;
use crate::names::greeting_bracket;
use crate::oauth::{Access, Tokens};
use crate::pace::Pace;
use crate::seed::Protocol;

/// Capabilities seen in 2022, and by the front end of September 2026.
const CAPABILITY_2022: &str = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";
const CAPABILITY_2026: &str = "IMAP4 IMAP4rev1 AUTH=XOAUTH2 LOGINDISABLED SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+";
const CAPABILITY_AFTER_LOGIN: &str = "IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+ CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE";

/// The service behind IMAP sessions.
#[derive(Debug)]
pub(crate) struct ImapDoor {
    pub(crate) accounts: Accounts,
    pub(crate) tokens: Tokens,
    pub(crate) events: EventLog,
    pub(crate) pace: Pace,
    pub(crate) day: BehaviourDay,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) profiles: Profiles,
}

/// How the service looks, before and since the front end of 2026. Sessions share them.
#[derive(Clone, Debug)]
pub(crate) struct Profiles {
    before_2026: Arc<Profile>,
    since_2026: Arc<Profile>,
}

impl Profiles {
    pub(crate) fn new() -> Self {
        Self {
            before_2026: Arc::new(profile(false)),
            since_2026: Arc::new(profile(true)),
        }
    }

    fn on(&self, day: AsOf) -> Arc<Profile> {
        Arc::clone(if day.imap_front_end_2026() {
            &self.since_2026
        } else {
            &self.before_2026
        })
    }
}

fn profile(front_end_2026: bool) -> Profile {
    let mut profile = Profile::plain();
    profile.greeting = if front_end_2026 {
        format!(
            "Microsoft Exchange IMAP4 service ready. [{}]",
            greeting_bracket()
        )
    } else {
        format!(
            "The Microsoft Exchange IMAP4 service is ready. [{}]",
            greeting_bracket()
        )
    };
    let before = if front_end_2026 {
        CAPABILITY_2026
    } else {
        CAPABILITY_2022
    };
    profile.capability_before_login = before.to_owned();
    profile.capability_after_login = CAPABILITY_AFTER_LOGIN.to_owned();
    profile.search_utf8 = false;
    profile.words = Words {
        logout: "Microsoft Exchange Server IMAP4 server signing off.".to_owned(),
        closed: "Connection closed. 14".to_owned(),
        ..Words::default()
    };
    profile
}

impl ImapDoor {
    async fn open(&self, account: &Account) -> Entry {
        let entrance = self.accounts.enter(account, Protocol::Imap).await;
        if entrance == Entrance::Disused {
            let why = "IMAP is switched off, as nobody has used it for so long";
            let user = Some(account.address.as_str());
            let behaviour = behaviour::PROTOCOL_DISUSED;
            self.events.punish("imap", "disabled", user, why, behaviour);
        }
        if entrance != Entrance::Open {
            // The credentials hold, the protocol is off: seen as a session
            // that signs in and then is not connected.
            self.refused(
                account.address.as_str(),
                "IMAP is not enabled for the account",
                Some("GUIDE-6"),
            );
            return Entry::NotConnected;
        }
        self.events.add(
            "imap",
            "signed_in",
            Some(account.address.as_str()),
            "signed in",
            None,
        );
        Entry::Open {
            mailbox: account.address.key(),
            permit: Box::new(()),
        }
    }

    fn refused(&self, user: &str, why: &str, clause: Option<&'static str>) {
        self.events.add("imap", "refused", Some(user), why, clause);
    }

    fn punished(&self, user: &str, refusal: Refusal) {
        self.events.punish(
            "imap",
            "refused",
            Some(user),
            refusal.why(),
            refusal.behaviour(),
        );
    }

    async fn refuse_account(&self, user: &str, refusal: Refusal) -> Entry {
        self.punished(user, refusal);
        self.clock.wait(self.pace.refusal_delay()).await;
        Entry::Refused { text: None }
    }

    async fn refuse(&self, user: &str, why: &str, text: Option<&str>) -> Entry {
        self.refused(user, why, None);
        self.clock.wait(self.pace.refusal_delay()).await;
        Entry::Refused {
            text: text.map(str::to_owned),
        }
    }
}

impl Host for ImapDoor {
    fn profile(&self) -> Arc<Profile> {
        self.profiles.on(self.day.today())
    }

    async fn login(&self, _peer: &Peer, user: &str, password: &Secret) -> Entry {
        if !self.day.today().imap_password() {
            return self
                .refuse(
                    user,
                    "password sign-in for IMAP has ended",
                    Some("Basic authentication is disabled."),
                )
                .await;
        }
        let Ok(address) = Address::parse(user) else {
            return self
                .refuse(user, "the user name is not a full address (GUIDE-9)", None)
                .await;
        };
        match self.accounts.sign_in(&address, password).await {
            SignIn::Accepted(account) => self.open(&account).await,
            SignIn::Refused(refusal) => self.refuse_account(user, refusal).await,
        }
    }

    async fn authenticate_xoauth2(&self, _peer: &Peer, user: &str, token: &Secret) -> Entry {
        let Ok(address) = Address::parse(user) else {
            return self
                .refuse(user, "the user name is not a full address (GUIDE-9)", None)
                .await;
        };
        let account = match self.accounts.usable(&address) {
            Ok(account) => account,
            Err(refusal) => return self.refuse_account(user, refusal).await,
        };
        match self.tokens.verify(token.expose(), Access::Imap, &address) {
            Ok(_) => self.open(&account).await,
            Err(crate::oauth::TokenError::Mailbox(_)) => {
                self.refused(
                    user,
                    "the token's holder has no right to this mailbox",
                    None,
                );
                Entry::NotConnected
            }
            Err(error) => self.refuse(user, &error.to_string(), None).await,
        }
    }

    fn still_open(&self, mailbox: &str) -> bool {
        let usable = Address::parse(mailbox).map(|address| self.accounts.usable(&address));
        match usable {
            Ok(Err(refusal)) => {
                self.punished(mailbox, refusal);
                false
            }
            _ => true,
        }
    }
}

/// Connections at once; more are closed as they come.
const CONNECTIONS_MAX: usize = 20_000;

/// Accepts until shutdown begins; each connection is a task of its own.
pub(crate) async fn accept(
    imap: Imap<ImapDoor>,
    clock: Arc<dyn Clock>,
    listener: Listener,
    tls: Arc<ServerConfig>,
    tasks: Tasks,
) {
    let imap = Arc::new(imap);
    let handshake_limit = Profile::plain().limits.idle_before_login;
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let shutdown = tasks.shutdown().clone();
    loop {
        let stream = tokio::select! {
            () = shutdown.begun() => return,
            stream = listener.accept() => stream,
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (imap, tls, shutdown) = (Arc::clone(&imap), Arc::clone(&tls), shutdown.clone());
        let clock = Arc::clone(&clock);
        tasks.spawn("imap connection", async move {
            let peer = Peer {
                remote: stream.peer(),
                local: stream.local(),
            };
            match within(&*clock, handshake_limit, stream.upgrade_server(tls)).await {
                Ok(Ok(stream)) => {
                    imap.serve(stream, peer, shutdown.begun()).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, "TLS did not come about"),
                Err(_) => tracing::debug!("TLS took too long"),
            }
            drop(place);
        });
    }
}
