//! What was looked at. Checks judge this and look at nothing themselves.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Reply, Timestamp};
use mailward_net::dns::ResolveError;
use mailward_net::{Certificate, TlsFacts};
use mailward_wire::smtp::client::{Features, Stage};

use crate::config::{Account, Application, Config, Route};
use crate::password::AccountAge;

/// Everything, as far as it was looked at.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) config: Arc<Config>,
    /// Of the configuration and, where there is a store, of its register.
    pub(super) applications: Vec<Application>,
    /// The day that dates are measured against.
    pub(super) at: Timestamp,
    pub(super) routes: Vec<RouteSeen>,
    pub(super) tokens: Vec<TokenSeen>,
    pub(super) accounts: Vec<AccountSeen>,
    /// Of each account of the configuration, in its order.
    pub(super) ages: Vec<AccountAge>,
    pub(super) secrets: SecretsSeen,
    pub(super) store: StoreSeen,
    pub(super) own: OwnSeen,
}

/// One route's server.
#[derive(Debug)]
pub(super) struct RouteSeen {
    pub(super) route: Route,
    /// Addresses of the server's name; `None` where an address stands.
    pub(super) addresses: Option<Result<Vec<IpAddr>, ResolveError>>,
    pub(super) connection: Result<ConnectionSeen, String>,
    /// None where there was no connection to speak over.
    pub(super) session: Option<Result<SessionSeen, SessionTrouble>>,
    /// The leaf that the server showed, accepted or not.
    pub(super) certificate: Option<Certificate>,
    /// What the sending address is called; looked up for relays alone.
    pub(super) sender: Option<SenderSeen>,
}

#[derive(Clone, Debug)]
pub(super) struct ConnectionSeen {
    pub(super) peer: IpAddr,
    /// The address that we called from.
    pub(super) local: IpAddr,
    pub(super) took: Duration,
}

#[derive(Clone, Debug)]
pub(super) struct SessionSeen {
    pub(super) greeting: String,
    /// Of the EHLO that counts: under TLS where there is TLS.
    pub(super) features: Features,
    pub(super) tls: Option<TlsFacts>,
    /// Our clock when it had been said.
    pub(super) at: Timestamp,
}

/// Where the conversation stopped, and why.
#[derive(Clone, Debug)]
pub(super) struct SessionTrouble {
    pub(super) stage: Stage,
    pub(super) why: String,
    /// It is the certificate that was not accepted.
    pub(super) is_certificate: bool,
}

/// How far a conversation came, seen from one of its stages.
#[derive(Debug)]
pub(super) enum Reached<'a> {
    /// Past it. The session itself only when it was not lost later on.
    Passed(Option<&'a SessionSeen>),
    Failed(&'a SessionTrouble),
    /// It stopped before.
    StoppedBefore(String),
}

impl RouteSeen {
    pub(super) fn subject(&self) -> String {
        format!("route {}", self.route.name)
    }

    pub(super) fn reached(&self, stage: Stage) -> Reached<'_> {
        match &self.session {
            None => Reached::StoppedBefore("there is no connection".to_owned()),
            Some(Ok(session)) => Reached::Passed(Some(session)),
            Some(Err(trouble)) if trouble.stage == stage => Reached::Failed(trouble),
            Some(Err(trouble)) if trouble.stage > stage => Reached::Passed(None),
            Some(Err(trouble)) => {
                Reached::StoppedBefore(format!("the conversation ended at {}", trouble.stage))
            }
        }
    }

    /// The whole conversation, if it came to its end.
    pub(super) fn session(&self) -> Option<&SessionSeen> {
        self.session
            .as_ref()
            .and_then(|session| session.as_ref().ok())
    }
}

#[derive(Debug)]
pub(super) struct SenderSeen {
    pub(super) names: Result<Vec<String>, ResolveError>,
    /// Whether the first name leads back to the address.
    pub(super) leads_back: bool,
}

/// One client registration.
#[derive(Debug)]
pub(super) struct TokenSeen {
    pub(super) name: String,
    pub(super) url: String,
    pub(super) outcome: TokenOutcome,
    pub(super) certificate: Option<Certificate>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenOutcome {
    Obtained {
        took: Duration,
    },
    /// Not to be asked again; `unrecorded` where that could not be written down.
    Refused {
        why: String,
        unrecorded: Option<String>,
    },
    Failed(String),
    NotTried(String),
}

#[derive(Debug)]
pub(super) struct AccountSeen {
    pub(super) account: Account,
    pub(super) sign_in: SignInSeen,
    pub(super) sent_items: SentItemsSeen,
}

/// The folder that mail in doubt is looked for in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SentItemsSeen {
    /// The route does not say where its sent mail is kept.
    NotConfigured,
    Opened {
        folder: String,
        messages: u32,
    },
    Refused {
        text: String,
        unrecorded: Option<String>,
    },
    /// An earlier refusal stands: nothing was tried.
    BreakerOpen {
        since: Timestamp,
        reply: String,
    },
    /// Signed in, and there is no such folder.
    NoFolder(String),
    Failed(String),
    NotTried(String),
}

impl AccountSeen {
    pub(super) fn subject(&self) -> String {
        subject_of(&self.account)
    }
}

pub(super) fn subject_of(account: &Account) -> String {
    format!("account {}", account.address)
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum SignInSeen {
    SignedIn {
        took: Duration,
    },
    Refused {
        reply: Reply,
        unrecorded: Option<String>,
    },
    /// An earlier refusal stands: nothing was tried.
    BreakerOpen {
        since: Timestamp,
        reply: String,
    },
    /// It came to no answer that says anything of the credential.
    Failed(String),
    NotTried(String),
}

#[derive(Debug, Default)]
pub(super) struct SecretsSeen {
    /// Why none can be had, where none can.
    pub(super) unusable: Option<String>,
    pub(super) each: Vec<SecretSeen>,
    /// Pairs of accounts whose passwords are the same.
    pub(super) shared: Vec<(String, String)>,
}

/// One reference; nothing of the secret but its length.
#[derive(Clone, Debug)]
pub(super) struct SecretSeen {
    pub(super) reference: String,
    /// What it is for: `account a@b.example`, `oauth nhsmail`, `callback of x`.
    pub(super) purpose: String,
    pub(super) found: Result<FoundSecret, String>,
    /// The least length that its account's password must have.
    pub(super) characters_min: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct FoundSecret {
    pub(super) characters: u64,
    pub(super) version: String,
}

#[derive(Debug, Default)]
pub(super) struct StoreSeen {
    pub(super) state: StoreState,
    /// Why nothing can be written there.
    pub(super) unwritable: Option<String>,
    pub(super) free_octets: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum StoreState {
    #[default]
    NotLookedAt,
    /// No gateway has run here yet.
    Absent,
    /// Open, or held by the gateway that this runs in.
    Sound,
    /// Another process holds it.
    InUse(String),
    Unusable(String),
}

#[derive(Debug, Default)]
pub(super) struct OwnSeen {
    /// None where no TLS is configured.
    pub(super) certificate: Option<Result<Certificate, String>>,
    pub(super) listeners: Vec<ListenerSeen>,
    /// Why the listeners were not called.
    pub(super) not_called: Option<String>,
}

/// One of our own doors, called as a stranger would.
#[derive(Debug)]
pub(super) struct ListenerSeen {
    pub(super) name: &'static str,
    pub(super) address: String,
    pub(super) tls: Option<TlsFacts>,
    pub(super) outcome: ListenerOutcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListenerOutcome {
    /// A message from nobody to elsewhere was refused, in these words.
    Closed(String),
    /// It would have been taken.
    Open,
    /// Nothing can be said.
    Failed(String),
}
