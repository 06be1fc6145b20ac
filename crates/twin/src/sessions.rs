//! Who is connected, and what was said: every session of every listener, by
//! the name that its events carry.
//!
//! ```text
//!   listener ─ tap ─▶ Sessions ── line: what faults act upon
//!                        └──────── recording: the transcript
//! ```
//!
//! SMTP sessions are named as the service names them in its replies; the
//! others by protocol and a number that counts up.

use std::collections::{HashMap, VecDeque};
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use mailward_mail::Clock;
use mailward_net::tap::{Tap, Taps};

use crate::faults::{ActionSpec, Faults, Line, LineTap, Protocol, Situation};
use crate::transcripts::{Recording, SessionView, TranscriptView};

/// Transcripts kept; the oldest are forgotten beyond this many.
pub(crate) const SESSIONS_MAX: usize = 1000;

/// Octets of text that all transcripts together may hold.
pub(crate) const TRANSCRIPT_OCTETS_MAX: usize = 16 * 1024 * 1024;

tokio::task_local! {
    /// The session on whose behalf this task acts.
    static SESSION: Arc<str>;
}

/// The session that what happens now belongs to.
pub(crate) fn current() -> Option<Arc<str>> {
    SESSION.try_with(Arc::clone).ok()
}

/// All sessions of a twin. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Sessions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    faults: Faults,
    table: Mutex<Table>,
    /// Of all recordings that are kept.
    octets: Arc<AtomicUsize>,
}

#[derive(Debug, Default)]
struct Table {
    lines: HashMap<(SocketAddr, u16), Line>,
    names: HashMap<Arc<str>, Line>,
    /// The oldest first.
    kept: VecDeque<Recording>,
    begun: u64,
    /// Of the listener for HTTPS, once somebody has come.
    https_port: Option<u16>,
}

/// The taps of one listener.
#[derive(Debug)]
struct Watch {
    sessions: Sessions,
    protocol: Protocol,
}

impl Sessions {
    pub(crate) fn new(clock: Arc<dyn Clock>, faults: Faults) -> Self {
        Self(Arc::new(Inner {
            clock,
            faults,
            table: Mutex::default(),
            octets: Arc::default(),
        }))
    }

    /// For the listener of a protocol.
    pub(crate) fn taps(&self, protocol: Protocol) -> Arc<dyn Taps> {
        Arc::new(Watch {
            sessions: self.clone(),
            protocol,
        })
    }

    /// The line between these two ends.
    pub(crate) fn between(&self, peer: SocketAddr, local: SocketAddr) -> Option<Line> {
        self.lock()
            .lines
            .get(&(canonical(peer), local.port()))
            .cloned()
    }

    /// The line of whoever asks over HTTPS.
    pub(crate) fn of_http(&self, peer: SocketAddr) -> Option<Line> {
        let table = self.lock();
        let port = table.https_port?;
        table.lines.get(&(canonical(peer), port)).cloned()
    }

    /// Gives the session between these two ends the name that it goes by.
    pub(crate) fn name(&self, peer: SocketAddr, local: SocketAddr, name: &str) -> Option<Line> {
        let mut table = self.lock();
        let line = table.lines.get(&(canonical(peer), local.port())).cloned()?;
        let name: Arc<str> = name.into();
        table
            .names
            .remove(&line.recording().rename(Arc::clone(&name)));
        table.names.insert(name, line.clone());
        Some(line)
    }

    /// A session that goes on, by its name.
    pub(crate) fn named(&self, name: &str) -> Option<Line> {
        self.lock().names.get(name).cloned()
    }

    /// Does `work` on behalf of a session: its events name it.
    pub(crate) fn within<T>(&self, name: &str, work: impl FnOnce() -> T) -> T {
        SESSION.sync_scope(name.into(), work)
    }

    /// The same for work that waits.
    pub(crate) fn during<F: Future>(
        &self,
        name: Arc<str>,
        work: F,
    ) -> impl Future<Output = F::Output> + use<F> {
        SESSION.scope(name, work)
    }

    /// What is kept, the oldest first, after the session counted `after`.
    pub(crate) fn list(&self, after: u64, limit: usize) -> Vec<SessionView> {
        let table = self.lock();
        let start = table.kept.partition_point(|one| one.sequence() <= after);
        table
            .kept
            .range(start..)
            .filter(|one| !one.is_idle_http())
            .take(limit)
            .map(Recording::view)
            .collect()
    }

    pub(crate) fn transcript(&self, name: &str) -> Option<TranscriptView> {
        let kept = self
            .lock()
            .kept
            .iter()
            .rev()
            .find(|one| *one.name() == *name)
            .cloned();
        kept.map(|recording| recording.transcript())
    }

    /// Forgets what is kept of sessions that have ended.
    pub(crate) fn forget(&self) {
        let mut table = self.lock();
        for one in table.kept.iter().filter(|one| one.has_ended()) {
            one.forget();
        }
        table.kept.retain(|one| !one.has_ended());
    }

    fn begin(&self, protocol: Protocol, peer: SocketAddr, local: SocketAddr) -> Line {
        let peer = canonical(peer);
        let mut table = self.lock();
        table.begun += 1;
        if protocol == Protocol::Http {
            table.https_port = Some(local.port());
        }
        let sequence = table.begun;
        let name: Arc<str> = format!("{}-{sequence}", protocol.as_str()).into();
        let recording = Recording::begin(
            sequence,
            Arc::clone(&name),
            protocol,
            peer,
            Arc::clone(&self.0.clock),
            Arc::clone(&self.0.octets),
        );
        let line = Line::new(protocol, peer, local.port(), recording.clone());
        table.lines.insert((peer, local.port()), line.clone());
        table.names.insert(name, line.clone());
        table.kept.push_back(recording);
        while table.kept.len() > SESSIONS_MAX
            || (table.kept.len() > 1
                && self.0.octets.load(Ordering::Relaxed) > TRANSCRIPT_OCTETS_MAX)
        {
            if let Some(oldest) = table.kept.pop_front() {
                oldest.forget();
            }
        }
        line
    }

    fn end(&self, line: &Line) {
        let recording = line.recording();
        recording.end();
        let mut table = self.lock();
        if recording.is_idle_http() {
            let place = table
                .kept
                .binary_search_by_key(&recording.sequence(), Recording::sequence);
            if let Ok(place) = place {
                table.kept.remove(place);
                recording.forget();
            }
        }
        table.lines.remove(&line.ends());
        table.names.remove(&line.recording().name());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taps for Watch {
    fn tap(&self, peer: SocketAddr, local: SocketAddr) -> Option<Box<dyn Tap>> {
        let line = self.sessions.begin(self.protocol, peer, local);
        let faults = &self.sessions.0.faults;
        // What HTTPS serves includes the control API: its faults strike later.
        if self.protocol != Protocol::Http
            && let Some(strike) = faults.strike(&Situation::of(self.protocol, "connect"))
            && let Some(ActionSpec::Reply { text }) = line.suffer(strike)
        {
            line.turn_away(text);
        }
        let sessions = self.sessions.clone();
        let clock = Arc::clone(&self.sessions.0.clock);
        let ended = move |line: &Line| sessions.end(line);
        Some(Box::new(LineTap::new(line, faults.clone(), clock, ended)))
    }
}

/// A listener on `::` shows IPv4 callers as `::ffff:192.0.2.1`.
fn canonical(mut address: SocketAddr) -> SocketAddr {
    address.set_ip(address.ip().to_canonical());
    address
}
