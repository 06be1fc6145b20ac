//! What has come, with what the API knows of each message beside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailward_mailbox::{Arrival, ItemSummary, MailboxError, Mailboxes};
use mailward_net::Shutdown;
use serde_json::{Value, json};
use tokio::sync::watch;

use super::bits::{Bits, PLACES};
use super::letter::Digest;
use super::query::{Candidates, Query};
use super::state::{State, page};

/// The larger message is shown without its text: 64 MiB.
const READ_OCTETS_MAX: u64 = 64 * 1024 * 1024;

/// Arrivals that are taken over at once.
const NEWS_MAX: usize = 4096;

#[derive(Debug)]
pub(crate) struct Index {
    mailboxes: Mailboxes,
    state: Mutex<State>,
    /// Held by whoever takes messages apart.
    learning: tokio::sync::Mutex<()>,
}

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) arrival: Arc<Arrival>,
    pub(super) read: bool,
    pub(super) tags: Vec<String>,
}

/// A message with all that a list shows of it.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) entry: Entry,
    pub(super) digest: Arc<Digest>,
}

/// What a search has found: places by the first sequence of their segment, the
/// newest first.
#[derive(Debug, Default)]
pub(super) struct Found {
    places: Vec<(u64, Bits)>,
    pub(super) count: usize,
    pub(super) unread: usize,
}

impl Entry {
    /// As long as Mailpit's own.
    pub(super) fn id(&self) -> String {
        format!("{:022}", self.arrival.sequence)
    }
}

impl Index {
    pub(crate) fn new(mailboxes: Mailboxes) -> Self {
        Self {
            mailboxes,
            state: Mutex::default(),
            learning: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn mailboxes(&self) -> &Mailboxes {
        &self.mailboxes
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.mailboxes.arrivals().watch()
    }

    /// The last arrival that the index has.
    pub(super) fn cursor(&self) -> u64 {
        self.state().cursor
    }

    /// Every message, the newest first.
    pub(super) fn all(&self) -> Vec<Entry> {
        self.page(0, usize::MAX)
    }

    /// How many there are and how many are unread.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        (state.total, state.unread)
    }

    /// Every tag, with the number of messages that have it.
    pub(super) fn tags(&self) -> BTreeMap<String, usize> {
        self.state().tags.clone()
    }

    /// `latest` is the newest.
    pub(super) fn find(&self, id: &str) -> Option<Entry> {
        if id == "latest" {
            return self.page(0, 1).pop();
        }
        self.state().entry(id.parse().ok()?)
    }

    pub(super) fn page(&self, start: usize, limit: usize) -> Vec<Entry> {
        let state = self.state();
        let segments = state.segments.iter().rev();
        page(
            segments.map(|segment| (segment, &segment.live)),
            start,
            limit,
        )
    }

    /// A part of what was found, as far as it is still there.
    pub(super) fn page_of(&self, found: &Found, start: usize, limit: usize) -> Vec<Entry> {
        let state = self.state();
        let places = found.places.iter().filter_map(|(first, places)| {
            let index = state.segment_at(*first)?;
            Some((&state.segments[index], places))
        });
        page(places, start, limit)
    }

    /// Those after `cursor` that a query finds.
    pub(super) async fn search(&self, query: &Query, cursor: u64) -> Found {
        self.learn().await;
        let mut found = Found::default();
        let mut before = u64::MAX;
        // One segment at a time, so that mail comes in meanwhile.
        loop {
            let (first, candidates) = {
                let state = self.state();
                let mut segments = state.segments.iter().rev();
                let Some(segment) = segments.find(|segment| segment.first < before) else {
                    return found;
                };
                let mut candidates = query.find(segment);
                let after = cursor.saturating_add(1).saturating_sub(segment.first);
                let after = usize::try_from(after).map_or(PLACES, |after| after.min(PLACES));
                candidates.found.keep_from(after);
                candidates.doubtful.keep(&candidates.found);
                (segment.first, candidates)
            };
            let places = self.settle(query, first, candidates).await;
            let state = self.state();
            if let Some(index) = state.segment_at(first) {
                let count = places.count();
                found.count += count;
                found.unread += count - places.count_both(&state.segments[index].read);
                found.places.push((first, places));
            }
            before = first;
            if first <= cursor {
                return found;
            }
        }
    }

    /// Reads the messages that have a phrase's words for the phrase itself.
    async fn settle(&self, query: &Query, first: u64, candidates: Candidates) -> Bits {
        let Candidates {
            mut found,
            doubtful,
        } = candidates;
        for place in doubtful.descending() {
            let entry = self.state().entry(first + u64::from(place));
            let listed = match entry {
                Some(entry) => self.digest(&entry).await.map(|digest| Listed {
                    entry,
                    digest: Arc::new(digest),
                }),
                None => None,
            };
            let holds = listed.is_some_and(|listed| query.finds(&listed));
            found.put(place, holds);
        }
        found
    }

    /// Takes apart whatever has come; searches do it first.
    pub(super) async fn learn(&self) {
        let _alone = self.learning.lock().await;
        loop {
            let next = {
                let state = self.state();
                match state.next_after(state.learnt) {
                    Some(entry) => entry,
                    None => return,
                }
            };
            let sequence = next.arrival.sequence;
            let digest = self.digest(&next).await;
            {
                let mut state = self.state();
                state.learnt = state.learnt.max(sequence);
                if let (Some(digest), Some(index)) = (digest, state.segment_of(sequence))
                    && let Some(place) = state.segments[index].place(sequence)
                {
                    state.segments[index].learn(place, &digest);
                }
            }
            tokio::task::yield_now().await;
        }
    }

    /// Takes apart what comes, as it comes, so that no search has to.
    pub(crate) async fn keep_up(self: Arc<Self>, shutdown: Shutdown) {
        let mut watch = self.watch();
        loop {
            self.learn().await;
            tokio::select! {
                () = shutdown.begun() => return,
                changed = watch.changed() => if changed.is_err() {
                    return;
                },
            }
        }
    }

    /// `None` when it is in no mailbox any more.
    pub(super) async fn listed(&self, entry: Entry) -> Option<Listed> {
        let sequence = entry.arrival.sequence;
        let known = self.state().digests.get(&sequence).cloned();
        if let Some(digest) = known {
            return Some(Listed { entry, digest });
        }
        let digest = Arc::new(self.digest(&entry).await?);
        self.state().show(sequence, Arc::clone(&digest));
        Some(Listed { entry, digest })
    }

    async fn digest(&self, entry: &Entry) -> Option<Digest> {
        let octets = self.octets(entry).await?;
        let owners = entry.arrival.places.iter().map(|place| place.owner.clone());
        let recipients: Vec<String> = owners.filter(|owner| owner.contains('@')).collect();
        Some(Digest::of(&octets, &recipients))
    }

    /// The message as it lies in the first mailbox that still has it. Where
    /// none has, it leaves the index.
    pub(super) async fn octets(&self, entry: &Entry) -> Option<Vec<u8>> {
        for place in &entry.arrival.places {
            let item = self.mailboxes.item(&place.owner, &place.folder, place.uid);
            match item.await {
                Ok(Some(item)) => match self.read(&item).await {
                    Ok(octets) => return Some(octets),
                    Err(error) => tracing::warn!(%error, "a message could not be read"),
                },
                Ok(None) | Err(MailboxError::NoMailbox | MailboxError::NoFolder) => {}
                Err(error) => {
                    tracing::warn!(%error, "a message could not be looked for");
                    return None;
                }
            }
        }
        self.state().remove(entry.arrival.sequence);
        None
    }

    /// The number of its body, if any mailbox it came to still has it.
    pub(super) async fn body(&self, entry: &Entry) -> Option<u64> {
        for place in &entry.arrival.places {
            let item = self.mailboxes.item(&place.owner, &place.folder, place.uid);
            if let Ok(Some(item)) = item.await {
                return Some(item.body.number());
            }
        }
        None
    }

    pub(super) fn change(&self, entry: &Entry, change: impl FnOnce(&mut Entry)) {
        let mut state = self.state();
        if let Some(mut own) = state.entry(entry.arrival.sequence) {
            change(&mut own);
            state.put(own);
        }
    }

    /// Takes a message from every mailbox it went to.
    pub(super) async fn delete(&self, entry: &Entry) -> Result<(), MailboxError> {
        for place in &entry.arrival.places {
            let removed = self
                .mailboxes
                .remove(&place.owner, &place.folder, &[place.uid])
                .await;
            match removed {
                Ok(_) | Err(MailboxError::NoMailbox | MailboxError::NoFolder) => {}
                Err(error) => return Err(error),
            }
        }
        self.state().remove(entry.arrival.sequence);
        Ok(())
    }

    async fn read(&self, item: &ItemSummary) -> Result<Vec<u8>, MailboxError> {
        let unreadable =
            |error: mailward_store::ReadError| MailboxError::Unavailable(error.to_string());
        let mut reader = self.mailboxes.read_body(&item.body)?;
        let mut octets = Vec::new();
        while (octets.len() as u64) < READ_OCTETS_MAX
            && let Some(chunk) = reader.chunk().await.map_err(unreadable)?
        {
            octets.extend_from_slice(&chunk);
        }
        Ok(octets)
    }

    /// The state, with what has come since.
    fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let arrivals = self.mailboxes.arrivals();
        state.forget_to(arrivals.forgotten());
        loop {
            let news = arrivals.after(state.cursor, NEWS_MAX);
            if news.is_empty() {
                return state;
            }
            for arrival in news {
                state.cursor = arrival.sequence;
                state.take(arrival);
            }
        }
    }
}

impl Listed {
    pub(super) fn to_json(&self) -> Value {
        let (entry, digest) = (&self.entry, &self.digest);
        json!({
            "ID": entry.id(),
            "MessageID": digest.message_id,
            "Read": entry.read,
            "From": digest.from,
            "To": digest.to,
            "Cc": digest.cc,
            "Bcc": digest.bcc,
            "ReplyTo": digest.reply_to,
            "Subject": digest.subject,
            "Created": entry.arrival.at.to_rfc3339(),
            "Username": "",
            "Tags": entry.tags,
            "Size": entry.arrival.octets,
            "Attachments": digest.attachments,
            "Snippet": digest.snippet,
        })
    }
}
