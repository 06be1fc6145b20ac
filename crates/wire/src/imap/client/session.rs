//! The session: greeting, signing in, and one command after another.

use std::collections::VecDeque;

use mailward_mail::Secret;
use zeroize::{Zeroize as _, Zeroizing};

use super::super::command::{Command, Tagged};
use super::super::credentials::{Credentials, Mechanism};
use super::super::extended::{Listing, Opening, Search};
use super::super::fetch::FetchItem;
use super::super::mailbox::MailboxName;
use super::super::search::SearchKey;
use super::super::sequence::SequenceSet;
use super::capability::Capabilities;
use super::error::{Error, Stage, Violation};
use super::frame::Framer;
use super::gather::{Fetched, Folder, Gathered, Opened};
use super::parse::parse;
use super::response::{Data, Response, Status};

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Send(Vec<u8>),
    /// Wait for input.
    Receive,
    /// What was asked for is done.
    Done(Done),
}

/// What a call of the session led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// After [`Session::new`] or [`Session::sign_in`].
    Ready,
    Folders(Vec<Folder>),
    Opened(Opened),
    /// Ascending, each once.
    Found(Vec<u32>),
    Fetched(Vec<Fetched>),
    /// After [`Session::logout`].
    Parted,
}

/// One connection's conversation, seen from the client.
#[derive(Debug)]
pub struct Session {
    state: State,
    framer: Framer,
    capabilities: Capabilities,
    /// Whether the server has told its capabilities since they last changed.
    are_capabilities_known: bool,
    tags: u32,
    /// What is to be told next.
    news: Option<Done>,
    output: Vec<u8>,
}

/// Where it stands.
#[derive(Debug)]
enum State {
    Greeting,
    Idle,
    Busy(Box<Busy>),
    Closed,
}

/// A command under way.
#[derive(Debug)]
struct Busy {
    tag: String,
    stage: Stage,
    /// What is still to be sent, a piece for each continuation.
    pieces: VecDeque<Zeroizing<Vec<u8>>>,
    /// Continuations beyond the pieces are answered with an empty line, once:
    /// the reason of a refusal comes that way (XOAUTH2).
    is_challenged: bool,
    gathered: Gathered,
}

impl Default for Session {
    fn default() -> Self {
        Self::new()
    }
}

impl Session {
    /// Begins with the server's greeting; [`Done::Ready`] follows.
    pub fn new() -> Self {
        Self {
            state: State::Greeting,
            framer: Framer::default(),
            capabilities: Capabilities::default(),
            are_capabilities_known: false,
            tags: 0,
            news: None,
            output: Vec::new(),
        }
    }

    /// Takes what it can from the front of `input` and says what to do next.
    pub fn step(&mut self, input: &mut &[u8]) -> Result<Step, Error> {
        loop {
            if !self.output.is_empty() {
                return Ok(Step::Send(std::mem::take(&mut self.output)));
            }
            if let Some(done) = self.news.take() {
                return Ok(Step::Done(done));
            }
            if matches!(self.state, State::Closed) {
                return Err(Error::Closed { stage: Stage::Idle });
            }
            let stage = self.stage();
            let response = match self.framer.next(input) {
                Ok(None) => return Ok(Step::Receive),
                Ok(Some(octets)) => parse(&octets).map_err(Violation::NotAResponse),
                Err(violation) => Err(violation),
            };
            let taken = response
                .map_err(|violation| Error::Violation { stage, violation })
                .and_then(|response| self.take(stage, response));
            if let Err(error) = taken {
                let goes_on = matches!(&error, Error::Refused { stage, .. }
                    if !matches!(stage, Stage::SignIn | Stage::SignedIn | Stage::Greeting | Stage::Capability));
                self.state = if goes_on { State::Idle } else { State::Closed };
                return Err(error);
            }
        }
    }

    /// Signs in, once: a password by AUTHENTICATE PLAIN where that is offered,
    /// else by LOGIN unless that is disabled; a token by XOAUTH2. What is not
    /// offered is not tried, so that nothing is refused by it.
    pub fn sign_in(&mut self, credentials: &Credentials) -> Result<(), Error> {
        let (mechanism, wanted) = match credentials {
            Credentials::XOAuth2 { .. } => (Mechanism::XOAuth2, "XOAUTH2"),
            Credentials::Login { .. } | Credentials::Plain { .. } => (Mechanism::Plain, "password"),
        };
        if self.capabilities.offers(&mechanism) {
            self.authenticate(mechanism, credentials);
            return Ok(());
        }
        match credentials {
            Credentials::Login { user, password } | Credentials::Plain { user, password, .. }
                if !self.capabilities.has("LOGINDISABLED") =>
            {
                self.ask(
                    Stage::SignIn,
                    Command::Login {
                        user: user.clone(),
                        password: password.clone(),
                    },
                );
                Ok(())
            }
            _ => Err(Error::NotOffered {
                wanted,
                offered: self.capabilities.ways_in(),
            }),
        }
    }

    /// All folders. [`Done::Folders`] follows.
    pub fn list(&mut self) {
        let extended =
            self.capabilities.has("SPECIAL-USE") && self.capabilities.has("LIST-EXTENDED");
        let command = Command::List(Listing::plain(MailboxName::default(), "*"));
        // Without being asked some servers keep the uses to themselves.
        let more = if extended {
            " RETURN (SPECIAL-USE)"
        } else {
            ""
        };
        self.ask_more(Stage::List, command, more);
    }

    /// Opens a folder to read. [`Done::Opened`] follows.
    pub fn examine(&mut self, name: &MailboxName) {
        self.ask(
            Stage::Examine,
            Command::Examine(Opening::plain(name.clone())),
        );
    }

    /// UIDs of the messages in the open folder that fit. [`Done::Found`]
    /// follows.
    pub fn search(&mut self, key: SearchKey) {
        let command = Command::Search {
            by_uid: true,
            search: Search::plain(key),
        };
        self.ask(Stage::Search, command);
    }

    /// [`Done::Fetched`] follows.
    pub fn fetch(&mut self, set: SequenceSet, mut items: Vec<FetchItem>) {
        if !items.contains(&FetchItem::Uid) {
            items.insert(0, FetchItem::Uid);
        }
        let command = Command::Fetch {
            by_uid: true,
            set,
            items,
            changed_since: None,
            vanished: false,
        };
        self.ask(Stage::Fetch, command);
    }

    /// [`Done::Parted`] follows, whatever the server says.
    pub fn logout(&mut self) {
        self.ask(Stage::Logout, Command::Logout);
    }

    /// The connection has ended. Gives the error to report.
    pub fn closed(&mut self) -> Error {
        let stage = self.stage();
        self.state = State::Closed;
        Error::Closed { stage }
    }

    pub fn stage(&self) -> Stage {
        match &self.state {
            State::Greeting => Stage::Greeting,
            State::Busy(busy) => busy.stage,
            State::Idle | State::Closed => Stage::Idle,
        }
    }

    /// Whether another command can be sent over this connection.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    pub fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn authenticate(&mut self, mechanism: Mechanism, credentials: &Credentials) {
        let response = credentials.to_response();
        let at_once = self.capabilities.has("SASL-IR");
        let initial_response = at_once.then(|| Secret::new(response.as_str()));
        let command = Command::Authenticate {
            mechanism,
            initial_response,
        };
        self.ask(Stage::SignIn, command);
        if !at_once && let State::Busy(busy) = &mut self.state {
            let mut line = Zeroizing::new(response.as_bytes().to_vec());
            line.extend_from_slice(b"\r\n");
            busy.pieces.push_back(line);
        }
    }

    fn ask(&mut self, stage: Stage, command: Command) {
        self.ask_more(stage, command, "");
    }

    /// `more` goes before the line end.
    fn ask_more(&mut self, stage: Stage, command: Command, more: &str) {
        self.tags = self.tags.wrapping_add(1);
        let tag = format!("A{}", self.tags);
        let tagged = Tagged {
            tag: tag.clone(),
            command,
        };
        let mut octets = Zeroizing::new(tagged.to_bytes());
        if !more.is_empty() {
            let end = octets.len() - "\r\n".len();
            octets.truncate(end);
            octets.extend_from_slice(more.as_bytes());
            octets.extend_from_slice(b"\r\n");
        }
        let mut pieces = pieces(&octets);
        if let Some(first) = pieces.pop_front() {
            self.output.extend_from_slice(&first);
        }
        self.state = State::Busy(Box::new(Busy {
            tag,
            stage,
            pieces,
            is_challenged: false,
            gathered: Gathered::default(),
        }));
    }

    fn take(&mut self, stage: Stage, response: Response) -> Result<(), Error> {
        let violation = |violation| Err(Error::Violation { stage, violation });
        match response {
            Response::Continue(_) => self.go_on(stage),
            Response::Untagged(data) => self.take_data(stage, data),
            Response::Completed {
                tag,
                status,
                code,
                text,
            } => match std::mem::replace(&mut self.state, State::Closed) {
                State::Busy(busy) if busy.tag == tag => self.complete(*busy, status, code, text),
                _ => violation(Violation::StrangeTag),
            },
        }
    }

    /// The server waits for more of the command.
    fn go_on(&mut self, stage: Stage) -> Result<(), Error> {
        if let State::Busy(busy) = &mut self.state {
            if let Some(piece) = busy.pieces.pop_front() {
                self.output.extend_from_slice(&piece);
                return Ok(());
            }
            if busy.stage == Stage::SignIn && !busy.is_challenged {
                busy.is_challenged = true;
                self.output.extend_from_slice(b"\r\n");
                return Ok(());
            }
        }
        Err(Error::Violation {
            stage,
            violation: Violation::StrangeContinuation,
        })
    }

    fn take_data(&mut self, stage: Stage, data: Data) -> Result<(), Error> {
        let violation = |violation| Error::Violation { stage, violation };
        if let Data::Capability(words) = &data {
            self.know(words);
        }
        if let Data::Status {
            code: Some(code), ..
        } = &data
        {
            self.know_by_code(code);
        }
        match (&mut self.state, data) {
            (State::Greeting, Data::Status { status, text, code }) => {
                if status != Status::Ok {
                    return Err(Error::Refused {
                        stage,
                        status,
                        code,
                        text,
                    });
                }
                self.settle_capabilities(Stage::Capability);
                Ok(())
            }
            (State::Greeting, Data::Preauth) => Err(violation(Violation::Preauthenticated)),
            (State::Busy(busy), Data::Bye(_)) if busy.stage == Stage::Logout => Ok(()),
            (_, Data::Bye(text)) => Err(Error::Bye { stage, text }),
            (State::Greeting, _) => Err(violation(Violation::Missing("a greeting"))),
            (State::Busy(busy), data) => busy.gathered.take(data).map_err(violation),
            (State::Idle | State::Closed, _) => Ok(()),
        }
    }

    fn complete(
        &mut self,
        busy: Busy,
        status: Status,
        code: Option<String>,
        text: String,
    ) -> Result<(), Error> {
        let Busy {
            stage, gathered, ..
        } = busy;
        if stage == Stage::Logout {
            self.news = Some(Done::Parted);
            return Ok(());
        }
        if status != Status::Ok {
            return Err(Error::Refused {
                stage,
                status,
                code,
                text,
            });
        }
        let news = match stage {
            Stage::SignIn => {
                // What holds before signing in holds no longer.
                self.are_capabilities_known = false;
                if let Some(code) = &code {
                    self.know_by_code(code);
                }
                self.settle_capabilities(Stage::SignedIn);
                return Ok(());
            }
            Stage::List => Done::Folders(gathered.folders),
            Stage::Examine => Done::Opened(gathered.opened),
            Stage::Search => {
                let mut uids = gathered.uids;
                uids.sort_unstable();
                uids.dedup();
                Done::Found(uids)
            }
            Stage::Fetch => Done::Fetched(gathered.fetched),
            _ => Done::Ready,
        };
        self.tell(news);
        Ok(())
    }

    /// Asks for the capabilities unless they were told already.
    fn settle_capabilities(&mut self, stage: Stage) {
        if self.are_capabilities_known {
            self.tell(Done::Ready);
        } else {
            self.ask(stage, Command::Capability);
        }
    }

    fn know_by_code(&mut self, code: &str) {
        let words = code.split_once(' ');
        if let Some((_, words)) = words.filter(|(word, _)| word.eq_ignore_ascii_case("CAPABILITY"))
        {
            self.know(words);
        }
    }

    fn know(&mut self, words: &str) {
        self.capabilities = Capabilities::of(words);
        self.are_capabilities_known = true;
    }

    fn tell(&mut self, news: Done) {
        self.news = Some(news);
        self.state = State::Idle;
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.output.zeroize();
    }
}

/// Cuts a command after each announcement of a literal: what follows waits for
/// the server's consent.
fn pieces(command: &[u8]) -> VecDeque<Zeroizing<Vec<u8>>> {
    let mut pieces = VecDeque::new();
    let mut start = 0;
    let mut line_start = 0;
    while let Some(newline) = memchr::memchr(b'\n', &command[line_start..]) {
        let end = line_start + newline + 1;
        let Some(literal) = super::super::frame::announced(&command[line_start..end]) else {
            break;
        };
        pieces.push_back(Zeroizing::new(command[start..end].to_vec()));
        start = end;
        let octets = usize::try_from(literal.octets).unwrap_or(usize::MAX);
        line_start = end.saturating_add(octets).min(command.len());
    }
    pieces.push_back(Zeroizing::new(command[start..].to_vec()));
    pieces
}
