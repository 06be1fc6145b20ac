//! The submission route: port 587, STARTTLS with the certificate verified,
//! then LOGIN, PLAIN or XOAUTH2 (GUIDE-46, GUIDE-60, RFC 6409).

use std::sync::Arc;
use std::time::Duration;

use mailward_net::smtp::client::ClientTimes;
use mailward_queue::LaneLimits;
use rustls::ClientConfig;

use super::SentItems;
use crate::config::Timeouts;
use crate::deliver::oauth::TokenSource;
use crate::secrets::LiveSecret;

/// A named submission server and how to treat it.
#[derive(Clone, Debug)]
pub struct SubmissionRoute {
    pub name: String,
    /// A host name; also the name its certificate must have.
    pub server: String,
    pub port: u16,
    pub tls: Arc<ClientConfig>,
    /// For each account: connections at once, messages in any minute.
    pub limits: LaneLimits,
    pub times: Times,
    /// What we call ourselves in EHLO.
    pub client_name: String,
    pub sent_items: Option<SentItems>,
}

/// A service keeps an idle connection for minutes, and counts it.
const IDLE: Duration = Duration::from_secs(30);

/// How long the other side may take. Minima of RFC 5321 section 4.5.3.2 where
/// it has them.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    /// Name look-up, connection, greeting, TLS and sign-in together.
    pub open: Duration,
    /// Each reply to MAIL, RCPT and DATA, and each piece of the body.
    pub reply: Duration,
    /// The reply to the final dot: after it the message is in doubt.
    pub final_dot: Duration,
    /// A signed-in connection without a message is closed after this.
    pub idle: Duration,
}

impl Times {
    /// As configured.
    pub fn of(timeouts: Timeouts) -> Self {
        Self {
            open: Duration::from_secs(timeouts.open_seconds),
            reply: Duration::from_secs(timeouts.reply_seconds),
            final_dot: Duration::from_secs(timeouts.final_dot_seconds),
            idle: IDLE,
        }
    }

    /// For the conversation.
    pub fn of_client(&self) -> ClientTimes {
        let usual = ClientTimes::default();
        ClientTimes {
            opening: self.open,
            connect: usual.connect.min(self.open),
            tls_handshake: usual.tls_handshake.min(self.open),
            greeting: self.open,
            command: self.reply,
            data: self.reply,
            body_block: self.reply,
            final_dot: self.final_dot,
            ..usual
        }
    }
}

/// How an account proves itself.
#[derive(Clone, Debug)]
pub enum Mechanism {
    Login { password: LiveSecret },
    Plain { password: LiveSecret },
    XOAuth2 { tokens: TokenSource },
}

impl Mechanism {
    /// Which credential it is, for the breaker: never the secret itself.
    pub fn credential_name(&self) -> &'static str {
        match self {
            Self::Login { .. } | Self::Plain { .. } => "password",
            Self::XOAuth2 { .. } => "xoauth2",
        }
    }

    /// Changes with the secret. Looks at where that is kept.
    pub fn credential_version(&self) -> String {
        match self {
            Self::Login { password } | Self::Plain { password } => password.current().version,
            Self::XOAuth2 { tokens } => tokens.credential_version(),
        }
    }
}
