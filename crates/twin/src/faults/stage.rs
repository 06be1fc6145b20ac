//! Where in a conversation a fault strikes: protocols and their stages, by the
//! names that the protocols use themselves.

use serde::{Deserialize, Serialize};

/// What a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Protocol {
    Submission,
    HighSending,
    Relay,
    /// The catcher: nothing of the service's.
    Catch,
    Imap,
    Pop,
    /// The service's own pages: tokens, keys, and whatever else it answers
    /// over HTTPS. Never the control API or the console.
    Http,
    /// The reverse zone that the relay asks, and what the name server tells.
    Dns,
    /// What becomes of a message once it is taken, for each mailbox.
    Delivery,
}

/// Which of them a fault names: one, or the service's three that speak SMTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    Submission,
    HighSending,
    Relay,
    Catch,
    Imap,
    Pop,
    Http,
    Dns,
    Delivery,
    /// Submission, high sending and relay.
    Smtp,
}

const SMTP: &[&str] = &[
    "connect", "tls", "greeting", "ehlo", "starttls", "auth", "mail", "rcpt", "data", "dot",
    "taken", "quit",
];
const MAILBOX: &[&str] = &["connect", "tls", "auth", "command"];

impl Protocol {
    pub const ALL: [Self; 9] = [
        Self::Submission,
        Self::HighSending,
        Self::Relay,
        Self::Catch,
        Self::Imap,
        Self::Pop,
        Self::Http,
        Self::Dns,
        Self::Delivery,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submission => "submission",
            Self::HighSending => "high_sending",
            Self::Relay => "relay",
            Self::Catch => "catch",
            Self::Imap => "imap",
            Self::Pop => "pop",
            Self::Http => "http",
            Self::Dns => "dns",
            Self::Delivery => "delivery",
        }
    }

    /// Those whose clients hold a connection that can be broken.
    pub const fn has_line(self) -> bool {
        !matches!(self, Self::Dns | Self::Delivery)
    }

    pub const fn is_smtp(self) -> bool {
        matches!(
            self,
            Self::Submission | Self::HighSending | Self::Relay | Self::Catch
        )
    }
}

impl Scope {
    pub(crate) fn covers(self, protocol: Protocol) -> bool {
        match self {
            Self::Smtp => protocol.is_smtp() && protocol != Protocol::Catch,
            one => one.example() == protocol,
        }
    }

    /// One protocol of the scope: all of a scope have the same stages.
    pub(crate) fn example(self) -> Protocol {
        match self {
            Self::Submission | Self::Smtp => Protocol::Submission,
            Self::HighSending => Protocol::HighSending,
            Self::Relay => Protocol::Relay,
            Self::Catch => Protocol::Catch,
            Self::Imap => Protocol::Imap,
            Self::Pop => Protocol::Pop,
            Self::Http => Protocol::Http,
            Self::Dns => Protocol::Dns,
            Self::Delivery => Protocol::Delivery,
        }
    }

    /// Its stages in the order in which a conversation comes to them.
    pub(crate) fn stages(self) -> &'static [&'static str] {
        match self.example() {
            Protocol::Imap | Protocol::Pop => MAILBOX,
            Protocol::Http => &["request"],
            Protocol::Dns => &["ptr", "address"],
            Protocol::Delivery => &["deliver"],
            _ => SMTP,
        }
    }
}
