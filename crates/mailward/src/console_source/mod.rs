//! What the console shows, fetched from the halves that run here.
//!
//! ```text
//!   console ── Source ──▶ ConsoleSource ─┬─ gateway ── queue, register, alarms
//!                                        └─ twin ───── accounts, mailboxes
//! ```

mod attempt;
mod control;
mod gateway;
#[cfg(test)]
mod gateway_tests;
mod message;
mod twin;
mod twin_events;
#[cfg(test)]
mod twin_tests;
mod verdict;

use std::sync::Arc;

use mailward_console::view::{
    AccountFilter, AccountView, Action, ControlAct, ControlDone, ControlView, ItemKey,
    MailboxFilter, MailboxView, MessageFilter, MessageRow, MessageView, Overview, Page,
    ServiceEventFilter, ServiceEventPage, StoreHealth,
};
use mailward_console::{Answer, Halves, Item, Source, SourceError};
use mailward_gateway::deliver::{Alarms, SendingLimits};
use mailward_gateway::observe::Observe;
use mailward_gateway::{Config, Register};
use mailward_mail::{Clock, MessageId};
use mailward_mailbox::Mailboxes;
use mailward_queue::{Queue, RerouteJudge};
use mailward_store::{Health, Store};
use mailward_twin::{Accounts, EventLog, Faults, Throttling};

/// The gateway's half.
#[derive(Clone, Debug)]
pub(crate) struct GatewayPart {
    pub(crate) queue: Queue,
    pub(crate) sending_limits: SendingLimits,
    pub(crate) config: Arc<Config>,
    pub(crate) alarms: Alarms,
    pub(crate) observe: Observe,
    pub(crate) register: Arc<Register>,
    pub(crate) judge: RerouteJudge,
}

/// The twin's half.
#[derive(Clone, Debug)]
pub(crate) struct TwinPart {
    pub(crate) accounts: Accounts,
    pub(crate) mailboxes: Mailboxes,
    /// None in memory.
    pub(crate) store: Option<Store>,
    pub(crate) events: EventLog,
    pub(crate) throttling: Throttling,
    /// The twin's own, which may stand on another day.
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) faults: Faults,
}

/// The console's source over whatever runs here.
#[derive(Debug)]
pub(crate) struct ConsoleSource {
    gateway: Option<GatewayPart>,
    twin: Option<TwinPart>,
}

impl ConsoleSource {
    pub(crate) fn new(gateway: Option<GatewayPart>, twin: Option<TwinPart>) -> Self {
        Self { gateway, twin }
    }

    fn gateway(&self) -> Result<&GatewayPart, SourceError> {
        self.gateway.as_ref().ok_or(SourceError::NotFound)
    }

    fn twin(&self) -> Result<&TwinPart, SourceError> {
        self.twin.as_ref().ok_or(SourceError::NotFound)
    }

    /// The worst of the stores.
    fn health(&self) -> StoreHealth {
        let gateway = self.gateway.as_ref().map(|part| part.queue.store());
        let twin = self.twin.as_ref().and_then(|part| part.store.as_ref());
        let stores = gateway.into_iter().chain(twin);
        let worst = stores.map(Store::health).max_by_key(|health| match health {
            Health::Sound => 0,
            Health::Full { .. } => 1,
            Health::Poisoned { .. } => 2,
        });
        match worst {
            None | Some(Health::Sound) => StoreHealth::Sound,
            Some(Health::Full { reason }) => StoreHealth::Full { detail: reason },
            Some(Health::Poisoned { reason }) => StoreHealth::Poisoned { reason },
        }
    }
}

impl Source for ConsoleSource {
    fn halves(&self) -> Halves {
        Halves {
            gateway: self.gateway.is_some(),
            twin: self.twin.is_some(),
        }
    }

    fn notice(&self) -> Option<String> {
        self.twin.as_ref()?.faults.notice()
    }

    fn overview(&self) -> Answer<'_, Overview> {
        Box::pin(async move {
            let mut overview = Overview {
                store: self.health(),
                alarms: Vec::new(),
                gateway: None,
                twin: None,
            };
            if let Some(part) = &self.gateway {
                overview.alarms = part.alarm_views();
                overview.gateway = Some(part.overview().await?);
            }
            if let Some(part) = &self.twin {
                overview.twin = Some(part.overview().await?);
            }
            Ok(overview)
        })
    }

    fn messages(&self, filter: MessageFilter) -> Answer<'_, Page<MessageRow>> {
        Box::pin(async move { self.gateway()?.messages(filter).await })
    }

    fn message(&self, id: MessageId) -> Answer<'_, MessageView> {
        Box::pin(async move { self.gateway()?.message(id).await })
    }

    fn act(
        &self,
        id: MessageId,
        action: Action,
        who: String,
        why: Option<String>,
    ) -> Answer<'_, ()> {
        Box::pin(async move {
            let why = why.as_deref();
            self.gateway()?.act(id, action, &who, why).await
        })
    }

    fn control(&self) -> Answer<'_, ControlView> {
        Box::pin(async move { self.gateway()?.control().await })
    }

    fn control_act(&self, act: ControlAct, who: String) -> Answer<'_, ControlDone> {
        Box::pin(async move { self.gateway()?.control_act(act, &who).await })
    }

    fn accounts(&self, filter: AccountFilter) -> Answer<'_, Page<AccountView>> {
        Box::pin(async move { self.twin()?.account_page(filter).await })
    }

    fn mailbox(&self, account: String, filter: MailboxFilter) -> Answer<'_, MailboxView> {
        Box::pin(async move { self.twin()?.mailbox(&account, filter).await })
    }

    fn service_events(&self, filter: ServiceEventFilter) -> Answer<'_, ServiceEventPage> {
        Box::pin(async move { Ok(self.twin()?.service_events(&filter)) })
    }

    fn item(&self, key: ItemKey) -> Answer<'_, Item> {
        Box::pin(async move { self.twin()?.item(key).await })
    }
}
