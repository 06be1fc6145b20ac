//! SORT (RFC 5256).

use std::cmp::Ordering;
use std::sync::Arc;

use mailward_mailbox::{Item, MailboxError};
use mailward_wire::imap::write::put;
use mailward_wire::imap::{Search, SortCriterion, SortKey};
use tokio::io::AsyncWrite;

use crate::imap::facts::Facts;
use crate::imap::host::Host;
use crate::imap::search::Found;
use crate::imap::search_key::asks_modseq;
use crate::imap::serve::End;
use crate::imap::session::{Answer, Session, modseq};

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn sort(
        &mut self,
        by_uid: bool,
        criteria: &[SortCriterion],
        search: Search,
    ) -> Result<Result<Answer, MailboxError>, End> {
        let with_modseq = asks_modseq(&search.key);
        if with_modseq {
            self.enable_condstore();
        }
        let found = match self.find(search).await? {
            Ok(found) => found,
            Err(answer) => return Ok(Ok(answer)),
        };
        let highest = found.iter().map(|(_, item)| modseq(item.change)).max();
        let needs_header = criteria
            .iter()
            .any(|criterion| !matches!(criterion.key, SortKey::Arrival | SortKey::Size));
        let mut messages = Vec::with_capacity(found.len());
        for message in found {
            let facts = match needs_header {
                true => self.facts(&message.1).await,
                false => Arc::default(),
            };
            messages.push((message, facts));
        }
        messages.sort_by(|one, other| {
            let ordering = criteria
                .iter()
                .map(|criterion| compare(criterion, one, other))
                .find(|ordering| ordering.is_ne());
            // What is equal stays in the order of the folder.
            ordering.unwrap_or_else(|| one.0.0.cmp(&other.0.0))
        });
        put(&mut self.out.buffer, "* SORT");
        for ((number, item), _) in &messages {
            let number = if by_uid { item.uid.0 } else { *number };
            put(&mut self.out.buffer, &format!(" {number}"));
            self.out.breathe().await?;
        }
        if let Some(highest) = highest.filter(|_| with_modseq) {
            put(&mut self.out.buffer, &format!(" (MODSEQ {highest})"));
        }
        put(&mut self.out.buffer, "\r\n");
        Ok(Ok(self.completed()))
    }

    /// A message that can't be read is sorted as one with an empty header.
    pub(crate) async fn facts(&self, item: &Item) -> Arc<Facts> {
        let facts = self.imap.facts.of(&self.imap.mailboxes, &item.body).await;
        facts.unwrap_or_else(|error| {
            tracing::debug!(%error, "a header could not be read");
            Arc::default()
        })
    }
}

type Sorted = (Found, Arc<Facts>);

fn compare(criterion: &SortCriterion, one: &Sorted, other: &Sorted) -> Ordering {
    let ((_, item), facts) = one;
    let ((_, other_item), other_facts) = other;
    let ordering = match criterion.key {
        SortKey::Arrival => item.internal_date.cmp(&other_item.internal_date),
        SortKey::Size => item.octets().cmp(&other_item.octets()),
        SortKey::Date => sent(item, facts).cmp(&sent(other_item, other_facts)),
        SortKey::Subject => facts.subject.base.cmp(&other_facts.subject.base),
        SortKey::From => facts.from.cmp(&other_facts.from),
        SortKey::To => facts.to.cmp(&other_facts.to),
        SortKey::Cc => facts.cc.cmp(&other_facts.cc),
    };
    match criterion.reverse {
        true => ordering.reverse(),
        false => ordering,
    }
}

/// The sent date, for lack of one the internal date (section 2.2), in
/// milliseconds since 1970.
pub(crate) fn sent(item: &Item, facts: &Facts) -> i64 {
    facts.sent.unwrap_or_else(|| item.internal_date.as_millis())
}
