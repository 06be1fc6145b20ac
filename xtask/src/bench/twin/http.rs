//! HTTP/1.1 on a kept connection, as far as the APIs need it.

use std::net::SocketAddr;

use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{
    AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::bench::tls::{self, Version};
use crate::run::Result;

trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Duplex for S {}

pub(super) struct Http {
    stream: BufReader<Box<dyn Duplex>>,
    address: SocketAddr,
    token: Option<String>,
}

impl Http {
    pub(super) async fn plain(address: SocketAddr) -> Result<Self> {
        let socket = connect(address).await?;
        Ok(Self {
            stream: BufReader::new(Box::new(socket)),
            address,
            token: None,
        })
    }

    pub(super) async fn secure(address: SocketAddr, token: String) -> Result<Self> {
        let connector = TlsConnector::from(tls::client(Version::Tls13)?);
        let name = ServerName::from(address.ip());
        let stream = connector.connect(name, connect(address).await?).await;
        Ok(Self {
            stream: BufReader::new(Box::new(stream.map_err(broken)?)),
            address,
            token: Some(token),
        })
    }

    /// What is answered with 2xx.
    pub(super) async fn get(&mut self, path: &str) -> Result<Value> {
        self.call("GET", path, None).await
    }

    pub(super) async fn call(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Value> {
        let body = body.map(ToString::to_string).unwrap_or_default();
        let token = self.token.as_ref();
        let token = token.map(|token| format!("Authorization: Bearer {token}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\n{}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            token.unwrap_or_default(),
            body.len()
        );
        self.stream
            .write_all(request.as_bytes())
            .await
            .map_err(broken)?;
        self.stream.flush().await.map_err(broken)?;
        let (status, octets) = self.answer().await?;
        if !(200..300).contains(&status) {
            let text = String::from_utf8_lossy(&octets);
            return Err(format!("{method} {path} is answered {status}: {text}"));
        }
        if octets.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&octets).map_err(|error| format!("{path} is no JSON: {error}"))
    }

    async fn answer(&mut self) -> Result<(u16, Vec<u8>)> {
        let first = self.line().await?;
        let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| format!("{first:?} is no answer of HTTP"))?;
        let (mut length, mut chunked) = (0, false);
        loop {
            let line = self.line().await?.to_ascii_lowercase();
            match line.split_once(':') {
                Some(("content-length", value)) => {
                    length = value.trim().parse().map_err(|_| line.clone())?;
                }
                Some(("transfer-encoding", _)) => chunked = true,
                _ if line.is_empty() => break,
                _ => {}
            }
        }
        let mut octets = Vec::new();
        if !chunked {
            self.body(length, &mut octets).await?;
            return Ok((status, octets));
        }
        loop {
            let size = self.line().await?;
            let size = usize::from_str_radix(size.trim(), 16).map_err(|_| size)?;
            self.body(size, &mut octets).await?;
            self.line().await?;
            if size == 0 {
                return Ok((status, octets));
            }
        }
    }

    async fn body(&mut self, length: usize, octets: &mut Vec<u8>) -> Result {
        let start = octets.len();
        octets.resize(start + length, 0);
        let read = self.stream.read_exact(&mut octets[start..]).await;
        read.map(|_| ()).map_err(broken)
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        let read = self.stream.read_line(&mut line).await.map_err(broken)?;
        if read == 0 {
            return Err("the server closed the connection".to_owned());
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}

async fn connect(address: SocketAddr) -> Result<TcpStream> {
    let socket = TcpStream::connect(address)
        .await
        .map_err(|error| format!("{address} can't be reached: {error}"))?;
    socket.set_nodelay(true).map_err(broken)?;
    Ok(socket)
}

fn broken(error: std::io::Error) -> String {
    format!("a connection broke: {error}")
}
