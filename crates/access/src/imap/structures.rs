//! The structures of messages that were looked at lately, for all sessions.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use mailward_mailbox::{MailboxError, Mailboxes};
use mailward_store::BodyRef;

use crate::imap::body::unreadable;
use crate::mime::{Structure, Walker};

/// Structures that are kept. Each has a bounded size, see
/// [`crate::mime::PART_HEADERS_OCTETS_MAX`]; ordinary ones take a few hundred
/// octets a part.
const STRUCTURES_MAX: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Structures {
    /// By body, the latest last.
    latest: Mutex<VecDeque<(BodyRef, Arc<Structure>)>>,
}

impl Structures {
    /// The structure of a body, which is read once from end to end unless that
    /// was done lately.
    pub(crate) async fn of(
        &self,
        mailboxes: &Mailboxes,
        body: &BodyRef,
    ) -> Result<Arc<Structure>, MailboxError> {
        if let Some(structure) = self.known(body) {
            return Ok(structure);
        }
        let mut walker = Walker::new();
        let mut reader = mailboxes.read_body(body)?;
        while let Some(chunk) = reader.chunk().await.map_err(unreadable)? {
            walker.feed(&chunk);
        }
        let structure = Arc::new(walker.finish());
        let mut latest = self.lock();
        if latest.len() == STRUCTURES_MAX {
            latest.pop_front();
        }
        latest.push_back((*body, Arc::clone(&structure)));
        Ok(structure)
    }

    fn known(&self, body: &BodyRef) -> Option<Arc<Structure>> {
        let mut latest = self.lock();
        let place = latest.iter().position(|(own, _)| own == body)?;
        let entry = latest.remove(place)?;
        let structure = Arc::clone(&entry.1);
        latest.push_back(entry);
        Some(structure)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<(BodyRef, Arc<Structure>)>> {
        self.latest
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
