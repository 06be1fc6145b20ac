//! Where to connect, how, and how long to wait.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use mailward_wire::smtp::client::Stage;
use rustls::ClientConfig;

/// Where to and how.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    pub host: String,
    pub port: u16,
    /// The address of ours to call from, where the server knows us by it.
    pub source: Option<IpAddr>,
    /// Our own host name, for EHLO.
    pub client_name: String,
    pub security: ClientSecurity,
    pub times: ClientTimes,
}

/// How the connection is protected. The server must prove to be the host.
#[derive(Clone, Debug)]
pub enum ClientSecurity {
    /// STARTTLS or nothing.
    StartTls(Arc<ClientConfig>),
    /// STARTTLS where it is offered, else in the clear: for relays without
    /// sign-in alone.
    Opportunistic(Arc<ClientConfig>),
    ImplicitTls(Arc<ClientConfig>),
    /// No TLS, and therefore no AUTH.
    Plain,
}

/// How long to wait for the server, from RFC 5321 section 4.5.3.2.
#[derive(Clone, Copy, Debug)]
pub struct ClientTimes {
    /// Everything before the first MAIL together, from the call to the end of
    /// signing in.
    pub opening: Duration,
    /// Name lookup and TCP.
    pub connect: Duration,
    pub tls_handshake: Duration,
    pub greeting: Duration,
    /// EHLO, AUTH, MAIL, RCPT, RSET: for each batch of commands.
    pub command: Duration,
    pub data: Duration,
    /// For one piece of the body to be taken.
    pub body_block: Duration,
    pub final_dot: Duration,
    pub quit: Duration,
}

impl Default for ClientTimes {
    fn default() -> Self {
        Self {
            opening: Duration::from_secs(600),
            connect: Duration::from_secs(30),
            tls_handshake: Duration::from_secs(30),
            greeting: Duration::from_secs(300),
            command: Duration::from_secs(300),
            data: Duration::from_secs(120),
            body_block: Duration::from_secs(180),
            final_dot: Duration::from_secs(600),
            quit: Duration::from_secs(5),
        }
    }
}

impl ClientTimes {
    /// Whether the stage is part of the opening.
    pub(super) fn opens(stage: Stage) -> bool {
        matches!(
            stage,
            Stage::Connect
                | Stage::Greeting
                | Stage::Ehlo
                | Stage::StartTls
                | Stage::Tls
                | Stage::Auth
        )
    }

    pub(super) fn of(&self, stage: Stage) -> Duration {
        match stage {
            Stage::Connect => self.connect,
            Stage::Greeting => self.greeting,
            Stage::Tls => self.tls_handshake,
            Stage::Ehlo
            | Stage::StartTls
            | Stage::Auth
            | Stage::Reset
            | Stage::MailFrom
            | Stage::RcptTo => self.command,
            Stage::Data => self.data,
            Stage::Body => self.body_block,
            Stage::FinalDot => self.final_dot,
            Stage::Quit => self.quit,
        }
    }
}
