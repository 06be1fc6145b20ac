//! Commands about the connection: EHLO, STARTTLS, RSET, NOOP, VRFY, HELP, QUIT,
//! and whatever is none. AUTH is in `sign_in`, messages are in `transaction`.

use std::borrow::Cow;
use std::sync::Arc;

use mailward_mail::{Domain, Reply, Timestamp};
use zeroize::Zeroize as _;

use super::super::command::{BdatError, Command, CommandError, Order, Verb};
use super::dialect::Situation;
use super::frame::Frame;
use super::session::Session;
use super::settings::Extension;
use super::state::Phase;
use super::step::{Abort, Hello, Step};

/// How much of a command nobody knows is repeated to the client.
const ECHO_CHARS_MAX: usize = 64;

/// RFC 5321 section 4.5.3.1.2.
const CLIENT_NAME_OCTETS_MAX: usize = 255;

impl Session {
    /// The next command or response of AUTH, if it has come whole.
    pub(super) fn next_frame<'i>(&mut self, input: &mut &'i [u8]) -> Option<Frame<'i>> {
        let limits = &self.settings.limits;
        let in_auth = matches!(self.phase, Phase::AuthResponse(_));
        self.framer.next(input, |line| match Verb::of(line) {
            _ if in_auth => limits.auth_octets_max,
            Some(Verb::Auth) => limits.auth_octets_max,
            Some(Verb::Mail | Verb::Rcpt) => limits.path_command_octets_max,
            _ => limits.command_octets_max,
        })
    }

    pub(super) fn take_frame<'i>(&mut self, frame: Frame<'i>, now: Timestamp) -> Option<Step<'i>> {
        let phase = std::mem::replace(&mut self.phase, Phase::Command);
        let line = match frame {
            Frame::Line(line) => line,
            Frame::TooLong { octets_max } => {
                return self.err(&Situation::LineTooLong { octets_max }, now);
            }
            Frame::BareLineEnd => return self.err(&Situation::BareLineEnd, now),
            Frame::Nul => return self.err(&Situation::Nul, now),
        };
        match phase {
            Phase::AuthResponse(exchange) => self.auth_response(exchange, line, now),
            _ => self.command(line, now),
        }
    }

    fn command<'i>(&mut self, mut line: Cow<'i, [u8]>, now: Timestamp) -> Option<Step<'i>> {
        let settings = Arc::clone(&self.settings);
        // HELO asks for SMTP without extensions.
        let offered: &[Extension] = match &self.hello {
            Some(hello) if !hello.extended => &[],
            _ => &settings.extensions,
        };
        let step = match Command::parse(&line, offered, &settings.quirks) {
            Err(error) => self.command_error(&error, &line, now),
            Ok(command) => match command {
                Command::Ehlo(name) => self.greet(Verb::Ehlo, name, now),
                Command::Helo(name) => self.greet(Verb::Helo, name, now),
                Command::StartTls => self.start_tls(now),
                Command::Auth { mechanism, initial } => self.auth(mechanism, initial, now),
                Command::Mail(mail) => self.mail(mail, now),
                Command::Rcpt(recipient) => self.rcpt(recipient, now),
                Command::Data => self.data(now),
                Command::Bdat { octets, last } => self.bdat(octets, last, now),
                Command::Rset => self.reset(&Situation::ResetDone, now),
                Command::Noop => self.ok(&Situation::NoopDone, now),
                Command::Vrfy => match self.order(Verb::Vrfy, now) {
                    Ok(()) => self.ok(&Situation::CannotVerify, now),
                    Err(step) => step,
                },
                Command::Expn => self.err(&Situation::NotImplemented { verb: Verb::Expn }, now),
                Command::Help => self.ok(&Situation::Help, now),
                Command::Quit => {
                    let step = self.reset(&Situation::Goodbye, now);
                    self.phase = Phase::Farewell;
                    step
                }
            },
        };
        if let Cow::Owned(owned) = &mut line {
            owned.zeroize();
        }
        step
    }

    fn command_error(
        &mut self,
        error: &CommandError,
        line: &[u8],
        now: Timestamp,
    ) -> Option<Step<'static>> {
        let situation = match error {
            CommandError::Unknown => {
                let line = echo(line);
                return self.err(&Situation::UnknownCommand { line: &line }, now);
            }
            CommandError::NotImplemented(verb) => Situation::NotImplemented { verb: *verb },
            CommandError::NotUtf8 => Situation::NotUtf8,
            CommandError::Arguments(verb) => Situation::BadArguments { verb: *verb },
            CommandError::Address(verb, error) => Situation::BadAddress {
                verb: *verb,
                error: *error,
            },
            CommandError::Parameter(verb, error) => Situation::BadParameter { verb: *verb, error },
            CommandError::Bdat(error) => {
                self.err(&Situation::BadChunkSize { error: *error }, now);
                let aborted = self.drop_transaction(Abort::Reset);
                if *error == BdatError::Overflow {
                    // More follows than anyone would skip.
                    self.phase = Phase::Farewell;
                }
                return aborted;
            }
        };
        self.err(&situation, now)
    }

    fn greet(&mut self, verb: Verb, name: &str, now: Timestamp) -> Option<Step<'static>> {
        let quirks = &self.settings.quirks;
        let sound = match name {
            "" => quirks.no_client_name,
            _ => {
                name.len() <= CLIENT_NAME_OCTETS_MAX
                    && !name.chars().any(char::is_control)
                    && (quirks.any_client_name || Domain::parse(name).is_ok())
            }
        };
        if !sound {
            return self.err(&Situation::BadClientName { verb }, now);
        }
        let aborted = self.drop_transaction(Abort::Reset);
        let extended = verb == Verb::Ehlo;
        self.hello = Some(Hello {
            name: name.into(),
            extended,
        });
        let first = self.words(&Situation::Hello { extended }, now);
        if !first.is_positive() {
            // The dialect greets nobody at the moment; nothing comes of it.
            self.hello = None;
            self.put(&first);
            return aborted;
        }
        let reply = if extended {
            let lines = first.lines().iter().take(1).cloned();
            Reply::multiline(first.code(), None, lines.chain(self.extension_lines(now)))
        } else {
            first
        };
        self.put(&reply);
        self.tell_hello = true;
        aborted
    }

    fn extension_lines(&self, now: Timestamp) -> Vec<String> {
        let settings = &self.settings;
        let line = |extension: &Extension| match extension {
            Extension::Size => Some(format!("SIZE {}", settings.limits.message_octets_max)),
            Extension::StartTls if self.tls => None,
            Extension::Auth if !self.tls && !settings.auth_without_tls => None,
            Extension::Auth if settings.mechanisms.is_empty() => None,
            Extension::Auth => {
                let names: Vec<&str> = settings.mechanisms.iter().map(|m| m.as_str()).collect();
                Some(format!("AUTH {}", names.join(" ")))
            }
            Extension::FutureRelease => {
                let longest = settings.limits.future_release_max;
                let latest = now.plus(longest).to_whole_seconds();
                Some(format!("FUTURERELEASE {} {latest}", longest.as_secs()))
            }
            Extension::DeliverBy => {
                let least = settings.limits.deliver_by_min.as_secs();
                Some(format!("DELIVERBY {least}"))
            }
            other => Some(other.as_str().to_owned()),
        };
        settings.extensions.iter().filter_map(line).collect()
    }

    fn start_tls(&mut self, now: Timestamp) -> Option<Step<'static>> {
        let order = if self.tls {
            Order::AlreadyTls
        } else if self.hello.is_none() {
            Order::HelloFirst
        } else if self.transaction.is_some() {
            Order::InTransaction
        } else {
            let reply = self.words(&Situation::TlsReady, now);
            if reply.is_positive() {
                self.phase = Phase::StartTls;
            }
            self.put(&reply);
            return None;
        };
        let verb = Verb::StartTls;
        self.err(&Situation::BadSequence { verb, order }, now)
    }

    pub(super) fn begin_tls(&mut self, input: &mut &[u8]) -> Step<'static> {
        // Anything that came with STARTTLS came in the clear, perhaps from
        // somebody else (CVE-2011-0411).
        *input = &[];
        if !self.output.is_empty() {
            return Step::Send(std::mem::take(&mut self.output));
        }
        self.phase = Phase::Handshake;
        Step::StartTls
    }

    /// EHLO, TLS where it is required, in this order. The refusal is said.
    pub(super) fn order(
        &mut self,
        verb: Verb,
        now: Timestamp,
    ) -> Result<(), Option<Step<'static>>> {
        if self.hello.is_none() {
            let order = Order::HelloFirst;
            return Err(self.err(&Situation::BadSequence { verb, order }, now));
        }
        if self.settings.tls_required && !self.tls {
            return Err(self.err(&Situation::TlsRequired { verb }, now));
        }
        Ok(())
    }
}

/// Makes what the client sent fit to repeat.
pub(super) fn echo(line: &[u8]) -> String {
    String::from_utf8_lossy(line)
        .chars()
        .map(|char| if char.is_control() { '?' } else { char })
        .take(ECHO_CHARS_MAX)
        .collect()
}
