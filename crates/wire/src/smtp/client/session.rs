//! The session: greeting, TLS, AUTH and the end. Messages are in
//! `transaction`.

use mailward_mail::Reply;
use zeroize::{Zeroize as _, Zeroizing};

use super::super::sasl::{Credentials, Mechanism, encode_initial, encode_text};
use super::body::DotStuffer;
use super::error::{Error, Violation};
use super::features::Features;
use super::reply::ReplyParser;
use super::stage::Stage;
use super::transaction::{Transaction, Verdict};

/// RFC 4954 section 4: a longer initial response goes on a line of its own.
const AUTH_LINE_OCTETS_MAX: usize = 12_288;

/// How the connection is to be protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protection {
    /// STARTTLS, or nothing at all.
    StartTls,
    /// STARTTLS where the server offers it, else in the clear. Nothing but
    /// mail for a relay that asks for no sign-in may go this way.
    Opportunistic,
    /// The connection is under TLS from its first octet.
    Implicit,
    /// In the clear; AUTH is never sent then.
    Plain,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Send(Vec<u8>),
    /// Do the TLS handshake, then call [`Session::tls_established`].
    StartTls,
    /// Wait for input.
    Receive,
    /// What was asked for is done.
    Done(Done),
}

/// What a call of the session led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// After [`Session::new`], [`Session::authenticate`] or
    /// [`Session::reset`]: messages may follow.
    Ready,
    /// After [`Session::begin`]: see [`Session::verdicts`].
    Recipients,
    /// After [`Session::data`]: [`Session::body`] and [`Session::final_dot`]
    /// may follow.
    BodyWanted,
    /// After [`Session::data`] or [`Session::final_dot`]: see
    /// [`Session::verdicts`].
    Finished,
    /// After [`Session::quit`].
    Parted,
}

/// One connection's conversation, seen from the client.
#[derive(Debug)]
pub struct Session {
    client_name: String,
    protection: Protection,
    tls: bool,
    pub(super) state: State,
    /// What is to be told next.
    pub(super) news: Option<Done>,
    pub(super) features: Features,
    /// What the server greeted with.
    greeting: Option<Reply>,
    parser: ReplyParser,
    pub(super) output: Vec<u8>,
    pub(super) verdicts: Vec<Option<Verdict>>,
    /// MAIL was sent and the message did not end: RSET is due.
    pub(super) is_dirty: bool,
}

/// Where it stands; each holds what is known in it.
#[derive(Debug)]
pub(super) enum State {
    Greeting,
    Ehlo,
    StartTls,
    Handshake,
    Auth(Login),
    Transaction(Box<Transaction>),
    Data,
    Body(DotStuffer),
    FinalDot,
    Reset,
    Quit,
    /// Nothing is asked of the server.
    Idle,
    Closed,
}

/// What is left to say in AUTH; each 334 takes the first.
#[derive(Debug)]
pub(super) struct Login {
    mechanism: Mechanism,
    responses: Vec<Zeroizing<String>>,
}

impl Session {
    /// Begins with the server's greeting and goes on to EHLO and STARTTLS.
    /// `client_name` is our own host name.
    pub fn new(client_name: impl Into<String>, protection: Protection) -> Self {
        Self {
            client_name: client_name.into(),
            protection,
            tls: protection == Protection::Implicit,
            state: State::Greeting,
            news: None,
            features: Features::default(),
            greeting: None,
            parser: ReplyParser::default(),
            output: Vec::new(),
            verdicts: Vec::new(),
            is_dirty: false,
        }
    }

    /// Takes what it can from the front of `input` and says what to do next.
    /// After an error the session is closed, but for [`Error::CannotCarry`].
    pub fn step(&mut self, input: &mut &[u8]) -> Result<Step, Error> {
        loop {
            if !self.output.is_empty() {
                return Ok(Step::Send(std::mem::take(&mut self.output)));
            }
            if let Some(done) = self.news.take() {
                return Ok(Step::Done(done));
            }
            match &self.state {
                State::Handshake => return Ok(Step::StartTls),
                State::Closed => {
                    return Err(Error::Closed {
                        stage: self.stage(),
                    });
                }
                _ => {}
            }
            let stage = self.stage();
            let reply = self.parser.next(input).map_err(|violation| {
                self.state = State::Closed;
                Error::Violation { stage, violation }
            })?;
            let Some(reply) = reply else {
                return Ok(Step::Receive);
            };
            if let Err(error) = self.take(reply, input) {
                self.state = State::Closed;
                return Err(error);
            }
        }
    }

    /// The handshake is done. What the server offered in the clear is
    /// forgotten (RFC 3207 section 4.2).
    pub fn tls_established(&mut self) {
        self.tls = true;
        self.features = Features::default();
        self.say_hello();
    }

    /// Signs in. [`Done::Ready`] follows, or [`Error::Refused`].
    pub fn authenticate(&mut self, credentials: &Credentials) -> Result<(), Error> {
        let mechanism = credentials.mechanism();
        if !self.tls {
            return Err(Error::AuthNeedsTls);
        }
        if !self.features.offers(mechanism) {
            let offered = self.features.auth.join(" ");
            return Err(Error::MechanismNotOffered { mechanism, offered });
        }
        let mut responses = match credentials {
            Credentials::Password {
                mechanism: Mechanism::Login,
                username,
                password,
                ..
            } => vec![encode_text(username), encode_text(password.expose())],
            _ => vec![encode_initial(credentials)],
        };
        let mut line = Zeroizing::new(format!("AUTH {mechanism}"));
        let room = AUTH_LINE_OCTETS_MAX - line.len() - " \r\n".len();
        if mechanism != Mechanism::Login && responses.iter().all(|only| only.len() <= room) {
            line.push(' ');
            line.push_str(&responses.remove(0));
        }
        self.command(&line);
        self.state = State::Auth(Login {
            mechanism,
            responses,
        });
        Ok(())
    }

    /// RSET. [`Done::Ready`] follows.
    pub fn reset(&mut self) {
        self.command("RSET");
        self.state = State::Reset;
    }

    /// QUIT. [`Done::Parted`] follows, whatever the server says.
    pub fn quit(&mut self) {
        self.command("QUIT");
        self.state = State::Quit;
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
            State::Ehlo => Stage::Ehlo,
            State::StartTls => Stage::StartTls,
            State::Handshake => Stage::Tls,
            State::Auth(_) => Stage::Auth,
            State::Transaction(open) => open.stage(),
            State::Data => Stage::Data,
            State::Body(_) => Stage::Body,
            State::FinalDot => Stage::FinalDot,
            State::Reset | State::Idle => Stage::Reset,
            State::Quit | State::Closed => Stage::Quit,
        }
    }

    /// Whether another message can be sent over this connection.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Idle)
    }

    pub fn is_tls(&self) -> bool {
        self.tls
    }

    /// What the server greeted with; absent before it has.
    pub fn greeting(&self) -> Option<&Reply> {
        self.greeting.as_ref()
    }

    /// What the server offered last.
    pub fn features(&self) -> &Features {
        &self.features
    }

    fn take(&mut self, reply: Reply, input: &[u8]) -> Result<(), Error> {
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Greeting => {
                self.greeting = Some(positive(Stage::Greeting, reply, 220)?);
                self.say_hello();
                Ok(())
            }
            State::Ehlo => self.take_features(positive(Stage::Ehlo, reply, 250)?),
            State::StartTls => {
                positive(Stage::StartTls, reply, 220)?;
                if !input.is_empty() || self.parser.is_midway() {
                    let (stage, violation) = (Stage::StartTls, Violation::OctetsBeforeTls);
                    return Err(Error::Violation { stage, violation });
                }
                self.state = State::Handshake;
                Ok(())
            }
            State::Auth(login) => self.take_auth(login, reply),
            State::Transaction(open) => self.take_transaction(open, reply),
            State::Data => self.take_data(reply),
            State::FinalDot => self.take_verdict(reply),
            State::Reset => {
                positive(Stage::Reset, reply, 250)?;
                self.is_dirty = false;
                self.tell(Done::Ready, State::Idle);
                Ok(())
            }
            State::Quit => {
                self.tell(Done::Parted, State::Closed);
                Ok(())
            }
            // A server may take its leave at any time (RFC 5321 section 3.8).
            _ if reply.code() == 421 => Err(Error::Refused {
                stage: Stage::Reset,
                reply,
            }),
            _ => Err(Error::Violation {
                stage: Stage::Reset,
                violation: Violation::OctetsUnasked,
            }),
        }
    }

    fn say_hello(&mut self) {
        let line = format!("EHLO {}", self.client_name);
        self.command(&line);
        self.state = State::Ehlo;
    }

    fn take_features(&mut self, reply: Reply) -> Result<(), Error> {
        self.features = Features::of(&reply);
        if self.tls || self.protection == Protection::Plain {
            self.tell(Done::Ready, State::Idle);
        } else if self.features.starttls {
            self.command("STARTTLS");
            self.state = State::StartTls;
        } else if self.protection == Protection::Opportunistic {
            self.tell(Done::Ready, State::Idle);
        } else {
            return Err(Error::TlsNotOffered);
        }
        Ok(())
    }

    fn take_auth(&mut self, mut login: Login, reply: Reply) -> Result<(), Error> {
        if reply.code() != 334 {
            positive(Stage::Auth, reply, 235)?;
            self.tell(Done::Ready, State::Idle);
            return Ok(());
        }
        if !login.responses.is_empty() {
            let response = login.responses.remove(0);
            self.command(&response);
        } else if login.mechanism == Mechanism::XOAuth2 {
            // The challenge says why; an empty response fetches the refusal.
            self.command("");
        } else {
            return Err(unexpected(Stage::Auth, &reply));
        }
        self.state = State::Auth(login);
        Ok(())
    }

    /// Goes on to `state`, with news.
    pub(super) fn tell(&mut self, news: Done, state: State) {
        self.news = Some(news);
        self.state = state;
    }

    pub(super) fn command(&mut self, line: &str) {
        self.output.extend_from_slice(line.as_bytes());
        self.output.extend_from_slice(b"\r\n");
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.output.zeroize();
    }
}

/// Lets through a reply of `code`, or of its class.
pub(super) fn positive(stage: Stage, reply: Reply, code: u16) -> Result<Reply, Error> {
    if !reply.is_positive() {
        Err(Error::Refused { stage, reply })
    } else if reply.code() / 100 == code / 100 {
        Ok(reply)
    } else {
        Err(unexpected(stage, &reply))
    }
}

pub(super) fn unexpected(stage: Stage, reply: &Reply) -> Error {
    let violation = Violation::UnexpectedReply { code: reply.code() };
    Error::Violation { stage, violation }
}
