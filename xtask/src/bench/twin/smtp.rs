//! SMTP without TLS or sign-in, as test mail servers take it.

use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::run::Result;

/// One connection that has said EHLO.
#[derive(Debug)]
pub(super) struct Smtp {
    stream: BufReader<TcpStream>,
    line: String,
}

impl Smtp {
    pub(super) async fn connect(address: SocketAddr) -> Result<Self> {
        let socket = TcpStream::connect(address)
            .await
            .map_err(|error| format!("{address} can't be reached: {error}"))?;
        socket.set_nodelay(true).map_err(broken)?;
        let mut smtp = Self {
            stream: BufReader::new(socket),
            line: String::new(),
        };
        smtp.reply(220).await?;
        smtp.write(b"EHLO bench.northmoor.example\r\n").await?;
        smtp.reply(250).await?;
        Ok(smtp)
    }

    /// One message; Ok means 250 at its end. Pipelined, the commands before
    /// the text travel together (RFC 2920).
    pub(super) async fn send(&mut self, to: &str, message: &[u8], pipelined: bool) -> Result {
        self.begin(to, pipelined).await?;
        let mut text = Vec::with_capacity(message.len() + 3);
        text.extend_from_slice(message);
        text.extend_from_slice(b".\r\n");
        self.write(&text).await?;
        self.reply(250).await
    }

    async fn begin(&mut self, to: &str, pipelined: bool) -> Result {
        let mail = "MAIL FROM:<letters@northmoor.example>\r\n";
        let rcpt = format!("RCPT TO:<{to}>\r\n");
        let commands = [(mail, 250), (rcpt.as_str(), 250), ("DATA\r\n", 354)];
        if pipelined {
            let all: String = commands.iter().map(|(command, _)| *command).collect();
            self.write(all.as_bytes()).await?;
        }
        for (command, code) in commands {
            if !pipelined {
                self.write(command.as_bytes()).await?;
            }
            self.reply(code).await?;
        }
        Ok(())
    }

    async fn write(&mut self, octets: &[u8]) -> Result {
        self.stream
            .get_mut()
            .write_all(octets)
            .await
            .map_err(broken)
    }

    async fn reply(&mut self, code: u16) -> Result {
        loop {
            self.line.clear();
            let read = self.stream.read_line(&mut self.line).await;
            if read.map_err(broken)? == 0 {
                return Err("the server breaks off".to_owned());
            }
            if self.line.as_bytes().get(3) == Some(&b'-') {
                continue;
            }
            if self.line.get(..3).and_then(|text| text.parse().ok()) == Some(code) {
                return Ok(());
            }
            return Err(format!("{:?} instead of {code}", self.line.trim_end()));
        }
    }
}

fn broken(error: std::io::Error) -> String {
    format!("a connection broke: {error}")
}
