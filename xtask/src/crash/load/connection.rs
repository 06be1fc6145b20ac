//! The client's side of SMTP and HTTP, as simple libraries speak them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A gateway that is silent for so long is as good as gone.
const PATIENCE: Duration = Duration::from_secs(30);

/// The largest answer that is read.
const ANSWER_OCTETS_MAX: usize = 1 << 20;

type Stream = BufReader<TlsStream<TcpStream>>;

/// The last line of a reply: its code and its text.
pub(super) type Reply = (u16, String);

/// A connection that has signed in.
#[derive(Debug)]
pub(super) struct Smtp {
    stream: Stream,
}

impl Smtp {
    pub(super) async fn sign_in(
        address: SocketAddr,
        tls: &Arc<ClientConfig>,
        username: &str,
        password: &str,
    ) -> io::Result<Self> {
        patiently(async {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            let mut plain = BufReader::new(socket);
            expect(reply(&mut plain).await?, 220)?;
            expect(
                command(&mut plain, "EHLO crash.northmoor.example").await?,
                250,
            )?;
            expect(command(&mut plain, "STARTTLS").await?, 220)?;
            let stream = secure(plain.into_inner(), tls).await?;
            let mut smtp = Self { stream };
            smtp.expect("EHLO crash.northmoor.example", 250).await?;
            let plain = STANDARD.encode(format!("\0{username}\0{password}"));
            smtp.expect(&format!("AUTH PLAIN {plain}"), 235).await?;
            Ok(smtp)
        })
        .await
    }

    /// Hands in one message: the reply to its end.
    pub(super) async fn send(
        &mut self,
        from: &str,
        to: &[String],
        letter: &str,
    ) -> io::Result<Reply> {
        patiently(async {
            self.expect(&format!("MAIL FROM:<{from}>"), 250).await?;
            for address in to {
                self.expect(&format!("RCPT TO:<{address}>"), 250).await?;
            }
            self.expect("DATA", 354).await?;
            let end = [letter.as_bytes(), b".\r\n"].concat();
            self.stream.write_all(&end).await?;
            self.stream.flush().await?;
            reply(&mut self.stream).await
        })
        .await
    }

    async fn expect(&mut self, line: &str, code: u16) -> io::Result<()> {
        expect(command(&mut self.stream, line).await?, code)
    }
}

/// An HTTPS connection that is kept.
#[derive(Debug)]
pub(super) struct Http {
    stream: Stream,
}

/// Status, header section, body.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) header: String,
    pub(super) body: Vec<u8>,
}

impl Http {
    pub(super) async fn connect(address: SocketAddr, tls: &Arc<ClientConfig>) -> io::Result<Self> {
        patiently(async {
            let socket = TcpStream::connect(address).await?;
            socket.set_nodelay(true)?;
            Ok(Self {
                stream: secure(socket, tls).await?,
            })
        })
        .await
    }

    /// One request, its head without `Content-Length`.
    pub(super) async fn post(&mut self, head: &str, body: &[u8]) -> io::Result<Answer> {
        patiently(async {
            let head = format!("{head}Content-Length: {}\r\n\r\n", body.len());
            let request = [head.as_bytes(), body].concat();
            self.stream.write_all(&request).await?;
            self.stream.flush().await?;
            self.answer().await
        })
        .await
    }

    async fn answer(&mut self) -> io::Result<Answer> {
        let mut header = String::new();
        while !header.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut header).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if header.len() > ANSWER_OCTETS_MAX {
                return Err(io::Error::other("an answer without end"));
            }
        }
        let status = header.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status: {header}")))?;
        let length = header
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse::<usize>().ok())
            .filter(|length| *length <= ANSWER_OCTETS_MAX)
            .ok_or_else(|| io::Error::other(format!("no length: {header}")))?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer {
            status,
            header,
            body,
        })
    }
}

async fn secure(socket: TcpStream, tls: &Arc<ClientConfig>) -> io::Result<Stream> {
    let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
    let connector = TlsConnector::from(Arc::clone(tls));
    Ok(BufReader::new(connector.connect(name, socket).await?))
}

async fn patiently<T>(talk: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout(PATIENCE, talk)
        .await
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

async fn command<S>(stream: &mut BufReader<S>, line: &str) -> io::Result<Reply>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream.write_all(format!("{line}\r\n").as_bytes()).await?;
    stream.flush().await?;
    reply(stream).await
}

/// All lines of a reply; what counts is the last (RFC 5321 section 4.2.1).
async fn reply<S>(stream: &mut BufReader<S>) -> io::Result<Reply>
where
    S: AsyncRead + Unpin,
{
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let code = line.get(..3).and_then(|code| code.parse().ok());
        let code = code.ok_or_else(|| io::Error::other(format!("no reply: {line:?}")))?;
        if line.as_bytes().get(3) != Some(&b'-') {
            return Ok((code, line.trim_end().to_owned()));
        }
    }
}

fn expect((code, text): Reply, wanted: u16) -> io::Result<()> {
    if code == wanted {
        return Ok(());
    }
    Err(io::Error::other(text))
}
