//! Who is connected, and what was said: every session in a world, by the name
//! that its events carry.
//!
//! ```text
//!   listener ─ tap ─▶ Sessions ── line: what faults act upon
//!                        └──────── recording: the transcript
//!                        │ the client names another world
//!                        ▼
//!                     Sessions of that world, under another name
//! ```
//!
//! SMTP sessions are named as the service names them in its replies; the
//! others by protocol and a number that counts up.

mod kept;

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailward_mail::Clock;
use mailward_net::tap::{Tap, Taps};

use crate::faults::{ActionSpec, Faults, Line, LineTap, Protocol, Situation};
use crate::transcripts::{CommonTranscripts, Owner, Recording, SessionView, TranscriptView};

use kept::Kept;
pub(crate) use kept::KeptImage;

tokio::task_local! {
    /// The session on whose behalf this task acts.
    static SESSION: Line;
}

/// The session that what happens now belongs to.
pub(crate) fn current() -> Option<Line> {
    SESSION.try_with(Line::clone).ok()
}

/// Does `work` on behalf of a session: its events name it.
pub(crate) fn within<T>(line: Option<&Line>, work: impl FnOnce() -> T) -> T {
    match line {
        Some(line) => SESSION.sync_scope(line.clone(), work),
        None => work(),
    }
}

/// The same for work that waits.
pub(crate) async fn during<F: Future>(line: Option<Line>, work: F) -> F::Output {
    match line {
        Some(line) => SESSION.scope(line, work).await,
        None => work.await,
    }
}

/// All sessions in a world. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Sessions(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    faults: Faults,
    /// The bound of all worlds.
    common: CommonTranscripts,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    lines: HashMap<(SocketAddr, u16), Line>,
    names: HashMap<Arc<str>, Line>,
    kept: Kept,
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
    pub(crate) fn new(clock: Arc<dyn Clock>, faults: Faults, common: CommonTranscripts) -> Self {
        Self(Arc::new(Inner {
            clock,
            faults,
            common,
            table: Mutex::default(),
        }))
    }

    /// Whether both are of one world.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// What their sessions suffer.
    pub(crate) fn faults(&self) -> &Faults {
        &self.0.faults
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.0.clock
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
        let ends = (canonical(peer), local.port());
        self.lock().lines.get(&ends).cloned()
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

    /// Takes over a session of another world: from now on its faults, its name
    /// and its transcript are of this one. Without a name it gets one.
    pub(crate) fn welcome(&self, line: &Line, name: Option<Arc<str>>) {
        let from = line.home();
        if from.is(self) {
            return;
        }
        from.part_with(line);
        line.settle(self);
        let mut table = self.lock();
        let owner = self.owner(&mut table, line.protocol(), name);
        line.recording().give_to(owner);
        table.admit(line);
    }

    /// The same connection as it appears in this world, where its requests name
    /// now one and now another.
    pub(crate) fn beside(&self, line: &Line) -> Line {
        if line.home().is(self) {
            return line.clone();
        }
        let mut table = self.lock();
        if let Some(known) = table.lines.get(&line.ends()) {
            return known.clone();
        }
        let owner = self.owner(&mut table, line.protocol(), None);
        let recording = Recording::begin(owner, line.protocol(), line.ends().0);
        let (sibling, too_many) = line.sibling(self, recording);
        table.admit(&sibling);
        drop(table);
        if let Some(oldest) = too_many {
            oldest.end();
        }
        sibling
    }

    /// What is kept, the oldest first, after the session counted `after`.
    pub(crate) fn list(&self, after: u64, limit: usize) -> Vec<SessionView> {
        self.lock().kept.after(after, limit)
    }

    /// Up to `limit` of the sessions before the one counted `before` that
    /// `is_wanted`, the newest first.
    pub(crate) fn newest(
        &self,
        before: Option<u64>,
        limit: usize,
        is_wanted: impl Fn(&SessionView) -> bool,
    ) -> Vec<SessionView> {
        self.lock().kept.before(before, limit, is_wanted)
    }

    pub(crate) fn transcript(&self, name: &str) -> Option<TranscriptView> {
        let kept = self.lock().kept.find(name);
        kept.map(|recording| recording.transcript())
    }

    /// Forgets what is kept of sessions that have ended.
    pub(crate) fn forget(&self) {
        self.lock().kept.forget_ended();
    }

    /// What is kept of sessions that have ended; those that go on are nobody
    /// else's.
    pub(crate) fn image(&self) -> KeptImage {
        self.lock().kept.image()
    }

    /// Sessions that go on stay.
    pub(crate) fn adopt(&self, image: &KeptImage) {
        self.lock().kept.adopt(image);
    }

    /// Its connection has ended.
    pub(crate) fn end(&self, line: &Line) {
        let recording = line.recording();
        recording.end();
        let mut table = self.lock();
        if recording.is_idle_http() {
            table.kept.remove(recording);
            recording.forget();
        }
        table.strike_out(line);
    }

    fn begin(&self, protocol: Protocol, peer: SocketAddr, local: SocketAddr) -> Line {
        let peer = canonical(peer);
        let mut table = self.lock();
        if protocol == Protocol::Http {
            table.https_port = Some(local.port());
        }
        let owner = self.owner(&mut table, protocol, None);
        let recording = Recording::begin(owner, protocol, peer);
        let line = Line::new(protocol, peer, local.port(), recording, self);
        table.admit(&line);
        line
    }

    fn owner(&self, table: &mut Table, protocol: Protocol, name: Option<Arc<str>>) -> Owner {
        let sequence = table.kept.next_sequence();
        Owner {
            sequence,
            name: name.unwrap_or_else(|| format!("{}-{sequence}", protocol.as_str()).into()),
            clock: Arc::clone(&self.0.clock),
            octets: table.kept.octets(),
            common: Arc::clone(&self.0.common),
        }
    }

    fn part_with(&self, line: &Line) {
        let mut table = self.lock();
        table.kept.remove(line.recording());
        table.strike_out(line);
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn admit(&mut self, line: &Line) {
        self.lines.insert(line.ends(), line.clone());
        self.names.insert(line.recording().name(), line.clone());
        self.kept.add(line.recording().clone());
    }

    fn strike_out(&mut self, line: &Line) {
        self.lines.remove(&line.ends());
        let name = line.recording().name();
        // A world that was put back may have given the name again.
        if self.names.get(&name).is_some_and(|one| one.is(line)) {
            self.names.remove(&name);
        }
    }
}

impl Taps for Watch {
    fn tap(&self, peer: SocketAddr, local: SocketAddr) -> Option<Box<dyn Tap>> {
        let line = self.sessions.begin(self.protocol, peer, local);
        // What HTTPS serves includes the control API: its faults strike later.
        let situation = Situation::of(self.protocol, "connect");
        if self.protocol != Protocol::Http
            && let Some(strike) = within(Some(&line), || self.sessions.faults().strike(&situation))
            && let Some(ActionSpec::Reply { text }) = line.suffer(strike)
        {
            line.turn_away(text);
        }
        Some(Box::new(LineTap::new(line)))
    }
}

/// A listener on `::` shows IPv4 callers as `::ffff:192.0.2.1`.
fn canonical(mut address: SocketAddr) -> SocketAddr {
    address.set_ip(address.ip().to_canonical());
    address
}
