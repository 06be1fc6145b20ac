//! IMAP under TLS, as far as the measurements need it (RFC 9051).

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::run::Result;

/// What is read at once: little, since thousands are held.
const BUFFER_OCTETS: usize = 2048;

/// One connection that has signed in.
#[derive(Debug)]
pub(super) struct Imap {
    stream: BufReader<TlsStream<TcpStream>>,
    commands: u64,
}

/// What a command was answered with.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// Lines without their line ends; literals are taken out.
    pub(super) lines: Vec<String>,
    pub(super) literals: Vec<Vec<u8>>,
}

impl Imap {
    pub(super) async fn sign_in(
        address: SocketAddr,
        tls: &Arc<ClientConfig>,
        user: &str,
        password: &str,
    ) -> Result<Self> {
        let socket = TcpStream::connect(address)
            .await
            .map_err(|error| format!("{address} can't be reached: {error}"))?;
        socket.set_nodelay(true).map_err(broken)?;
        let name = ServerName::from(address.ip());
        let connecting = TlsConnector::from(Arc::clone(tls)).connect(name, socket);
        let mut imap = Self {
            stream: BufReader::with_capacity(BUFFER_OCTETS, connecting.await.map_err(broken)?),
            commands: 0,
        };
        imap.line().await?;
        imap.command(&format!("LOGIN {user} {password}")).await?;
        Ok(imap)
    }

    /// A command that has to be answered OK.
    pub(super) async fn command(&mut self, command: &str) -> Result<Answer> {
        let mut answer = Answer::default();
        self.each(command, |literal| answer.literals.push(literal.to_vec()))
            .await
            .map(|lines| {
                answer.lines = lines;
                answer
            })
    }

    /// The same, with each literal as it comes.
    pub(super) async fn each(
        &mut self,
        command: &str,
        each: impl FnMut(&[u8]),
    ) -> Result<Vec<String>> {
        let tag = self.begin(command).await?;
        self.until(&tag, command, each).await
    }

    /// Files a message.
    pub(super) async fn append(&mut self, folder: &str, message: &[u8]) -> Result {
        let command = format!("APPEND {folder} {{{}}}", message.len());
        let tag = self.begin(&command).await?;
        let line = self.line().await?;
        if !line.starts_with('+') {
            return Err(format!("{command} is answered {line}"));
        }
        let message = [message, b"\r\n"].concat();
        self.write(&message).await?;
        self.until(&tag, &command, |_| {}).await.map(|_| ())
    }

    /// Waits for news, until dropped.
    pub(super) async fn idle(&mut self) -> Result {
        self.begin("IDLE").await?;
        let line = self.line().await?;
        if line.starts_with('+') {
            return Ok(());
        }
        Err(format!("IDLE is answered {line}"))
    }

    pub(super) async fn line(&mut self) -> Result<String> {
        let mut line = Vec::new();
        let read = self.stream.read_until(b'\n', &mut line).await;
        if read.map_err(broken)? == 0 {
            return Err("the server closed the connection".to_owned());
        }
        Ok(String::from_utf8_lossy(line.trim_ascii_end()).into_owned())
    }

    async fn begin(&mut self, command: &str) -> Result<String> {
        self.commands += 1;
        let tag = format!("a{}", self.commands);
        self.write(format!("{tag} {command}\r\n").as_bytes())
            .await?;
        Ok(tag)
    }

    async fn until(
        &mut self,
        tag: &str,
        command: &str,
        mut each: impl FnMut(&[u8]),
    ) -> Result<Vec<String>> {
        let mut lines = Vec::new();
        let mut literal = Vec::new();
        loop {
            let line = self.line().await?;
            if let Some(rest) = line.strip_prefix(tag) {
                if rest.starts_with(" OK") {
                    return Ok(lines);
                }
                return Err(format!("{command} is answered {line}"));
            }
            if let Some(octets) = literal_octets(&line) {
                literal.resize(octets, 0);
                let read = self.stream.read_exact(&mut literal).await;
                read.map_err(broken)?;
                each(&literal);
            } else {
                lines.push(line);
            }
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Result {
        let stream = self.stream.get_mut();
        stream.write_all(octets).await.map_err(broken)?;
        stream.flush().await.map_err(broken)
    }
}

/// Of a line that announces a literal.
fn literal_octets(line: &str) -> Option<usize> {
    let (_, digits) = line.strip_suffix('}')?.rsplit_once('{')?;
    digits.parse().ok()
}

fn broken(error: std::io::Error) -> String {
    format!("a connection broke: {error}")
}
