//! Messages: MAIL and RCPT, pipelined where offered; DATA; the final dot.
//!
//! ```text
//!   begin ─▶ [RSET] MAIL RCPT … RCPT ─▶ Recipients
//!                 data ─▶ DATA ─▶ BodyWanted ─▶ body … body, final_dot ─▶ Finished
//!                            └─▶ Finished (refused)
//! ```
//!
//! DATA is not pipelined behind RCPT: that would save one round trip and cost
//! the certainty that nothing is sent when no recipient was taken.

use mailward_mail::{Envelope, Reply};

use super::body::DotStuffer;
use super::error::{BodyError, Error};
use super::features::{mail_command, rcpt_command};
use super::session::{Done, Session, State, positive, unexpected};
use super::stage::Stage;

/// Commands sent before their replies are read. Their replies fit into the
/// smallest buffers between the two ends, so neither can block the other
/// (RFC 2920 section 3.1).
const PIPELINED_COMMANDS_MAX: usize = 50;

/// What the server said of one recipient, and at which stage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub stage: Stage,
    pub reply: Reply,
}

impl Verdict {
    /// The recipient was taken: at RCPT for now, at the final dot for good.
    pub fn is_positive(&self) -> bool {
        self.reply.is_positive()
    }
}

/// The commands up to the last RCPT.
#[derive(Debug)]
pub(super) struct Transaction {
    commands: Vec<(Command, String)>,
    sent: usize,
    answered: usize,
    refusal: Option<Reply>,
}

#[derive(Clone, Copy, Debug)]
enum Command {
    Reset,
    Mail,
    Rcpt(usize),
}

impl Transaction {
    pub(super) fn stage(&self) -> Stage {
        match self.commands.get(self.answered) {
            Some((Command::Reset, _)) => Stage::Reset,
            Some((Command::Mail, _)) => Stage::MailFrom,
            Some((Command::Rcpt(_), _)) | None => Stage::RcptTo,
        }
    }
}

impl Session {
    /// Sends MAIL and RCPT. `octets` is the size of the message, where it is
    /// known. [`Done::Recipients`] follows.
    pub fn begin(&mut self, envelope: &Envelope, octets: Option<u64>) -> Result<(), Error> {
        if let Some(need) = self.features.lacks(envelope, octets) {
            return Err(Error::CannotCarry(need));
        }
        let mut commands = Vec::with_capacity(envelope.recipients.len() + 2);
        if self.is_dirty {
            commands.push((Command::Reset, "RSET".to_owned()));
        }
        let mail = mail_command(&self.features, envelope, octets);
        commands.push((Command::Mail, mail));
        for (index, recipient) in envelope.recipients.iter().enumerate() {
            let line = rcpt_command(&self.features, recipient);
            commands.push((Command::Rcpt(index), line));
        }
        self.verdicts = vec![None; envelope.recipients.len()];
        self.is_dirty = true;
        self.send_more(Box::new(Transaction {
            commands,
            sent: 0,
            answered: 0,
            refusal: None,
        }));
        Ok(())
    }

    /// Sends DATA. Only after [`Done::Recipients`] with a recipient taken.
    /// [`Done::BodyWanted`] follows, or [`Done::Finished`].
    pub fn data(&mut self) {
        self.command("DATA");
        self.state = State::Data;
    }

    /// Appends `octets` of the message to `out` as they are to be sent: lines
    /// end in CRLF, dots are not doubled yet. After an error the connection
    /// must be closed: that alone ends a body without sending the message.
    pub fn body(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        match &mut self.state {
            State::Body(stuffer) => stuffer.write(octets, out),
            _ => {
                debug_assert!(false, "the server has not asked for a body");
                Ok(())
            }
        }
    }

    /// Sends the final dot: from here on the message may be taken.
    /// [`Done::Finished`] follows.
    pub fn final_dot(&mut self) -> Result<(), BodyError> {
        match std::mem::replace(&mut self.state, State::FinalDot) {
            State::Body(stuffer) => {
                let finished = stuffer.finish(&mut self.output);
                if finished.is_err() {
                    self.state = State::Closed;
                }
                finished
            }
            other => {
                debug_assert!(false, "there is no body to end");
                self.state = other;
                Ok(())
            }
        }
    }

    /// What was said of each recipient so far, in the envelope's order.
    pub fn verdicts(&self) -> impl Iterator<Item = Option<&Verdict>> {
        self.verdicts.iter().map(Option::as_ref)
    }

    /// How many recipients stand as taken.
    pub fn taken_count(&self) -> usize {
        let standing = self.verdicts.iter().flatten();
        standing.filter(|verdict| verdict.is_positive()).count()
    }

    pub(super) fn take_transaction(
        &mut self,
        mut open: Box<Transaction>,
        reply: Reply,
    ) -> Result<(), Error> {
        let stage = open.stage();
        if reply.code() == 421 {
            // The whole transaction is gone, whatever was taken before.
            self.give_all(stage, &reply);
            self.tell(Done::Recipients, State::Closed);
            return Ok(());
        }
        if reply.code() / 100 == 3 {
            return Err(unexpected(stage, &reply));
        }
        match open.commands[open.answered].0 {
            Command::Reset => {
                positive(stage, reply, 250)?;
            }
            Command::Mail if reply.is_positive() => {}
            Command::Mail => open.refusal = Some(reply),
            Command::Rcpt(index) => self.verdicts[index] = Some(Verdict { stage, reply }),
        }
        open.answered += 1;
        self.send_more(open);
        Ok(())
    }

    /// Sends the next commands once those sent before are answered, or tells
    /// that all are.
    fn send_more(&mut self, mut open: Box<Transaction>) {
        if open.answered < open.sent {
            self.state = State::Transaction(open);
            return;
        }
        if let Some(reply) = &open.refusal {
            self.give_all(Stage::MailFrom, reply);
            self.tell(Done::Recipients, State::Idle);
            return;
        }
        let window = if self.features.pipelining {
            PIPELINED_COMMANDS_MAX
        } else {
            1
        };
        let upto = open.commands.len().min(open.sent + window);
        if upto == open.sent {
            self.tell(Done::Recipients, State::Idle);
            return;
        }
        for (_, line) in &open.commands[open.sent..upto] {
            self.command(line);
        }
        open.sent = upto;
        self.state = State::Transaction(open);
    }

    pub(super) fn take_data(&mut self, reply: Reply) -> Result<(), Error> {
        if reply.code() == 354 {
            self.tell(Done::BodyWanted, State::Body(DotStuffer::new()));
            return Ok(());
        }
        if reply.is_positive() {
            return Err(unexpected(Stage::Data, &reply));
        }
        self.give_standing(Stage::Data, &reply);
        self.finish(&reply);
        Ok(())
    }

    pub(super) fn take_verdict(&mut self, reply: Reply) -> Result<(), Error> {
        if reply.code() / 100 == 3 {
            return Err(unexpected(Stage::FinalDot, &reply));
        }
        self.give_standing(Stage::FinalDot, &reply);
        self.is_dirty = false;
        self.finish(&reply);
        Ok(())
    }

    fn give_all(&mut self, stage: Stage, reply: &Reply) {
        let reply = reply.clone();
        self.verdicts.fill(Some(Verdict { stage, reply }));
    }

    /// Gives those that were taken so far their next verdict.
    fn give_standing(&mut self, stage: Stage, reply: &Reply) {
        for verdict in self.verdicts.iter_mut().flatten() {
            if verdict.is_positive() {
                let reply = reply.clone();
                *verdict = Verdict { stage, reply };
            }
        }
    }

    fn finish(&mut self, reply: &Reply) {
        let state = match reply.code() {
            421 => State::Closed,
            _ => State::Idle,
        };
        self.tell(Done::Finished, state);
    }
}
