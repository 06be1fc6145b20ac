//! The report by mail: a delivery status notification to the sender's mailbox,
//! queued like any other message on the sender's own lane.

use mailward_mail::header::{HEADER_OCTETS_MAX, Header};
use mailward_mail::report::{Action, DeliveryReport, RecipientReport};
use mailward_mail::{Address, Envelope, ForwardPath, Notify, Outcome, Recipient, ReversePath};
use mailward_queue::{
    AcceptError, MessageClass, NewMessage, Notice, NoticeKind, Queue, QueueError, RecipientView,
};
use mailward_store::BodyRef;

use super::OutcomeOptions;
use crate::observe::{AcceptedMessage, Door, NoticeResult};

/// Writes the report and puts it into the queue, which ends the notice in the
/// same write.
pub(super) async fn send(options: &OutcomeOptions, notice: Notice) -> Result<(), QueueError> {
    // A report about a report would go round for ever (RFC 5321 section 4.5.5).
    let ReversePath::Address(sender) = notice.envelope.reverse_path.clone() else {
        return options
            .queue
            .finish_notice(notice.id, "no report: the reverse-path is null")
            .await;
    };
    let Some(shown) = options.queue.show(notice.message).await? else {
        return options
            .queue
            .abandon_notice(notice.id, "the message has gone")
            .await;
    };
    let original_header = match &notice.body {
        Some(body) => read_header(&options.queue, body).await.unwrap_or_default(),
        None => Vec::new(),
    };
    let (id, began) = (options.queue.new_id(), options.clock.now());
    let message = compose(options, &notice, &sender, &original_header, &id.to_string());

    let mut envelope = Envelope::new(ReversePath::Null);
    let mut recipient = Recipient::new(ForwardPath(sender));
    // What becomes of a report is reported to nobody.
    recipient.notify = Some(Notify {
        never: true,
        ..Notify::default()
    });
    envelope.smtputf8 = !message.is_ascii();
    if envelope.smtputf8 {
        envelope.body = mailward_mail::BodyType::EightBitMime;
    }
    envelope.recipients.push(recipient);

    let mut new = NewMessage::new(id, notice.application.clone(), shown.lane, envelope);
    new.message_class = MessageClass::Urgent;
    new.data_class = shown.data_class;
    new.subject = Some(subject(&notice).to_owned());
    new.message_id = Some(format!("<{id}@{}>", options.hostname));
    let lane = new.lane.clone();
    let mut body = options.queue.new_body();
    body.write(&message)?;
    match options
        .queue
        .accept_report(notice.id, new, body.finish()?)
        .await
    {
        Ok(_) => {
            options.observe.accepted(&AcceptedMessage {
                door: Door::Report,
                id,
                application: &notice.application,
                lane: &lane,
                class: MessageClass::Urgent,
                octets: message.len() as u64,
                recipients: 1,
                held: false,
                began,
                checked: None,
                parent: None,
            });
            options.observe.notice(&notice, began, NoticeResult::Done);
            Ok(())
        }
        Err(AcceptError::NoticeDone) => Ok(()),
        Err(AcceptError::Store(error)) => Err(error.into()),
        Err(other) => {
            tracing::error!(message = %notice.message, error = %other, "a report was not accepted");
            options
                .observe
                .notice(&notice, began, NoticeResult::GivenUp);
            options
                .queue
                .abandon_notice(notice.id, &other.to_string())
                .await
        }
    }
}

fn compose(
    options: &OutcomeOptions,
    notice: &Notice,
    sender: &Address,
    original_header: &[u8],
    id: &str,
) -> Vec<u8> {
    let recipients: Vec<RecipientReport> = notice
        .recipients
        .iter()
        .map(|one| recipient_report(notice, one))
        .collect();
    DeliveryReport {
        // The service lets an account send as itself only (GUIDE-10), reports too.
        from: &format!("\"Mail Delivery Report ({})\" <{sender}>", options.hostname),
        to: sender,
        subject: subject(notice),
        message_id: &format!("{id}@{}", options.hostname),
        date: options.clock.now(),
        reporting_mta: &options.hostname,
        envid: notice.envelope.envid.as_deref(),
        arrival_date: Some(notice.received_at),
        deliver_by_date: notice.deliver_by,
        explanation: &explanation(notice),
        recipients: &recipients,
        original_header,
        boundary: &format!(
            "=_{:016x}{:016x}",
            options.dice.next_u64(),
            options.dice.next_u64()
        ),
    }
    .to_message()
}

fn subject(notice: &Notice) -> &'static str {
    if notice.kind == NoticeKind::Delay {
        return "Your message is delayed";
    }
    match notice.outcome {
        Outcome::Expired => "Your message was not delivered in time",
        Outcome::Relayed => "Your message was relayed",
        Outcome::Delivered => "Your message was delivered",
        Outcome::Failed | Outcome::Cancelled => "Your message was not delivered",
    }
}

fn explanation(notice: &Notice) -> String {
    let is_delay = notice.kind == NoticeKind::Delay;
    let opening = match notice.outcome {
        _ if is_delay => {
            "This message has not been handed to the mail service yet for these recipients. It goes on being tried."
        }
        Outcome::Relayed => {
            "This message was handed to the mail service for these recipients. Whether it reached them is not known."
        }
        Outcome::Delivered => "This message was delivered to these recipients.",
        Outcome::Expired => {
            "This message could not be delivered before its deadline and is no longer tried."
        }
        Outcome::Failed | Outcome::Cancelled => {
            "This message could not be delivered to these recipients."
        }
    };
    let mut text = format!(
        "{opening}\n\nMessage {} of {}\n",
        notice.message, notice.received_at
    );
    if let Some(by) = notice.deliver_by {
        text.push_str(&format!("You asked for it to be delivered by {by}.\n"));
    }
    for one in &notice.recipients {
        text.push_str(&format!("\n{}\n", one.recipient.forward_path.address()));
        if let Some(reply) = &one.last_reply {
            text.push_str(&format!("  The mail service said: {reply}\n"));
        }
    }
    if is_delay {
        text.push_str(&format!("\nIt is given up at {}, and you are told then. If it hurries, tell the person who expects it by other means; there is no need to send it again.\n", notice.deadline_at));
    } else if notice.outcome.is_failure() {
        text.push_str("\nTell the person who expects this message by other means, put right what is wrong, and send it again.\n");
    }
    text
}

fn recipient_report(notice: &Notice, view: &RecipientView) -> RecipientReport {
    let (outcome, is_delay) = (notice.outcome, notice.kind == NoticeKind::Delay);
    let (action, fallback) = match outcome {
        _ if is_delay => (Action::Delayed, "4.0.0"),
        Outcome::Relayed => (Action::Relayed, "2.0.0"),
        Outcome::Delivered => (Action::Delivered, "2.0.0"),
        // RFC 3463: 4.4.7 is "delivery time expired"; reported as final it is 5.4.7.
        Outcome::Expired => (Action::Failed, "5.4.7"),
        Outcome::Failed | Outcome::Cancelled => (Action::Failed, "5.0.0"),
    };
    let status = view.last_reply.as_deref().and_then(enhanced_status);
    RecipientReport {
        final_recipient: view.recipient.forward_path.address().clone(),
        original_recipient: view.recipient.orcpt.clone(),
        action,
        status: match outcome {
            _ if is_delay => status
                .filter(|code| code.starts_with('4'))
                .unwrap_or(fallback)
                .to_owned(),
            Outcome::Expired => fallback.to_owned(),
            _ => status.unwrap_or(fallback).to_owned(),
        },
        remote_mta: None,
        diagnostic: view.last_reply.clone(),
        last_attempt: view.outcome_at,
        will_retry_until: is_delay.then_some(notice.deadline_at),
    }
}

/// The second word of `550 5.1.10 …`, if it is an enhanced status code.
fn enhanced_status(reply: &str) -> Option<&str> {
    let word = reply.split(' ').nth(1)?;
    let is_code = word.split('.').count() == 3
        && word
            .split('.')
            .all(|part| (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()));
    is_code.then_some(word)
}

/// The header section of a stored message, as far as reports carry it.
async fn read_header(queue: &Queue, body: &BodyRef) -> Option<Vec<u8>> {
    let mut reader = queue.store().read_body(body).ok()?;
    let mut header = Vec::new();
    while let Ok(Some(chunk)) = reader.chunk().await {
        header.extend_from_slice(&chunk);
        if let Some(end) = Header::end_of(&header) {
            header.truncate(end);
            return Some(header);
        }
        if header.len() > HEADER_OCTETS_MAX {
            header.truncate(HEADER_OCTETS_MAX);
            return Some(header);
        }
    }
    Some(header)
}
