//! What deliverers tell.

use std::time::Duration;

use mailward_mail::{MessageId, Reply, Timestamp};
use mailward_queue::{
    ApplicationName, Attempt, AttemptEnd, AttemptId, AttemptResult, DueMessage, Lane,
    RecipientResult, Stage,
};

use super::trace::{Span, SpanKind};
use super::{Observe, table};
use crate::deliver::Meaning;

/// An attempt on its way into the records, without whom it was for.
#[derive(Debug)]
pub(crate) struct AttemptSeen {
    id: MessageId,
    attempt: AttemptId,
    application: ApplicationName,
    lane: Lane,
    stage: Stage,
    /// The code, and the enhanced one where there is one: `550 5.1.1`.
    reply: Option<String>,
    began: Timestamp,
    ended: Timestamp,
    /// Where no earlier attempt was made.
    first_since: Option<Timestamp>,
    results: Results,
}

/// Recipients by what the attempt meant for them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Results {
    relayed: u64,
    failed: u64,
    deferred: u64,
    held: u64,
}

impl AttemptSeen {
    pub(crate) fn new(
        attempt: &Attempt,
        due: &DueMessage,
        end: &AttemptEnd,
        results: &[RecipientResult],
        now: Timestamp,
    ) -> Self {
        Self {
            id: attempt.message(),
            attempt: attempt.id(),
            application: due.application.clone(),
            lane: attempt.lane().clone(),
            stage: end.stage,
            reply: end.reply.as_ref().map(code),
            began: attempt.started_at(),
            ended: now,
            first_since: due
                .recipients
                .iter()
                .all(|one| one.attempts == 0)
                .then_some(due.received_at),
            results: Results::of(results),
        }
    }
}

impl AttemptSeen {
    fn took(&self) -> Duration {
        self.ended.since(self.began)
    }
}

impl Results {
    fn of(results: &[RecipientResult]) -> Self {
        let mut counts = Self::default();
        for one in results {
            match one.result {
                AttemptResult::Relayed { .. } => counts.relayed += 1,
                AttemptResult::Failed { .. } => counts.failed += 1,
                AttemptResult::Deferred { .. }
                | AttemptResult::Postponed { .. }
                | AttemptResult::Refused { .. } => {
                    counts.deferred += 1;
                }
                AttemptResult::Held { .. } => counts.held += 1,
                // Told with what else the queue found in doubt.
                AttemptResult::InDoubt { .. } => {}
            }
        }
        counts
    }
}

impl Observe {
    /// Results are about to be recorded: at RCPT TO, or at the attempt's end.
    pub(crate) fn results(
        &self,
        due: &DueMessage,
        results: &[RecipientResult],
        meaning: &dyn Fn(&Reply) -> Meaning,
    ) {
        let registry = &self.0.registry;
        let now = self.now();
        for one in results {
            let (result, reply) = match &one.result {
                AttemptResult::Relayed { .. } => {
                    registry
                        .histogram(&table::RELAY_SECONDS, &[due.message_class.as_str()])
                        .observe(now.since(due.received_at));
                    ("relayed", None)
                }
                AttemptResult::Failed { reply } => ("failed", Some(reply)),
                AttemptResult::Deferred { reply, .. }
                | AttemptResult::Postponed { reply, .. }
                | AttemptResult::Refused { reply, .. } => ("deferred", Some(reply)),
                AttemptResult::Held { .. } => ("held", None),
                AttemptResult::InDoubt { .. } => continue,
            };
            let labels = [due.lane.route.as_str(), result];
            registry.counter(&table::RESULTS, &labels).one();
            let Some(reply) = reply else {
                continue;
            };
            let meaning = meaning(reply);
            let (party, action) = (word(&meaning.party), word(&meaning.action));
            let class = format!("{}xx", reply.code() / 100);
            let labels = [party.as_str(), action.as_str(), class.as_str()];
            registry.counter(&table::REPLIES, &labels).one();
            if result == "deferred" {
                registry.counter(&table::DEFERRALS, &[&party]).one();
            }
        }
    }

    /// The attempt is recorded to its end.
    pub(crate) fn attempt_ended(&self, seen: &AttemptSeen, in_doubt: usize) {
        let (route, account) = (seen.lane.route.as_str(), seen.lane.account.as_str());
        let registry = &self.0.registry;
        registry
            .counter(&table::ATTEMPTS, &[route, account, seen.stage.as_str()])
            .one();
        registry
            .histogram(&table::ATTEMPT_SECONDS_TAKEN, &[route])
            .observe(seen.took());
        if in_doubt > 0 {
            registry
                .counter(&table::RESULTS, &[route, "in_doubt"])
                .add(in_doubt as u64);
        }
        let results = seen.results;
        tracing::info!(
            id = %seen.id,
            attempt = seen.attempt.0,
            application = %seen.application,
            account = %seen.lane.account,
            route = %seen.lane.route,
            stage = seen.stage.as_str(),
            reply = seen.reply.as_deref(),
            relayed = results.relayed,
            failed = results.failed,
            deferred = results.deferred,
            held = results.held,
            in_doubt,
            ms = u64::try_from(seen.took().as_millis()).unwrap_or(u64::MAX),
            "attempt ended"
        );
        self.trace_attempt(seen, in_doubt);
    }
}

impl Observe {
    fn trace_attempt(&self, seen: &AttemptSeen, in_doubt: usize) {
        let Some(tracer) = self.tracer(seen.id) else {
            return;
        };
        if let Some(since) = seen.first_since {
            tracer.tell(Span::child(seen.id, "queue", 0, since, seen.began));
        }
        let results = seen.results;
        let n = seen.attempt.0;
        let mut span = Span::child(seen.id, "attempt", n, seen.began, seen.ended)
            .with("mailward.application", seen.application.as_str())
            .with("mailward.account", seen.lane.account.as_str())
            .with("mailward.route", seen.lane.route.as_str())
            .with("mailward.stage", seen.stage.as_str())
            .with("mailward.reply", seen.reply.as_deref().unwrap_or_default())
            .with("mailward.relayed", results.relayed)
            .with("mailward.failed", results.failed)
            .with("mailward.deferred", results.deferred)
            .with("mailward.held", results.held)
            .with("mailward.in_doubt", in_doubt);
        span.kind = SpanKind::Client;
        span.failed = results.relayed == 0;
        tracer.tell(span);
    }
}

/// The codes of a reply, never its words: those repeat recipients.
fn code(reply: &Reply) -> String {
    match reply.enhanced() {
        Some(_) => format!("{} {}", reply.code(), reply.status_text()),
        None => reply.code().to_string(),
    }
}

/// `ServiceDown` as `service_down`.
fn word(name: &impl std::fmt::Debug) -> String {
    let mut word = String::new();
    for letter in format!("{name:?}").chars() {
        if letter.is_ascii_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.push(letter.to_ascii_lowercase());
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_reply_only_the_codes_are_told() {
        for (wire, text, told) in [
            (
                550,
                "5.1.1 <token@northmoor.example> User unknown",
                "550 5.1.1",
            ),
            (421, "token@northmoor.example has gone", "421"),
        ] {
            assert_eq!(code(&Reply::from_wire(wire, vec![text.to_owned()])), told);
        }
    }

    #[test]
    fn meanings_are_words() {
        let party = crate::deliver::Party::ServiceDown;
        let action = crate::deliver::Action::Defer;
        assert_eq!(
            (word(&party), word(&action)),
            ("service_down".to_owned(), "defer".to_owned())
        );
    }
}
