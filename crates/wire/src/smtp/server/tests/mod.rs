//! Conversations as scripts. `C:` is what the client sends (CRLF is added;
//! `{CR}`, `{LF}` and `{NUL}` stand for themselves), `S:` what it hears.
//! Every script runs line by line, all at once, and cut at every octet.

mod body;
mod dialogues;
mod limits;
mod random;
mod times;

use std::sync::Arc;

use mailward_mail::{Reply, Timestamp};

use super::super::sasl::Credentials;
use super::*;

pub(super) fn start() -> Timestamp {
    Timestamp::parse("2026-11-21T09:00:00Z").expect("a valid time")
}

/// A submission listener on which a script need not sign in.
pub(super) fn open_settings() -> Settings {
    Settings {
        tls_required: false,
        auth_required: false,
        times: Times {
            before_authentication: std::time::Duration::from_secs(60),
            ..Times::default()
        },
        ..Settings::submission()
    }
}

pub(super) fn session(settings: &Settings, tls: bool) -> Session {
    let origin = Origin {
        peer: [192, 0, 2, 1].into(),
        session: SessionId(7),
        tls,
    };
    let dialect = Arc::new(PlainDialect::new("mail.example"));
    Session::new(Arc::new(settings.clone()), dialect, origin, start())
}

/// A session and a taker of mail that says yes, except to what its name says.
pub(super) struct Bench {
    pub(super) session: Session,
    pub(super) now: Timestamp,
    pub(super) sent: Vec<u8>,
    /// What the taker was told, in order.
    pub(super) told: Vec<String>,
    pub(super) body: Vec<u8>,
    pub(super) bodies: Vec<Vec<u8>>,
    pub(super) is_closed: bool,
}

impl Bench {
    pub(super) fn new(settings: &Settings, tls: bool) -> Self {
        Self {
            session: session(settings, tls),
            now: start(),
            sent: Vec::new(),
            told: Vec::new(),
            body: Vec::new(),
            bodies: Vec::new(),
            is_closed: false,
        }
    }

    /// Feeds `input` and goes on until the session waits or closes.
    pub(super) fn feed(&mut self, mut input: &[u8]) {
        while !self.is_closed {
            match self.session.step(&mut input, self.now) {
                Step::Send(octets) => self.sent.extend(octets),
                Step::StartTls => {
                    assert!(input.is_empty(), "octets in the clear are dropped");
                    self.told.push("tls".to_owned());
                    self.session.tls_established(self.now);
                }
                Step::Ask(question) => {
                    let answer = self.answer(question);
                    self.session.answer(answer, self.now);
                }
                Step::Body(octets) => {
                    self.body.extend_from_slice(octets);
                    if self.body.windows(6).any(|window| window == b"REFUSE") {
                        self.told.push("refusing".to_owned());
                        self.body.clear();
                        self.session.refuse_body(Reply::status(
                            554,
                            6,
                            0,
                            "Refused by its content",
                        ));
                    }
                }
                Step::BodyAborted(abort) => {
                    self.body.clear();
                    self.told.push(format!("aborted {abort:?}"));
                }
                Step::Hello => {
                    let hello = self.session.hello().expect("a name");
                    self.told.push(format!("hello {}", hello.name));
                }
                Step::Receive => {
                    assert!(input.is_empty(), "waits only when all is used");
                    return;
                }
                Step::Close => self.is_closed = true,
            }
        }
    }

    fn answer(&mut self, question: Question) -> Answer {
        match question {
            Question::Authenticate(credentials) => {
                let (proof, kind) = match &credentials {
                    Credentials::Password { password, .. } => (password, credentials.mechanism()),
                    Credentials::Bearer { token, .. } => (token, credentials.mechanism()),
                };
                self.told.push(format!("{kind} {}", credentials.username()));
                if proof.matches(b"right") {
                    Answer::Accept
                } else {
                    Answer::Refuse(Reply::status(535, 7, 8, "No"))
                }
            }
            Question::MailFrom(mail) => {
                self.told.push(format!("from {}", mail.reverse_path));
                verdict(mail.reverse_path.as_str())
            }
            Question::RcptTo(recipient) => {
                self.told.push(format!("to {}", recipient.forward_path));
                verdict(recipient.forward_path.address().as_str())
            }
            Question::BodyStart => {
                let envelope = self.session.envelope().expect("a message under way");
                self.told
                    .push(format!("start {}", envelope.recipients.len()));
                match envelope.reverse_path.as_str().starts_with("nodata@") {
                    true => Answer::Refuse(Reply::status(451, 3, 0, "Not now")),
                    false => Answer::Accept,
                }
            }
            Question::BodyEnd => {
                let body = std::mem::take(&mut self.body);
                self.told.push(format!("taken {}", body.len()));
                self.bodies.push(body);
                Answer::AcceptWith(Reply::status(250, 6, 0, "Taken"))
            }
        }
    }
}

fn verdict(address: &str) -> Answer {
    if address.starts_with("refused@") {
        Answer::Refuse(Reply::status(550, 1, 1, "Refused"))
    } else if address.starts_with("leave@") {
        Answer::Refuse(Reply::status(421, 3, 2, "Leaving"))
    } else {
        Answer::Accept
    }
}

/// Runs `script`; `told` is what the taker must have heard.
pub(super) fn check(settings: &Settings, tls: bool, script: &str, told: &[&str]) {
    let turns = turns(script);
    let mut bench = Bench::new(settings, tls);
    bench.feed(b"");
    for (index, (input, expected)) in turns.iter().enumerate() {
        if index > 0 {
            bench.feed(input);
        }
        let sent = String::from_utf8(std::mem::take(&mut bench.sent)).expect("UTF-8");
        assert_eq!(
            &sent,
            expected,
            "after {:?} in\n{script}",
            String::from_utf8_lossy(input)
        );
    }
    assert_eq!(bench.told, told, "{script}");

    // Across STARTTLS a client must wait.
    if script.to_ascii_uppercase().contains("C: STARTTLS") {
        return;
    }
    let input: Vec<u8> = turns.iter().flat_map(|(input, _)| input.clone()).collect();
    let expected: String = turns.iter().map(|(_, sent)| sent.as_str()).collect();
    for size in [1, 2, 3, 7, 64, input.len().max(1)] {
        let mut bench = Bench::new(settings, tls);
        for piece in input.chunks(size) {
            bench.feed(piece);
        }
        let sent = String::from_utf8(bench.sent).expect("UTF-8");
        assert_eq!(sent, expected, "cut by {size}:\n{script}");
        assert_eq!(bench.told, told, "cut by {size}:\n{script}");
    }
}

/// What the client sends and what it then hears, the greeting first.
fn turns(script: &str) -> Vec<(Vec<u8>, String)> {
    let mut turns = vec![(Vec::new(), String::new())];
    for line in script
        .lines()
        .map(str::trim_start)
        .filter(|l| !l.is_empty())
    {
        if let Some(text) = line.strip_prefix("C: ").or(line.strip_prefix("C:")) {
            let text = text
                .replace("{CR}", "\r")
                .replace("{LF}", "\n")
                .replace("{NUL}", "\0")
                .replace("{SP}", " ");
            turns.push((format!("{text}\r\n").into_bytes(), String::new()));
        } else if let Some(text) = line.strip_prefix("S: ") {
            let (_, heard) = turns.last_mut().expect("a first turn");
            heard.push_str(&text.replace("{SP}", " "));
            heard.push_str("\r\n");
        } else {
            panic!("neither C: nor S: {line:?}");
        }
    }
    turns
}
