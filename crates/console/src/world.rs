//! One world of the twin: what its pages ask, and how a request names it.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use serde::Deserialize;

use crate::Console;
use crate::links::WorldLinks;
use crate::page::Problem;
use crate::source::{Answer, Item};
use crate::view::{
    AccountAct, AccountDetail, AccountFilter, AccountView, Cursor, ItemKey, MailboxFilter,
    MailboxView, Page, RehearsalAct, RehearsalView, ServiceEvent, ServiceEventFilter,
    ServiceEventPage, SessionFilter, SessionPage, SessionView, Standing,
};

/// All that is asked and done within one world.
pub trait World: Send + Sync {
    /// Its name; `None` for the default world.
    fn name(&self) -> Option<&str>;

    /// What everybody must know while it lasts. Asked once for each page.
    fn standing(&self) -> Standing;

    fn accounts(&self, filter: AccountFilter) -> Answer<'_, Page<AccountView>>;

    /// The row of one account.
    fn account_row(&self, account: String) -> Answer<'_, AccountView>;

    fn account(&self, account: String) -> Answer<'_, AccountDetail>;

    /// Does `act` in the name of `who`, and writes it down.
    fn account_act(&self, account: String, act: AccountAct, who: String) -> Answer<'_, ()>;

    fn mailbox(&self, account: String, filter: MailboxFilter) -> Answer<'_, MailboxView>;

    /// One item with its bytes. Looking marks nothing as seen.
    fn item(&self, key: ItemKey) -> Answer<'_, Item>;

    /// What the twin did, newest first.
    fn events(&self, filter: ServiceEventFilter) -> Answer<'_, ServiceEventPage>;

    /// What is remembered of a message, oldest first; `named` is its number or
    /// its Message-ID.
    fn trace(&self, named: String) -> Answer<'_, Vec<ServiceEvent>>;

    /// The number of the latest event.
    fn latest_event(&self) -> u64;

    /// The events after `cursor` as soon as there are any, oldest first; after
    /// a while without, none. [`crate::SourceError::Unavailable`] once there is
    /// nothing more to hear.
    fn hear(&self, cursor: u64) -> Answer<'_, Vec<ServiceEvent>>;

    fn sessions(&self, filter: SessionFilter) -> Answer<'_, SessionPage>;

    /// One session with up to `limit` of its lines from `cursor` on.
    fn session(&self, id: String, cursor: Option<Cursor>, limit: usize) -> Answer<'_, SessionView>;

    fn rehearsal(&self) -> Answer<'_, RehearsalView>;

    /// Does `act` in the name of `who`, and writes it down.
    fn rehearse(&self, act: RehearsalAct, who: String) -> Answer<'_, ()>;
}

/// The world that a request is about: `?world=NAME`, or the default one.
pub(crate) struct InWorld {
    pub(crate) source: Box<dyn World>,
    pub(crate) links: WorldLinks,
}

#[derive(Deserialize)]
struct Asked {
    world: Option<String>,
}

impl InWorld {
    /// The default world, for the pages of none.
    pub(crate) fn default_of(console: &Console) -> Option<Self> {
        let source = console.source.world(None).ok()?;
        let links = WorldLinks::new(None);
        Some(Self { source, links })
    }
}

impl FromRequestParts<Arc<Console>> for InWorld {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut Parts,
        console: &Arc<Console>,
    ) -> Result<Self, Problem> {
        let Query(asked) = Query::<Asked>::try_from_uri(&parts.uri)
            .map_err(|rejected| Problem::Other(rejected.status()))?;
        let name = asked.world.filter(|name| !name.is_empty());
        let source = console.source.world(name.as_deref())?;
        let links = WorldLinks::new(source.name());
        Ok(Self { source, links })
    }
}
