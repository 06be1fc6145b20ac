//! One SMTP connection, as an application's library would hold it: a command,
//! its reply, the next command.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::peer::{FROM, TO};
use crate::run::Result;

/// A server that takes longer for one message is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest reply read, all its lines.
const REPLY_OCTETS_MAX: usize = 2048;

/// Where to connect, and how.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// For messages to people.
    pub(super) name: &'static str,
    pub(super) address: SocketAddr,
    pub(super) tls: Arc<ClientConfig>,
    /// The argument of AUTH PLAIN (RFC 4616), in base64.
    pub(super) plain: Arc<str>,
}

/// A connection that has signed in.
#[derive(Debug)]
pub(super) struct Client {
    stream: TlsStream<TcpStream>,
    server: &'static str,
}

impl Client {
    pub(super) async fn sign_in(target: &Target) -> Result<Self> {
        patiently(target.name, async {
            let failed =
                |error: std::io::Error| format!("{} can't be reached: {error}", target.name);
            let mut socket = TcpStream::connect(target.address).await.map_err(failed)?;
            socket.set_nodelay(true).map_err(failed)?;
            expect(target.name, &mut socket, "the connection", 220).await?;
            command(
                target.name,
                &mut socket,
                "EHLO bench.northmoor.example",
                250,
            )
            .await?;
            command(target.name, &mut socket, "STARTTLS", 220).await?;
            let name = ServerName::from(target.address.ip());
            let tls = TlsConnector::from(Arc::clone(&target.tls));
            let stream = tls
                .connect(name, socket)
                .await
                .map_err(|error| format!("{} can't agree on TLS: {error}", target.name))?;
            let mut client = Self {
                stream,
                server: target.name,
            };
            client.command("EHLO bench.northmoor.example", 250).await?;
            client
                .command(&format!("AUTH PLAIN {}", target.plain), 235)
                .await?;
            Ok(client)
        })
        .await
    }

    /// One message; Ok means 250 at its end. `data` ends in the final dot.
    pub(super) async fn send(&mut self, data: &[u8]) -> Result {
        patiently(self.server, async {
            self.command(&format!("MAIL FROM:<{FROM}>"), 250).await?;
            self.command(&format!("RCPT TO:<{TO}>"), 250).await?;
            self.command("DATA", 354).await?;
            write(self.server, &mut self.stream, data).await?;
            expect(self.server, &mut self.stream, "the message", 250).await
        })
        .await
    }

    pub(super) async fn quit(mut self) -> Result {
        patiently(self.server, self.command("QUIT", 221)).await
    }

    async fn command(&mut self, line: &str, code: u16) -> Result {
        command(self.server, &mut self.stream, line, code).await
    }
}

async fn patiently<T>(server: &str, talk: impl Future<Output = Result<T>>) -> Result<T> {
    let slow = |_| {
        Err(format!(
            "{server} takes longer than {} s",
            PATIENCE.as_secs()
        ))
    };
    timeout(PATIENCE, talk).await.unwrap_or_else(slow)
}

async fn command(
    server: &str,
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    line: &str,
    code: u16,
) -> Result {
    write(server, stream, format!("{line}\r\n").as_bytes()).await?;
    expect(server, stream, line, code).await
}

async fn write(server: &str, stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8]) -> Result {
    let failed = |error: std::io::Error| format!("{server} takes no more: {error}");
    stream.write_all(bytes).await.map_err(failed)?;
    stream.flush().await.map_err(failed)
}

/// Reads one reply. Nothing is pipelined, so what comes is this reply alone.
async fn expect(
    server: &str,
    stream: &mut (impl AsyncRead + Unpin),
    after: &str,
    code: u16,
) -> Result {
    let mut reply = [0; REPLY_OCTETS_MAX];
    let mut filled = 0;
    loop {
        let count = stream
            .read(&mut reply[filled..])
            .await
            .map_err(|error| format!("{server} gives no reply to {after}: {error}"))?;
        filled += count;
        if count == 0 {
            let text = String::from_utf8_lossy(&reply[..filled]);
            return Err(format!("{server} breaks off after {after}: {text:?}"));
        }
        if let Some(found) = complete(&reply[..filled]) {
            if found == code {
                return Ok(());
            }
            let text = String::from_utf8_lossy(&reply[..filled]);
            return Err(format!(
                "{server} answers {after} with {:?}, not {code}",
                text.trim_end()
            ));
        }
    }
}

/// The code of a reply that is all there (RFC 5321 section 4.2.1).
fn complete(reply: &[u8]) -> Option<u16> {
    let lines = reply.strip_suffix(b"\r\n")?;
    let last = lines.rsplit(|byte| *byte == b'\n').next()?;
    if last.get(3).is_some_and(|byte| *byte != b' ') {
        return None;
    }
    std::str::from_utf8(last.get(..3)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_is_complete_with_its_last_line() {
        for (reply, code) in [
            ("250 OK\r\n", Some(250)),
            ("250\r\n", Some(250)),
            ("250-a\r\n250 b\r\n", Some(250)),
            ("250-a\r\n", None),
            ("250-a\r\n250 b", None),
            ("25", None),
            ("", None),
            ("oh no\r\n", None),
        ] {
            assert_eq!(complete(reply.as_bytes()), code, "{reply:?}");
        }
    }
}
