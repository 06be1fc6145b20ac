//! A message of the gateway: its row in the list, and all that is known of it.
//! Its content is not here: the console never shows what an application sent.

use mailward_mail::{MessageId, Timestamp};

use super::{Cursor, Decision, Status};

/// Which messages to list, newest first.
#[derive(Clone, Debug)]
pub struct MessageFilter {
    pub status: Option<Status>,
    /// Looked for in id, application, addresses, subject and Message-ID;
    /// trimmed, never empty, at most [`MessageFilter::SEARCH_CHARS_MAX`].
    pub search: Option<String>,
    pub cursor: Option<Cursor>,
    /// The most rows wanted.
    pub limit: usize,
}

impl MessageFilter {
    pub const SEARCH_CHARS_MAX: usize = 200;
}

#[derive(Clone, Debug)]
pub struct MessageRow {
    pub id: MessageId,
    pub accepted: Timestamp,
    pub application: String,
    /// The address in From, or the reverse-path where there is none.
    pub from: String,
    pub recipients: RecipientsSummary,
    /// Decoded (RFC 2047). `None` without a Subject.
    pub subject: Option<String>,
    pub status: Status,
}

/// `first` and how many recipients there are with it.
#[derive(Clone, Debug)]
pub struct RecipientsSummary {
    pub first: String,
    pub count: usize,
}

#[derive(Clone, Debug)]
pub struct MessageView {
    pub id: MessageId,
    pub accepted: Timestamp,
    pub status: Status,
    pub subject: Option<String>,
    /// The From field, decoded.
    pub from: Option<String>,
    /// The Message-ID field with its angle brackets.
    pub message_id: Option<String>,
    /// The envelope's sender; empty for the null reverse-path.
    pub reverse_path: String,
    pub octets: u64,
    pub application: String,
    /// How it came in: `SMTP with STARTTLS`, `HTTP API`.
    pub intake: String,
    /// `OFFICIAL-SENSITIVE`.
    pub data_class: Option<String>,
    pub patient_data: Option<bool>,
    /// The sending account.
    pub account: Option<String>,
    pub route: Option<RouteView>,
    pub deadline: Option<Timestamp>,
    /// When it is scheduled for, while that is to come.
    pub send_at: Option<Timestamp>,
    /// `urgent`, `routine, priority 3`.
    pub hurry: String,
    pub verdict: Option<VerdictView>,
    /// `None` when nothing waits.
    pub waits: Option<WaitView>,
    pub recipients: Vec<RecipientView>,
    /// Recipients there are beyond those in `recipients`.
    pub recipients_left_out: usize,
    /// Oldest first.
    pub attempts: Vec<AttemptView>,
    /// Oldest first.
    pub timeline: Vec<EventView>,
    /// What can be done with it as it stands, for somebody who may.
    pub actions: Vec<Action>,
}

#[derive(Clone, Debug)]
pub struct RouteView {
    /// `submission`.
    pub name: String,
    /// Why this route.
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct VerdictView {
    pub decision: Decision,
    pub findings: Vec<FindingView>,
}

/// One reason of the verdict.
#[derive(Clone, Debug)]
pub struct FindingView {
    pub decision: Decision,
    /// `from-is-the-sending-account`.
    pub rule: String,
    /// `GUIDE-10`.
    pub clauses: Vec<String>,
    /// What was found.
    pub finding: String,
    /// What to do about it.
    pub remedy: String,
}

/// Why it waits, which limit makes it wait, and until when.
#[derive(Clone, Debug)]
pub struct WaitView {
    pub reason: String,
    /// `30 messages a minute for one mailbox`.
    pub limit: Option<String>,
    pub until: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct RecipientView {
    pub address: String,
    pub status: Status,
    pub attempts: u32,
    /// What the far end last said: `550 5.1.10 RESOLVER.ADR.RecipientNotFound; …`.
    pub last_reply: Option<String>,
    pub next_attempt: Option<Timestamp>,
}

#[derive(Clone, Debug)]
pub struct AttemptView {
    pub started: Timestamp,
    /// `None` while it runs, or when its end was lost.
    pub ended: Option<Timestamp>,
    pub route: String,
    /// Name, address and port of the far end.
    pub remote: String,
    /// `None` where the attempt ended before TLS was agreed.
    pub tls: Option<TlsView>,
    pub recipients: usize,
    /// In words: `relayed`, `refused`, `connection lost before the reply`.
    pub result: String,
    pub reply: Option<String>,
}

#[derive(Clone, Debug)]
pub struct TlsView {
    /// `TLS 1.3`.
    pub version: String,
    /// `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// The name the certificate was verified for.
    pub verified_name: String,
}

#[derive(Clone, Debug)]
pub struct EventView {
    pub at: Timestamp,
    /// What happened, as a short heading: `Accepted`, `Attempt 2 failed`.
    pub title: String,
    pub detail: Option<String>,
    /// The one recipient it concerns.
    pub recipient: Option<String>,
    /// The person or application that did it.
    pub who: Option<String>,
}

/// What a person may do with a message that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Try all that waits at once.
    Retry,
    Hold,
    Release,
    /// Say that what is in doubt was sent.
    ConfirmSent,
    /// Withdraw every recipient that has no outcome. Cannot be undone.
    Cancel,
}

impl Action {
    pub const ALL: [Self; 5] = [
        Self::Retry,
        Self::Hold,
        Self::Release,
        Self::ConfirmSent,
        Self::Cancel,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::ConfirmSent => "confirm-sent",
            Self::Cancel => "cancel",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == text)
    }

    /// The words on its button.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Retry => "Retry now",
            Self::Hold => "Hold",
            Self::Release => "Release",
            Self::ConfirmSent => "It was sent",
            Self::Cancel => "Cancel message",
        }
    }

    /// Whether it is asked for on a page of its own, with a reason: it cannot
    /// be undone.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::ConfirmSent | Self::Cancel)
    }

    /// What to say once it is done.
    pub(crate) fn done(self) -> &'static str {
        match self {
            Self::Retry => "The message will be tried again now",
            Self::Hold => "The message is held",
            Self::Release => "The message is released",
            Self::ConfirmSent => "The message is confirmed as sent",
            Self::Cancel => "The message is cancelled",
        }
    }
}
