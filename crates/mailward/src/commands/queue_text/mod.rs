//! The queue's answers as text for people.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use mailward_access::mime::decode_field;
use mailward_queue::StateWord;

use super::table::{Table, cut, plain};
use crate::operator::sentences::{counted, sentence};
use crate::operator::shapes::{
    AttemptShape, Explained, MessageLine, MessagePage, MessageShape, RecipientShape, SummaryShape,
};

/// How much of a subject a list shows, in characters.
const SUBJECT_CHARS_MAX: usize = 40;

pub(super) fn list(page: MessagePage) -> String {
    if page.messages.is_empty() && page.next.is_none() {
        return "no messages\n".to_owned();
    }
    let mut table = Table::new(["ID", "RECEIVED", "APPLICATION", "STATE", "TO", "SUBJECT"]);
    for message in &page.messages {
        table.row([
            message.id.to_string(),
            message.received_at.to_string(),
            message.application.clone(),
            states(&message.states),
            to(message),
            cut(&subject(message.subject.as_deref()), SUBJECT_CHARS_MAX),
        ]);
    }
    let mut text = table.text();
    if let Some(next) = page.next {
        let _ = writeln!(text, "more: --cursor {next}");
    }
    text
}

pub(super) fn message(message: MessageShape) -> String {
    let mut text = String::new();
    let reverse_path = match message.reverse_path.as_str() {
        "" => "<> (a report)",
        address => address,
    };
    let mut lines = vec![
        ("message", message.id.to_string()),
        ("application", message.application.clone()),
        (
            "sent by",
            format!("{} as {}", message.route, message.account),
        ),
        ("envelope from", reverse_path.to_owned()),
        ("subject", subject(message.subject.as_deref())),
        (
            "message-id",
            message
                .message_id
                .clone()
                .unwrap_or_else(|| "none".to_owned()),
        ),
        (
            "class",
            format!(
                "{}, {}, {} octets",
                message.message_class, message.data_class, message.size_octets
            ),
        ),
        ("received", message.received_at.to_string()),
    ];
    lines.push(match message.ended_at {
        Some(ended) => ("ended", ended.to_string()),
        None => ("expires", message.deadline_at.to_string()),
    });
    if message.priority != 0 {
        lines.push(("priority", message.priority.to_string()));
    }
    if let Some(send_at) = &message.send_at {
        lines.push(("scheduled for", send_at.to_string()));
    }
    if let Some(key) = &message.sequence_key {
        lines.push(("sequence", key.clone()));
    }
    for (label, value) in lines {
        let _ = writeln!(text, "{label:15}{}", plain(&value));
    }
    text.push_str("\nRecipients\n");
    text.push_str(&recipients(&message.recipients));
    if !message.attempts.is_empty() {
        text.push_str("\nAttempts\n");
        text.push_str(&attempts(&message.attempts));
    }
    text.push_str("\nTimeline\n");
    text.push_str(&timeline(&message));
    text
}

fn recipients(recipients: &[RecipientShape]) -> String {
    let mut table = Table::default();
    for one in recipients {
        let reply = one.last_reply.clone().unwrap_or_default();
        let state = match &one.hold_reason {
            Some(reason) => format!("{} ({reason})", one.state),
            None => one.state.to_string(),
        };
        let number = format!("  {}", one.n);
        table.row([number, one.address.clone(), state, reply]);
    }
    table.text()
}

fn attempts(attempts: &[AttemptShape]) -> String {
    let mut table = Table::default();
    for one in attempts {
        let result = match (one.ended_at, &one.reply, &one.stage_reached) {
            (None, ..) => "under way".to_owned(),
            (Some(_), Some(reply), _) => reply.clone(),
            (Some(_), None, Some(stage)) => format!("ended at {stage} without a reply"),
            (Some(_), None, None) => "ended without a reply".to_owned(),
        };
        table.row([
            format!("  {}", one.id),
            one.started_at.to_string(),
            one.peer.clone().unwrap_or_else(|| one.route.clone()),
            one.tls.clone().unwrap_or_else(|| "no TLS".to_owned()),
            result,
        ]);
    }
    table.text()
}

fn timeline(message: &MessageShape) -> String {
    let mut table = Table::default();
    for entry in &message.timeline {
        let said = sentence(&entry.event);
        let mut what = said.title;
        if let Some(recipient) = recipient(message, entry.recipient) {
            let _ = write!(what, " {}", recipient.address);
        }
        if let Some(who) = said.who {
            let _ = write!(what, " by {who}");
        }
        if let Some(detail) = said.detail {
            let _ = write!(what, ": {detail}");
        }
        table.row([format!("  {}", entry.at), what]);
    }
    table.text()
}

fn recipient(message: &MessageShape, n: Option<u32>) -> Option<&RecipientShape> {
    message.recipients.iter().find(|one| Some(one.n) == n)
}

pub(super) fn explained(explained: Explained) -> String {
    let mut table = Table::default();
    for one in &explained.recipients {
        table.row([
            one.n.to_string(),
            one.address.clone(),
            one.state.to_string(),
            one.sentence.clone(),
        ]);
    }
    table.text()
}

pub(super) fn summary(summary: SummaryShape) -> String {
    let mut table = Table::default();
    for state in StateWord::ALL {
        let count = summary
            .recipients
            .get(state.as_str())
            .copied()
            .unwrap_or_default();
        table.row([state.as_str().to_owned(), count.to_string()]);
    }
    let mut text = table.text();
    if let Some(oldest) = &summary.oldest_waiting {
        let _ = writeln!(
            text,
            "\nThe oldest that waits is {} of {}.",
            oldest.id, oldest.received_at
        );
    }
    if summary.notices_open > 0 {
        let count = counted(
            usize::try_from(summary.notices_open).unwrap_or(usize::MAX),
            "notice",
        );
        let _ = writeln!(
            text,
            "{count} to senders and applications still to deliver."
        );
    }
    for breaker in &summary.breakers_open {
        let _ = writeln!(
            text,
            "The service refused the {} of {} at {} ({}): its mail waits for a new one.",
            breaker.credential,
            plain(&breaker.account),
            breaker.since,
            plain(&breaker.reply)
        );
        let _ = writeln!(
            text,
            "  If it was right after all: mailward accounts resume {} --why REASON",
            plain(&breaker.account)
        );
    }
    for pause in &summary.pauses {
        let what = match (&pause.account, &pause.route) {
            (Some(account), Some(route)) => format!("{} on {}", plain(account), plain(route)),
            (Some(account), None) => plain(account),
            (None, route) => format!("Route {}", plain(route.as_deref().unwrap_or_default())),
        };
        let _ = writeln!(
            text,
            "{what} is paused since {} ({}): {}. One message tries again at {}.",
            pause.since,
            pause.cause,
            plain(&pause.reply),
            pause.until
        );
    }
    text
}

/// `deferred`, or with counts where they differ: `relayed 2, deferred 1`.
fn states(states: &BTreeMap<String, u64>) -> String {
    let mut words: Vec<String> = states.keys().cloned().collect();
    if words.len() > 1 {
        words = states
            .iter()
            .map(|(state, count)| format!("{state} {count}"))
            .collect();
    }
    words.join(", ")
}

fn to(message: &MessageLine) -> String {
    let total: u64 = message.states.values().sum();
    match message.recipients.as_slice() {
        [] => String::new(),
        [only] if total <= 1 => only.address.clone(),
        [first, ..] => format!("{} and {} more", first.address, total.saturating_sub(1)),
    }
}

fn subject(subject: Option<&str>) -> String {
    subject.map_or_else(|| "none".to_owned(), |text| decode_field(text.as_bytes()))
}
