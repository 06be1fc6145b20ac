//! Timeline events in words, for console and command line alike.

use mailward_queue::{Actor, HoldReason, Limit, PaceLimit, TimelineEvent};

/// What happened, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sentence {
    /// A short heading: `Deferred`.
    pub(crate) title: String,
    pub(crate) detail: Option<String>,
    /// The person, application or part of the program that did it.
    pub(crate) who: Option<String>,
}

pub(crate) fn sentence(event: &TimelineEvent) -> Sentence {
    let by = |who: &Actor| Some(who.as_str().to_owned());
    let (title, detail, who) = match event {
        TimelineEvent::Accepted {
            application,
            octets,
            recipients,
        } => {
            let count = counted(*recipients as usize, "recipient");
            let detail = format!("safe on disk: {octets} octets for {count}");
            ("Accepted", detail, Some(application.as_str().to_owned()))
        }
        TimelineEvent::Repaired { rule, change } => {
            ("Repaired", format!("{change} (rule {rule})"), None)
        }
        TimelineEvent::Found {
            rule,
            severity,
            text,
        } => {
            let title = if severity == "warn" {
                "Warned"
            } else {
                "Found"
            };
            (title, without_rule(text, rule), None)
        }
        TimelineEvent::Routed { route, reason } => {
            ("Route chosen", format!("{route}: {reason}"), None)
        }
        TimelineEvent::Rerouted {
            from,
            to,
            by: who,
            why,
        } => ("Re-routed", format!("from {from} to {to}: {why}"), by(who)),
        TimelineEvent::DeadlineNear { deadline } => (
            "Deadline near",
            format!("it still waits and expires at {deadline}"),
            None,
        ),
        TimelineEvent::DeliverByOver { by } => (
            "Late for its sender",
            format!("it was asked for by {by} and still waits; the sender is told"),
            None,
        ),
        TimelineEvent::Mended { what } => ("Put right", what.clone(), None),
        TimelineEvent::Waits { limit, until } => {
            let limit = match limit {
                Limit::ListSpacing => "the time between messages to a distribution list",
                Limit::RecipientsPerDay => "the account's recipients in 24 hours",
            };
            ("Waits", format!("until {until}, for {limit}"), None)
        }
        TimelineEvent::WillExpire {
            until, deadline, ..
        } => (
            "Will expire",
            format!("its turn comes at {until}, after its deadline of {deadline}"),
            None,
        ),
        TimelineEvent::Held {
            reason,
            by: who,
            why,
        } => ("Held", format!("{}: {why}", hold_reason(*reason)), by(who)),
        TimelineEvent::Released { by: who, why } => ("Released", why.clone(), by(who)),
        TimelineEvent::Retried { by: who, why } => ("To be tried again now", why.clone(), by(who)),
        TimelineEvent::AttemptStarted {
            attempt,
            route,
            account,
            recipients,
        } => {
            let count = counted(recipients.len(), "recipient");
            let detail = format!("{route} as {account}, for {count}");
            return Sentence {
                title: format!("Attempt {} started", attempt.0),
                detail: Some(detail),
                who: None,
            };
        }
        TimelineEvent::FinalDotSent { .. } => (
            "Handed over",
            "from here until its reply the service may have it".to_owned(),
            None,
        ),
        TimelineEvent::Interrupted { .. } => (
            "Interrupted",
            "the program stopped before handing it over: surely not sent".to_owned(),
            None,
        ),
        TimelineEvent::Deferred { until, reply, .. } => {
            ("Deferred", format!("until {until}: {reply}"), None)
        }
        TimelineEvent::Throttled {
            limit,
            most,
            allowed,
            until,
        } => {
            let limit = match limit {
                PaceLimit::Connections => "connections at one time",
                PaceLimit::MessagesPerMinute => "messages a minute",
            };
            let detail = match (allowed, most) {
                (Some(allowed), Some(most)) => {
                    format!("{allowed} of {most} {limit} from now on, and nothing before {until}")
                }
                _ => format!("fewer {limit}, and nothing before {until}"),
            };
            ("The service asked for less", detail, None)
        }
        TimelineEvent::InDoubt { cause, .. } => ("In doubt", cause.clone(), None),
        TimelineEvent::Looked {
            look,
            words,
            next_at,
            ..
        } => {
            let looks = counted(*look as usize, "look");
            let detail = format!("{words}; {looks} so far, the next at {next_at}");
            ("Looked for", detail, None)
        }
        TimelineEvent::Relayed { reply, .. } => ("Relayed", reply.clone(), None),
        TimelineEvent::FoundSent { by: who, evidence } => {
            ("Found to be sent", evidence.clone(), by(who))
        }
        TimelineEvent::Delivered { report } => ("Delivered", report.clone(), None),
        TimelineEvent::Failed { reply, .. } => ("Failed", reply.clone(), None),
        TimelineEvent::Expired { deadline } => {
            ("Expired", format!("its deadline was {deadline}"), None)
        }
        TimelineEvent::Cancelled { by: who, why } => ("Cancelled", why.clone(), by(who)),
        TimelineEvent::NoticeSent { detail, .. } => ("Sender told", detail.clone(), None),
        TimelineEvent::CallbackDelivered { detail, .. } => {
            ("Application called back", detail.clone(), None)
        }
        TimelineEvent::NoticeAbandoned { detail, .. } => {
            ("Nobody could be told", detail.clone(), None)
        }
        TimelineEvent::BodyReleased => ("Content removed", "the record stays".to_owned(), None),
    };
    Sentence {
        title: title.to_owned(),
        detail: Some(detail).filter(|detail| !detail.is_empty()),
        who,
    }
}

/// A finding ends with its rule; shown here in brackets, as everywhere.
fn without_rule(text: &str, rule: &str) -> String {
    let end = format!(" Rule: {rule}.");
    format!("{} (rule {rule})", text.strip_suffix(&end).unwrap_or(text))
}

/// `1 recipient`, `2 recipients`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{plural}")
}

fn hold_reason(reason: HoldReason) -> &'static str {
    match reason {
        HoldReason::Approval => "a rule asks for approval",
        HoldReason::Screening => "it could not be screened",
        HoldReason::InDoubt => "it may have been sent already",
        HoldReason::Configuration => "the configuration has to be put right",
        HoldReason::Person => "by a person",
        HoldReason::Restored => "it may have been sent since the backup was made",
        HoldReason::Damaged => "its text on the disk is damaged",
    }
}
