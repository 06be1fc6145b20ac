//! One SMTP session of the far end: as plain as a server can be, but for what
//! it does on purpose.
//!
//! ```text
//!   EHLO STARTTLS EHLO AUTH ─ MAIL ─ RCPT… ─ DATA ─ message ─ .
//!                             421    450      451 ┤
//!                                    550          ├ recorded, synced ─ 250
//!                                                 ├ recorded, synced ─ pause ─ 250
//!                                                 ├ recorded, synced ─ cut    taken, reply lost
//!                                                 └ cut                       not taken
//! ```

use std::io;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use rustls::ServerConfig;
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use super::ledger::{Ledger, ReplyFate, Taken};
use crate::crash::chance::Chance;
use crate::crash::message::{self, Content};
use crate::crash::scene::REFUSED;

/// The longest line and the longest message that are read.
const LINE_OCTETS_MAX: usize = 4096;
const MESSAGE_OCTETS_MAX: usize = 4 << 20;

/// In a thousand transactions.
const BUSY_AT_MAIL: u64 = 1;
const BUSY_AT_DOT: u64 = 4;
const CUT_NOT_TAKEN: u64 = 2;
const CUT_TAKEN: u64 = 2;
const LATE: u64 = 80;
/// In a thousand recipients.
const BUSY_AT_RCPT: u64 = 2;

/// What lies behind the whole server.
#[derive(Clone, Debug)]
pub(super) struct Server {
    pub(super) tls: Arc<ServerConfig>,
    pub(super) ledger: Ledger,
}

impl Server {
    pub(super) async fn serve(self, socket: TcpStream, mut chance: Chance) {
        // A client that goes away, and a cut on purpose, end here alike.
        let _ = self.talk(socket, &mut chance).await;
    }

    async fn talk(&self, socket: TcpStream, chance: &mut Chance) -> io::Result<()> {
        socket.set_nodelay(true)?;
        let mut plain = BufReader::new(socket);
        say(&mut plain, "220 far-end.northmoor.example ESMTP").await?;
        loop {
            let line = line(&mut plain).await?;
            match verb(&line).as_str() {
                "EHLO" => say(&mut plain, "250-far-end\r\n250 STARTTLS").await?,
                "STARTTLS" => break,
                _ => say(&mut plain, "530 5.7.0 Must issue STARTTLS first").await?,
            }
        }
        say(&mut plain, "220 2.0.0 Go ahead").await?;
        let tls = TlsAcceptor::from(Arc::clone(&self.tls));
        let mut stream = BufReader::new(tls.accept(plain.into_inner()).await?);
        self.commands(&mut stream, chance).await
    }

    async fn commands<S>(&self, stream: &mut BufReader<S>, chance: &mut Chance) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut to: Vec<String> = Vec::new();
        loop {
            let line = line(stream).await?;
            match verb(&line).as_str() {
                "EHLO" => {
                    let offer = "250-far-end\r\n250-SIZE 36700160\r\n250-PIPELINING\r\n\
                                 250-8BITMIME\r\n250-ENHANCEDSTATUSCODES\r\n250 AUTH LOGIN PLAIN";
                    say(stream, offer).await?;
                }
                "AUTH" => sign_in(stream, &line).await?,
                "MAIL" if chance.per_mille(BUSY_AT_MAIL) => {
                    return say(stream, "421 4.3.2 The service is not available").await;
                }
                "MAIL" => {
                    to.clear();
                    say(stream, "250 2.1.0 Sender OK").await?;
                }
                "RCPT" => {
                    let address = address(&line);
                    let reply = if address.starts_with(REFUSED) {
                        "550 5.1.10 Recipient not found"
                    } else if chance.per_mille(BUSY_AT_RCPT) {
                        "450 4.2.1 Mailbox busy"
                    } else {
                        to.push(address);
                        "250 2.1.5 Recipient OK"
                    };
                    say(stream, reply).await?;
                }
                "DATA" if to.is_empty() => say(stream, "554 5.5.1 No valid recipients").await?,
                "DATA" => {
                    self.message(stream, chance, std::mem::take(&mut to))
                        .await?
                }
                "RSET" => {
                    to.clear();
                    say(stream, "250 2.0.0 Reset").await?;
                }
                "NOOP" => say(stream, "250 2.0.0 OK").await?,
                "QUIT" => return say(stream, "221 2.0.0 Bye").await,
                _ => say(stream, "502 5.5.1 Not here").await?,
            }
        }
    }

    async fn message<S>(
        &self,
        stream: &mut BufReader<S>,
        chance: &mut Chance,
        to: Vec<String>,
    ) -> io::Result<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        say(stream, "354 Start mail input").await?;
        let octets = data(stream).await?;
        let fate = chance.below(1000);
        if fate < BUSY_AT_DOT {
            return say(stream, "451 4.3.0 Try again later").await;
        }
        let reply = match fate - BUSY_AT_DOT {
            fate if fate < CUT_NOT_TAKEN => ReplyFate::NotTaken,
            fate if fate < CUT_NOT_TAKEN + CUT_TAKEN => ReplyFate::Lost,
            fate if fate < CUT_NOT_TAKEN + CUT_TAKEN + LATE => ReplyFate::Delayed,
            _ => ReplyFate::Said,
        };
        let (token, whole) = match message::read(&octets) {
            Content::Whole(token) => (Some(token.to_string()), true),
            Content::Spoilt(token) => (Some(token.to_string()), false),
            Content::NoToken => (None, true),
        };
        let taken = Taken {
            at: now_millis(),
            token,
            whole,
            to,
            reply,
        };
        self.ledger.record(&taken).await.map_err(io::Error::other)?;
        match reply {
            ReplyFate::NotTaken | ReplyFate::Lost => {
                return Err(io::Error::other("cut on purpose"));
            }
            ReplyFate::Delayed => tokio::time::sleep(chance.millis(5, 300)).await,
            ReplyFate::Said => {}
        }
        say(stream, "250 2.6.0 Queued mail for delivery").await
    }
}

/// Anybody may: what signing in costs and may go wrong is tried elsewhere.
async fn sign_in<S>(stream: &mut BufReader<S>, line_given: &str) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut words = line_given.split(' ').skip(1);
    let login = words
        .next()
        .is_some_and(|word| word.eq_ignore_ascii_case("LOGIN"));
    let mut given = words.count();
    while given < if login { 2 } else { 1 } {
        let ask = ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"][given.min(1)];
        say(stream, ask).await?;
        line(stream).await?;
        given += 1;
    }
    say(stream, "235 2.7.0 Authentication successful").await
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), text: &str) -> io::Result<()> {
    stream.write_all(format!("{text}\r\n").as_bytes()).await?;
    stream.flush().await
}

async fn line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<String> {
    let octets = octets_of_line(stream).await?;
    Ok(String::from_utf8_lossy(&octets).trim_end().to_owned())
}

async fn octets_of_line(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut octets = Vec::new();
    stream.read_until(b'\n', &mut octets).await?;
    if octets.is_empty() || !octets.ends_with(b"\n") {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if octets.len() > LINE_OCTETS_MAX {
        return Err(io::Error::other("a line without end"));
    }
    Ok(octets)
}

/// The message, its dots unstuffed (RFC 5321 section 4.5.2).
async fn data(stream: &mut (impl AsyncBufRead + Unpin)) -> io::Result<Vec<u8>> {
    let mut message = Vec::new();
    loop {
        let line = octets_of_line(stream).await?;
        if line == b".\r\n" {
            return Ok(message);
        }
        let stuffed = line.first() == Some(&b'.');
        message.extend_from_slice(&line[usize::from(stuffed)..]);
        if message.len() > MESSAGE_OCTETS_MAX {
            return Err(io::Error::other("a message without end"));
        }
    }
}

fn verb(line: &str) -> String {
    line.split(' ')
        .next()
        .unwrap_or_default()
        .to_ascii_uppercase()
}

/// Between the angle brackets.
fn address(line: &str) -> String {
    let start = line.find('<').map_or(line.len(), |at| at + 1);
    let rest = &line[start..];
    rest.split('>').next().unwrap_or_default().to_owned()
}

fn now_millis() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}
