//! What can be asserted of an application's conduct: the one list of checks,
//! each judged by the event log and the transcripts.
//!
//! ```text
//!   event log ───┐
//!                ├─▶ Facts ─▶ check ─▶ Verdict: holds or not, and where not
//!   transcripts ─┘   (session.rs)
//! ```
//!
//! A check of what must not happen holds as long as it has not. A check of
//! what must be seen (TLS, a retry, QUIT) fails when there was nothing to see.

mod checks;
mod session;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use mailward_mail::Timestamp;
use mailward_policy::ClauseId;
use mailward_policy::clause::{dhc, eng, guide};
use serde::{Deserialize, Serialize};

use crate::events::{Event, EventLog};
use crate::faults::Protocol;
use crate::sessions::Sessions;
use crate::worlds::split_user;
use session::{Session, Transaction};

/// Breaches named in one verdict; more are counted.
const BREACHES_MAX: usize = 20;

/// One check.
#[derive(Clone, Copy)]
pub(crate) struct Check {
    pub(crate) id: &'static str,
    /// What an application does that passes.
    pub(crate) says: &'static str,
    pub(crate) clauses: &'static [ClauseId],
    /// Parameters beside those that every check takes.
    pub(crate) takes: &'static [&'static str],
    judge: fn(&Wish, &Facts) -> Verdict,
}

/// Parameters of every check.
pub(crate) const TAKEN_BY_ALL: [&str; 3] = ["account", "protocols", "since"];

macro_rules! checks {
    ($($id:literal [$($clause:expr),*] ($($takes:literal),*) $judge:ident $says:literal;)*) => {
        pub(crate) const CHECKS: &[Check] = &[$(Check {
            id: $id,
            says: $says,
            clauses: &[$($clause),*],
            takes: &[$($takes),*],
            judge: checks::$judge,
        }),*];
    };
}

checks! {
    "no-refused-sign-in-again" [guide(34), guide(36), guide(37)] ("max") no_refused_sign_in_again
        "does not try a sign-in again that was refused, until somebody has changed the account";
    "retries-after-busy" [guide(82)] ("codes", "seconds_min", "seconds_max") retries_after_busy
        "brings a message again that was refused with 4xx, after a pause";
    "messages-per-minute" [guide(79), guide(80)] ("max") messages_per_minute
        "sends no more messages of one account within a minute than the limit";
    "connections-at-once" [guide(79), guide(80)] ("max") connections_at_once
        "has no more sessions of one account open at once than the limit";
    "recipients-per-message" [guide(68)] ("max") recipients_per_message
        "names no more recipients in a message than the limit";
    "reuses-connections" [guide(80)] ("min") reuses_connections
        "sends several messages over one connection";
    "uses-tls" [eng(5), eng(11), eng(17), dhc(11), dhc(19), dhc(23)] ("version_min") uses_tls
        "uses TLS of the least version or better, before it signs in or sends";
    "signs-in-by-token" [guide(109), guide(110)] () signs_in_by_token
        "signs in with OAuth tokens alone";
    "says-goodbye" [] () says_goodbye
        "ends each session with QUIT or LOGOUT (RFC 5321 section 4.1.1.10)";
    "sends-only-to" [guide(99)] ("domains") sends_only_to
        "names no recipient outside the domains given";
    "no-offences" [guide(42)] ("only", "except") no_offences
        "is punished by no behaviour of the twin";
}

/// A check with its parameters, as a client asks for it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    pub(crate) conduct: String,
    /// Only what this account did.
    account: Option<String>,
    /// Only on these protocols.
    protocols: Option<Vec<Protocol>>,
    /// Only what began at this moment of the twin's clock or later.
    since: Option<Timestamp>,
    max: Option<u64>,
    min: Option<u64>,
    /// Replies that count as busy: `432`, `4`.
    codes: Option<Vec<String>>,
    seconds_min: Option<u64>,
    seconds_max: Option<u64>,
    /// `1.2` or `1.3`.
    version_min: Option<String>,
    domains: Option<Vec<String>>,
    /// Behaviours, by id.
    only: Option<Vec<String>>,
    except: Option<Vec<String>>,
}

/// What became of a check.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Verdict {
    pub(crate) holds: bool,
    /// In a sentence.
    pub(crate) says: String,
    /// Sessions, messages or sign-ins that were looked at.
    pub(crate) judged: usize,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) breaches: Vec<Breach>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Breach {
    pub(crate) at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<String>,
    pub(crate) text: String,
}

/// What happened, as far as a wish looks at it.
struct Facts {
    events: Vec<Event>,
    /// The oldest first.
    sessions: Vec<Session>,
    /// Who signed in, or tried to, by session.
    accounts: HashMap<String, String>,
}

/// Judges by all that the log and the transcripts of a world still have.
pub(crate) fn judge(
    wish: &Wish,
    events: &EventLog,
    sessions: &Sessions,
) -> Result<Verdict, String> {
    let check = CHECKS.iter().find(|check| check.id == wish.conduct);
    let Some(check) = check else {
        let known: Vec<&str> = CHECKS.iter().map(|check| check.id).collect();
        let (wish, known) = (&wish.conduct, known.join(", "));
        return Err(format!("there is no conduct {wish}; there are {known}"));
    };
    wish.check(check)?;
    let facts = Facts::gather(wish, events, sessions);
    Ok((check.judge)(wish, &facts))
}

impl Wish {
    /// A parameter that the check does not look at would pass unseen.
    fn check(&self, check: &Check) -> Result<(), String> {
        let given = [
            ("max", self.max.is_some()),
            ("min", self.min.is_some()),
            ("codes", self.codes.is_some()),
            ("seconds_min", self.seconds_min.is_some()),
            ("seconds_max", self.seconds_max.is_some()),
            ("version_min", self.version_min.is_some()),
            ("domains", self.domains.is_some()),
            ("only", self.only.is_some()),
            ("except", self.except.is_some()),
        ];
        for (name, is_given) in given {
            if is_given && !check.takes.contains(&name) {
                let takes = [check.takes, &TAKEN_BY_ALL].concat().join(", ");
                return Err(format!("{} takes no {name}; it takes {takes}", check.id));
            }
        }
        if check.takes.contains(&"domains") && self.domains.is_none() {
            return Err(format!("{} needs domains", check.id));
        }
        match self.version_min.as_deref() {
            None | Some("1.2" | "1.3") => Ok(()),
            Some(other) => Err(format!("version_min {other} is none; write 1.2 or 1.3")),
        }
    }
}

impl Facts {
    fn gather(wish: &Wish, log: &EventLog, sessions: &Sessions) -> Self {
        // As many as are kept, which is bounded there.
        let mut events = log.after(0, usize::MAX);
        let mut accounts = HashMap::new();
        for event in &mut events {
            // A client may have named the world it meant.
            let own = |user: &String| split_user(user).0.to_ascii_lowercase();
            event.account = event.account.as_ref().map(own);
            let Some(session) = &event.session else {
                continue;
            };
            if let Some(account) = &event.account
                && matches!(event.kind, "signed_in" | "refused")
            {
                accounts.insert(session.clone(), account.clone());
            }
        }
        let mut sessions = read_all(sessions);
        sessions.sort_by_key(|session| session.begun);
        let account = wish.account.as_ref().map(|one| one.to_ascii_lowercase());
        let since = |at: Timestamp| wish.since.is_none_or(|since| at >= since);
        let protocol = |name: &str| {
            let all = wish.protocols.as_ref();
            all.is_none_or(|all| all.iter().any(|one| one.as_str() == name))
        };
        sessions.retain(|session| {
            let own = accounts.get(&session.name);
            since(session.begun)
                && protocol(session.protocol.as_str())
                && account.as_ref().is_none_or(|account| own == Some(account))
        });
        // What an administrator did counts for everybody whom it is about.
        events.retain(|event| {
            since(event.at)
                && (event.protocol == "control" || protocol(event.protocol))
                && (account.is_none() || event.account.is_none() || event.account == account)
        });
        Self {
            events,
            sessions,
            accounts,
        }
    }

    /// Every message that was begun, with the session, in time.
    fn transactions(&self) -> Vec<(&Session, &Transaction)> {
        let of = |session| move |one| (session, one);
        let mut all: Vec<_> = self
            .sessions
            .iter()
            .flat_map(|session| session.transactions.iter().map(of(session)))
            .collect();
        all.sort_by_key(|(_, transaction)| transaction.began);
        all
    }

    /// Whose session it is: the account, or the sender of its mail.
    fn account<'a>(&'a self, session: &'a Session) -> Option<&'a str> {
        let sender = session.transactions.first().map(|one| one.from.as_str());
        let account = self.accounts.get(&session.name).map(String::as_str);
        account.or(sender)
    }
}

fn read_all(sessions: &Sessions) -> Vec<Session> {
    // As many as are kept, which is bounded there.
    let views = sessions.list(0, usize::MAX);
    let wanted = views.iter().filter(|view| view.protocol != Protocol::Http);
    wanted
        .filter_map(|view| sessions.transcript(&view.id))
        .map(|transcript| Session::read(&transcript))
        // Who only looks whether a port is open behaves in no way.
        .filter(|session| session.has_spoken)
        .collect()
}

impl Verdict {
    /// `must_be_seen` says what there should have been something of.
    fn of(judged: usize, mut breaches: Vec<Breach>, says: String, must_be_seen: bool) -> Self {
        if breaches.is_empty() && judged == 0 && must_be_seen {
            return Self {
                holds: false,
                says: "nothing happened that this could be seen by".to_owned(),
                ..Self::default()
            };
        }
        let more = breaches.len().saturating_sub(BREACHES_MAX);
        breaches.truncate(BREACHES_MAX);
        let says = match (breaches.first(), more) {
            (None, _) => says,
            (Some(first), 0) => format!("{says}: {}", first.text),
            (Some(first), more) => format!("{says}: {}; {more} more are not named", first.text),
        };
        Self {
            holds: breaches.is_empty(),
            says,
            judged,
            breaches,
        }
    }
}
