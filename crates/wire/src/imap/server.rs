//! The conversation, from the server's side.
//!
//! ```text
//!              ┌───────────── complete ──────────────┐
//!              ▼                                      │
//!   Ready ── command ──▶ Busy(question) ── IDLE ──▶ Idling ── DONE ─▶ Busy
//!     │ ▲                   │
//!     │ └ BAD, told by us   ├─ AUTHENTICATE ─▶ AwaitingResponse ─▶ Busy
//!     └── APPEND {n} ──▶ Offered ─▶ Appending ─▶ AppendEnding ─▶ Busy
//! ```
//!
//! An event is news or a question. After a question nothing more is read until
//! [`Server::complete`] (or, for an APPEND, a decision), so that pipelined
//! commands can't overtake an answer. What the client may not say in its state,
//! and what can't be read, is answered BAD here and told as [`Event::Bad`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::command::{Append, Command};
use super::credentials::{Credentials, Mechanism};
use super::extended::Dialect;
use super::frame::{Announced, DROPPED_MESSAGE_OCTETS_MAX, DROPPED_OCTETS_MAX, Frame, Framer};
use super::parse::{ParseError, parse_append, parse_command};
use super::write::{Status, put_continuation, put_status};

/// The states of RFC 3501 section 3 in which commands are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    NotAuthenticated,
    Authenticated,
    Selected,
}

/// What the machine says by itself.
#[derive(Clone, Debug)]
pub struct ServerWords {
    pub bad_command: String,
    pub bad_arguments: String,
    pub wrong_state: String,
    pub too_long: String,
    pub continue_literal: String,
    pub continue_authenticate: String,
    pub continue_idle: String,
}

/// What to do next.
#[derive(Debug)]
pub enum Step {
    /// Read from the client, then [`Server::receive`].
    Read,
    Send(Vec<u8>),
    Event(Event),
    /// A question is open.
    Answer,
}

#[derive(Debug)]
pub enum Event {
    /// A question: [`Server::complete`] it. For IDLE, [`Server::idle`] first.
    Command(Command),
    /// A question: somebody wants in. LOGIN or a finished AUTHENTICATE.
    Credentials(Credentials),
    /// A question: [`Server::accept_append`] or [`Server::refuse_append`].
    Append(Append),
    /// A piece of the appended message.
    AppendChunk(Vec<u8>),
    /// A question: the message is complete.
    AppendEnd,
    /// The command went wrong after its message and was answered BAD; forget
    /// the message.
    AppendBroken,
    /// A question: IDLE ends.
    IdleDone,
    /// A command was answered BAD.
    Bad,
    /// A command is so long that its end is not awaited: say goodbye and close
    /// (RFC 7888 section 4). Nothing more is read.
    Endless,
}

#[derive(Debug)]
enum Phase {
    Ready,
    Busy,
    Offered(Announced),
    /// `refused` is answered after a literal that comes anyway is gone.
    RefusedAppend {
        answer: Vec<u8>,
    },
    Appending,
    AppendEnding,
    AwaitingResponse(Mechanism),
    Idling,
}

#[derive(Debug)]
pub struct Server {
    framer: Framer,
    phase: Phase,
    state: State,
    dialect: Dialect,
    /// What has to follow the message of an APPEND.
    append_tail: &'static [u8],
    words: ServerWords,
    /// Of the command that is answered next; empty when there is none.
    tag: String,
    command_name: &'static str,
    out: Vec<u8>,
    /// To be told once `out` has been sent.
    news: Option<Event>,
}

impl Server {
    pub fn new(command_octets_max: usize, words: ServerWords) -> Self {
        Self {
            framer: Framer::new(command_octets_max),
            phase: Phase::Ready,
            state: State::NotAuthenticated,
            dialect: Dialect::default(),
            append_tail: b"",
            words,
            tag: String::new(),
            command_name: "",
            out: Vec::new(),
            news: None,
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// The client signed in, selected a mailbox, or left it.
    pub fn enter(&mut self, state: State) {
        self.state = state;
    }

    /// Which extensions are read from now on.
    pub fn speak(&mut self, dialect: Dialect) {
        self.dialect = dialect;
    }

    /// The tag of the command that is being answered.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The name of the command that is being answered.
    pub fn command_name(&self) -> &'static str {
        self.command_name
    }

    /// Takes bytes after [`Step::Read`].
    pub fn receive(&mut self, bytes: &[u8]) {
        self.framer.receive(bytes);
    }

    pub fn step(&mut self) -> Step {
        loop {
            if !self.out.is_empty() {
                return Step::Send(std::mem::take(&mut self.out));
            }
            if let Some(event) = self.news.take() {
                return Step::Event(event);
            }
            if matches!(self.phase, Phase::Busy | Phase::Offered(_)) {
                return Step::Answer;
            }
            let Some(frame) = self.framer.next() else {
                return Step::Read;
            };
            // An answer is on its way before anybody hears of the event.
            self.news = self.frame(frame);
        }
    }

    /// Ends the open question: appends the tagged response to `out`, after
    /// whatever untagged ones the caller put there.
    pub fn complete(&mut self, out: &mut Vec<u8>, status: Status, code: Option<&str>, text: &str) {
        let tag = std::mem::take(&mut self.tag);
        put_status(out, &tag, status, code, text);
        self.phase = Phase::Ready;
    }

    /// Answers IDLE with the continuation and waits for DONE.
    pub fn idle(&mut self) {
        put_continuation(&mut self.out, &self.words.continue_idle);
        self.phase = Phase::Idling;
    }

    /// Lets the message come, as [`Event::AppendChunk`]s.
    pub fn accept_append(&mut self) {
        if let Phase::Offered(announced) = self.phase {
            self.framer.stream();
            if announced.synchronizing {
                put_continuation(&mut self.out, &self.words.continue_literal);
            }
            self.phase = Phase::Appending;
        }
    }

    /// Refuses the message. If it comes anyway it is dropped first.
    pub fn refuse_append(&mut self, status: Status, code: Option<&str>, text: &str) {
        if let Phase::Offered(announced) = self.phase {
            let tag = std::mem::take(&mut self.tag);
            let mut answer = Vec::new();
            put_status(&mut answer, &tag, status, code, text);
            self.framer.refuse(match self.state {
                State::NotAuthenticated => DROPPED_OCTETS_MAX,
                _ => DROPPED_MESSAGE_OCTETS_MAX,
            });
            if announced.synchronizing {
                self.out = answer;
                self.phase = Phase::Ready;
            } else {
                self.phase = Phase::RefusedAppend { answer };
            }
        }
    }

    fn frame(&mut self, frame: Frame) -> Option<Event> {
        match frame {
            Frame::Command(line) => self.line(&line),
            Frame::Literal(announced) => self.literal(announced),
            Frame::Chunk(chunk) => Some(Event::AppendChunk(chunk)),
            Frame::ChunksEnd => {
                self.phase = Phase::AppendEnding;
                None
            }
            Frame::Endless => {
                if let Phase::RefusedAppend { answer } = &mut self.phase {
                    self.out = std::mem::take(answer);
                }
                self.phase = Phase::Ready;
                Some(Event::Endless)
            }
            Frame::TooLong { tag } => match std::mem::replace(&mut self.phase, Phase::Ready) {
                Phase::RefusedAppend { answer } => {
                    self.out = answer;
                    None
                }
                Phase::AppendEnding => {
                    let text = self.words.too_long.clone();
                    self.bad_with(None, &text);
                    Some(Event::AppendBroken)
                }
                Phase::AwaitingResponse(_) | Phase::Idling => {
                    let text = self.words.too_long.clone();
                    self.bad_with(None, &text)
                }
                _ => {
                    let text = self.words.too_long.clone();
                    self.bad_with(Some(tag), &text)
                }
            },
        }
    }

    fn line(&mut self, line: &[u8]) -> Option<Event> {
        match std::mem::replace(&mut self.phase, Phase::Busy) {
            Phase::AppendEnding => {
                let rest = line.strip_prefix(self.append_tail);
                if rest.is_some_and(|rest| rest.iter().all(|byte| *byte == b' ')) {
                    return Some(Event::AppendEnd);
                }
                let text = self.words.bad_arguments.clone();
                self.bad_with(None, &text);
                Some(Event::AppendBroken)
            }
            Phase::AwaitingResponse(mechanism) => self.sasl_response(&mechanism, line),
            Phase::Idling => {
                if line.trim_ascii().eq_ignore_ascii_case(b"DONE") {
                    return Some(Event::IdleDone);
                }
                let text = self.words.bad_command.clone();
                self.bad_with(None, &text)
            }
            _ if line.is_empty() => {
                // An empty line is no command; some clients send one after a
                // literal, and nobody waits for an answer to it.
                self.phase = Phase::Ready;
                None
            }
            _ => self.command(line),
        }
    }

    fn command(&mut self, line: &[u8]) -> Option<Event> {
        let tagged = match parse_command(line, self.dialect) {
            Ok(tagged) => tagged,
            Err(ParseError::NoTag) => {
                let text = self.words.bad_command.clone();
                return self.bad_with(Some(None), &text);
            }
            Err(ParseError::UnknownCommand { tag, .. }) => {
                let text = self.words.bad_command.clone();
                return self.bad_with(Some(Some(tag)), &text);
            }
            Err(ParseError::Arguments { tag, .. }) => {
                let text = self.words.bad_arguments.clone();
                return self.bad_with(Some(Some(tag)), &text);
            }
        };
        self.tag = tagged.tag;
        self.command_name = tagged.command.name();
        if !allowed(&tagged.command, self.state) {
            let text = self.words.wrong_state.clone();
            return self.bad_with(None, &text);
        }
        match tagged.command {
            Command::Login { user, password } => {
                Some(Event::Credentials(Credentials::Login { user, password }))
            }
            Command::Authenticate {
                mechanism,
                initial_response,
            } if !matches!(mechanism, Mechanism::Other(_)) => match initial_response {
                Some(response) => self.sasl_response(&mechanism, response.expose().as_bytes()),
                None => {
                    put_continuation(&mut self.out, &self.words.continue_authenticate);
                    self.phase = Phase::AwaitingResponse(mechanism);
                    None
                }
            },
            command => Some(Event::Command(command)),
        }
    }

    /// Base64 of a mechanism's response, `=` for an empty one, or `*`, by which
    /// the client gives up (RFC 3501 section 6.2.2).
    fn sasl_response(&mut self, mechanism: &Mechanism, line: &[u8]) -> Option<Event> {
        let line = if line == b"=" { b"" } else { line };
        let decoded = STANDARD.decode(line.trim_ascii()).map(Zeroizing::new);
        let credentials = decoded
            .ok()
            .and_then(|response| Credentials::parse(mechanism, &response));
        match credentials {
            Some(credentials) => {
                self.phase = Phase::Busy;
                Some(Event::Credentials(credentials))
            }
            None => {
                let text = self.words.bad_arguments.clone();
                self.bad_with(None, &text)
            }
        }
    }

    fn literal(&mut self, announced: Announced) -> Option<Event> {
        if let Some(append) = parse_append(self.framer.so_far(), announced.octets, self.dialect) {
            self.append_tail = if append.utf8 { b")" } else { b"" };
            if matches!(self.phase, Phase::Ready) {
                self.tag.clone_from(&append.tag);
                self.command_name = "APPEND";
                self.phase = Phase::Offered(announced);
                if self.state != State::NotAuthenticated {
                    return Some(Event::Append(append));
                }
                let text = self.words.wrong_state.clone();
                self.refuse_append(Status::Bad, None, &text);
                return Some(Event::Bad);
            }
        } else if self.framer.fits(announced) {
            self.framer.accept();
            if announced.synchronizing {
                put_continuation(&mut self.out, &self.words.continue_literal);
            }
            return None;
        }
        let tag = self.framer.tag();
        self.framer.refuse(DROPPED_OCTETS_MAX);
        if announced.synchronizing {
            // Nothing follows; a literal that comes anyway is dropped, and
            // then told as too long.
            let text = self.words.too_long.clone();
            return match std::mem::replace(&mut self.phase, Phase::Ready) {
                Phase::AppendEnding => {
                    self.bad_with(None, &text);
                    Some(Event::AppendBroken)
                }
                Phase::AwaitingResponse(_) | Phase::Idling => self.bad_with(None, &text),
                _ => self.bad_with(Some(tag), &text),
            };
        }
        None
    }

    /// Answers BAD. `tag` replaces that of the open command; an unreadable one
    /// is answered untagged.
    fn bad_with(&mut self, tag: Option<Option<String>>, text: &str) -> Option<Event> {
        let own = std::mem::take(&mut self.tag);
        let tag = match tag {
            None => own,
            Some(tag) => tag.unwrap_or_else(|| "*".to_owned()),
        };
        put_status(&mut self.out, &tag, Status::Bad, None, text);
        self.phase = Phase::Ready;
        Some(Event::Bad)
    }
}

/// Which command may be given in which state (section 6).
fn allowed(command: &Command, state: State) -> bool {
    match command {
        Command::Capability | Command::Noop | Command::Logout | Command::Id(_) => true,
        Command::Login { .. } | Command::Authenticate { .. } => state == State::NotAuthenticated,
        Command::Check
        | Command::Close
        | Command::Unselect
        | Command::Expunge(_)
        | Command::Search { .. }
        | Command::Sort { .. }
        | Command::Thread { .. }
        | Command::Fetch { .. }
        | Command::Store { .. }
        | Command::Copy { .. }
        | Command::Move { .. } => state == State::Selected,
        _ => state >= State::Authenticated,
    }
}
