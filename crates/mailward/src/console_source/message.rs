//! One message of the gateway with all that is known of it.

use mailward_access::mime::decode_field;
use mailward_console::SourceError;
use mailward_console::view::{
    Action, EventView, MessageView, RecipientView, RouteView, Status, WaitView,
};
use mailward_mail::MessageId;
use mailward_mail::header::Header;
use mailward_queue::{Explanation, HoldReason, Lane, LaneLimits, StateWord, WaitsFor};

use super::GatewayPart;
use super::gateway::{status, trouble};
use super::verdict::verdict;
use crate::operator::sentences::sentence;

/// Recipients on one page.
const RECIPIENTS_SHOWN_MAX: usize = 200;

impl GatewayPart {
    pub(super) async fn message(&self, id: MessageId) -> Result<MessageView, SourceError> {
        let view = self.queue.show(id).await.map_err(trouble)?;
        let view = view.ok_or(SourceError::NotFound)?;
        let lane_limits = self.sending_limits.budget(&view.lane).limits;
        let sending_limits = self.sending_limits.clone();
        let budget_of = move |lane: &Lane| sending_limits.budget(lane);
        let explained = self.queue.explain(id, budget_of).await;
        let explained = explained.map_err(trouble)?;
        let top = self.top(&view).await;
        let registered = self.config.application(&view.application);
        let statuses: Vec<Status> = view
            .recipients
            .iter()
            .map(|one| status(one.state))
            .collect();
        Ok(MessageView {
            id,
            accepted: view.received_at,
            status: Status::of_message(statuses).unwrap_or(Status::Incoming),
            from: top.from,
            intake: top.intake.to_owned(),
            reverse_path: view.envelope.reverse_path.as_str().to_owned(),
            octets: view.size_octets,
            data_class: Some(view.data_class.clone()).filter(|class| !class.is_empty()),
            patient_data: registered.map(|one| one.patient_data),
            account: Some(view.lane.account.as_str().to_owned()),
            route: Some(self.route(&view)),
            deadline: view.ended_at.is_none().then_some(view.deadline_at),
            send_at: view.send_at,
            hurry: match view.priority.get() {
                0 => view.message_class.as_str().to_owned(),
                priority => format!("{}, priority {priority}", view.message_class.as_str()),
            },
            verdict: verdict(&view, self.config.profile),
            waits: waits(&explained, lane_limits),
            recipients: view
                .recipients
                .iter()
                .take(RECIPIENTS_SHOWN_MAX)
                .map(recipient)
                .collect(),
            recipients_left_out: view.recipients.len().saturating_sub(RECIPIENTS_SHOWN_MAX),
            attempts: self.attempts(&view),
            timeline: timeline(&view),
            actions: actions(&view.recipients),
            subject: view.subject.map(|text| decode_field(text.as_bytes())),
            message_id: view.message_id,
            application: view.application.into(),
        })
    }

    fn route(&self, view: &mailward_queue::MessageView) -> RouteView {
        let lane = &view.lane;
        let account = self.config.account(&lane.account);
        let reason = match account {
            Some(account) if account.route == lane.route => {
                format!("it is the route of {}", account.address)
            }
            _ => "as configured when the message was accepted".to_owned(),
        };
        RouteView {
            name: lane.route.as_str().to_owned(),
            reason,
        }
    }

    /// What only the message itself tells. Without its body, or with one that
    /// cannot be read, less is shown.
    async fn top(&self, view: &mailward_queue::MessageView) -> Top {
        let unknown = Top {
            from: None,
            intake: "the gateway",
        };
        let Some(body) = &view.body else {
            return unknown;
        };
        let Ok(mut reader) = self.queue.store().read_body(body) else {
            return unknown;
        };
        match reader.chunk().await {
            Ok(Some(start)) => Top::of(&start),
            _ => unknown,
        }
    }
}

/// From a message's header.
struct Top {
    from: Option<String>,
    intake: &'static str,
}

impl Top {
    /// The first Received field is our own.
    fn of(start: &[u8]) -> Self {
        let header = Header::parse(start);
        let value = |name| header.first(name).map(|field| field.value());
        let received = value("Received").unwrap_or_default();
        let intake = match received {
            received if received.contains(" with HTTP") => "HTTP API",
            received if received.contains("SMTPSA") => "SMTP over TLS, signed in",
            _ => "the gateway",
        };
        Self {
            from: value("From").map(|from| decode_field(from.as_bytes())),
            intake,
        }
    }
}

fn recipient(one: &mailward_queue::RecipientView) -> RecipientView {
    RecipientView {
        address: one.recipient.forward_path.address().to_string(),
        status: status(one.state),
        attempts: one.attempts,
        last_reply: one.last_reply.clone(),
        next_attempt: one.next_attempt_at,
    }
}

/// The first reason there is, with how many others wait for another.
fn waits(explained: &[Explanation], limits: LaneLimits) -> Option<WaitView> {
    let mut waiting = explained
        .iter()
        .filter(|one| one.waits_for != WaitsFor::Nothing);
    let first = waiting.next()?;
    let others = waiting
        .filter(|one| one.waits_for != first.waits_for)
        .count();
    let mut reason = first.sentence.clone();
    if others > 0 {
        reason.push_str(&format!(" {others} more wait for another reason."));
    }
    Some(WaitView {
        reason,
        limit: limit(first.waits_for, limits),
        until: first.until,
    })
}

fn limit(waits_for: WaitsFor, limits: LaneLimits) -> Option<String> {
    match (waits_for, limits.messages_max) {
        (WaitsFor::Pace, Some(most)) => Some(format!(
            "{most} messages in {} seconds for one mailbox",
            limits.window.as_secs()
        )),
        (WaitsFor::Connection, _) => Some(format!(
            "{} connections at one time for one mailbox",
            limits.connections_max
        )),
        _ => None,
    }
}

fn timeline(view: &mailward_queue::MessageView) -> Vec<EventView> {
    let address = |n: u32| {
        let found = view.recipients.iter().find(|one| one.n == n)?;
        Some(found.recipient.forward_path.address().to_string())
    };
    let events = view.timeline.iter().map(|entry| {
        let said = sentence(&entry.event);
        EventView {
            at: entry.at,
            title: said.title,
            detail: said.detail,
            recipient: entry.recipient.and_then(address),
            who: said.who,
        }
    });
    events.collect()
}

/// What the table of moves allows for at least one recipient.
fn actions(recipients: &[mailward_queue::RecipientView]) -> Vec<Action> {
    use StateWord::{Deferred, Hold, InDoubt, Incoming};
    let allowed = |action: &Action| {
        recipients.iter().any(|one| match action {
            Action::Retry => matches!(one.state, Deferred | InDoubt),
            Action::Hold => matches!(one.state, Incoming | Deferred),
            Action::Release => matches!(one.state, Hold),
            Action::ConfirmSent => {
                one.state == InDoubt || one.hold_reason == Some(HoldReason::InDoubt)
            }
            Action::Cancel => matches!(one.state, Incoming | Deferred | Hold | InDoubt),
        })
    };
    Action::ALL.into_iter().filter(allowed).collect()
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn the_header_tells_who_and_how() {
        for (header, from, intake) in [
            (
                "Received: by gw with HTTP\r\nFrom: =?utf-8?q?K=C3=A4the?= <k@x.example>\r\n\r\n",
                Some("Käthe <k@x.example>"),
                "HTTP API",
            ),
            (
                "Received: by gw with ESMTPSA\r\n\r\nFrom: body\r\n",
                None,
                "SMTP over TLS, signed in",
            ),
            (
                "Received: by gw with UTF8SMTPSA\r\n\r\n",
                None,
                "SMTP over TLS, signed in",
            ),
            ("", None, "the gateway"),
        ] {
            let top = Top::of(header.as_bytes());
            assert_eq!(
                (top.from.as_deref(), top.intake),
                (from, intake),
                "{header}"
            );
        }
    }
}
