//! One attempt: what is recorded of it and how it can end.

use mailward_mail::{MessageId, Reply, Timestamp};

use crate::names::Lane;
use crate::state::{AttemptId, HoldReason};

/// An attempt under way, as [`Queue::begin_attempt`](crate::Queue::begin_attempt)
/// made it. Not `Clone`: it ends once.
#[derive(Debug)]
pub struct Attempt {
    pub(crate) id: AttemptId,
    pub(crate) message: MessageId,
    pub(crate) number: i64,
    pub(crate) lane: Lane,
    pub(crate) recipients: Vec<u32>,
    pub(crate) started_at: Timestamp,
}

impl Attempt {
    pub fn id(&self) -> AttemptId {
        self.id
    }

    pub fn message(&self) -> MessageId {
        self.message
    }

    pub fn lane(&self) -> &Lane {
        &self.lane
    }

    pub fn started_at(&self) -> Timestamp {
        self.started_at
    }

    /// The numbers of the recipients that are active in it.
    pub fn recipients(&self) -> &[u32] {
        &self.recipients
    }
}

/// How far an attempt came.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// No connection, or none that greeted.
    Connect,
    /// TLS did not come about, or the certificate was wrong.
    Tls,
    Authenticate,
    MailFrom,
    RcptTo,
    /// DATA or BDAT was refused, or the body broke off.
    Body,
    /// The final dot was sent, with or without an answer.
    FinalDot,
}

impl Stage {
    pub const ALL: [Self; 7] = [
        Self::Connect,
        Self::Tls,
        Self::Authenticate,
        Self::MailFrom,
        Self::RcptTo,
        Self::Body,
        Self::FinalDot,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Tls => "tls",
            Self::Authenticate => "authenticate",
            Self::MailFrom => "mail_from",
            Self::RcptTo => "rcpt_to",
            Self::Body => "body",
            Self::FinalDot => "final_dot",
        }
    }

    /// Whether the service may have counted it as a message.
    pub fn counts(self) -> bool {
        self >= Self::MailFrom
    }
}

/// What is known when an attempt is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttemptEnd {
    pub stage: Stage,
    /// The reply that ended it, if one came.
    pub reply: Option<Reply>,
    /// For example `TLSv1.3`.
    pub tls: Option<String>,
    /// Name and address of the other side.
    pub peer: Option<String>,
}

impl AttemptEnd {
    pub fn at(stage: Stage) -> Self {
        Self {
            stage,
            reply: None,
            tls: None,
            peer: None,
        }
    }
}

/// How an attempt ended for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientResult {
    pub n: u32,
    pub result: AttemptResult,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    Relayed {
        reply: Reply,
        /// Whether the other side took over the duty to report (it offers DSN
        /// and was given NOTIFY). Where not, and the sender asked for success
        /// reports, we report `relayed` (RFC 3461 section 5.2.2).
        notify_passed_on: bool,
    },
    /// Surely not accepted; try again, at the table's next moment unless named.
    Deferred {
        reply: Reply,
        until: Option<Timestamp>,
    },
    /// Surely not accepted, and not the message's fault: due again at once, and
    /// what it waits for is its lane's ([`Queue::pause`](crate::Queue::pause),
    /// a breaker). `until` is for the timeline.
    Postponed {
        reply: Reply,
        until: Option<Timestamp>,
    },
    /// Refused for something that may be put right soon, a right to be given
    /// say: tried `tries_max` times in all, `spacing` apart, then failed.
    Refused {
        reply: Reply,
        tries_max: u32,
        spacing: std::time::Duration,
    },
    Failed {
        reply: Reply,
    },
    /// Surely not accepted, and only a person can put it right.
    Held {
        reason: HoldReason,
        why: String,
    },
    /// The final dot was sent and no reply came.
    InDoubt {
        cause: String,
    },
}

/// What became of a doubt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Our Message-ID is where the service keeps sent mail.
    FoundSent { evidence: String },
    /// It is surely not there: send again.
    NotSent { evidence: String },
    /// Nobody can tell: the message class's policy decides.
    Unresolved,
    /// The same, and it is known why.
    Unknowable { why: String },
}
