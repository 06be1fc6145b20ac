//! A scripted client for protocols of lines: SMTP, IMAP, POP3.

use std::fmt::Write as _;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use mailward_mail::time::Clock;
use mailward_net::clock::within;
use mailward_net::{StaticResolver, Stream, SystemClock, connect};
use rustls::ClientConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::PATIENCE;

/// The longest line it reads.
const LINE_OCTETS_MAX: usize = 1024 * 1024;

/// One connection and what was said on it. Every method panics, with the
/// whole dialogue, when the other side does not do as expected.
#[derive(Debug)]
pub struct Lines {
    stream: Option<Stream>,
    /// Read but not yet taken.
    pending: Vec<u8>,
    dialogue: String,
}

impl Lines {
    /// Connects without TLS.
    pub async fn connect(address: SocketAddr) -> Self {
        let deadline = SystemClock.now().plus(PATIENCE);
        let host = address.ip().to_string();
        let nobody = StaticResolver::new();
        let stream = connect(&nobody, &SystemClock, &host, address.port(), None, deadline).await;
        Self {
            stream: Some(stream.unwrap_or_else(|error| panic!("{error}"))),
            pending: Vec::new(),
            dialogue: String::new(),
        }
    }

    /// Connects with TLS from the first octet; the server must be `name`.
    pub async fn connect_tls(address: SocketAddr, tls: Arc<ClientConfig>, name: &str) -> Self {
        let mut lines = Self::connect(address).await;
        lines.start_tls(tls, name).await;
        lines
    }

    /// Goes over to TLS, after the protocol's own STARTTLS exchange.
    pub async fn start_tls(&mut self, tls: Arc<ClientConfig>, name: &str) {
        assert!(
            self.pending.is_empty(),
            "the server sent more before TLS\n{}",
            self.dialogue
        );
        let stream = self.stream.take().expect("connected");
        let upgraded = patiently(&self.dialogue, stream.upgrade_client(tls, name)).await;
        self.stream = Some(upgraded.unwrap_or_else(|e| panic!("{e}\n{}", self.dialogue)));
        self.dialogue.push_str("-- TLS --\n");
    }

    /// Sends a line; CRLF is added.
    pub async fn send(&mut self, line: &str) {
        self.send_bytes(format!("{line}\r\n").as_bytes()).await;
    }

    /// Sends exactly these octets.
    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        let shown = String::from_utf8_lossy(bytes);
        for line in shown.lines().take(20) {
            let _ = writeln!(self.dialogue, "C: {line}");
        }
        let stream = self.stream.as_mut().expect("connected");
        let writing = async {
            stream.write_all(bytes).await?;
            stream.flush().await
        };
        let written = patiently(&self.dialogue, writing).await;
        written.unwrap_or_else(|error| panic!("cannot send: {error}\n{}", self.dialogue));
    }

    /// The next line, without its end.
    pub async fn line(&mut self) -> String {
        let taken = self.next_line().await;
        taken.unwrap_or_else(|| panic!("the server hung up\n{}", self.dialogue))
    }

    /// The next line, which must begin with `start`.
    pub async fn expect(&mut self, start: &str) -> String {
        let line = self.line().await;
        assert!(
            line.starts_with(start),
            "expected {start:?}, got {line:?}\n{}",
            self.dialogue
        );
        line
    }

    /// All lines up to and with the one that begins with `start`, such as an
    /// IMAP tag.
    pub async fn until(&mut self, start: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line().await;
            let last = line.starts_with(start);
            lines.push(line);
            if last {
                return lines;
            }
        }
    }

    /// A whole SMTP reply, `250-...` lines and the last, which must carry `code`.
    pub async fn reply(&mut self, code: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.expect(code).await;
            let more = line.as_bytes().get(code.len()) == Some(&b'-');
            lines.push(line);
            if !more {
                return lines;
            }
        }
    }

    /// Sends a line and takes the SMTP reply to it.
    pub async fn command(&mut self, line: &str, code: &str) -> Vec<String> {
        self.send(line).await;
        self.reply(code).await
    }

    /// Exactly so many octets, for literals.
    pub async fn octets(&mut self, count: usize) -> Vec<u8> {
        while self.pending.len() < count {
            assert!(self.fill().await, "the server hung up\n{}", self.dialogue);
        }
        let rest = self.pending.split_off(count);
        std::mem::replace(&mut self.pending, rest)
    }

    /// The server must hang up now, without another line.
    pub async fn expect_end(&mut self) {
        if let Some(line) = self.next_line().await {
            panic!("expected the end, got {line:?}\n{}", self.dialogue);
        }
    }

    /// What was said so far, `C:` by us and `S:` by the server.
    pub fn dialogue(&self) -> &str {
        &self.dialogue
    }

    /// The connection itself, for what a script cannot say. Octets that were
    /// read ahead are lost.
    pub fn into_stream(mut self) -> Stream {
        self.stream.take().expect("connected")
    }

    async fn next_line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.pending.iter().position(|&octet| octet == b'\n') {
                let line: Vec<u8> = self.pending.drain(..=end).collect();
                let line = String::from_utf8_lossy(&line);
                let line = line.trim_end_matches(['\r', '\n']).to_owned();
                let _ = writeln!(self.dialogue, "S: {line}");
                return Some(line);
            }
            assert!(self.pending.len() < LINE_OCTETS_MAX, "an endless line");
            if !self.fill().await {
                return None;
            }
        }
    }

    /// Reads some more; false at the end.
    async fn fill(&mut self) -> bool {
        let stream = self.stream.as_mut().expect("connected");
        let mut buffer = [0; 8192];
        // A peer that resets or skips the TLS farewell has hung up as well.
        let read = patiently(&self.dialogue, stream.read(&mut buffer)).await;
        let octets = read.unwrap_or(0);
        self.pending.extend_from_slice(&buffer[..octets]);
        octets > 0
    }
}

async fn patiently<T>(dialogue: &str, work: impl Future<Output = T>) -> T {
    match within(&SystemClock, PATIENCE, work).await {
        Ok(done) => done,
        Err(_) => panic!("nothing happened for {PATIENCE:?}\n{dialogue}"),
    }
}
