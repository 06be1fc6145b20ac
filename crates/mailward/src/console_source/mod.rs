//! What the console shows, fetched from the halves that run here.
//!
//! ```text
//!   console ── Source ──▶ ConsoleSource ─┬─ gateway ── queue, register, alarms
//!                                        └─ twin ───── portal ── desk of a world
//! ```

mod attempt;
mod control;
mod gateway;
#[cfg(test)]
mod gateway_tests;
mod message;
mod twin;
mod twin_accounts;
#[cfg(test)]
mod twin_desk_tests;
mod twin_events;
mod twin_rehearsal;
mod twin_sessions;
#[cfg(test)]
mod twin_tests;
mod twin_worlds;
mod verdict;
mod world;

use std::sync::Arc;

use mailward_console::view::{
    Action, ControlAct, ControlDone, ControlView, MessageFilter, MessageRow, MessageView, Overview,
    Page, StoreHealth, TwinOverview, WorldAct, WorldFilter, WorldView, WorldsView,
};
use mailward_console::{Answer, Halves, Source, SourceError, World};
use mailward_gateway::deliver::{Alarms, SendingLimits};
use mailward_gateway::observe::Observe;
use mailward_gateway::{Config, Register};
use mailward_mail::MessageId;
use mailward_queue::{Queue, RerouteJudge};
use mailward_store::{Health, Store};
use mailward_twin::Twin;
use mailward_twin::portal::{Portal, PortalError};

use world::WorldPart;

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
    portal: Portal,
    /// None in memory.
    store: Option<Store>,
}

impl TwinPart {
    pub(crate) fn of(twin: &Twin) -> Self {
        Self {
            portal: twin.portal(),
            store: twin.store.clone(),
        }
    }

    fn world(&self, name: Option<&str>) -> Result<WorldPart, SourceError> {
        let desk = self.portal.desk(name).map_err(trouble)?;
        Ok(WorldPart::of(desk))
    }
}

/// What the portal has against it, for the console.
fn trouble(error: PortalError) -> SourceError {
    match error {
        PortalError::NotFound(_) => SourceError::NotFound,
        PortalError::Refused(text) => SourceError::Conflict(sentence(&text)),
        PortalError::Trouble(text) => SourceError::Internal(text),
    }
}

/// With a capital in front and a stop at the end.
fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|first| first.to_uppercase().to_string());
    let mut text = first.unwrap_or_default() + chars.as_str();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
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
                overview.twin = Some(part.overview()?);
            }
            Ok(overview)
        })
    }

    fn twin_overview(&self) -> Answer<'_, Option<TwinOverview>> {
        Box::pin(async move { self.twin.as_ref().map(TwinPart::overview).transpose() })
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

    fn world(&self, name: Option<&str>) -> Result<Box<dyn World>, SourceError> {
        Ok(Box::new(self.twin()?.world(name)?))
    }

    fn worlds(&self, filter: WorldFilter) -> Answer<'_, WorldsView> {
        Box::pin(async move { Ok(self.twin()?.worlds(&filter)) })
    }

    fn world_view(&self, name: String) -> Answer<'_, WorldView> {
        Box::pin(async move { self.twin()?.world_view(&name) })
    }

    fn world_act(&self, act: WorldAct, who: String) -> Answer<'_, ()> {
        Box::pin(async move { self.twin()?.world_act(act, &who).await })
    }
}
