//! What was sent before this message: read from the queue before it is judged,
//! and counted in the write that keeps it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mailward_policy::{Facts, HistoryFacts, ListHistory, Verdict, limits};
use mailward_queue::{AccountName, Queue, QueueError, Ruling, SameText};

use super::Checker;

/// How long one text's people are counted.
pub(crate) fn same_text_window() -> Duration {
    Duration::from_secs(3600 * limits::MASS_MAILING_HOURS.figure)
}

/// What the account, and the lists among the recipients, had of late. The
/// people of the text are not known yet: see [`same_text`].
pub(crate) async fn history(
    queue: &Queue,
    account: &AccountName,
    facts: &Facts,
) -> Result<HistoryFacts, QueueError> {
    let usage = queue.usage(account).await?;
    let recipients = facts.envelope.recipients.iter();
    let lists: Vec<_> = recipients
        .filter(|one| one.distribution_list)
        .map(|one| one.address.clone())
        .collect();
    let lists = match lists.is_empty() {
        true => Vec::new(),
        false => queue.last_to_lists(lists).await?,
    };
    Ok(HistoryFacts {
        messages_last_minute: usage.messages_last_minute,
        recipients_last_day: usage.recipients_last_day,
        lists: lists
            .into_iter()
            .map(|(address, last)| ListHistory { address, last })
            .collect(),
        same_text_recipients: 0,
    })
}

/// How the queue is to count the message's text, and whom it asks above the
/// application's threshold: the rules, once more. What they then say is in
/// the cell.
pub(crate) fn same_text(
    checker: &Arc<Checker>,
    facts: &Arc<Facts>,
    ruling: impl Fn(&Verdict) -> Ruling + Send + Sync + 'static,
) -> Option<(SameText, Arc<OnceLock<Verdict>>)> {
    let fingerprint = facts.content.fingerprint?;
    let application = facts.application.as_ref()?;
    let people_max = application
        .mass_mailing_recipients_max
        .unwrap_or(limits::MASS_MAILING_RECIPIENTS.figure);
    let said = Arc::new(OnceLock::new());
    let (checker, facts, cell) = (Arc::clone(checker), Arc::clone(facts), Arc::clone(&said));
    let judge = move |people: u64| {
        let mut facts = Facts::clone(&facts);
        // The rule adds this message's own; the sum is to be `people`.
        let own = facts.envelope.recipients.len() as u64;
        facts.history.same_text_recipients = people.saturating_sub(own);
        let verdict = checker.judge(&facts);
        let ruling = ruling(&verdict);
        let _ = cell.set(verdict);
        ruling
    };
    let same_text = SameText {
        fingerprint,
        window: same_text_window(),
        people_max,
        judge: Arc::new(judge),
    };
    Some((same_text, said))
}
