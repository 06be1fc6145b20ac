//! What operations see of the gateway: figures, lines of the log, traces.
//!
//! ```text
//!   accept, deliver, outcome ──▶ Observe ──┬─▶ figures ──▶ /metrics
//!     (what happened, as values)           ├─▶ one line of the log
//!                                          └─▶ spans ──▶ a collector, where one is configured
//! ```
//!
//! Everything that leaves this way leaves through here, so that one folder
//! shows what it may hold: ids, names from the configuration and the register,
//! codes and counts. Never an address of a recipient, a subject, a body, or
//! the words of a server's reply, which like to repeat them.

mod alerts;
mod attempt;
mod endpoint;
mod gather;
mod health;
mod intake;
mod lanes;
mod page;
pub(crate) mod seldom;
mod table;
mod trace;

use std::fmt;
use std::sync::{Arc, OnceLock};

use mailward_mail::{Clock, MessageId, Timestamp};
use mailward_net::SystemClock;
use mailward_net::metrics::{Counter, Held, Registry};
use mailward_queue::{ApplicationName, Lane, Notice, NoticeKind, Overdue};

pub use alerts::{ALERTS, Alert, Severity, alerts_file};
pub(crate) use attempt::AttemptSeen;
pub(crate) use endpoint::answer;
pub use endpoint::endpoint;
pub use health::{Readiness, Reason, readiness};
pub(crate) use intake::{AcceptedMessage, Door};
pub(crate) use lanes::LaneFigures;
pub use page::reference;
pub use table::all as definitions;
pub(crate) use trace::{Exporter, TraceParent};

use crate::deliver::Alarms;
use seldom::Seldom;
use trace::{Span, Tracer};

/// Where what happens is told. Clones tell the same place.
#[derive(Clone, Debug)]
pub struct Observe(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    registry: Registry,
    clock: Arc<dyn Clock>,
    /// On the gateway's clock, which in `up` may stand on another day.
    opened: Timestamp,
    /// On the system's clock.
    started: Timestamp,
    alarms: OnceLock<Alarms>,
    more: OnceLock<More>,
    tracer: OnceLock<Tracer>,
    seldom: Seldom,
}

/// Figures of others, told below the gateway's own: the twin's, where it runs
/// in the same process.
pub struct More(Box<dyn Fn() -> String + Send + Sync>);

impl fmt::Debug for More {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("More").finish_non_exhaustive()
    }
}

impl Observe {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let registry = Registry::new(table::counted());
        begin(&registry);
        Self(Arc::new(Inner {
            registry,
            opened: clock.now(),
            started: SystemClock.now(),
            alarms: OnceLock::new(),
            more: OnceLock::new(),
            tracer: OnceLock::new(),
            seldom: Seldom::default(),
            clock,
        }))
    }

    /// An application that may send.
    pub(crate) fn expect(&self, application: &ApplicationName) {
        let (registry, application) = (&self.0.registry, application.as_str());
        for door in [Door::Smtp, Door::Http].map(Door::as_str) {
            registry.counter(&table::ACCEPTED, &[door, application]);
            registry.counter(&table::REFUSED, &[door, application]);
        }
        registry.counter(&table::HELD, &[application]);
    }

    /// From now on these alarms are told too.
    pub(crate) fn watch(&self, alarms: Alarms) {
        // The first stay: a gateway has its workers prepared once.
        let _ = self.0.alarms.set(alarms);
    }

    /// From now on `text` is told with each scrape: whole families that the
    /// gateway's table does not have.
    pub fn add(&self, text: impl Fn() -> String + Send + Sync + 'static) {
        let _ = self.0.more.set(More(Box::new(text)));
    }

    /// From now on spans are told to this tracer.
    fn trace(&self, tracer: Tracer) {
        let _ = self.0.tracer.set(tracer);
    }

    /// Where the spans of this message go, if it is one that is traced.
    fn tracer(&self, message: MessageId) -> Option<&Tracer> {
        let tracer = self.0.tracer.get()?;
        tracer.samples(message).then_some(tracer)
    }

    /// Spans that were sent, and that were dropped.
    fn span_counters(&self) -> (Counter, Counter) {
        let counter = |result| self.0.registry.counter(&table::SPANS, &[result]);
        (counter("sent"), counter("dropped"))
    }

    fn alarms(&self) -> Option<&Alarms> {
        self.0.alarms.get()
    }

    /// An application's connection, for as long as the answer lives.
    pub(crate) fn connection(&self, door: Door) -> Held {
        let open = self.0.registry.gauge(&table::CONNECTIONS, &[door.as_str()]);
        open.hold()
    }

    /// The figures of a lane, for its worker to keep.
    pub(crate) fn lane(&self, lane: &Lane) -> LaneFigures {
        LaneFigures::new(&self.0.registry, lane)
    }

    /// Lanes that wait since their server is away or refused the credential:
    /// route and account of each.
    pub fn paused(&self) -> Vec<(String, String)> {
        let lanes = self.0.registry.gauges(&table::LANE_PAUSED);
        let paused = lanes.into_iter().filter(|(_, paused)| *paused > 0);
        let names = paused.filter_map(|(values, _)| {
            let [route, account] = &*values else {
                return None;
            };
            Some((route.to_string(), account.to_string()))
        });
        names.collect()
    }

    /// Recipients that waited for one route and now wait for another.
    pub(crate) fn diverted(&self, from: &str, to: &str, recipients: u64) {
        if recipients > 0 {
            let counted = &table::DIVERTED_RECIPIENTS;
            self.0
                .registry
                .counter(counted, &[from, to])
                .add(recipients);
        }
    }

    /// A round of the watchdog.
    pub(crate) fn watchdog(&self, overdue: &Overdue) {
        let count = |definition, count| self.0.registry.counter(definition, &[]).add(count);
        count(&table::WATCHDOG_ROUNDS, 1);
        count(&table::EXPIRED, overdue.expired);
        let lost = overdue.lost.interrupted + overdue.lost.in_doubt;
        count(&table::LOST_ATTEMPTS, lost);
        if overdue.expired > 0 {
            tracing::warn!(recipients = overdue.expired, "deadlines have passed");
        }
        if lost > 0 {
            tracing::error!(recipients = lost, "attempts never ended");
        }
    }

    /// A callback failed for this reason, which names the host and no more.
    pub(crate) fn callback_failed(&self, notice: &Notice, error: &str) {
        let application = notice.application.as_str();
        if let Some(before) = self.0.seldom.may(application, self.now()) {
            tracing::warn!(
                application,
                id = %notice.message,
                error,
                failures_before = before,
                "a callback failed"
            );
        }
    }

    /// A report or a callback was made, failed, or is given up; work on it
    /// began at `began`.
    pub(crate) fn notice(&self, notice: &Notice, began: Timestamp, result: NoticeResult) {
        let kind = match notice.kind {
            NoticeKind::Report => "report",
            NoticeKind::Delay => "delay",
            NoticeKind::Callback | NoticeKind::CallbackDelay => "callback",
        };
        let counter = self
            .0
            .registry
            .counter(&table::NOTICES, &[kind, result.as_str()]);
        counter.one();
        tracing::info!(
            id = %notice.message,
            application = %notice.application,
            outcome = notice.outcome.as_str(),
            kind,
            result = result.as_str(),
            tries = notice.tries,
            "told the sender"
        );
        if let Some(tracer) = self.tracer(notice.message) {
            // A notice is tried again under its own number.
            let n = notice.id.0 * 1000 + i64::from(notice.tries);
            let mut span = Span::child(notice.message, kind, n, began, self.now())
                .with("mailward.application", notice.application.as_str())
                .with("mailward.outcome", notice.outcome.as_str())
                .with("mailward.result", result.as_str());
            span.failed = result != NoticeResult::Done;
            tracer.tell(span);
        }
    }

    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }
}

/// Counters that begin at 0, so that the first increase is seen as one.
fn begin(registry: &Registry) {
    let counter = |definition, values: &[&str]| drop(registry.counter(definition, values));
    for definition in [
        &table::EXPIRED,
        &table::LOST_ATTEMPTS,
        &table::WATCHDOG_ROUNDS,
    ] {
        counter(definition, &[]);
    }
    for result in ["sent", "dropped"] {
        counter(&table::SPANS, &[result]);
    }
    for door in [Door::Smtp, Door::Http].map(Door::as_str) {
        for why in ["too_large", "no_room", "store", "same_key", "other"] {
            counter(&table::TURNED_AWAY, &[door, why]);
        }
        for why in ["refused", "too_often", "busy", "wrong_kind"] {
            counter(&table::SIGN_INS_REFUSED, &[door, why]);
        }
    }
    for kind in ["report", "delay", "callback"] {
        for result in [
            NoticeResult::Done,
            NoticeResult::Failed,
            NoticeResult::GivenUp,
        ] {
            counter(&table::NOTICES, &[kind, result.as_str()]);
        }
    }
}

/// What became of a report or a callback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoticeResult {
    Done,
    /// Tried again.
    Failed,
    GivenUp,
}

impl NoticeResult {
    fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Failed => "failed",
            Self::GivenUp => "given_up",
        }
    }
}
