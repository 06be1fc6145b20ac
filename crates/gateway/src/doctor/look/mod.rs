//! Looking: everything that takes time, each step within its limit.
//!
//! ```text
//!   secrets, store ─▶ servers and token endpoints ─▶ sign-ins, own doors ─▶ Seen
//!                     all routes side by side         one an account
//! ```

mod own;
mod secrets;
mod sent_items;
mod server;
mod sign_in;
mod store;
mod token;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join};
use futures_util::stream;
use futures_util::{FutureExt as _, StreamExt as _};
use mailward_mail::{Clock, Timestamp};
use mailward_net::{Resolver, Trust};

use super::ledger::Ledger;
use super::seen::{AccountSeen, OwnSeen, Seen, SentItemsSeen, SignInSeen, StoreSeen, StoreState};
use super::{Doctor, Look};
use crate::config::{Application, Config};
use crate::password::account_ages;
use crate::secrets::Secrets;

/// Servers called, or accounts signed in, at one time.
const AT_ONCE_MAX: usize = 8;

/// What every look needs.
#[derive(Clone, Debug)]
pub(super) struct Surroundings {
    pub(super) config: Arc<Config>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) resolver: Arc<dyn Resolver>,
    pub(super) secrets: Result<Arc<Secrets>, String>,
    /// The most that one step may take.
    pub(super) step: Duration,
    /// No step begins that could end after this.
    pub(super) until: Timestamp,
}

impl Surroundings {
    /// Whether there is time left for `steps` more; the error says that not.
    fn time_for(&self, steps: u32) -> Result<(), String> {
        let end = self.clock.now().plus(self.step.saturating_mul(steps));
        if end <= self.until {
            Ok(())
        } else {
            Err("no time was left; look at fewer things at a time with --account, --route or --check, or give each step less with --timeout".to_owned())
        }
    }
}

/// Looks at what the chosen checks need.
pub(super) async fn look(doctor: Doctor, looks: &[Look], at: Timestamp) -> Seen {
    let wants = |look: Look| looks.contains(&look);
    let surroundings = Surroundings {
        until: doctor.clock.now().plus(doctor.times.whole),
        step: doctor.times.step,
        config: Arc::clone(&doctor.config),
        clock: Arc::clone(&doctor.clock),
        resolver: Arc::clone(&doctor.resolver),
        secrets: doctor.secrets.clone(),
    };
    let here = &surroundings;
    let secrets = secrets::look(here);
    let (ledger, state, applications) = record(&doctor, wants(Look::Store)).await;
    let store = if wants(Look::Store) {
        store::look(&here.config, state.clone())
    } else {
        StoreSeen::default()
    };

    let (asks_servers, signs_in) = (wants(Look::Server), wants(Look::SignIn));
    let routes = here.config.routes.iter().filter(|_| asks_servers);
    let servers = routes.map(|route| server::look(here, route).boxed());
    let servers = each(servers.collect());
    let clients = here.config.oauth.iter().filter(|_| signs_in);
    let tokens = clients.map(|(name, client)| token::look(here, &ledger, name, client).boxed());
    let tokens = each(tokens.collect());
    let (routes, tokens) = join(servers, tokens).await;
    let accounts = here.config.accounts.iter().filter(|_| signs_in);
    let sign_ins =
        accounts.map(|account| sign_in::look(here, &ledger, &routes, &tokens, account).boxed());
    let sign_ins = each(sign_ins.collect());
    let own = async {
        if wants(Look::Own) {
            own::look(here, doctor.standing.as_ref(), &state).await
        } else {
            OwnSeen::default()
        }
    };
    let (sign_ins, own) = join(sign_ins, own).await;
    let signed_in = here.config.accounts.iter().zip(&sign_ins);
    let sent_items = signed_in
        .map(|(account, seen)| sent_items::look(here, &ledger, &tokens, account, seen).boxed());
    let sent_items = each(sent_items.collect()).await;
    ledger.close().await;
    let accounts = here.config.accounts.iter().enumerate();
    let accounts = accounts.map(|(index, account)| AccountSeen {
        account: account.clone(),
        sign_in: sign_ins
            .get(index)
            .cloned()
            .unwrap_or_else(|| SignInSeen::NotTried("not asked for".to_owned())),
        sent_items: sent_items
            .get(index)
            .cloned()
            .unwrap_or_else(|| SentItemsSeen::NotTried("not asked for".to_owned())),
    });
    let ages = account_ages(&here.config, here.secrets.as_deref().ok(), at);
    Seen {
        accounts: accounts.collect(),
        ages,
        applications: applications.unwrap_or_else(|| here.config.applications.clone()),
        config: Arc::clone(&here.config),
        at,
        routes,
        tokens: tokens.into_iter().map(|looked| looked.seen).collect(),
        secrets,
        store,
        own,
    }
}

/// The record of refusals, and the register beside it.
async fn record(
    doctor: &Doctor,
    is_wanted: bool,
) -> (Ledger, StoreState, Option<Vec<Application>>) {
    let (config, clock) = (Arc::clone(&doctor.config), Arc::clone(&doctor.clock));
    let dice = Arc::clone(&doctor.dice);
    match &doctor.standing {
        Some(standing) => {
            let ledger = Ledger::of(standing.queue.clone(), config, clock, dice);
            (
                ledger,
                StoreState::Sound,
                Some(standing.applications.clone()),
            )
        }
        None if is_wanted => Ledger::open(config, clock, dice).await,
        None => (
            Ledger::nowhere(config, clock, dice),
            StoreState::NotLookedAt,
            None,
        ),
    }
}

/// Does all of it, a few at a time, and keeps its order.
async fn each<R>(work: Vec<BoxFuture<'_, R>>) -> Vec<R> {
    stream::iter(work).buffered(AT_ONCE_MAX).collect().await
}

/// Whose word is taken for a server's certificate.
fn trust(ca_file: Option<&PathBuf>) -> Trust {
    ca_file.cloned().map_or(Trust::System, Trust::CaFile)
}
