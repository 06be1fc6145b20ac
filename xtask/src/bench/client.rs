//! One SMTP connection, as an application's library would hold it: a command,
//! its reply, the next command.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

use super::peer::{FROM, TO};
use crate::run::Result;

/// A server that says nothing for so long is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest reply read, all its lines.
const REPLY_OCTETS_MAX: usize = 8192;

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
    stream: StreamOwned<ClientConnection, TcpStream>,
    server: &'static str,
}

impl Client {
    pub(super) fn sign_in(target: &Target) -> Result<Self> {
        let failed = |error: std::io::Error| format!("{} can't be reached: {error}", target.name);
        let mut socket = TcpStream::connect(target.address).map_err(failed)?;
        socket.set_nodelay(true).map_err(failed)?;
        socket.set_read_timeout(Some(PATIENCE)).map_err(failed)?;
        socket.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
        expect(target.name, &mut socket, "the greeting", 220)?;
        command(target.name, &mut socket, "EHLO bench.northmoor.example", 250)?;
        command(target.name, &mut socket, "STARTTLS", 220)?;
        let name = ServerName::from(target.address.ip());
        let session = ClientConnection::new(Arc::clone(&target.tls), name)
            .map_err(|error| format!("TLS can't begin: {error}"))?;
        let mut client = Self { stream: StreamOwned::new(session, socket), server: target.name };
        client.command("EHLO bench.northmoor.example", 250)?;
        client.command(&format!("AUTH PLAIN {}", target.plain), 235)?;
        Ok(client)
    }

    /// One message; Ok means 250 at its end. `data` ends in the final dot.
    pub(super) fn send(&mut self, data: &[u8]) -> Result {
        self.command(&format!("MAIL FROM:<{FROM}>"), 250)?;
        self.command(&format!("RCPT TO:<{TO}>"), 250)?;
        self.command("DATA", 354)?;
        write(self.server, &mut self.stream, data)?;
        expect(self.server, &mut self.stream, "the message", 250)
    }

    pub(super) fn quit(mut self) -> Result {
        self.command("QUIT", 221)
    }

    fn command(&mut self, line: &str, code: u16) -> Result {
        command(self.server, &mut self.stream, line, code)
    }
}

fn command(server: &str, stream: &mut (impl Read + Write), line: &str, code: u16) -> Result {
    write(server, stream, format!("{line}\r\n").as_bytes())?;
    expect(server, stream, line, code)
}

fn write(server: &str, stream: &mut impl Write, bytes: &[u8]) -> Result {
    let written = stream.write_all(bytes).and_then(|()| stream.flush());
    written.map_err(|error| format!("{server} takes no more: {error}"))
}

/// Reads one reply. Nothing is pipelined, so what comes is this reply alone.
fn expect(server: &str, stream: &mut impl Read, after: &str, code: u16) -> Result {
    let mut reply = [0; REPLY_OCTETS_MAX];
    let mut filled = 0;
    loop {
        let count = stream
            .read(&mut reply[filled..])
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
            return Err(format!("{server} answers {after} with {:?}, not {code}", text.trim_end()));
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
