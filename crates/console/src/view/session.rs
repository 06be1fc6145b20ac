//! Sessions of the twin and what was said in them.

use mailward_mail::Timestamp;

use super::{Cursor, Page, ServiceEvent};

/// Which sessions to list, newest first.
#[derive(Clone, Debug)]
pub struct SessionFilter {
    /// A part of the address of whom something happened to; trimmed, never empty.
    pub account: Option<String>,
    /// One of [`SessionPage::protocols`].
    pub protocol: Option<String>,
    pub cursor: Option<Cursor>,
    /// The most rows wanted.
    pub limit: usize,
}

#[derive(Clone, Debug)]
pub struct SessionPage {
    pub sessions: Page<SessionRow>,
    /// Every protocol that has sessions.
    pub protocols: Vec<String>,
}

#[derive(Clone, Debug)]
pub struct SessionRow {
    /// What events and, for SMTP, the service's own replies call it.
    pub id: String,
    pub protocol: String,
    pub peer: String,
    pub begun: Timestamp,
    /// Absent while it goes on.
    pub ended: Option<Timestamp>,
    pub tls: bool,
    /// Lines that are kept of it.
    pub lines: u64,
    /// Who signed in, or tried to.
    pub account: Option<String>,
    /// What came of it, in a few words.
    pub outcome: String,
    /// Something was refused, or a fault struck.
    pub is_bad: bool,
}

/// One session with what was said.
#[derive(Clone, Debug)]
pub struct SessionView {
    pub session: SessionRow,
    /// Lines from its beginning that are no longer kept.
    pub forgotten: u64,
    pub lines: Page<LineView>,
    /// What happened in it, oldest first.
    pub events: Vec<ServiceEvent>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    Client,
    Service,
    /// Nobody: something that happened to the connection.
    Note,
}

impl Speaker {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Client => "Client",
            Self::Service => "Service",
            Self::Note => "Connection",
        }
    }

    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Service => "service",
            Self::Note => "note",
        }
    }
}

#[derive(Clone, Debug)]
pub struct LineView {
    /// Counts from 1 over the whole session.
    pub number: u64,
    pub at: Timestamp,
    pub speaker: Speaker,
    /// Whether it went through TLS.
    pub tls: bool,
    pub text: String,
}
