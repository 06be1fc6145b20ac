//! The load: applications that hand in mail without end, and remember every
//! word of the gateway's.
//!
//! | client | speaks |
//! | --- | --- |
//! | kept | SMTP, one connection for as long as it lasts |
//! | single | SMTP, a connection for each message |
//! | keyed | HTTP with `Idempotency-Key`, asked again until there is an answer, and once more after a kill |
//! | sequence | the same, all messages with one `sequence_key` |

mod connection;
pub(super) mod record;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustls::ClientConfig;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::chance::Chance;
use super::gateway::Doors;
use super::message::{Token, letter, text};
use super::scene::{LETTERS, RESULTS, SECRET, WARDS, address};
use connection::{Http, Smtp};
use record::{Record, Sent};

/// How many clients there are of each kind.
const KEPT: u16 = 4;
const SINGLE: u16 = 2;
const KEYED: u16 = 3;
const SEQUENCES: u16 = 3;

/// Clients rest while so many recipients are accepted and not yet taken, so
/// that kills meet mail on its way and not only mail that waits.
const BACKLOG_MAX: u64 = 2_000;

/// What is said to the clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// The gateway listens here.
    Up(Doors),
    /// It was killed and is not back yet.
    Down,
    /// Enough: settle what has no answer yet, and end.
    End(Doors),
}

/// The clients under way.
#[derive(Debug)]
pub(super) struct Load {
    phase: watch::Sender<Phase>,
    clients: JoinSet<()>,
}

impl Load {
    pub(super) fn start(
        seed: u64,
        tls: &Arc<ClientConfig>,
        record: &Record,
        taken: &Arc<AtomicU64>,
    ) -> Self {
        let (phase, phases) = watch::channel(Phase::Down);
        let mut clients = JoinSet::new();
        for number in 0..KEPT + SINGLE + KEYED + SEQUENCES {
            let client = Client {
                number,
                next: 0,
                chance: Chance::branch(seed, u64::from(number) + 1),
                phases: phases.clone(),
                tls: Arc::clone(tls),
                record: record.clone(),
                taken: Arc::clone(taken),
            };
            if number < KEPT {
                clients.spawn(client.smtp(true));
            } else if number < KEPT + SINGLE {
                clients.spawn(client.smtp(false));
            } else {
                clients.spawn(client.http(number >= KEPT + SINGLE + KEYED));
            }
        }
        Self { phase, clients }
    }

    pub(super) fn tell(&self, phase: Phase) {
        self.phase.send_replace(phase);
    }

    /// Ends when every client has; the gateway has to be up.
    pub(super) async fn finish(mut self, doors: Doors) {
        self.tell(Phase::End(doors));
        while self.clients.join_next().await.is_some() {}
    }
}

#[derive(Debug)]
struct Client {
    number: u16,
    next: u32,
    chance: Chance,
    phases: watch::Receiver<Phase>,
    tls: Arc<ClientConfig>,
    record: Record,
    taken: Arc<AtomicU64>,
}

/// One message before anybody has said anything of it.
#[derive(Clone, Debug)]
struct Draft {
    token: Token,
    wards: Vec<u8>,
    lines: u32,
}

impl Draft {
    fn to(&self) -> Vec<String> {
        self.wards.iter().map(|ward| address(*ward)).collect()
    }

    fn sent(&self, id: Option<&str>, in_sequence: bool) -> Sent {
        Sent {
            token: self.token,
            wards: self.wards.as_slice().into(),
            in_sequence,
            id: id.map(Into::into),
        }
    }
}

impl Client {
    fn draft(&mut self) -> Draft {
        let token = Token {
            client: self.number,
            number: self.next,
        };
        self.next += 1;
        let first = self.chance.below(u64::from(WARDS)) as u8;
        let count = 1 + self.chance.below(4) as u8;
        // Some are too large to share a file with others.
        let lines = match self.chance.below(100) {
            0 => 6_000,
            1..=10 => 300,
            _ => 2 + self.chance.below(20) as u32,
        };
        Draft {
            token,
            wards: (0..count).map(|n| (first + 7 * n) % WARDS).collect(),
            lines,
        }
    }

    /// A breath between two messages, and a longer one while much is waiting.
    async fn pause(&mut self) {
        tokio::time::sleep(self.chance.millis(0, 40)).await;
        let waiting = |client: &Self| {
            let taken = client.taken.load(Ordering::Relaxed);
            client.record.expected().saturating_sub(taken) > BACKLOG_MAX
        };
        while waiting(self) && matches!(*self.phases.borrow(), Phase::Up(_)) {
            tokio::time::sleep(self.chance.millis(50, 100)).await;
        }
    }

    /// Where the gateway listens, as soon as it does.
    async fn up(&mut self) -> Option<Doors> {
        let phase = self.phases.wait_for(|phase| *phase != Phase::Down).await;
        match phase.map(|phase| *phase) {
            Ok(Phase::Up(doors)) => Some(doors),
            _ => None,
        }
    }

    async fn smtp(mut self, kept: bool) {
        let mut connection: Option<Smtp> = None;
        while let Some(doors) = self.up().await {
            self.pause().await;
            let draft = self.draft();
            let smtp = match connection.take() {
                Some(smtp) => Ok(smtp),
                None => Smtp::sign_in(doors.submission, &self.tls, LETTERS, SECRET).await,
            };
            let Ok(mut smtp) = smtp else { continue };
            let to = draft.to();
            let letter = letter(draft.token, draft.lines, LETTERS, &to[0]);
            let said = smtp.send(LETTERS, &to, &letter).await;
            match &said {
                Ok((250, text)) => {
                    let id = text.split(' ').next_back().unwrap_or_default();
                    self.record.add(draft.sent(Some(id), false));
                    connection = kept.then_some(smtp);
                }
                // 4xx: not accepted, so nothing is owed.
                Ok((400..500, _)) => self.record.add(draft.sent(None, false)),
                Ok((_, text)) => {
                    self.record.breach(format!("{}: {text}", draft.token));
                    self.record.add(draft.sent(None, false));
                }
                // Nobody can say what became of it.
                Err(_) => self.record.add(draft.sent(None, false)),
            }
        }
    }

    async fn http(mut self, in_sequence: bool) {
        let mut connection: Option<(Doors, Http)> = None;
        // The last request that was answered, and by which gateway.
        let mut answered: Option<(Doors, Draft, String)> = None;
        while let Some(doors) = self.up().await {
            self.pause().await;
            let again = answered.take_if(|(by, ..)| *by != doors);
            if let Some((_, draft, id)) = again {
                self.hand_in_again(&mut connection, &draft, &id, in_sequence)
                    .await;
            }
            let draft = self.draft();
            let id = self.hand_in(&mut connection, &draft, in_sequence).await;
            self.record.add(draft.sent(id.as_deref(), in_sequence));
            answered = id.map(|id| (doors, draft, id));
        }
    }

    /// A kill lies between the two: the answer must be the same.
    async fn hand_in_again(
        &mut self,
        connection: &mut Option<(Doors, Http)>,
        draft: &Draft,
        id: &str,
        in_sequence: bool,
    ) {
        self.record.repeated();
        match self.hand_in(connection, draft, in_sequence).await {
            Some(again) if again == id => {}
            other => self.record.breach(format!(
                "{}: the same request had the id {id} and now has {other:?}",
                draft.token
            )),
        }
    }

    /// Asks until there is an answer, however often the gateway dies.
    async fn hand_in(
        &mut self,
        connection: &mut Option<(Doors, Http)>,
        draft: &Draft,
        in_sequence: bool,
    ) -> Option<String> {
        let (head, body) = self.request(draft, in_sequence);
        loop {
            let phase = *self
                .phases
                .wait_for(|phase| *phase != Phase::Down)
                .await
                .ok()?;
            let (Phase::Up(doors) | Phase::End(doors)) = phase else {
                continue;
            };
            let answer = match self.post(connection, doors, &head, &body).await {
                Ok(answer) => answer,
                Err(_) => {
                    tokio::time::sleep(self.chance.millis(5, 25)).await;
                    continue;
                }
            };
            let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
            match answer.status {
                202 => return said["id"].as_str().map(str::to_owned),
                429 | 503 | 507 => tokio::time::sleep(self.chance.millis(50, 250)).await,
                _ => {
                    let text = String::from_utf8_lossy(&answer.body).into_owned();
                    let first = answer.header.lines().next().unwrap_or_default().to_owned();
                    self.record
                        .breach(format!("{}: {first}: {text}", draft.token));
                    return None;
                }
            }
        }
    }

    async fn post(
        &mut self,
        connection: &mut Option<(Doors, Http)>,
        doors: Doors,
        head: &str,
        body: &[u8],
    ) -> io::Result<connection::Answer> {
        let mut http = match connection.take() {
            Some((at, http)) if at == doors => http,
            _ => Http::connect(doors.https, &self.tls).await?,
        };
        let answer = http.post(head, body).await?;
        *connection = Some((doors, http));
        Ok(answer)
    }

    /// JSON, or, by turns and out of sequence, a whole message.
    fn request(&self, draft: &Draft, in_sequence: bool) -> (String, Vec<u8>) {
        let to = draft.to();
        let token = draft.token;
        let (target, media_type, body) = if !in_sequence && token.number % 2 == 1 {
            let query: Vec<String> = to.iter().map(|one| format!("to={one}")).collect();
            let whole = letter(token, draft.lines, RESULTS, &to[0]);
            (
                format!("/v1/messages?{}", query.join("&")),
                "message/rfc822",
                whole.into_bytes(),
            )
        } else {
            let mut request = json!({
                "to": to,
                "subject": format!("Result {token}"),
                "text": text(token, draft.lines, "\n"),
            });
            if in_sequence {
                request["sequence_key"] = json!(format!("patient-{}", self.number));
            }
            let body = request.to_string().into_bytes();
            ("/v1/messages".to_owned(), "application/json", body)
        };
        let head = format!(
            "POST {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {SECRET}\r\n\
             Idempotency-Key: {token}\r\nContent-Type: {media_type}\r\n"
        );
        (head, body)
    }
}
