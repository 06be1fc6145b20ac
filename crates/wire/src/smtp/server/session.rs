//! The session: what drives it.

use std::net::IpAddr;
use std::sync::Arc;

use mailward_mail::{Envelope, Reply, Timestamp};

use super::dialect::{Dialect, SessionId, Situation};
use super::frame::Framer;
use super::receive::Read;
use super::settings::Settings;
use super::state::{Asked, Phase, Refusal, Transaction};
use super::step::{Abort, Answer, Hello, Origin, Step};

/// Replies gather up to this before they are sent even though more input
/// waits: a client that never reads cannot make us hold more.
const OUTPUT_OCTETS_MAX: usize = 4096;

/// One connection's conversation. Small when idle: all buffers are freed.
#[derive(Debug)]
pub struct Session {
    pub(super) settings: Arc<Settings>,
    pub(super) dialect: Arc<dyn Dialect>,
    pub(super) peer: IpAddr,
    pub(super) id: SessionId,
    pub(super) tls: bool,
    pub(super) authenticated: bool,
    draining: bool,
    /// The news of a name is still to be told.
    pub(super) tell_hello: bool,
    pub(super) mail_was_taken: bool,
    pub(super) auth_refusals: u16,
    pub(super) errors: u16,
    pub(super) hello: Option<Hello>,
    pub(super) auth_refusal: Option<Box<Reply>>,
    pub(super) phase: Phase,
    pub(super) transaction: Option<Box<Transaction>>,
    pub(super) framer: Framer,
    pub(super) output: Vec<u8>,
    connected: Timestamp,
    /// Since when the client keeps us waiting; nothing while it does not.
    pub(super) waiting_since: Option<Timestamp>,
}

impl Session {
    pub fn new(
        settings: Arc<Settings>,
        dialect: Arc<dyn Dialect>,
        origin: Origin,
        now: Timestamp,
    ) -> Self {
        Self {
            settings,
            dialect,
            peer: origin.peer,
            id: origin.session,
            tls: origin.tls,
            authenticated: false,
            draining: false,
            tell_hello: false,
            mail_was_taken: false,
            auth_refusals: 0,
            errors: 0,
            hello: None,
            auth_refusal: None,
            phase: Phase::Greeting,
            transaction: None,
            framer: Framer::default(),
            output: Vec::new(),
            connected: now,
            waiting_since: None,
        }
    }

    /// Says `reply` instead of the greeting, or that there are too many
    /// connections, and closes.
    pub fn turn_away(&mut self, reply: Option<Reply>, now: Timestamp) {
        self.phase = Phase::Farewell;
        match reply {
            Some(reply) => self.put(&reply),
            None => self.say(&Situation::TooManyConnections, now),
        }
    }

    /// Takes what it can from the front of `input` and says what to do next.
    /// `input` is shortened by what was taken; the rest is passed again.
    pub fn step<'i>(&mut self, input: &mut &'i [u8], now: Timestamp) -> Step<'i> {
        loop {
            if std::mem::take(&mut self.tell_hello) {
                return Step::Hello;
            }
            if self.output.len() >= OUTPUT_OCTETS_MAX {
                return Step::Send(std::mem::take(&mut self.output));
            }
            let step = match &self.phase {
                Phase::Greeting => {
                    self.phase = Phase::Command;
                    self.say(&Situation::Greeting, now);
                    None
                }
                Phase::Command | Phase::AuthResponse(_) => match self.next_frame(input) {
                    Some(frame) => self.take_frame(frame, now),
                    None => self.wait(now),
                },
                Phase::Asked(_) => {
                    debug_assert!(false, "a question went unanswered");
                    let reply = self.words(&Situation::NoAnswer, now);
                    self.answer(Answer::Refuse(reply), now);
                    None
                }
                Phase::Data | Phase::Chunk(_) => {
                    let read = match self.phase {
                        Phase::Data => self.read_data(input, now),
                        _ => self.read_chunk(input, now),
                    };
                    match read {
                        Read::Step(step) => Some(step),
                        Read::Again => None,
                        Read::Starved => self.wait(now),
                    }
                }
                Phase::StartTls => Some(self.begin_tls(input)),
                Phase::Handshake => Some(Step::StartTls),
                Phase::Farewell => Some(self.part()),
            };
            if let Some(step) = step {
                return step;
            }
        }
    }

    /// Answers the question that the last step asked.
    pub fn answer(&mut self, answer: Answer, now: Timestamp) {
        let answer = match answer {
            Answer::AcceptWith(reply) if !reply.is_positive() => Answer::Refuse(reply),
            Answer::Refuse(reply) if reply.is_positive() => {
                debug_assert!(false, "a refusal must be 4xx or 5xx, not {reply}");
                Answer::Refuse(self.words(&Situation::NoAnswer, now))
            }
            sound => sound,
        };
        match std::mem::replace(&mut self.phase, Phase::Command) {
            Phase::Asked(Asked::Authenticate) => self.answer_authenticate(answer, now),
            Phase::Asked(asked) => self.answer_message(asked, answer, now),
            other => {
                debug_assert!(false, "an answer without a question");
                self.phase = other;
            }
        }
    }

    /// The handshake is done. Everything said in the clear is forgotten (RFC
    /// 3207 section 4.2).
    pub fn tls_established(&mut self, now: Timestamp) {
        self.framer.clear();
        self.phase = Phase::Command;
        self.tls = true;
        self.authenticated = false;
        self.hello = None;
        self.auth_refusal = None;
        self.transaction = None;
        self.waiting_since = Some(now);
    }

    /// Goes on under another name and in another's words, between two
    /// messages. `now` may be of another clock: what has a limit begins anew.
    pub fn move_to(&mut self, id: SessionId, dialect: Arc<dyn Dialect>, now: Timestamp) {
        self.id = id;
        self.dialect = dialect;
        self.connected = now;
        self.waiting_since = self.waiting_since.map(|_| now);
    }

    /// The rest of the body is not wanted: it is read to its end without
    /// being passed on, and answered with `reply` then.
    pub fn refuse_body(&mut self, reply: Reply) {
        if let Some(body) = self.open_body() {
            body.refusal = Some(Refusal::Service(reply));
        }
    }

    /// Says 421 and closes as soon as no message is under way.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Until when [`Step::Receive`] may wait. A step at or after this moment
    /// closes the session.
    pub fn deadline(&self) -> Timestamp {
        let times = &self.settings.times;
        let since = self.waiting_since.unwrap_or(self.connected);
        let mut deadline = match self.body_deadline(since) {
            Some(moment) => moment,
            None => since.plus(times.command),
        };
        if !self.authenticated && !self.mail_was_taken {
            deadline = deadline.min(self.connected.plus(times.before_authentication));
        }
        if let Some(whole) = times.connection {
            deadline = deadline.min(self.connected.plus(whole));
        }
        deadline
    }

    /// The message under way.
    pub fn envelope(&self) -> Option<&Envelope> {
        self.transaction.as_ref().map(|open| &open.envelope)
    }

    /// Whether a body has begun and is neither ended nor aborted: if the
    /// connection breaks now, its taker must be told.
    pub fn body_is_open(&self) -> bool {
        self.transaction
            .as_ref()
            .and_then(|open| open.body.as_ref())
            .is_some_and(|body| body.refusal.is_none())
    }

    pub fn hello(&self) -> Option<&Hello> {
        self.hello.as_ref()
    }

    pub fn is_tls(&self) -> bool {
        self.tls
    }

    pub fn is_authenticated(&self) -> bool {
        self.authenticated
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Nothing is left in the input: send what has gathered, or wait, or give
    /// up waiting.
    fn wait(&mut self, now: Timestamp) -> Option<Step<'static>> {
        let is_idle = matches!(self.phase, Phase::Command | Phase::AuthResponse(_))
            && self.transaction.is_none();
        if self.draining && is_idle {
            self.phase = Phase::Farewell;
            return self.ok(&Situation::ShuttingDown, now);
        }
        if !self.output.is_empty() {
            return Some(Step::Send(std::mem::take(&mut self.output)));
        }
        self.waiting_since.get_or_insert(now);
        if now < self.deadline() {
            return Some(Step::Receive);
        }
        let aborted = self.drop_transaction(Abort::TimedOut);
        self.phase = Phase::Farewell;
        self.say(&Situation::TimedOut, now);
        aborted
    }

    /// The last reply is said: tell who takes a body, send, close.
    fn part(&mut self) -> Step<'static> {
        if let Some(aborted) = self.drop_transaction(Abort::Reset) {
            return aborted;
        }
        match std::mem::take(&mut self.output) {
            octets if octets.is_empty() => Step::Close,
            octets => Step::Send(octets),
        }
    }
}
