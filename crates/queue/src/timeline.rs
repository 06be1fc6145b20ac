//! What happened to a message: the closed list of events that the API, the
//! command line and the console show, each with what is known about it.
//!
//! Stored as JSON with the kind inside, for example
//! `{"kind":"deferred","attempt":7,"until":"…","reply":"432 4.3.2 …"}`.
//! The spelling of kinds and fields is part of the API: add, never rename.

use mailward_mail::Timestamp;

use crate::gates::Limit;
use crate::learnt::PaceLimit;
use crate::names::{AccountName, Actor, ApplicationName, RouteName};
use crate::state::{AttemptId, HoldReason};

/// One event, without its place in the timeline.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TimelineEvent {
    /// Safe on disk; the application has its 250 or 202.
    Accepted {
        application: ApplicationName,
        octets: u64,
        recipients: u32,
    },
    /// A rule changed the message, and says what it did.
    Repaired {
        rule: String,
        change: String,
    },
    /// What a rule says of the message without refusing it.
    Found {
        rule: String,
        /// `warn`, `repair` or `hold`.
        severity: String,
        text: String,
    },
    /// It takes another route than its application's own.
    Routed {
        route: RouteName,
        reason: String,
    },
    /// A person let it go by another route, or its own could not be used
    /// ([`FAIL_OVER`](crate::FAIL_OVER)).
    Rerouted {
        from: RouteName,
        to: RouteName,
        by: Actor,
        why: String,
    },
    /// It still waits, and most of its time is over.
    DeadlineNear {
        deadline: Timestamp,
    },
    /// The moment of BY=…;N has come, and it still waits (RFC 2852).
    DeliverByOver {
        by: Timestamp,
    },
    /// The watchdog found it without anything to come, and put it right.
    Mended {
        what: String,
    },
    /// A limit leaves no room for it yet. Written once for each limit, though
    /// it may have to wait again.
    Waits {
        limit: Limit,
        until: Timestamp,
    },
    /// The limit leaves no room before its deadline: it will expire, unless
    /// others give theirs up.
    WillExpire {
        limit: Limit,
        until: Timestamp,
        deadline: Timestamp,
    },
    Held {
        reason: HoldReason,
        by: Actor,
        why: String,
    },
    Released {
        by: Actor,
        why: String,
    },
    /// To be tried at once, at a person's word or by the doubt policy.
    Retried {
        by: Actor,
        why: String,
    },
    AttemptStarted {
        attempt: AttemptId,
        route: RouteName,
        account: AccountName,
        recipients: Vec<u32>,
    },
    /// From here on, until a reply, the service may have the message. Written
    /// before the dot leaves.
    FinalDotSent {
        attempt: AttemptId,
        recipients: Vec<u32>,
    },
    /// The program stopped before the final dot: surely not sent.
    Interrupted {
        attempt: AttemptId,
    },
    Deferred {
        attempt: AttemptId,
        until: Timestamp,
        reply: String,
    },
    /// The reply to it asked for less: so many are allowed from now on, and
    /// nothing goes to the mailbox before `until`.
    Throttled {
        limit: PaceLimit,
        /// Missing where no limit is configured.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        most: Option<u32>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        allowed: Option<u32>,
        until: Timestamp,
    },
    InDoubt {
        attempt: AttemptId,
        cause: String,
    },
    /// Somebody looked for it where sent mail is kept, or tried to, and will
    /// look again.
    Looked {
        attempt: AttemptId,
        /// Looks so far at which the folder could be read.
        look: u32,
        words: String,
        next_at: Timestamp,
    },
    Relayed {
        attempt: AttemptId,
        reply: String,
    },
    /// In doubt before: found where sent mail is kept, or confirmed by a person.
    FoundSent {
        by: Actor,
        evidence: String,
    },
    /// A report says it reached the mailbox.
    Delivered {
        report: String,
    },
    Failed {
        /// Missing when a later report says so.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attempt: Option<AttemptId>,
        reply: String,
    },
    Expired {
        deadline: Timestamp,
    },
    Cancelled {
        by: Actor,
        why: String,
    },
    /// The sender's mailbox has been told.
    NoticeSent {
        notice: i64,
        detail: String,
    },
    /// The application's callback answered that it knows.
    CallbackDelivered {
        notice: i64,
        detail: String,
    },
    /// Telling did not work and will not be tried again.
    NoticeAbandoned {
        notice: i64,
        detail: String,
    },
    /// The body was given back to the disk; the record stays.
    BodyReleased,
}

impl TimelineEvent {
    /// The stable spelling.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Repaired { .. } => "repaired",
            Self::Found { .. } => "found",
            Self::Routed { .. } => "routed",
            Self::Rerouted { .. } => "rerouted",
            Self::DeadlineNear { .. } => "deadline_near",
            Self::DeliverByOver { .. } => "deliver_by_over",
            Self::Mended { .. } => "mended",
            Self::Waits { .. } => "waits",
            Self::WillExpire { .. } => "will_expire",
            Self::Held { .. } => "held",
            Self::Released { .. } => "released",
            Self::Retried { .. } => "retried",
            Self::AttemptStarted { .. } => "attempt_started",
            Self::FinalDotSent { .. } => "final_dot_sent",
            Self::Interrupted { .. } => "interrupted",
            Self::Deferred { .. } => "deferred",
            Self::Throttled { .. } => "throttled",
            Self::InDoubt { .. } => "in_doubt",
            Self::Looked { .. } => "looked",
            Self::Relayed { .. } => "relayed",
            Self::FoundSent { .. } => "found_sent",
            Self::Delivered { .. } => "delivered",
            Self::Failed { .. } => "failed",
            Self::Expired { .. } => "expired",
            Self::Cancelled { .. } => "cancelled",
            Self::NoticeSent { .. } => "notice_sent",
            Self::CallbackDelivered { .. } => "callback_delivered",
            Self::NoticeAbandoned { .. } => "notice_abandoned",
            Self::BodyReleased => "body_released",
        }
    }
}

/// One line of a message's timeline.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TimelineEntry {
    /// Grows over the whole ledger; orders events of the same millisecond.
    pub seq: i64,
    pub at: Timestamp,
    /// The recipient's number, counted from 1; missing when the event is the
    /// whole message's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<u32>,
    #[serde(flatten)]
    pub event: TimelineEvent,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of each, and the JSON that others read: change nothing here.
    fn table() -> Vec<(TimelineEvent, &'static str)> {
        let attempt = AttemptId(7);
        let by = Actor::new("j.doe");
        let text = |text: &str| text.to_owned();
        vec![
            (
                TimelineEvent::Accepted {
                    application: "rota".into(),
                    octets: 4096,
                    recipients: 2,
                },
                r#"{"kind":"accepted","application":"rota","octets":4096,"recipients":2}"#,
            ),
            (
                TimelineEvent::Repaired {
                    rule: text("date"),
                    change: text("added"),
                },
                r#"{"kind":"repaired","rule":"date","change":"added"}"#,
            ),
            (
                TimelineEvent::Found {
                    rule: text("display-name-form"),
                    severity: text("warn"),
                    text: text("t"),
                },
                r#"{"kind":"found","rule":"display-name-form","severity":"warn","text":"t"}"#,
            ),
            (
                TimelineEvent::Routed {
                    route: "high_sending".into(),
                    reason: text("r"),
                },
                r#"{"kind":"routed","route":"high_sending","reason":"r"}"#,
            ),
            (
                TimelineEvent::Rerouted {
                    from: "submission".into(),
                    to: "high_sending".into(),
                    by: by.clone(),
                    why: text("w"),
                },
                r#"{"kind":"rerouted","from":"submission","to":"high_sending","by":"j.doe","why":"w"}"#,
            ),
            (
                TimelineEvent::DeadlineNear {
                    deadline: Timestamp::from_millis(1),
                },
                r#"{"kind":"deadline_near","deadline":"1970-01-01T00:00:00.001Z"}"#,
            ),
            (
                TimelineEvent::DeliverByOver {
                    by: Timestamp::from_millis(1),
                },
                r#"{"kind":"deliver_by_over","by":"1970-01-01T00:00:00.001Z"}"#,
            ),
            (
                TimelineEvent::Mended { what: text("w") },
                r#"{"kind":"mended","what":"w"}"#,
            ),
            (
                TimelineEvent::Waits {
                    limit: Limit::ListSpacing,
                    until: Timestamp::from_millis(0),
                },
                r#"{"kind":"waits","limit":"list_spacing","until":"1970-01-01T00:00:00.000Z"}"#,
            ),
            (
                TimelineEvent::WillExpire {
                    limit: Limit::ListSpacing,
                    until: Timestamp::from_millis(0),
                    deadline: Timestamp::from_millis(0),
                },
                r#"{"kind":"will_expire","limit":"list_spacing","until":"1970-01-01T00:00:00.000Z","deadline":"1970-01-01T00:00:00.000Z"}"#,
            ),
            (
                TimelineEvent::Held {
                    reason: HoldReason::InDoubt,
                    by: by.clone(),
                    why: text("w"),
                },
                r#"{"kind":"held","reason":"in_doubt","by":"j.doe","why":"w"}"#,
            ),
            (
                TimelineEvent::Released {
                    by: by.clone(),
                    why: text("w"),
                },
                r#"{"kind":"released","by":"j.doe","why":"w"}"#,
            ),
            (
                TimelineEvent::Retried {
                    by: by.clone(),
                    why: text("w"),
                },
                r#"{"kind":"retried","by":"j.doe","why":"w"}"#,
            ),
            (
                TimelineEvent::AttemptStarted {
                    attempt,
                    route: "submission".into(),
                    account: "rota@northmoor.example".into(),
                    recipients: vec![1, 2],
                },
                r#"{"kind":"attempt_started","attempt":7,"route":"submission","account":"rota@northmoor.example","recipients":[1,2]}"#,
            ),
            (
                TimelineEvent::FinalDotSent {
                    attempt,
                    recipients: vec![2],
                },
                r#"{"kind":"final_dot_sent","attempt":7,"recipients":[2]}"#,
            ),
            (
                TimelineEvent::Throttled {
                    limit: PaceLimit::Connections,
                    most: Some(3),
                    allowed: Some(2),
                    until: Timestamp::from_millis(0),
                },
                r#"{"kind":"throttled","limit":"connections","most":3,"allowed":2,"until":"1970-01-01T00:00:00.000Z"}"#,
            ),
            (
                TimelineEvent::Interrupted { attempt },
                r#"{"kind":"interrupted","attempt":7}"#,
            ),
            (
                TimelineEvent::Deferred {
                    attempt,
                    until: Timestamp::from_millis(0),
                    reply: text("432 4.3.2 busy"),
                },
                r#"{"kind":"deferred","attempt":7,"until":"1970-01-01T00:00:00.000Z","reply":"432 4.3.2 busy"}"#,
            ),
            (
                TimelineEvent::InDoubt {
                    attempt,
                    cause: text("reset"),
                },
                r#"{"kind":"in_doubt","attempt":7,"cause":"reset"}"#,
            ),
            (
                TimelineEvent::Looked {
                    attempt,
                    look: 2,
                    words: text("w"),
                    next_at: Timestamp::from_millis(0),
                },
                r#"{"kind":"looked","attempt":7,"look":2,"words":"w","next_at":"1970-01-01T00:00:00.000Z"}"#,
            ),
            (
                TimelineEvent::Relayed {
                    attempt,
                    reply: text("250 2.0.0 OK"),
                },
                r#"{"kind":"relayed","attempt":7,"reply":"250 2.0.0 OK"}"#,
            ),
            (
                TimelineEvent::FoundSent {
                    by: by.clone(),
                    evidence: text("e"),
                },
                r#"{"kind":"found_sent","by":"j.doe","evidence":"e"}"#,
            ),
            (
                TimelineEvent::Delivered { report: text("r") },
                r#"{"kind":"delivered","report":"r"}"#,
            ),
            (
                TimelineEvent::Failed {
                    attempt: None,
                    reply: text("550 5.1.1 no"),
                },
                r#"{"kind":"failed","reply":"550 5.1.1 no"}"#,
            ),
            (
                TimelineEvent::Expired {
                    deadline: Timestamp::from_millis(1),
                },
                r#"{"kind":"expired","deadline":"1970-01-01T00:00:00.001Z"}"#,
            ),
            (
                TimelineEvent::Cancelled { by, why: text("w") },
                r#"{"kind":"cancelled","by":"j.doe","why":"w"}"#,
            ),
            (
                TimelineEvent::NoticeSent {
                    notice: 3,
                    detail: text("d"),
                },
                r#"{"kind":"notice_sent","notice":3,"detail":"d"}"#,
            ),
            (
                TimelineEvent::CallbackDelivered {
                    notice: 3,
                    detail: text("d"),
                },
                r#"{"kind":"callback_delivered","notice":3,"detail":"d"}"#,
            ),
            (
                TimelineEvent::NoticeAbandoned {
                    notice: 3,
                    detail: text("d"),
                },
                r#"{"kind":"notice_abandoned","notice":3,"detail":"d"}"#,
            ),
            (TimelineEvent::BodyReleased, r#"{"kind":"body_released"}"#),
        ]
    }

    #[test]
    fn spelling_is_stable_and_reads_back() {
        for (event, json) in table() {
            assert_eq!(serde_json::to_string(&event).expect("JSON"), json);
            assert_eq!(
                serde_json::from_str::<TimelineEvent>(json).expect(json),
                event
            );
            assert!(
                json.starts_with(&format!("{{\"kind\":\"{}\"", event.kind())),
                "{json}"
            );
        }
    }

    #[test]
    fn an_entry_is_flat() {
        let entry = TimelineEntry {
            seq: 9,
            at: Timestamp::from_millis(0),
            recipient: Some(1),
            event: TimelineEvent::BodyReleased,
        };
        let json =
            r#"{"seq":9,"at":"1970-01-01T00:00:00.000Z","recipient":1,"kind":"body_released"}"#;
        assert_eq!(serde_json::to_string(&entry).expect("JSON"), json);
        assert_eq!(
            serde_json::from_str::<TimelineEntry>(json).expect(json),
            entry
        );
    }
}
