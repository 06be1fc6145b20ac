//! Messages: MAIL, RCPT, DATA, BDAT and RSET. Their bodies are read in
//! `receive`.

use mailward_mail::{Address, BodyType, Recipient, Timestamp};

use super::super::command::{MailFrom, Order, Verb};
use super::body::Form;
use super::dialect::Situation;
use super::session::Session;
use super::state::{Asked, Chunk, Phase, Transaction};
use super::step::{Abort, Answer, Question, Step};

type Next = Option<Step<'static>>;

impl Session {
    pub(super) fn mail(&mut self, mail: MailFrom, now: Timestamp) -> Next {
        if let Err(step) = self.order(Verb::Mail, now) {
            return step;
        }
        if let Some(open) = &self.transaction {
            let order = match open.body {
                Some(_) => Order::ChunksBegun,
                None => Order::InTransaction,
            };
            return self.out_of_order(Verb::Mail, order, now);
        }
        if self.settings.auth_required && !self.is_authenticated() {
            return self.err(&Situation::AuthRequired, now);
        }
        let is_ascii = mail.reverse_path.address().is_none_or(Address::is_ascii);
        if !is_ascii && !mail.smtputf8 {
            return self.err(&Situation::NeedsSmtpUtf8 { verb: Verb::Mail }, now);
        }
        let octets_max = self.settings.limits.message_octets_max;
        if mail.declared_size.is_some_and(|size| size > octets_max) {
            let declared = true;
            return self.ok(
                &Situation::MessageTooLarge {
                    octets_max,
                    declared,
                },
                now,
            );
        }
        let mail = Box::new(mail);
        self.phase = Phase::Asked(Asked::MailFrom(mail.clone()));
        Some(Step::Ask(Question::MailFrom(mail)))
    }

    pub(super) fn rcpt(&mut self, recipient: Recipient, now: Timestamp) -> Next {
        if let Err(step) = self.order(Verb::Rcpt, now) {
            return step;
        }
        let Some(open) = &self.transaction else {
            return self.out_of_order(Verb::Rcpt, Order::MailFirst, now);
        };
        if open.body.is_some() {
            return self.out_of_order(Verb::Rcpt, Order::ChunksBegun, now);
        }
        if !open.envelope.smtputf8 && !recipient.forward_path.address().is_ascii() {
            return self.err(&Situation::NeedsSmtpUtf8 { verb: Verb::Rcpt }, now);
        }
        let recipients_max = self.settings.limits.recipients_max;
        if open.envelope.recipients.len() >= recipients_max {
            return self.ok(&Situation::TooManyRecipients { recipients_max }, now);
        }
        self.phase = Phase::Asked(Asked::RcptTo(Box::new(recipient.clone())));
        Some(Step::Ask(Question::RcptTo(recipient)))
    }

    pub(super) fn data(&mut self, now: Timestamp) -> Next {
        if let Err(step) = self.order(Verb::Data, now) {
            return step;
        }
        if let Some(order) = self.not_ready_for(Verb::Data) {
            return self.out_of_order(Verb::Data, order, now);
        }
        self.phase = Phase::Asked(Asked::DataStart);
        Some(Step::Ask(Question::BodyStart))
    }

    /// Whatever is wrong with the command, its octets follow and are read.
    pub(super) fn bdat(&mut self, octets: u64, last: bool, now: Timestamp) -> Next {
        let verb = Verb::Bdat;
        let order = match self.hello() {
            None => Some(Order::HelloFirst),
            Some(_) => self.not_ready_for(verb),
        };
        if self.settings.tls_required && !self.is_tls() && self.hello().is_some() {
            return self.skip_chunk(octets, &Situation::TlsRequired { verb }, now);
        }
        if let Some(order) = order {
            return self.skip_chunk(octets, &Situation::BadSequence { verb, order }, now);
        }
        let octets_max = self.settings.limits.message_octets_max;
        let begun = self.open_body().map(|body| body.reader.octets());
        let fits = begun.unwrap_or(0).saturating_add(octets) <= octets_max;
        match (begun, fits) {
            (None, true) => {
                self.phase = Phase::Asked(Asked::ChunkStart { octets, last });
                Some(Step::Ask(Question::BodyStart))
            }
            (Some(_), true) => {
                self.phase = Phase::Chunk(Chunk::wanted(octets, last));
                None
            }
            (_, false) => {
                let declared = false;
                self.skip_chunk(
                    octets,
                    &Situation::MessageTooLarge {
                        octets_max,
                        declared,
                    },
                    now,
                )
            }
        }
    }

    /// Ends the transaction, saying `situation`.
    pub(super) fn reset(&mut self, situation: &Situation<'_>, now: Timestamp) -> Next {
        let aborted = self.drop_transaction(Abort::Reset);
        self.say(situation, now);
        aborted
    }

    /// Forgets the message under way. The step tells the taker of its body.
    pub(super) fn drop_transaction(&mut self, abort: Abort) -> Next {
        let told = self.body_is_open().then_some(Step::BodyAborted(abort));
        self.transaction = None;
        told
    }

    pub(super) fn answer_message(&mut self, asked: Asked, answer: Answer, now: Timestamp) {
        match asked {
            Asked::Authenticate => {}
            Asked::MailFrom(mail) => {
                if self.give(&answer, &Situation::MailTaken, now) {
                    self.mail_was_taken = true;
                    self.transaction = Some(Box::new(Transaction {
                        envelope: mail.to_envelope(),
                        body: None,
                    }));
                }
            }
            Asked::RcptTo(recipient) => {
                if self.give(&answer, &Situation::RecipientTaken, now)
                    && let Some(open) = &mut self.transaction
                {
                    open.envelope.recipients.push(*recipient);
                }
            }
            Asked::DataStart => match answer {
                Answer::Refuse(reply) => self.put(&reply),
                Answer::Accept | Answer::AcceptWith(_) => {
                    self.begin_body(Form::Stuffed, now);
                    self.phase = Phase::Data;
                    self.say(&Situation::DataWanted, now);
                }
            },
            Asked::ChunkStart { octets, last } => match answer {
                Answer::Refuse(reply) => {
                    self.transaction = None;
                    self.phase = Phase::Chunk(Chunk::unwanted(octets, reply));
                }
                Answer::Accept | Answer::AcceptWith(_) => {
                    let is_binary = self
                        .envelope()
                        .is_some_and(|envelope| envelope.body == BodyType::BinaryMime);
                    self.begin_body(if is_binary { Form::Binary } else { Form::Text }, now);
                    self.phase = Phase::Chunk(Chunk::wanted(octets, last));
                }
            },
            Asked::BodyEnd => {
                self.transaction = None;
                self.give(&answer, &Situation::MessageTaken, now);
            }
        }
    }

    fn not_ready_for(&self, verb: Verb) -> Option<Order> {
        let Some(open) = &self.transaction else {
            return Some(Order::MailFirst);
        };
        if verb == Verb::Data && open.body.is_some() {
            Some(Order::ChunksBegun)
        } else if verb == Verb::Data && open.envelope.body == BodyType::BinaryMime {
            Some(Order::BinaryNeedsChunks)
        } else if open.envelope.recipients.is_empty() {
            Some(Order::RecipientFirst)
        } else {
            None
        }
    }

    fn out_of_order(&mut self, verb: Verb, order: Order, now: Timestamp) -> Next {
        self.err(&Situation::BadSequence { verb, order }, now)
    }

    /// Reads a chunk that nobody wants, and says why at its end. The message
    /// it belonged to is lost.
    fn skip_chunk(&mut self, octets: u64, situation: &Situation<'_>, now: Timestamp) -> Next {
        let refusal = self.words(situation, now);
        if situation.is_client_error() {
            self.note_error();
        }
        let aborted = self.drop_transaction(Abort::Unfit);
        self.phase = Phase::Chunk(Chunk::unwanted(octets, refusal));
        aborted
    }

    /// Says the answer: its own words, or those of `taken`. Gives whether it
    /// was a yes.
    fn give(&mut self, answer: &Answer, taken: &Situation<'_>, now: Timestamp) -> bool {
        match answer {
            Answer::Accept => self.say(taken, now),
            Answer::AcceptWith(reply) | Answer::Refuse(reply) => self.put(reply),
        }
        !matches!(answer, Answer::Refuse(_))
    }
}
