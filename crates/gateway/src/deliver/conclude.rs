//! The end of an attempt: recorded first, then told to those who watch.

use mailward_mail::Reply;
use mailward_policy::RouteKind;
use mailward_queue::{Attempt, AttemptEnd, DueMessage, Finished, QueueError, RecipientResult};

use super::DeliverOptions;
use crate::observe::AttemptSeen;

/// As `Queue::finish_attempt`, for figures, log and traces too.
pub(super) async fn conclude(
    options: &DeliverOptions,
    due: &DueMessage,
    attempt: Attempt,
    end: AttemptEnd,
    results: Vec<RecipientResult>,
) -> Result<Finished, QueueError> {
    let seen = AttemptSeen::new(&attempt, due, &end, &results, options.clock.now());
    let (stage, told) = (end.stage, results.clone());
    let route = options.routes.of_lane(&due.lane);
    let kind = route.map_or(RouteKind::Submission, |(route, _)| route.kind());
    let meaning = |reply: &Reply| options.replies.classify(kind, stage, reply);
    let finished = options.queue.finish_attempt(attempt, end, results).await?;
    options.observe.results(due, &told, &meaning);
    options
        .observe
        .attempt_ended(&seen, finished.in_doubt.len());
    Ok(finished)
}
