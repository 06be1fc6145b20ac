//! What was said in a session, both ways, without its secrets.
//!
//! ```text
//!   octets ─▶ lines ─▶ scribe of the protocol ─▶ entries (bounded)
//!                       │ knows which line is which command
//!                       └ writes *** for what it must not, or does not, know
//! ```
//!
//! The recording sits on our side of TLS, at the stream, so that it sees what
//! really passed, faults included. It gathers whole lines before it judges
//! them, however a client cuts them up, and writes down only what it knows to
//! be harmless: a line that is no known command is counted, not quoted.

mod imap;
mod lines;
mod pop;
mod smtp;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailward_mail::{Clock, Timestamp};
use mailward_net::TlsFacts;
use serde::Serialize;

use crate::common::{Common, Piece};
use crate::faults::Protocol;

/// Entries of one session; the oldest go beyond this many.
const ENTRIES_MAX: usize = 2000;

/// What an entry costs besides its text.
const ENTRY_OCTETS: usize = 64;

/// Who said it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    Client,
    Server,
    /// Nobody: something that happened.
    Note,
}

/// One line of a transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Entry {
    pub at: Timestamp,
    pub direction: Direction,
    /// Whether it went through TLS.
    pub tls: bool,
    pub text: String,
}

/// A session in the list of all.
#[derive(Clone, Debug, Serialize)]
pub struct SessionView {
    /// Counts from 1; a cursor.
    pub sequence: u64,
    /// What events call it.
    pub id: String,
    pub protocol: Protocol,
    pub peer: SocketAddr,
    pub begun: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
    pub tls: bool,
    pub entries: usize,
}

/// The whole of one session, as far as it is kept.
#[derive(Clone, Debug, Serialize)]
pub struct TranscriptView {
    #[serde(flatten)]
    pub session: SessionView,
    /// Entries that had to go, from the start.
    pub forgotten: u64,
    pub lines: Vec<Entry>,
}

impl TranscriptView {
    /// For people: `C: EHLO client`, one line each.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for entry in &self.lines {
            let who = match entry.direction {
                Direction::Client => "C",
                Direction::Server => "S",
                Direction::Note => "-",
            };
            let lock = if entry.tls { "*" } else { " " };
            text.push_str(&format!("{} {lock}{who}: {}\n", entry.at, entry.text));
        }
        text
    }
}

/// One session's record. Clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Recording(Arc<Kept>);

/// All transcripts of all worlds, in octets of their text.
pub(crate) type CommonTranscripts = Arc<Common<Kept>>;

/// What clones share.
pub(crate) struct Kept {
    common: CommonTranscripts,
    protocol: Protocol,
    peer: SocketAddr,
    pages: Mutex<Pages>,
}

/// Whose a recording is: what it is called there, and the clock it shows.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    /// Counts from 1; a cursor.
    pub(crate) sequence: u64,
    pub(crate) name: Arc<str>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Of all recordings that the owner keeps.
    pub(crate) octets: Arc<AtomicUsize>,
    /// The bound of all owners.
    pub(crate) common: CommonTranscripts,
}

#[derive(Debug)]
struct Pages {
    owner: Owner,
    begun: Timestamp,
    ended: Option<Timestamp>,
    tls: bool,
    entries: VecDeque<Entry>,
    forgotten: u64,
    /// As they count for the owner, who has its own order of forgetting.
    octets: usize,
    /// Those that are there.
    octets_held: usize,
    /// Nothing is written any more.
    is_shut: bool,
    scribe: Scribe,
}

/// Who knows the protocol.
#[derive(Debug)]
enum Scribe {
    Smtp(smtp::Scribe),
    Imap(imap::Scribe),
    Pop(pop::Scribe),
    /// Written by whoever handles the requests.
    Http,
}

/// What a scribe hears of.
pub(crate) type Said = Vec<(Direction, String)>;

/// Commands of a mailbox protocol, in upper case: `FETCH`, `UID FETCH`, `RETR`.
pub(crate) type Commands = Vec<String>;

impl Recording {
    pub(crate) fn begin(owner: Owner, protocol: Protocol, peer: SocketAddr) -> Self {
        let scribe = match protocol {
            Protocol::Imap => Scribe::Imap(imap::Scribe::default()),
            Protocol::Pop => Scribe::Pop(pop::Scribe::default()),
            Protocol::Http | Protocol::Dns | Protocol::Delivery => Scribe::Http,
            Protocol::Submission | Protocol::HighSending | Protocol::Relay | Protocol::Catch => {
                Scribe::Smtp(smtp::Scribe::default())
            }
        };
        let kept = Arc::new(Kept {
            common: Arc::clone(&owner.common),
            protocol,
            peer,
            pages: Mutex::new(Pages {
                begun: owner.clock.now(),
                owner,
                ended: None,
                tls: false,
                entries: VecDeque::new(),
                forgotten: 0,
                octets: 0,
                octets_held: 0,
                is_shut: false,
                scribe,
            }),
        });
        kept.common.enter(&kept);
        Self(kept)
    }

    /// Gives it to another owner. What was said before counts as said at this
    /// moment of the new owner's clock: the other's may be years away.
    pub(crate) fn give_to(&self, owner: Owner) {
        let mut pages = self.lock();
        let now = owner.clock.now();
        pages.begun = now;
        pages.entries.iter_mut().for_each(|entry| entry.at = now);
        owner.octets.fetch_add(pages.octets, Ordering::Relaxed);
        let before = std::mem::replace(&mut pages.owner, owner);
        before.octets.fetch_sub(pages.octets, Ordering::Relaxed);
    }

    pub(crate) fn sequence(&self) -> u64 {
        self.lock().owner.sequence
    }

    pub(crate) fn name(&self) -> Arc<str> {
        Arc::clone(&self.lock().owner.name)
    }

    /// Gives the old name back.
    pub(crate) fn rename(&self, name: Arc<str>) -> Arc<str> {
        std::mem::replace(&mut self.lock().owner.name, name)
    }

    pub(crate) fn octets(&self) -> usize {
        self.lock().octets
    }

    /// Gives the commands that came whole with these octets, of protocols
    /// whose sessions do not ask before each.
    pub(crate) fn received(&self, octets: &[u8]) -> Commands {
        let mut commands = Commands::new();
        self.hear(|scribe, said| match scribe {
            Scribe::Smtp(scribe) => scribe.received(octets, said),
            Scribe::Imap(scribe) => scribe.received(octets, said, &mut commands),
            Scribe::Pop(scribe) => scribe.received(octets, said, &mut commands),
            Scribe::Http => {}
        });
        commands
    }

    pub(crate) fn sent(&self, octets: &[u8]) {
        self.hear(|scribe, said| match scribe {
            Scribe::Smtp(scribe) => scribe.sent(octets, said),
            Scribe::Imap(scribe) => scribe.sent(octets, said),
            Scribe::Pop(scribe) => scribe.sent(octets, said),
            Scribe::Http => {}
        });
    }

    pub(crate) fn secured(&self, facts: Option<&TlsFacts>) {
        self.hear(|scribe, said| {
            if let Scribe::Smtp(scribe) = scribe {
                scribe.secured();
            }
            let facts = facts.map_or(String::new(), |facts| {
                format!(" {} {}", facts.version, facts.cipher)
            });
            said.push((Direction::Note, format!("TLS{facts}")));
        });
        self.lock().tls = true;
    }

    /// A line of somebody who knows it to be harmless.
    pub(crate) fn write(&self, direction: Direction, text: String) {
        self.hear(|_, said| said.push((direction, text)));
    }

    pub(crate) fn end(&self) {
        self.hear(|scribe, said| match scribe {
            Scribe::Smtp(scribe) => scribe.ended(said),
            Scribe::Imap(scribe) => scribe.ended(said),
            Scribe::Pop(scribe) => scribe.ended(said),
            Scribe::Http => {}
        });
        let mut pages = self.lock();
        pages.ended = Some(pages.owner.clock.now());
        pages.is_shut = true;
    }

    /// Whether it is of a connection that the service itself had no part in:
    /// the control API and the console come over HTTPS, too.
    pub(crate) fn is_idle_http(&self) -> bool {
        let said = |entry: &Entry| entry.direction == Direction::Client;
        self.0.protocol == Protocol::Http && !self.lock().entries.iter().any(said)
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.lock().ended.is_some()
    }

    /// Nobody keeps it any more. Where it goes on it writes nothing; where it
    /// has ended others may still look at it.
    pub(crate) fn forget(&self) {
        let mut pages = self.lock();
        let octets = pages.octets;
        if pages.ended.is_none() {
            pages.is_shut = true;
            pages.octets = 0;
            self.0.common.give_back(pages.empty());
        }
        pages.owner.octets.fetch_sub(octets, Ordering::Relaxed);
    }

    pub(crate) fn view(&self) -> SessionView {
        let pages = self.lock();
        SessionView {
            sequence: pages.owner.sequence,
            id: pages.owner.name.to_string(),
            protocol: self.0.protocol,
            peer: self.0.peer,
            begun: pages.begun,
            ended: pages.ended,
            tls: pages.tls,
            entries: pages.entries.len(),
        }
    }

    pub(crate) fn transcript(&self) -> TranscriptView {
        let session = self.view();
        let pages = self.lock();
        TranscriptView {
            session,
            forgotten: pages.forgotten,
            lines: pages.entries.iter().cloned().collect(),
        }
    }

    fn hear(&self, listen: impl FnOnce(&mut Scribe, &mut Said)) {
        let mut pages = self.lock();
        let mut said = Said::new();
        listen(&mut pages.scribe, &mut said);
        if said.is_empty() || pages.is_shut {
            return;
        }
        let (at, tls) = (pages.owner.clock.now(), pages.tls);
        let mut added = 0;
        let mut gone = 0;
        for (direction, text) in said {
            added += text.len() + ENTRY_OCTETS;
            pages.entries.push_back(Entry {
                at,
                direction,
                tls,
                text,
            });
            if pages.entries.len() > ENTRIES_MAX
                && let Some(oldest) = pages.entries.pop_front()
            {
                gone += oldest.text.len() + ENTRY_OCTETS;
                pages.forgotten += 1;
            }
        }
        pages.octets = (pages.octets + added).saturating_sub(gone);
        pages.octets_held = (pages.octets_held + added).saturating_sub(gone);
        pages.owner.octets.fetch_add(added, Ordering::Relaxed);
        pages.owner.octets.fetch_sub(gone, Ordering::Relaxed);
        let common = &self.0.common;
        common.take(added);
        common.give_back(gone);
        drop(pages);
        common.make_room();
    }

    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.0.lock()
    }
}

impl Kept {
    fn lock(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    /// Nothing is left of what was said; gives the octets that it took.
    fn empty(&mut self) -> usize {
        self.forgotten += self.entries.len() as u64;
        self.entries = VecDeque::new();
        std::mem::take(&mut self.octets_held)
    }
}

impl Piece for Kept {
    fn forget(&self) -> bool {
        let mut pages = self.lock();
        let (gone, goes_on) = (pages.empty(), !pages.is_shut);
        drop(pages);
        self.common.give_back(gone);
        goes_on
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.forget();
    }
}

/// Nothing of what was said.
impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pages = self.lock();
        f.debug_struct("Kept")
            .field("name", &pages.owner.name)
            .field("entries", &pages.entries.len())
            .finish_non_exhaustive()
    }
}
