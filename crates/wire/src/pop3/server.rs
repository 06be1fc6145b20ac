//! The conversation, from the server's side.
//!
//! ```text
//!             ┌──────────── complete ────────────┐
//!             ▼                                  │
//!   Ready ── command ─────────────────▶ Busy (question)
//!     │ ▲                                 ▲
//!     │ └ -ERR, told by us                │
//!     ├── USER ── PASS ───────────────────┤
//!     └── AUTH ──▶ AwaitingResponse ──────┘
//! ```
//!
//! An event is news or a question. After a question nothing more is read until
//! [`Server::complete`], so that pipelined commands can't overtake an answer.
//! What the client may not say in its state, and what can't be read, is
//! answered `-ERR` here and told as [`Event::Bad`].

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::command::{Command, ParseError, parse_command};
use super::line::{Line, Lines};
use crate::imap::{Credentials, Mechanism};

/// The states of RFC 1939 section 3 in which commands are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Authorization,
    Transaction,
}

/// What the machine says by itself, after `-ERR ` or `+OK `.
#[derive(Clone, Debug)]
pub struct ServerWords {
    pub bad_command: String,
    pub bad_arguments: String,
    pub wrong_state: String,
    pub too_long: String,
    /// For a mechanism that is not spoken.
    pub no_mechanism: String,
    /// The client gave up an AUTH with `*`.
    pub cancelled: String,
    /// `+OK` to USER, which says nothing of whether there is such a user.
    pub user: String,
    /// When AUTH came with an initial response and that is not spoken: the
    /// session ends with it. `None` where it is (RFC 5034 section 4).
    pub no_initial_response: Option<String>,
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
    /// The client said what ends the session.
    Close,
}

#[derive(Debug)]
pub enum Event {
    /// A question: [`Server::complete`] it. Commands of the transaction state,
    /// CAPA and QUIT; AUTH only without a mechanism.
    Command(Command),
    /// A question: somebody wants in. PASS or a finished AUTH.
    Credentials(Credentials),
    /// A command was answered `-ERR`.
    Bad,
}

impl Event {
    /// The command that it came of; empty where it was none.
    pub fn command_name(&self) -> &'static str {
        match self {
            Self::Command(command) => command.name(),
            Self::Credentials(Credentials::Login { .. }) => "PASS",
            Self::Credentials(_) => "AUTH",
            Self::Bad => "",
        }
    }
}

#[derive(Debug)]
enum Phase {
    Ready,
    Busy,
    AwaitingResponse(Mechanism),
    Closing,
}

/// One session's side of the conversation.
#[derive(Debug)]
pub struct Server {
    lines: Lines,
    phase: Phase,
    state: State,
    words: ServerWords,
    /// What USER named.
    user: Option<String>,
    out: Vec<u8>,
    /// To be told once `out` has been sent.
    news: Option<Event>,
}

impl Server {
    pub fn new(line_octets_max: usize, words: ServerWords) -> Self {
        Self {
            lines: Lines::new(line_octets_max),
            phase: Phase::Ready,
            state: State::Authorization,
            words,
            user: None,
            out: Vec::new(),
            news: None,
        }
    }

    pub fn state(&self) -> State {
        self.state
    }

    /// The client signed in.
    pub fn enter(&mut self) {
        self.state = State::Transaction;
    }

    /// Takes bytes after [`Step::Read`].
    pub fn receive(&mut self, bytes: &[u8]) {
        self.lines.receive(bytes);
    }

    pub fn step(&mut self) -> Step {
        loop {
            if !self.out.is_empty() {
                return Step::Send(std::mem::take(&mut self.out));
            }
            if let Some(event) = self.news.take() {
                return Step::Event(event);
            }
            match self.phase {
                Phase::Busy => return Step::Answer,
                Phase::Closing => return Step::Close,
                Phase::Ready | Phase::AwaitingResponse(_) => {}
            }
            let Some(line) = self.lines.next_line() else {
                return Step::Read;
            };
            // An answer is on its way before anybody hears of the event.
            self.news = self.line(line);
        }
    }

    /// Ends the open question. The caller has said what is to be said.
    pub fn complete(&mut self) {
        self.phase = Phase::Ready;
    }

    fn line(&mut self, line: Line) -> Option<Event> {
        let Line::Text(line) = line else {
            let text = self.words.too_long.clone();
            return self.bad(&text);
        };
        match std::mem::replace(&mut self.phase, Phase::Busy) {
            Phase::AwaitingResponse(mechanism) => self.response(&mechanism, &line),
            _ => self.command(&line),
        }
    }

    fn command(&mut self, line: &[u8]) -> Option<Event> {
        let command = match parse_command(line) {
            Ok(command) => command,
            Err(error) => {
                let text = match error {
                    ParseError::UnknownCommand => &self.words.bad_command,
                    ParseError::Arguments => &self.words.bad_arguments,
                };
                let text = text.clone();
                return self.bad(&text);
            }
        };
        match (self.state, command) {
            (_, command @ (Command::Capa | Command::Quit)) => Some(Event::Command(command)),
            (State::Authorization, Command::User(user)) => {
                self.user = Some(user);
                let text = self.words.user.clone();
                self.say("+OK", &text);
                self.phase = Phase::Ready;
                None
            }
            (State::Authorization, Command::Pass(password)) => match self.user.take() {
                Some(user) => Some(Event::Credentials(Credentials::Login { user, password })),
                None => self.wrong_state(),
            },
            (
                State::Authorization,
                Command::Auth {
                    mechanism: Some(mechanism),
                    initial_response,
                },
            ) => self.auth(mechanism, initial_response.as_ref().map(|one| one.expose())),
            (State::Authorization, command @ Command::Auth { .. }) => Some(Event::Command(command)),
            (State::Authorization, _)
            | (State::Transaction, Command::User(_) | Command::Pass(_) | Command::Auth { .. }) => {
                self.wrong_state()
            }
            (State::Transaction, command) => Some(Event::Command(command)),
        }
    }

    fn auth(&mut self, mechanism: Mechanism, initial_response: Option<&str>) -> Option<Event> {
        if matches!(mechanism, Mechanism::Other(_)) {
            let text = self.words.no_mechanism.clone();
            return self.bad(&text);
        }
        match (initial_response, &self.words.no_initial_response) {
            (None, _) => {
                self.out.extend_from_slice(b"+ \r\n");
                self.phase = Phase::AwaitingResponse(mechanism);
                None
            }
            (Some(_), Some(text)) => {
                let text = text.clone();
                let event = self.bad(&text);
                self.phase = Phase::Closing;
                event
            }
            // `=` stands for an empty one.
            (Some("="), None) => self.response(&mechanism, b""),
            (Some(response), None) => self.response(&mechanism, response.as_bytes()),
        }
    }

    /// Base64 of a mechanism's response, or `*`, by which the client gives up
    /// (RFC 5034 section 4).
    fn response(&mut self, mechanism: &Mechanism, line: &[u8]) -> Option<Event> {
        if line.trim_ascii() == b"*" {
            let text = self.words.cancelled.clone();
            return self.bad(&text);
        }
        let decoded = STANDARD.decode(line.trim_ascii()).map(Zeroizing::new);
        let credentials = decoded
            .ok()
            .and_then(|response| Credentials::parse(mechanism, &response));
        match credentials {
            Some(credentials) => {
                self.user = None;
                Some(Event::Credentials(credentials))
            }
            None => {
                let text = self.words.bad_arguments.clone();
                self.bad(&text)
            }
        }
    }

    fn wrong_state(&mut self) -> Option<Event> {
        let text = self.words.wrong_state.clone();
        self.bad(&text)
    }

    fn bad(&mut self, text: &str) -> Option<Event> {
        self.say("-ERR", text);
        self.phase = Phase::Ready;
        Some(Event::Bad)
    }

    fn say(&mut self, status: &str, text: &str) {
        put_response(&mut self.out, status, text);
    }
}

/// `+OK` or `-ERR`, and the text after a space, if there is one.
pub fn put_response(out: &mut Vec<u8>, status: &str, text: &str) {
    out.extend_from_slice(status.as_bytes());
    if !text.is_empty() {
        out.push(b' ');
        out.extend_from_slice(text.as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(no_initial_response: Option<&str>) -> ServerWords {
        ServerWords {
            bad_command: "command".to_owned(),
            bad_arguments: "arguments".to_owned(),
            wrong_state: "state".to_owned(),
            too_long: "length".to_owned(),
            no_mechanism: "mechanism".to_owned(),
            cancelled: "cancelled".to_owned(),
            user: String::new(),
            no_initial_response: no_initial_response.map(str::to_owned),
        }
    }

    /// What is sent and asked for some input; questions are answered `+OK`, and
    /// credentials with `good` in them let in.
    fn run(server: &mut Server, input: &str) -> Vec<String> {
        let mut seen = Vec::new();
        server.receive(input.as_bytes());
        loop {
            match server.step() {
                Step::Send(bytes) => {
                    let text = String::from_utf8(bytes).expect("text");
                    seen.extend(text.lines().map(str::to_owned));
                }
                Step::Event(Event::Bad) => {}
                Step::Event(Event::Command(command)) => {
                    seen.push(format!("{command:?}"));
                    server.complete();
                }
                Step::Event(Event::Credentials(credentials)) => {
                    let secret = credentials.secret().expose();
                    if secret.contains("good") {
                        server.enter();
                    }
                    seen.push(format!("asks {secret}"));
                    server.complete();
                }
                Step::Answer => panic!("every question was answered"),
                Step::Close => seen.push("(closed)".to_owned()),
                Step::Read => return seen,
            }
            if seen.last().is_some_and(|last| last == "(closed)") {
                return seen;
            }
        }
    }

    #[track_caller]
    fn check(input: &str, expected: &[&str]) {
        assert_eq!(
            run(&mut Server::new(60, words(None)), input),
            expected,
            "{input:?}"
        );
    }

    #[test]
    fn signing_in() {
        check(
            "USER a\r\nPASS bad\r\nPASS good\r\n",
            &["+OK", "asks bad", "-ERR state"],
        );
        check("PASS good\r\n", &["-ERR state"]);
        check("STAT\r\nRETR 1\r\nDELE 1\r\n", &["-ERR state"; 3]);
        check(
            "USER a\r\nPASS good\r\nSTAT\r\nUSER b\r\nAUTH PLAIN\r\n",
            &["+OK", "asks good", "Stat", "-ERR state", "-ERR state"],
        );
        check(
            "AUTH PLAIN\r\nAGEAZ29vZA==\r\nNOOP\r\n",
            &["+ ", "asks good", "Noop"],
        );
        check(
            "AUTH PLAIN AGEAZ29vZA==\r\nNOOP\r\n",
            &["asks good", "Noop"],
        );
        check(
            "AUTH PLAIN\r\n*\r\nCAPA\r\n",
            &["+ ", "-ERR cancelled", "Capa"],
        );
        check(
            "AUTH PLAIN\r\n!!\r\nCAPA\r\n",
            &["+ ", "-ERR arguments", "Capa"],
        );
        check("AUTH PLAIN =\r\n", &["-ERR arguments"]);
        check("AUTH NTLM\r\n", &["-ERR mechanism"]);
    }

    #[test]
    fn an_initial_response_can_end_the_session() {
        let mut server = Server::new(60, words(Some("protocol")));
        let seen = run(&mut server, "AUTH XOAUTH2 AGEAZ29vZA==\r\nCAPA\r\n");
        assert_eq!(seen, ["-ERR protocol", "(closed)"]);
        assert!(matches!(server.step(), Step::Close));
    }

    #[test]
    fn what_is_wrong_loses_nothing_that_follows() {
        let long = format!("{}\r\nCAPA\r\n", "x".repeat(200));
        check(&long, &["-ERR length", "Capa"]);
        check(
            "\r\nFOO\r\nRETR x\r\nCAPA\r\n",
            &["-ERR command", "-ERR command", "-ERR arguments", "Capa"],
        );
        check("CAP", &[]);
    }
}
