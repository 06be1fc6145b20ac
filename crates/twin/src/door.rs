//! The doors to mailboxes: whom IMAP and POP let in, and how they accept.

use std::sync::Arc;
use std::time::Duration;

use mailward_access::{Entry, Instead, Peer};
use mailward_mail::{Address, Clock, Dice, Secret};
use mailward_net::clock::within;
use mailward_net::{Listener, Shutdown, Stream, Tasks};
use rustls::ServerConfig;
use tokio::sync::Semaphore;

use crate::accounts::{Account, Accounts, Entrance, Refusal, SignIn};
use crate::asof::BehaviourDay;
use crate::behaviour;
use crate::events::EventLog;
use crate::faults::{self, ActionSpec, Credential, Faults, Situation};
use crate::oauth::{Access, Grant, TokenError, Tokens};
use crate::pace::Pace;
use crate::seed::Protocol;
use crate::sessions::{self, Sessions as Lines};

/// What the service says where a password is no longer taken.
const BASIC_ENDED: &str = "Basic authentication is disabled";

/// Decides who enters by one protocol; what they see is the protocol's own.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) protocol: Protocol,
    pub(crate) accounts: Accounts,
    pub(crate) tokens: Tokens,
    pub(crate) events: EventLog,
    pub(crate) pace: Pace,
    pub(crate) day: BehaviourDay,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) faults: Faults,
    pub(crate) dice: Arc<dyn Dice>,
    /// Of its world.
    pub(crate) closing: Shutdown,
}

impl Door {
    /// For the event log.
    pub(crate) fn name(&self) -> &'static str {
        match self.protocol {
            Protocol::Pop => "pop",
            _ => "imap",
        }
    }

    fn access(&self) -> Access {
        match self.protocol {
            Protocol::Pop => Access::Pop,
            _ => Access::Imap,
        }
    }

    pub(crate) async fn login(&self, user: &str, password: &Secret) -> Entry {
        if let Some(entry) = self.struck(user, Credential::Password).await {
            return entry;
        }
        if !self.day.today().imap_password() {
            let why = format!("password sign-in for {} has ended", self.shown());
            let ended = match self.protocol {
                // Each as it was reported.
                Protocol::Pop => BASIC_ENDED.to_owned(),
                _ => format!("{BASIC_ENDED}."),
            };
            return self.refuse(user, &why, Some(ended)).await;
        }
        let Ok(address) = Address::parse(user) else {
            return self.refuse_name(user).await;
        };
        match self.accounts.sign_in(&address, password).await {
            SignIn::Accepted(account) => self.open(&account).await,
            SignIn::Refused(refusal) => self.refuse_account(user, refusal).await,
        }
    }

    pub(crate) async fn bearer(&self, user: &str, token: &Secret) -> Entry {
        if let Some(entry) = self.struck(user, Credential::Token).await {
            return entry;
        }
        let Ok(address) = Address::parse(user) else {
            return self.refuse_name(user).await;
        };
        let account = match self.accounts.usable(&address) {
            Ok(account) => account,
            Err(refusal) => return self.refuse_account(user, refusal).await,
        };
        let full_access = &account.full_access;
        match (self.tokens).verify(token.expose(), self.access(), &address, full_access) {
            Ok(Grant::User { address, .. }) if address != account.address => {
                // By a right of the user's, whose account has to be in order.
                match self.accounts.usable(&address) {
                    Ok(_) => self.open(&account).await,
                    Err(refusal) => self.refuse_account(user, refusal).await,
                }
            }
            Ok(_) => self.open(&account).await,
            Err(TokenError::Mailbox(_)) => {
                let why = "the token's holder has no right to this mailbox";
                self.refused(user, why, None);
                Entry::NotConnected
            }
            Err(error) => self.refuse(user, &error.to_string(), None).await,
        }
    }

    /// What a fault answers to somebody who signs in.
    async fn struck(&self, user: &str, credential: Credential) -> Option<Entry> {
        let protocol = match self.protocol {
            Protocol::Pop => faults::Protocol::Pop,
            _ => faults::Protocol::Imap,
        };
        let mut strike = self.faults.strike(&Situation {
            account: Some(user),
            credential: Some(credential),
            ..Situation::of(protocol, "auth")
        })?;
        let delay = std::mem::take(&mut strike.delay);
        if !delay.is_zero() {
            self.clock.wait(delay).await;
        }
        let action = match sessions::current() {
            Some(line) => line.suffer(strike),
            None => strike.action,
        };
        match action {
            Some(ActionSpec::Reply { text }) => {
                let words = text.split_once(' ').map(|(_, words)| words.to_owned());
                Some(Entry::Refused { text: words })
            }
            _ => None,
        }
    }

    /// What a fault answers the command whose turn it is.
    pub(crate) fn instead(&self, command: &str) -> Option<Instead> {
        let text = sessions::current()?.answer_to(command)?;
        let (word, words) = text.split_once(' ')?;
        let words = words.to_owned();
        Some(match word {
            "BAD" => Instead::Bad(words),
            "BYE" => Instead::Bye(words),
            _ => Instead::No(words),
        })
    }

    /// Whether a session goes on: not when its account was locked meanwhile.
    pub(crate) fn still_open(&self, mailbox: &str) -> bool {
        let usable = Address::parse(mailbox).map(|address| self.accounts.usable(&address));
        match usable {
            Ok(Err(refusal)) => {
                self.punished(mailbox, refusal);
                false
            }
            _ => true,
        }
    }

    /// Completes when that no longer holds.
    pub(crate) async fn shut(&self, mailbox: &str) {
        match Address::parse(mailbox) {
            Ok(address) => self.accounts.until_barred(&address).await,
            Err(_) => std::future::pending().await,
        }
    }

    pub(crate) fn refused(&self, user: &str, why: &str, clause: Option<&'static str>) {
        self.events
            .add(self.name(), "refused", Some(user), why, clause);
    }

    fn shown(&self) -> &'static str {
        match self.protocol {
            Protocol::Pop => "POP",
            _ => "IMAP",
        }
    }

    async fn open(&self, account: &Account) -> Entry {
        let address = account.address.as_str();
        let entrance = self.accounts.enter(account, self.protocol).await;
        if entrance == Entrance::Disused {
            let why = format!(
                "{} is switched off, as nobody has used it for so long",
                self.shown()
            );
            let behaviour = behaviour::PROTOCOL_DISUSED;
            self.events
                .punish(self.name(), "disabled", Some(address), why, behaviour);
        }
        if entrance != Entrance::Open {
            // The credentials hold, the protocol is off.
            let why = format!("{} is not enabled for the account", self.shown());
            self.refused(address, &why, Some("GUIDE-6"));
            return Entry::NotConnected;
        }
        self.events
            .add(self.name(), "signed_in", Some(address), "signed in", None);
        Entry::Open {
            mailbox: account.address.key(),
            permit: Box::new(()),
        }
    }

    fn punished(&self, user: &str, refusal: Refusal) {
        self.events.punish(
            self.name(),
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

    async fn refuse_name(&self, user: &str) -> Entry {
        let why = "the user name is not a full address (GUIDE-9)";
        self.refuse(user, why, None).await
    }

    async fn refuse(&self, user: &str, why: &str, text: Option<String>) -> Entry {
        self.refused(user, why, None);
        self.clock.wait(self.pace.refusal_delay()).await;
        Entry::Refused { text }
    }
}

/// What is done with a connection once it is under TLS.
pub(crate) trait Sessions: Send + Sync + 'static {
    fn serve(
        &self,
        stream: Stream,
        peer: Peer,
        drain: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = ()> + Send;
}

/// Connections of a door at once; more are closed as they come.
const CONNECTIONS_MAX: usize = 20_000;

/// How long a handshake may take: as long as a client may say nothing before
/// it signs in.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(60);

/// Accepts until shutdown begins; each connection is a task of its own, called
/// `name`.
pub(crate) async fn accept(
    sessions: impl Sessions,
    name: &'static str,
    lines: Lines,
    clock: Arc<dyn Clock>,
    listener: Listener,
    tls: Arc<ServerConfig>,
    tasks: Tasks,
) {
    let sessions = Arc::new(sessions);
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
        let (sessions, tls, shutdown) = (Arc::clone(&sessions), Arc::clone(&tls), shutdown.clone());
        let (clock, lines) = (Arc::clone(&clock), lines.clone());
        tasks.spawn(name, async move {
            let peer = Peer {
                remote: stream.peer(),
                local: stream.local(),
            };
            // A future that is handed on takes its room each time, for as long
            // as the connection lasts: so both are boxed.
            let handshake = Box::pin(stream.upgrade_server(tls));
            match within(&*clock, HANDSHAKE_LIMIT, handshake).await {
                Ok(Ok(stream)) => {
                    let serving = Box::pin(sessions.serve(stream, peer, shutdown.begun()));
                    let line = lines.between(peer.remote, peer.local);
                    sessions::during(line, serving).await;
                }
                Ok(Err(error)) => tracing::debug!(%error, "TLS did not come about"),
                Err(_) => tracing::debug!("TLS took too long"),
            }
            drop(place);
        });
    }
}
