//! What has come, with what the API knows of each message beside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailward_mailbox::{ARRIVALS_MAX, Arrival, ItemSummary, MailboxError, Mailboxes};
use serde_json::{Value, json};
use tokio::sync::watch;

use super::letter::Digest;
use super::query::Query;
use crate::deliver::INBOX;

/// The larger message is shown without its text: 64 MiB.
const READ_OCTETS_MAX: u64 = 64 * 1024 * 1024;

/// Folders in which mail comes in.
const FOLDERS: [&str; 2] = [INBOX, "Junk Email"];

#[derive(Debug)]
pub(crate) struct Index {
    mailboxes: Mailboxes,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By sequence.
    entries: BTreeMap<u64, Entry>,
    /// The last arrival that was looked at.
    cursor: u64,
}

/// One message.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) arrival: Arc<Arrival>,
    pub(super) read: bool,
    pub(super) tags: Vec<String>,
    /// Made when the message is first listed or searched.
    digest: Option<Arc<Digest>>,
}

/// A message with all that a list shows of it.
#[derive(Clone, Debug)]
pub(super) struct Listed {
    pub(super) entry: Entry,
    pub(super) digest: Arc<Digest>,
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
        self.state().entries.values().rev().cloned().collect()
    }

    /// How many there are and how many are unread.
    pub(super) fn counts(&self) -> (usize, usize) {
        let state = self.state();
        let unread = state.entries.values().filter(|entry| !entry.read).count();
        (state.entries.len(), unread)
    }

    /// `latest` is the newest.
    pub(super) fn find(&self, id: &str) -> Option<Entry> {
        let state = self.state();
        if id == "latest" {
            return state.entries.values().next_back().cloned();
        }
        state.entries.get(&id.parse().ok()?).cloned()
    }

    pub(super) fn page(&self, start: usize, limit: usize) -> Vec<Entry> {
        let state = self.state();
        let page = state.entries.values().rev().skip(start).take(limit);
        page.cloned().collect()
    }

    /// Those after `cursor` that a query finds, the newest first.
    pub(super) async fn search(&self, query: &Query, cursor: u64) -> Vec<Listed> {
        let all = self.all().into_iter();
        let mut found = Vec::new();
        for entry in all.take_while(|entry| entry.arrival.sequence > cursor) {
            if let Some(listed) = self.listed(entry).await
                && query.finds(&listed)
            {
                found.push(listed);
            }
        }
        found
    }

    /// `None` when it is in no mailbox any more.
    pub(super) async fn listed(&self, entry: Entry) -> Option<Listed> {
        if let Some(digest) = entry.digest.clone() {
            return Some(Listed { entry, digest });
        }
        let octets = self.octets(&entry).await?;
        let owners = entry.arrival.places.iter().map(|place| place.owner.clone());
        let recipients: Vec<String> = owners.filter(|owner| owner.contains('@')).collect();
        let digest = Arc::new(Digest::of(&octets, &recipients));
        self.change(&entry, |entry| entry.digest = Some(Arc::clone(&digest)));
        Some(Listed { entry, digest })
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
        self.state().entries.remove(&entry.arrival.sequence);
        None
    }

    pub(super) fn change(&self, entry: &Entry, change: impl FnOnce(&mut Entry)) {
        if let Some(own) = self.state().entries.get_mut(&entry.arrival.sequence) {
            change(own);
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
        self.state().entries.remove(&entry.arrival.sequence);
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
        let forgotten = self.mailboxes.arrivals().forgotten();
        while let Some(oldest) = state.entries.first_entry()
            && *oldest.key() <= forgotten
        {
            oldest.remove();
        }
        for arrival in self.mailboxes.arrivals().after(state.cursor) {
            state.cursor = arrival.sequence;
            let comes_in = |name: &str| FOLDERS.iter().any(|own| own.eq_ignore_ascii_case(name));
            let mut arrival = Arrival::clone(&arrival);
            arrival
                .places
                .retain(|place| comes_in(&place.folder.to_string()));
            if arrival.places.is_empty() {
                continue;
            }
            let entry = Entry {
                arrival: Arc::new(arrival),
                read: false,
                tags: Vec::new(),
                digest: None,
            };
            state.entries.insert(entry.arrival.sequence, entry);
            if state.entries.len() > ARRIVALS_MAX {
                state.entries.pop_first();
            }
        }
        state
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
