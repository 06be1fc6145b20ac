//! What the doors tell.

use mailward_mail::{MessageId, Timestamp};
use mailward_policy::Verdict;
use mailward_queue::{ApplicationName, Lane, MessageClass};

use super::trace::Span;
use super::{Observe, TraceParent, table};
use crate::accept::Rejection;
use crate::register::Denied;
use mailward_queue::AcceptError;
use mailward_store::WriteError;

/// Where messages come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Smtp,
    Http,
    /// Our own delivery reports.
    Report,
}

impl Door {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Http => "http",
            Self::Report => "report",
        }
    }
}

/// A message that is safe, without what it says and to whom.
#[derive(Debug)]
pub(crate) struct AcceptedMessage<'a> {
    pub(crate) door: Door,
    pub(crate) id: MessageId,
    pub(crate) application: &'a ApplicationName,
    pub(crate) lane: &'a Lane,
    pub(crate) class: MessageClass,
    pub(crate) octets: u64,
    pub(crate) recipients: usize,
    pub(crate) held: bool,
    /// When its first octet came.
    pub(crate) began: Timestamp,
    /// From when to when it was judged at its end; a report is not.
    pub(crate) checked: Option<(Timestamp, Timestamp)>,
    /// The caller's place in a trace of its own.
    pub(crate) parent: Option<TraceParent>,
}

impl Observe {
    pub(crate) fn accepted(&self, message: &AcceptedMessage<'_>) {
        let registry = &self.0.registry;
        let (door, application) = (message.door.as_str(), message.application.as_str());
        registry
            .counter(&table::ACCEPTED, &[door, application])
            .one();
        registry
            .counter(&table::ACCEPTED_OCTETS, &[door])
            .add(message.octets);
        registry
            .histogram(&table::ACCEPT_SECONDS_TAKEN, &[door])
            .observe(self.now().since(message.began));
        if message.held {
            registry.counter(&table::HELD, &[application]).one();
        }
        tracing::info!(
            id = %message.id,
            door,
            application,
            account = %message.lane.account,
            route = %message.lane.route,
            class = message.class.as_str(),
            octets = message.octets,
            recipients = message.recipients,
            held = message.held,
            "accepted"
        );
        self.trace_accepted(message);
    }

    fn trace_accepted(&self, message: &AcceptedMessage<'_>) {
        let Some(tracer) = self.tracer(message.id) else {
            return;
        };
        let mut accept = Span::root(message.id, message.began, self.now())
            .with("mailward.door", message.door.as_str())
            .with("mailward.application", message.application.as_str())
            .with("mailward.account", message.lane.account.as_str())
            .with("mailward.route", message.lane.route.as_str())
            .with("mailward.class", message.class.as_str())
            .with("mailward.bytes", message.octets)
            .with("mailward.recipients", message.recipients)
            .with("mailward.held", message.held);
        accept.link = message.parent;
        tracer.tell(accept);
        if let Some((from, to)) = message.checked {
            tracer.tell(Span::child(message.id, "check", 0, from, to));
        }
    }

    /// A message was not taken. Nothing of it is kept but this.
    pub(crate) fn rejected(
        &self,
        door: Door,
        id: MessageId,
        application: &ApplicationName,
        rejection: &Rejection,
    ) {
        match rejection {
            Rejection::Refused(verdict) => self.refused(door, id, application, verdict),
            Rejection::TooLarge { .. } => self.turned_away(door, id, application, "too_large"),
            Rejection::NotKept(error) => self.turned_away(door, id, application, why(error)),
        }
    }

    fn refused(&self, door: Door, id: MessageId, application: &ApplicationName, verdict: &Verdict) {
        let registry = &self.0.registry;
        let labels = [door.as_str(), application.as_str()];
        registry.counter(&table::REFUSED, &labels).one();
        let rules: Vec<&str> = verdict.refusing().map(|finding| finding.rule).collect();
        for rule in &rules {
            registry.counter(&table::REFUSALS, &[rule]).one();
        }
        tracing::info!(%id, door = door.as_str(), %application, ?rules, "refused");
    }

    fn turned_away(
        &self,
        door: Door,
        id: MessageId,
        application: &ApplicationName,
        why: &'static str,
    ) {
        let door = door.as_str();
        let counter = self.0.registry.counter(&table::TURNED_AWAY, &[door, why]);
        counter.one();
        tracing::info!(%id, door, %application, why, "turned away");
    }

    pub(crate) fn sign_in_refused(&self, door: Door, denied: &Denied) {
        let why = match denied {
            Denied::Refused => "refused",
            Denied::TooOften { .. } => "too_often",
            Denied::Busy => "busy",
            Denied::WrongKind(_) => "wrong_kind",
        };
        let door = door.as_str();
        let counter = self
            .0
            .registry
            .counter(&table::SIGN_INS_REFUSED, &[door, why]);
        counter.one();
    }
}

fn why(error: &AcceptError) -> &'static str {
    match error {
        AcceptError::Store(WriteError::Full(_)) => "no_room",
        AcceptError::Store(WriteError::TooLarge { .. }) => "too_large",
        AcceptError::Store(_) => "store",
        AcceptError::Conflict { .. } => "same_key",
        _ => "other",
    }
}
