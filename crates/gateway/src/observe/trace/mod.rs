//! Traces: one a message, from its acceptance to what its sender was told.
//!
//! ```text
//!   accept ─┬─ check
//!           ├─ queue ── until the first attempt
//!           ├─ attempt, attempt … route, account, stage, codes
//!           └─ report, callback
//! ```
//!
//! The ids of trace and spans are made of the message's id, so nothing has to
//! be kept for them: what a later process does with the message belongs to the
//! same trace. A `traceparent` that came with a submission (W3C Trace Context)
//! is linked from `accept`.
//!
//! Attributes hold ids, names of the configuration, codes and counts: the same
//! as the log, and no address of a recipient.

mod export;
mod ids;
mod otlp;

use mailward_mail::{MessageId, Timestamp};
use mailward_net::metrics::Counter;
use tokio::sync::mpsc;

pub(crate) use export::Exporter;
pub(crate) use ids::TraceParent;
pub(super) use ids::{SpanId, TraceId};

/// Spans that wait for the collector; what comes then is dropped and counted.
const WAITING_MAX: usize = 4096;

/// One stretch of a message's way.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) trace: TraceId,
    pub(super) id: SpanId,
    pub(super) parent: Option<SpanId>,
    pub(super) name: &'static str,
    pub(super) kind: SpanKind,
    pub(super) from: Timestamp,
    pub(super) to: Timestamp,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) link: Option<TraceParent>,
    pub(super) failed: bool,
}

/// `SpanKind` of the protocol, with its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SpanKind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Truth(truth)
    }
}

impl Span {
    /// The first of its trace: the message comes in.
    pub(super) fn root(message: MessageId, from: Timestamp, to: Timestamp) -> Self {
        Self {
            trace: TraceId::of(message),
            id: SpanId::root(message),
            parent: None,
            name: "accept",
            kind: SpanKind::Server,
            from,
            to,
            attributes: vec![("mailward.id", message.as_str().into())],
            link: None,
            failed: false,
        }
    }

    /// A later stretch. `n` tells those of one name apart.
    pub(super) fn child(
        message: MessageId,
        name: &'static str,
        n: i64,
        from: Timestamp,
        to: Timestamp,
    ) -> Self {
        Self {
            id: SpanId::child(message, name, n),
            parent: Some(SpanId::root(message)),
            name,
            kind: SpanKind::Internal,
            ..Self::root(message, from, to)
        }
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.attributes.push((name, value.into()));
        self
    }
}

/// Where spans are handed over. Never waits.
#[derive(Clone, Debug)]
pub(super) struct Tracer {
    sender: mpsc::Sender<Span>,
    /// Traces whose first eight octets are below it are told.
    below: u64,
    dropped: Counter,
}

impl Tracer {
    /// `sample` is the share of messages that are traced, 0 to 1.
    fn new(sample: f64, dropped: Counter) -> (Self, mpsc::Receiver<Span>) {
        let (sender, waiting) = mpsc::channel(WAITING_MAX);
        let below = (sample.clamp(0.0, 1.0) * u64::MAX as f64) as u64;
        (
            Self {
                sender,
                below,
                dropped,
            },
            waiting,
        )
    }

    /// The same answer for a message in every process and at every time.
    pub(super) fn samples(&self, message: MessageId) -> bool {
        self.below == u64::MAX || TraceId::of(message).first() < self.below
    }

    pub(super) fn tell(&self, span: Span) {
        if self.sender.try_send(span).is_err() {
            self.dropped.one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> MessageId {
        "01KAJ5R3V2Z5N3T7KX2M".parse().expect("an id")
    }

    #[test]
    fn a_full_buffer_drops_and_counts() {
        let dropped = Counter::default();
        let (tracer, waiting) = Tracer::new(1.0, dropped.clone());
        let now = Timestamp::from_millis(0);
        for _ in 0..WAITING_MAX + 3 {
            tracer.tell(Span::root(message(), now, now));
        }
        assert_eq!(dropped.value(), 3);
        assert_eq!(waiting.len(), WAITING_MAX);
    }

    #[test]
    fn the_share_decides_by_the_message() {
        let tracer = |share| Tracer::new(share, Counter::default()).0;
        assert!(tracer(1.0).samples(message()));
        assert!(!tracer(0.0).samples(message()));
        let half = tracer(0.5);
        let dice = mailward_net::SeededDice::new(7);
        let ids = (0..2_000).map(|n| MessageId::new(Timestamp::from_millis(n), &dice));
        let told = ids.filter(|id| half.samples(*id)).count();
        assert!((800..1_200).contains(&told), "{told} of 2,000");
    }
}
