//! What the twin did and why, from its event log.

use mailward_console::view::{
    BehaviourView, ClauseView, Cursor, Page, ServiceEvent, ServiceEventFilter, ServiceEventPage,
};
use mailward_policy::ClauseId;
use mailward_twin::{BEHAVIOURS, Event, MessageNumber};

use super::world::WorldPart;

/// Events of one message that are shown.
const TRACE_EVENTS_MAX: usize = 1000;

impl WorldPart {
    pub(super) fn trace(&self, named: &str) -> Vec<ServiceEvent> {
        let log = self.desk.events();
        let about = log.about(&log.messages(named), 0, TRACE_EVENTS_MAX);
        about.into_iter().map(view).collect()
    }

    pub(super) fn service_events(&self, filter: &ServiceEventFilter) -> ServiceEventPage {
        let before = filter
            .cursor
            .as_ref()
            .and_then(|cursor| cursor.as_str().parse().ok());
        // One more than wanted tells whether there is another page.
        let limit = filter.limit.saturating_add(1);
        let account = filter.account.as_deref().map(str::to_lowercase);
        let mut events = self.desk.events().newest(before, limit, |event| {
            is_wanted(event, filter, account.as_deref())
        });
        let more = events.len() > filter.limit;
        events.truncate(filter.limit);
        let next = events
            .last()
            .filter(|_| more)
            .map(|last| Cursor::new(last.sequence.to_string()));
        let mut protocols: Vec<String> = self
            .desk
            .events()
            .counts()
            .into_keys()
            .map(|(protocol, _)| protocol.to_owned())
            .collect();
        protocols.dedup();
        ServiceEventPage {
            events: Page {
                items: events.into_iter().map(view).collect(),
                previous: None,
                next,
            },
            protocols,
        }
    }
}

fn is_wanted(event: &Event, filter: &ServiceEventFilter, account: Option<&str>) -> bool {
    let of_protocol = filter
        .protocol
        .as_deref()
        .is_none_or(|protocol| event.protocol == protocol);
    let of_account = account.is_none_or(|wanted| {
        let named = event.account.as_deref().unwrap_or_default();
        named.to_lowercase().contains(wanted)
    });
    of_protocol && of_account && (event.is_refusal() || !filter.refusals)
}

pub(super) fn view(event: Event) -> ServiceEvent {
    let behaviour = event
        .behaviour
        .and_then(|id| BEHAVIOURS.iter().find(|behaviour| behaviour.id == id));
    let is_refusal = event.is_refusal();
    let clauses = if event.clauses.is_empty() {
        event.clause.into_iter().collect()
    } else {
        event.clauses
    };
    ServiceEvent {
        sequence: event.sequence,
        at: event.at,
        protocol: event.protocol.to_owned(),
        kind: event.kind.to_owned(),
        account: event.account,
        session: event.session,
        message: event.message.map(MessageNumber::get),
        message_id: event.message_id,
        is_refusal,
        why: event.why,
        behaviour: behaviour.map(|behaviour| BehaviourView {
            id: behaviour.id.to_owned(),
            punishes: behaviour.punishes.to_owned(),
            words: behaviour.words.to_owned(),
            standing: behaviour.standing.as_str().to_owned(),
            remedy: Some(behaviour.remedy().to_owned()),
        }),
        clauses: clauses.into_iter().map(clause).collect(),
    }
}

fn clause(id: String) -> ClauseView {
    let text = id
        .parse::<ClauseId>()
        .ok()
        .and_then(ClauseId::clause)
        .map(|clause| clause.paraphrase.to_owned());
    ClauseView { id, text }
}
