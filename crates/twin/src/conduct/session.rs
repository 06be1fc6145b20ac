//! How a client behaved in one session, read from its transcript.
//!
//! ```text
//!   C: MAIL …            ┐
//!   C: RCPT …            ├ one transaction; replies are given to commands in
//!   S: 250, 250, 354     │ turn, however far ahead the client sends
//!   C: [message …]       │
//!   S: 250 or 4xx, 5xx   ┘
//! ```

use std::collections::VecDeque;
use std::net::SocketAddr;

use mailward_mail::Timestamp;

use crate::faults::Protocol;
use crate::transcripts::{Direction, TranscriptView};

#[derive(Debug)]
pub(super) struct Session {
    pub(super) name: String,
    pub(super) protocol: Protocol,
    pub(super) peer: SocketAddr,
    pub(super) begun: Timestamp,
    pub(super) ended: Option<Timestamp>,
    /// Version and cipher, as in `TLSv1_3 TLS13_AES_256_GCM_SHA384`.
    pub(super) tls: Option<String>,
    /// What was said before TLS and should not have been: AUTH or MAIL.
    pub(super) in_the_clear: Option<&'static str>,
    /// Mechanisms of sign-in, in upper case; a POP or IMAP password is LOGIN.
    pub(super) mechanisms: Vec<String>,
    /// Whether the client said anything.
    pub(super) has_spoken: bool,
    pub(super) said_goodbye: bool,
    pub(super) transactions: Vec<Transaction>,
    /// False when the beginning was forgotten.
    pub(super) is_whole: bool,
}

/// One message on its way, from MAIL to its last reply.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) began: Timestamp,
    pub(super) ended: Timestamp,
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// No last reply was given, or seen.
    Open,
    Accepted,
    /// The reply that refused it, or one of its recipients.
    Refused(String),
}

/// What a reply is due for.
#[derive(Debug)]
enum Due {
    Greeting,
    Auth,
    Mail,
    Recipient,
    Data,
    /// The message is under way.
    Body,
    Chunk {
        is_last: bool,
    },
    Other,
}

impl Session {
    pub(super) fn read(transcript: &TranscriptView) -> Self {
        let view = &transcript.session;
        let mut session = Self {
            name: view.id.clone(),
            protocol: view.protocol,
            peer: view.peer,
            begun: view.begun,
            ended: view.ended,
            tls: None,
            in_the_clear: None,
            mechanisms: Vec::new(),
            has_spoken: false,
            said_goodbye: false,
            transactions: Vec::new(),
            is_whole: transcript.forgotten == 0,
        };
        let mut due = VecDeque::from([Due::Greeting]);
        for entry in &transcript.lines {
            match entry.direction {
                Direction::Note => {
                    if let Some(facts) = entry.text.strip_prefix("TLS") {
                        session.tls = Some(facts.trim().to_owned());
                        // Implicit TLS has its greeting still to come.
                        due.retain(|due| matches!(due, Due::Greeting));
                    }
                }
                Direction::Client => session.command(entry.at, &entry.text, &mut due),
                Direction::Server if session.is_smtp() => {
                    session.reply(entry.at, &entry.text, &mut due);
                }
                Direction::Server => {}
            }
        }
        session
    }

    pub(super) fn is_smtp(&self) -> bool {
        matches!(
            self.protocol,
            Protocol::Submission | Protocol::HighSending | Protocol::Relay | Protocol::Catch
        )
    }

    fn command(&mut self, at: Timestamp, line: &str, due: &mut VecDeque<Due>) {
        self.has_spoken = true;
        let mut words = line.split_ascii_whitespace().map(str::to_ascii_uppercase);
        if self.protocol == Protocol::Imap {
            words.next();
        }
        let verb = words.next().unwrap_or_default();
        let argument = words.next().unwrap_or_default();
        if !self.is_smtp() {
            match verb.as_str() {
                "LOGIN" | "PASS" => self.mechanisms.push("LOGIN".to_owned()),
                "AUTHENTICATE" | "AUTH" => self.mechanisms.push(argument),
                "LOGOUT" | "QUIT" => self.said_goodbye = true,
                _ => {}
            }
            return;
        }
        if matches!(due.back(), Some(Due::Body | Due::Auth)) {
            return;
        }
        if self.tls.is_none() {
            match verb.as_str() {
                "AUTH" => self.in_the_clear = Some("AUTH"),
                "MAIL" => self.in_the_clear = self.in_the_clear.or(Some("MAIL")),
                _ => {}
            }
        }
        due.push_back(match verb.as_str() {
            "AUTH" => {
                self.mechanisms.push(argument);
                Due::Auth
            }
            "MAIL" => {
                self.transactions.push(Transaction {
                    began: at,
                    ended: at,
                    from: path(line),
                    to: Vec::new(),
                    outcome: Outcome::Open,
                });
                Due::Mail
            }
            "RCPT" => {
                if let Some(transaction) = self.transactions.last_mut() {
                    transaction.to.push(path(line));
                }
                Due::Recipient
            }
            "DATA" => Due::Data,
            "BDAT" => Due::Chunk {
                is_last: words.next().as_deref() == Some("LAST"),
            },
            verb => {
                self.said_goodbye |= verb == "QUIT";
                Due::Other
            }
        });
    }

    fn reply(&mut self, at: Timestamp, line: &str, due: &mut VecDeque<Due>) {
        if line.as_bytes().get(3) == Some(&b'-') {
            return;
        }
        let code = line.get(..3).unwrap_or_default();
        if code == "334" {
            return;
        }
        let answered = due.pop_front();
        if code == "354" {
            due.push_front(Due::Body);
            return;
        }
        let Some(transaction) = self.transactions.last_mut() else {
            return;
        };
        let is_last = match answered {
            Some(Due::Body | Due::Chunk { is_last: true }) => true,
            Some(Due::Mail | Due::Recipient | Due::Data | Due::Chunk { .. }) | None => false,
            Some(Due::Greeting | Due::Auth | Due::Other) => return,
        };
        if !code.starts_with('2') {
            transaction.outcome = Outcome::Refused(line.to_owned());
            transaction.ended = at;
        } else if is_last && transaction.outcome == Outcome::Open {
            transaction.outcome = Outcome::Accepted;
            transaction.ended = at;
        }
    }
}

impl Transaction {
    /// The reply, where it asks to come again later.
    pub(super) fn busy(&self) -> Option<&str> {
        match &self.outcome {
            Outcome::Refused(reply) if reply.starts_with('4') => Some(reply),
            _ => None,
        }
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.outcome == Outcome::Accepted
    }

    pub(super) fn is_same_message(&self, other: &Self) -> bool {
        let key = |one: &Self| {
            let mut to: Vec<String> = one.to.iter().map(|to| to.to_ascii_lowercase()).collect();
            to.sort_unstable();
            (one.from.to_ascii_lowercase(), to)
        };
        key(self) == key(other)
    }
}

/// What stands between the angle brackets.
fn path(line: &str) -> String {
    let inner = line.split_once('<').map_or("", |(_, rest)| rest);
    inner.split('>').next().unwrap_or_default().to_owned()
}
