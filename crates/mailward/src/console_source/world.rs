//! One world of the twin, as the console asks for it.

use mailward_console::view::{
    AccountAct, AccountDetail, AccountFilter, AccountView, Cursor, ItemKey, MailboxFilter,
    MailboxView, Page, RehearsalAct, RehearsalView, ServiceEvent, ServiceEventFilter,
    ServiceEventPage, SessionFilter, SessionPage, SessionView, Standing,
};
use mailward_console::{Answer, Item, SourceError, World};
use mailward_twin::portal::Desk;

use super::twin_events;

/// What the pages of one world ask; the files beside this one answer.
#[derive(Clone, Debug)]
pub(super) struct WorldPart {
    pub(super) desk: Desk,
}

impl WorldPart {
    pub(super) fn of(desk: Desk) -> Self {
        Self { desk }
    }
}

impl World for WorldPart {
    fn name(&self) -> Option<&str> {
        (!self.desk.is_main()).then(|| self.desk.name())
    }

    fn standing(&self) -> Standing {
        let standing = self.desk.standing();
        Standing {
            faults: standing.faults,
            clock: standing.clock,
            as_of: standing.as_of.map(|day| day.to_date()),
        }
    }

    fn accounts(&self, filter: AccountFilter) -> Answer<'_, Page<AccountView>> {
        Box::pin(self.account_page(filter))
    }

    fn account_row(&self, account: String) -> Answer<'_, AccountView> {
        Box::pin(async move { self.account_row(&account).await })
    }

    fn account(&self, account: String) -> Answer<'_, AccountDetail> {
        Box::pin(async move { self.account_detail(&account).await })
    }

    fn account_act(&self, account: String, act: AccountAct, who: String) -> Answer<'_, ()> {
        Box::pin(async move { self.change_account(&account, act, &who).await })
    }

    fn mailbox(&self, account: String, filter: MailboxFilter) -> Answer<'_, MailboxView> {
        Box::pin(async move { self.mailbox(&account, filter).await })
    }

    fn item(&self, key: ItemKey) -> Answer<'_, Item> {
        Box::pin(self.item(key))
    }

    fn events(&self, filter: ServiceEventFilter) -> Answer<'_, ServiceEventPage> {
        Box::pin(async move { Ok(self.service_events(&filter)) })
    }

    fn trace(&self, named: String) -> Answer<'_, Vec<ServiceEvent>> {
        Box::pin(async move { Ok(self.trace(&named)) })
    }

    fn latest_event(&self) -> u64 {
        self.desk.latest_event()
    }

    fn hear(&self, cursor: u64) -> Answer<'_, Vec<ServiceEvent>> {
        Box::pin(async move {
            let heard = self.desk.hear(cursor).await;
            let heard = heard.ok_or_else(|| SourceError::Unavailable("It stops.".to_owned()))?;
            Ok(heard.into_iter().map(twin_events::view).collect())
        })
    }

    fn sessions(&self, filter: SessionFilter) -> Answer<'_, SessionPage> {
        Box::pin(async move { Ok(self.session_page(&filter)) })
    }

    fn session(&self, id: String, cursor: Option<Cursor>, limit: usize) -> Answer<'_, SessionView> {
        Box::pin(async move { self.session_view(&id, cursor.as_ref(), limit) })
    }

    fn rehearsal(&self) -> Answer<'_, RehearsalView> {
        Box::pin(async move { Ok(self.rehearsal_view()) })
    }

    fn rehearse(&self, act: RehearsalAct, who: String) -> Answer<'_, ()> {
        Box::pin(async move { self.rehearsal_act(act, &who) })
    }
}
