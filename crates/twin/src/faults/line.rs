//! One connection, as a fault gets hold of it: its end of the stream waits,
//! crawls or breaks.

use std::collections::VecDeque;
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use mailward_mail::time::Waiting;
use mailward_net::TlsFacts;
use mailward_net::tap::{Cut, Tap};

use super::{ActionSpec, Protocol, Situation, Strike};
use crate::sessions::{self, Sessions};
use crate::transcripts::Recording;

/// Other worlds that one connection may appear in at once; the oldest end.
const SIBLINGS_MAX: usize = 100;

/// Commands of one connection that wait for a fault's answer at once.
const ANSWERS_MAX: usize = 100;

/// What the session's code holds of its connection.
#[derive(Clone, Debug)]
pub(crate) struct Line(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    protocol: Protocol,
    peer: SocketAddr,
    /// The listener's.
    port: u16,
    hindrance: Arc<Mutex<Hindrance>>,
    recording: Recording,
    /// Those of the world that it is in.
    home: Mutex<Sessions>,
    /// The same connection in other worlds.
    siblings: Mutex<VecDeque<Line>>,
}

#[derive(Debug, Default)]
struct Hindrance {
    cut: Option<Cut>,
    tls_fails: bool,
    /// Nothing is sent for so long.
    hold: Duration,
    octets_per_second: Option<u64>,
    /// What to say instead of a greeting.
    turned_away: Option<String>,
    /// What to answer commands that are still to come, by their names.
    answers: VecDeque<(String, String)>,
}

impl Line {
    pub(crate) fn new(
        protocol: Protocol,
        peer: SocketAddr,
        port: u16,
        recording: Recording,
        home: &Sessions,
    ) -> Self {
        Self(Arc::new(Shared {
            protocol,
            peer,
            port,
            hindrance: Arc::default(),
            recording,
            home: Mutex::new(home.clone()),
            siblings: Mutex::default(),
        }))
    }

    /// The same connection in another world, and one that has to end for it.
    pub(crate) fn sibling(&self, home: &Sessions, recording: Recording) -> (Self, Option<Self>) {
        let sibling = Self(Arc::new(Shared {
            protocol: self.0.protocol,
            peer: self.0.peer,
            port: self.0.port,
            hindrance: Arc::clone(&self.0.hindrance),
            recording,
            home: Mutex::new(home.clone()),
            siblings: Mutex::default(),
        }));
        let siblings = self.0.siblings.lock();
        let mut siblings = siblings.unwrap_or_else(PoisonError::into_inner);
        siblings.push_back(sibling.clone());
        let too_many = siblings.len() > SIBLINGS_MAX;
        let oldest = too_many.then(|| siblings.pop_front()).flatten();
        (sibling, oldest)
    }

    /// Whether both are one.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The sessions of the world that it is in.
    pub(crate) fn home(&self) -> Sessions {
        let home = self.0.home.lock();
        home.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn settle(&self, home: &Sessions) {
        let own = self.0.home.lock();
        *own.unwrap_or_else(PoisonError::into_inner) = home.clone();
    }

    /// The connection has ended, in every world.
    pub(crate) fn end(&self) {
        self.home().end(self);
        let siblings = {
            let siblings = self.0.siblings.lock();
            std::mem::take(&mut *siblings.unwrap_or_else(PoisonError::into_inner))
        };
        siblings.iter().for_each(Self::end);
    }

    pub(crate) fn protocol(&self) -> Protocol {
        self.0.protocol
    }

    /// Both ends: what tells it from every other line at this moment.
    pub(crate) fn ends(&self) -> (SocketAddr, u16) {
        (self.0.peer, self.0.port)
    }

    pub(crate) fn recording(&self) -> &Recording {
        &self.0.recording
    }

    /// Does to the connection what the strike wants of it, and gives what is
    /// for others to do.
    pub(crate) fn suffer(&self, strike: Strike) -> Option<ActionSpec> {
        let mut hindrance = self.lock();
        hindrance.hold = hindrance.hold.saturating_add(strike.delay);
        if strike.octets_per_second.is_some() {
            hindrance.octets_per_second = strike.octets_per_second;
        }
        match strike.action {
            Some(ActionSpec::Close) => hindrance.cut = Some(Cut::Close),
            Some(ActionSpec::Reset) => hindrance.cut = Some(Cut::Reset),
            Some(ActionSpec::TlsFailure) => hindrance.tls_fails = true,
            other => return other,
        }
        None
    }

    /// Nothing arrives at the client any more.
    pub(crate) fn cut(&self) {
        self.lock().cut = Some(Cut::Close);
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.lock().cut.is_some()
    }

    pub(crate) fn turn_away(&self, words: String) {
        self.lock().turned_away = Some(words);
    }

    fn answer(&self, command: &str, text: String) {
        let mut hindrance = self.lock();
        if hindrance.answers.len() == ANSWERS_MAX {
            hindrance.answers.pop_front();
        }
        hindrance.answers.push_back((command.to_owned(), text));
    }

    /// What a fault answers this command, whose turn it is now.
    pub(crate) fn answer_to(&self, command: &str) -> Option<String> {
        let mut hindrance = self.lock();
        let answers = &mut hindrance.answers;
        let place = answers
            .iter()
            .position(|(name, _)| proper(name).eq_ignore_ascii_case(command))?;
        // Whatever came before it was no command after all.
        answers.drain(..=place).next_back().map(|(_, text)| text)
    }

    pub(crate) fn turned_away(&self) -> Option<String> {
        self.lock().turned_away.take()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Hindrance> {
        self.0
            .hindrance
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The session knows `UID FETCH` as a form of FETCH.
fn proper(command: &str) -> &str {
    command.strip_prefix("UID ").unwrap_or(command)
}

/// The stream's side of it. It waits by the clock of the line's world.
pub(crate) struct LineTap {
    line: Line,
    /// Never locked by two: the mutex makes it fit to share.
    waiting: Mutex<Option<Waiting>>,
}

impl LineTap {
    pub(crate) fn new(line: Line) -> Self {
        Self {
            line,
            waiting: Mutex::default(),
        }
    }

    fn wait(&mut self, pause: Duration) {
        let waiting = self.line.home().clock().wait(pause);
        *self.waiting() = Some(waiting);
    }

    fn waiting(&mut self) -> &mut Option<Waiting> {
        self.waiting
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tap for LineTap {
    fn received(&mut self, octets: &[u8]) {
        let commands = self.line.recording().received(octets);
        if commands.is_empty() {
            return;
        }
        let home = self.line.home();
        if !home.faults().is_any() {
            return;
        }
        let protocol = self.line.protocol();
        for command in &commands {
            let situation = Situation {
                command: Some(command),
                ..Situation::of(protocol, "command")
            };
            let strike = || home.faults().strike(&situation);
            if let Some(strike) = sessions::within(Some(&self.line), strike)
                && let Some(ActionSpec::Reply { text }) = self.line.suffer(strike)
            {
                self.line.answer(command, text);
            }
        }
    }

    fn sent(&mut self, octets: &[u8]) {
        self.line.recording().sent(octets);
        let rate = self.line.lock().octets_per_second;
        if rate.is_some() {
            self.wait(Duration::from_secs(1));
        }
    }

    fn allows_tls(&mut self) -> bool {
        let protocol = self.line.protocol();
        // What HTTPS serves includes the control API: its faults strike later.
        if protocol != Protocol::Http
            && let Some(strike) = sessions::within(Some(&self.line), || {
                let home = self.line.home();
                home.faults().strike(&Situation::of(protocol, "tls"))
            })
        {
            self.line.suffer(strike);
        }
        let hindrance = self.line.lock();
        !hindrance.tls_fails && hindrance.cut.is_none()
    }

    fn secured(&mut self, facts: Option<&TlsFacts>) {
        self.line.recording().secured(facts);
    }

    fn poll_receive(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Cut>> {
        match self.line.lock().cut {
            Some(cut) => Poll::Ready(Err(cut)),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Cut>> {
        loop {
            let waiting = self.waiting();
            if let Some(due) = waiting {
                ready!(due.as_mut().poll(context));
                *waiting = None;
            }
            let mut hindrance = self.line.lock();
            if hindrance.hold > Duration::ZERO {
                let hold = std::mem::take(&mut hindrance.hold);
                drop(hindrance);
                self.wait(hold);
                continue;
            }
            if let Some(cut) = hindrance.cut {
                return Poll::Ready(Err(cut));
            }
            let most = hindrance.octets_per_second.unwrap_or(u64::MAX);
            return Poll::Ready(Ok(usize::try_from(most).unwrap_or(usize::MAX)));
        }
    }
}

impl Drop for LineTap {
    fn drop(&mut self) {
        self.line.end();
    }
}

impl fmt::Debug for LineTap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LineTap")
            .field("line", &self.line)
            .finish_non_exhaustive()
    }
}
