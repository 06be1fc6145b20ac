//! The answers' JSON: the field names of the HTTP API's, with what only an
//! operator may see. Written by the gateway, read again by the command that
//! prints it for people.

use std::collections::BTreeMap;

use mailward_mail::{MessageId, Timestamp};
use mailward_queue::{
    AttemptView, BreakerRecord, BreakerState, ListItem, MessageView, Pause, RecipientView, Stage,
    StateWord, Summary, TimelineEntry,
};
use serde::{Deserialize, Serialize};

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MessagePage {
    pub(crate) messages: Vec<MessageLine>,
    /// Absent on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MessageLine {
    pub(crate) id: MessageId,
    pub(crate) application: String,
    pub(crate) route: String,
    pub(crate) account: String,
    pub(crate) received_at: Timestamp,
    pub(crate) deadline_at: Timestamp,
    /// When it is scheduled for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) send_at: Option<Timestamp>,
    pub(crate) message_class: String,
    pub(crate) priority: i8,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<Timestamp>,
    /// Empty for the null path.
    pub(crate) reverse_path: String,
    pub(crate) subject: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) size_octets: u64,
    /// The first ten.
    pub(crate) recipients: Vec<RecipientShape>,
    /// How many recipients are in which state.
    pub(crate) states: BTreeMap<String, u64>,
}

impl From<ListItem> for MessageLine {
    fn from(item: ListItem) -> Self {
        Self {
            id: item.id,
            application: item.application.into(),
            route: item.lane.route.into(),
            account: item.lane.account.into(),
            received_at: item.received_at,
            deadline_at: item.deadline_at,
            send_at: item.send_at,
            message_class: item.message_class.as_str().to_owned(),
            priority: item.priority.get(),
            ended_at: item.ended_at,
            reverse_path: item.reverse_path,
            subject: item.subject,
            message_id: item.message_id,
            size_octets: item.size_octets,
            recipients: item
                .recipients
                .into_iter()
                .map(RecipientShape::from)
                .collect(),
            states: states(item.states),
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MessageShape {
    pub(crate) id: MessageId,
    pub(crate) application: String,
    pub(crate) route: String,
    pub(crate) account: String,
    pub(crate) received_at: Timestamp,
    pub(crate) deadline_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) send_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) reverse_path: String,
    pub(crate) subject: Option<String>,
    pub(crate) message_id: Option<String>,
    pub(crate) size_octets: u64,
    pub(crate) message_class: String,
    pub(crate) priority: i8,
    pub(crate) data_class: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) sequence_key: Option<String>,
    pub(crate) recipients: Vec<RecipientShape>,
    pub(crate) attempts: Vec<AttemptShape>,
    pub(crate) timeline: Vec<TimelineEntry>,
}

impl From<MessageView> for MessageShape {
    fn from(view: MessageView) -> Self {
        Self {
            id: view.id,
            application: view.application.into(),
            route: view.lane.route.into(),
            account: view.lane.account.into(),
            received_at: view.received_at,
            deadline_at: view.deadline_at,
            send_at: view.send_at,
            ended_at: view.ended_at,
            reverse_path: view.envelope.reverse_path.as_str().to_owned(),
            subject: view.subject,
            message_id: view.message_id,
            size_octets: view.size_octets,
            message_class: view.message_class.as_str().to_owned(),
            priority: view.priority.get(),
            data_class: view.data_class,
            sequence_key: view.sequence_key,
            recipients: view
                .recipients
                .into_iter()
                .map(RecipientShape::from)
                .collect(),
            attempts: view.attempts.into_iter().map(AttemptShape::from).collect(),
            timeline: view.timeline,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RecipientShape {
    /// Counted from 1.
    pub(crate) n: u32,
    pub(crate) address: String,
    pub(crate) state: StateWord,
    pub(crate) attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) next_attempt_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) hold_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) last_reply: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) outcome_at: Option<Timestamp>,
}

impl From<RecipientView> for RecipientShape {
    fn from(view: RecipientView) -> Self {
        Self {
            n: view.n,
            address: view.recipient.forward_path.address().to_string(),
            state: view.state,
            attempts: view.attempts,
            next_attempt_at: view.next_attempt_at,
            hold_reason: view.hold_reason.map(|reason| reason.as_str().to_owned()),
            last_reply: view.last_reply,
            outcome_at: view.outcome_at,
        }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AttemptShape {
    pub(crate) id: i64,
    pub(crate) route: String,
    pub(crate) account: String,
    pub(crate) started_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ended_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) stage_reached: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reply: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tls: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) peer: Option<String>,
}

impl From<AttemptView> for AttemptShape {
    fn from(view: AttemptView) -> Self {
        Self {
            id: view.id.0,
            route: view.lane.route.into(),
            account: view.lane.account.into(),
            started_at: view.started_at,
            ended_at: view.ended_at,
            stage_reached: view.stage_reached,
            reply: view.reply,
            tls: view.tls,
            peer: view.peer,
        }
    }
}

/// Why each recipient waits.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Explained {
    pub(crate) id: MessageId,
    pub(crate) recipients: Vec<ExplainedRecipient>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExplainedRecipient {
    pub(crate) n: u32,
    pub(crate) address: String,
    pub(crate) state: StateWord,
    /// `back_off`, `pace`, `credential` …
    pub(crate) waits_for: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) until: Option<Timestamp>,
    pub(crate) sentence: String,
}

/// How many recipients an act has moved.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Acted {
    pub(crate) id: MessageId,
    pub(crate) recipients: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SummaryShape {
    /// Recipients in each state.
    pub(crate) recipients: BTreeMap<String, u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) oldest_waiting: Option<OldestShape>,
    pub(crate) notices_open: u64,
    pub(crate) breakers_open: Vec<BreakerShape>,
    #[serde(default)]
    pub(crate) pauses: Vec<PauseShape>,
}

/// What waits though nothing is wrong with it, and until when.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct PauseShape {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) route: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) account: Option<String>,
    /// `day`, `account`, `route` or `down`.
    pub(crate) cause: String,
    pub(crate) since: Timestamp,
    pub(crate) until: Timestamp,
    pub(crate) tries: u32,
    pub(crate) reply: String,
}

impl From<Pause> for PauseShape {
    fn from(pause: Pause) -> Self {
        Self {
            route: pause.key.route.map(Into::into),
            account: pause.key.account.map(Into::into),
            cause: pause.cause.as_str().to_owned(),
            since: pause.since,
            until: pause.until,
            tries: pause.tries,
            reply: pause.reply,
        }
    }
}

/// What of an account may try again.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ResumedShape {
    pub(crate) account: String,
    pub(crate) breakers: u32,
    pub(crate) pauses: u32,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UnknownReplies {
    pub(crate) replies: Vec<UnknownShape>,
}

/// A reply that was decided by its code, without names or addresses.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct UnknownShape {
    pub(crate) stage: Stage,
    pub(crate) code: u16,
    pub(crate) status: String,
    pub(crate) words: String,
    pub(crate) count: u64,
    pub(crate) first_at: Timestamp,
    pub(crate) last_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct OldestShape {
    pub(crate) id: MessageId,
    pub(crate) received_at: Timestamp,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct BreakerShape {
    pub(crate) account: String,
    pub(crate) credential: String,
    pub(crate) since: Timestamp,
    pub(crate) reply: String,
}

impl SummaryShape {
    pub(crate) fn new(summary: Summary, breakers: Vec<BreakerRecord>, pauses: Vec<Pause>) -> Self {
        let open = breakers
            .into_iter()
            .filter_map(|record| match record.state {
                BreakerState::Open { since, reply } => Some(BreakerShape {
                    account: record.credential.account.into(),
                    credential: record.credential.name,
                    since,
                    reply,
                }),
                BreakerState::Closed => None,
            });
        Self {
            breakers_open: open.collect(),
            pauses: pauses.into_iter().map(PauseShape::from).collect(),
            recipients: states(summary.recipients),
            oldest_waiting: summary
                .oldest_waiting
                .map(|(id, received_at)| OldestShape { id, received_at }),
            notices_open: summary.notices_open,
        }
    }
}

fn states(counts: Vec<(StateWord, u64)>) -> BTreeMap<String, u64> {
    counts
        .into_iter()
        .map(|(state, count)| (state.as_str().to_owned(), count))
        .collect()
}
