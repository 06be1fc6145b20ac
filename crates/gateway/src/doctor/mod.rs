//! The preflight: looks at everything that a configuration needs before mail
//! depends on it, and says what is wrong with it in whose words.
//!
//! ```text
//!   Doctor ─▶ look (I/O, each step within its time) ─▶ Seen ─▶ every check ─▶ Report
//! ```
//!
//! A [`Check`] is a pure function over what was seen, as a rule is one over
//! facts. One file each in `check`, and one list, [`CHECKS`].
//!
//! Nothing is sent. A credential is tried once at the most, and not at all
//! when the service has refused this version of it before (GUIDE-34); a
//! refusal met here opens the gateway's own breaker, so that the gateway does
//! not try it again either.

mod check;
mod finding;
mod ledger;
mod look;
mod production;
pub(crate) use production::is_production;
mod replies;
mod seen;
#[cfg(test)]
mod testing;

use std::fmt::{self, Write as _};
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Clock, Dice, Timestamp};
use mailward_net::{Resolver, ServerIdentity};
use mailward_policy::{ApplicationState, ClauseId};
use mailward_queue::Queue;

use self::finding::Findings;
use self::seen::Seen;
use crate::config::{Account, Application, Config, Mechanism};
use crate::gateway::Addresses;
use crate::secrets::Secrets;

pub use finding::{Finding, Report, Severity};

/// One thing that is checked.
#[derive(Clone, Copy, Debug)]
pub struct Check {
    /// As `--check` and the report name it.
    pub id: &'static str,
    pub title: &'static str,
    pub clauses: &'static [ClauseId],
    /// What is looked at, and when it is an error.
    pub about: &'static str,
    looks: &'static [Look],
    judge: fn(&Seen, &mut Findings<'_>),
}

/// What has to be looked at for a check, beside the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Look {
    /// Names, connections, greetings, TLS.
    Server,
    /// Tokens and sign-ins.
    SignIn,
    Store,
    /// Our own listeners.
    Own,
}

/// Every check, in the order of the report.
pub const CHECKS: &[Check] = &[
    check::server_name::CHECK,
    check::server_port::CHECK,
    check::server_greeting::CHECK,
    check::starttls::CHECK,
    check::tls_version::CHECK,
    check::server_certificate::CHECK,
    check::mechanism::CHECK,
    check::message_size::CHECK,
    check::clock::CHECK,
    check::oauth_token::CHECK,
    check::sign_in::CHECK,
    check::smtp_enabled::CHECK,
    check::sent_items::CHECK,
    check::mailbox_quota::CHECK,
    check::password_age::CHECK,
    check::retirements::CHECK,
    check::relay_sender::CHECK,
    check::relay_terms::CHECK,
    check::test_apart::CHECK,
    check::register::CHECK,
    check::accounts_apart::CHECK,
    check::secrets::CHECK,
    check::store_folder::CHECK,
    check::own_certificate::CHECK,
    check::own_listeners::CHECK,
];

/// The table of the reference page.
pub fn checks_table() -> String {
    let mut table = String::from("| check | looks at | clauses |\n| --- | --- | --- |\n");
    for check in CHECKS {
        let clauses: Vec<String> = check.clauses.iter().map(ClauseId::to_string).collect();
        let _ = writeln!(
            table,
            "| `{}` | **{}.** {} | {} |",
            check.id,
            check.title,
            check.about,
            clauses.join(", ")
        );
    }
    table
}

/// How long things may take.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// One step: a look-up, a connection, a conversation, a sign-in.
    pub step: Duration,
    /// All of it: no step begins that could end later.
    pub whole: Duration,
}

impl Default for Times {
    /// The service takes up to 17 seconds to refuse a sign-in.
    fn default() -> Self {
        Self {
            step: Duration::from_secs(30),
            whole: Duration::from_secs(15 * 60),
        }
    }
}

/// What to leave out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only this account, its route and its applications.
    pub account: Option<String>,
    /// Only this route, its accounts and its applications.
    pub route: Option<String>,
    pub check: Option<String>,
}

/// A question that names something which is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    #[error("there is no check {0}; the report names them all")]
    NoSuchCheck(String),
    #[error("the configuration has no account {0}")]
    NoSuchAccount(String),
    #[error("the configuration has no route {0}")]
    NoSuchRoute(String),
}

/// The parts of a gateway that runs.
#[derive(Clone)]
pub struct Standing {
    pub queue: Queue,
    /// Of its register.
    pub applications: Vec<Application>,
    pub addresses: Addresses,
    pub identity: Option<ServerIdentity>,
}

impl fmt::Debug for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standing")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// What a preflight is made with.
#[derive(Clone, Debug)]
pub struct Doctor {
    pub config: Arc<Config>,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    pub resolver: Arc<dyn Resolver>,
    /// Or why there are none.
    pub secrets: Result<Arc<Secrets>, String>,
    /// The gateway that this runs in, if it does.
    pub standing: Option<Standing>,
    pub times: Times,
    /// Dates are measured against this day instead of the clock's.
    pub at: Option<Timestamp>,
}

impl Doctor {
    /// Looks, judges, and reports.
    pub async fn examine(mut self, scope: &Scope) -> Result<Report, ScopeError> {
        let chosen = chosen(scope)?;
        self.config = Arc::new(narrowed(&self.config, scope)?);
        let at = self.at.unwrap_or_else(|| self.clock.now());
        let mut looks: Vec<Look> = chosen
            .iter()
            .flat_map(|check| check.looks)
            .copied()
            .collect();
        if looks.contains(&Look::SignIn) {
            // A sign-in needs a server, and a place to record its refusal.
            looks.extend([Look::Server, Look::Store]);
        }
        if looks.contains(&Look::Own) {
            looks.push(Look::Store);
        }
        let seen = look::look(self, &looks, at).await;
        let mut findings = judge(&seen, &chosen);
        if scope.route.is_none() {
            lighten_unused(&mut findings, &seen);
        }
        Ok(Report::new(at, findings))
    }
}

fn judge(seen: &Seen, checks: &[&Check]) -> Vec<Finding> {
    let judged = checks.iter().flat_map(|check| {
        let mut findings = Findings::of(check);
        (check.judge)(seen, &mut findings);
        findings.into_vec()
    });
    judged.collect()
}

/// No mail waits for a route that nobody sends by: what is wrong with it is
/// worth knowing, and no more, unless it is the one that was asked about.
fn lighten_unused(findings: &mut [Finding], seen: &Seen) {
    for route in &seen.config.routes {
        let of_account = |account: &Account| account.route == route.name;
        let of_application = |one: &Application| {
            one.state != ApplicationState::Retired
                && (one.route == route.name || one.high_sending_route.as_ref() == Some(&route.name))
        };
        let is_used = seen.config.accounts.iter().any(of_account)
            || seen.applications.iter().any(of_application);
        let subject = format!("route {}", route.name);
        let of_route = findings.iter_mut().filter(|one| one.subject == subject);
        for finding in of_route.filter(|one| !is_used && one.severity > Severity::Note) {
            finding.severity = Severity::Note;
            finding.seen.push_str("; nobody sends by this route");
        }
    }
}

fn chosen(scope: &Scope) -> Result<Vec<&'static Check>, ScopeError> {
    let Some(id) = &scope.check else {
        return Ok(CHECKS.iter().collect());
    };
    let found: Vec<&Check> = CHECKS.iter().filter(|check| check.id == id).collect();
    if found.is_empty() {
        return Err(ScopeError::NoSuchCheck(id.clone()));
    }
    Ok(found)
}

/// The configuration without what the scope leaves out.
fn narrowed(config: &Config, scope: &Scope) -> Result<Config, ScopeError> {
    let mut config = config.clone();
    if let Some(name) = &scope.route {
        config.routes.retain(|route| route.name.as_str() == name);
        if config.routes.is_empty() {
            return Err(ScopeError::NoSuchRoute(name.clone()));
        }
        config
            .accounts
            .retain(|account| account.route.as_str() == name);
    }
    if let Some(text) = &scope.account {
        let is_meant = |address: &mailward_mail::Address| address.key() == text.to_lowercase();
        config.accounts.retain(|account| is_meant(&account.address));
        if config.accounts.is_empty() {
            return Err(ScopeError::NoSuchAccount(text.clone()));
        }
        let accounts = &config.accounts;
        config
            .routes
            .retain(|route| accounts.iter().any(|account| account.route == route.name));
    }
    if scope.route.is_some() || scope.account.is_some() {
        let Config {
            routes,
            accounts,
            applications,
            oauth,
            ..
        } = &mut config;
        applications.retain(|one| accounts.iter().any(|account| account.name() == one.account));
        oauth.retain(|name, _| {
            let uses = |mechanism: &Mechanism| matches!(mechanism, Mechanism::XOAuth2 { oauth } if oauth == name);
            routes.iter().any(|route| uses(&route.mechanism))
        });
    }
    Ok(config)
}

#[cfg(test)]
mod tests;
