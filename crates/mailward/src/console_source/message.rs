//! One message of the gateway with all that is known of it.

use std::collections::HashMap;

use mailward_access::mime::decode_field;
use mailward_console::SourceError;
use mailward_console::view::{
    Action, AttemptView, Decision, EventView, FindingView, MessageView, RecipientView, RouteView,
    Status, TlsView, VerdictView, WaitView,
};
use mailward_mail::MessageId;
use mailward_mail::header::Header;
use mailward_policy::catalogue;
use mailward_queue::{
    AttemptId, Explanation, HoldReason, LaneLimits, StateWord, TimelineEvent, WaitsFor,
};

use super::GatewayPart;
use super::gateway::{status, trouble};
use crate::operator::configured_limits;
use crate::operator::sentences::sentence;

/// Recipients on one page.
const RECIPIENTS_SHOWN_MAX: usize = 200;

impl GatewayPart {
    pub(super) async fn message(&self, id: MessageId) -> Result<MessageView, SourceError> {
        let view = self.queue.show(id).await.map_err(trouble)?;
        let view = view.ok_or(SourceError::NotFound)?;
        let limits = configured_limits(&self.config);
        let lane_limits = limits(&view.lane);
        let explained = self.queue.explain(id, move |lane| limits(lane)).await;
        let explained = explained.map_err(trouble)?;
        let top = self.top(&view).await;
        let registered = self.config.application(&view.application);
        let statuses: Vec<Status> = view.recipients.iter().map(|one| status(one.state)).collect();
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
            verdict: verdict(&view),
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
            actions: actions(view.recipients.iter().map(|one| one.state)),
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

    fn attempts(&self, view: &mailward_queue::MessageView) -> Vec<AttemptView> {
        let mut told = told(view);
        let attempts = view.attempts.iter().map(|one| {
            let Told {
                recipients,
                results,
            } = told.remove(&one.id).unwrap_or_default();
            let server = self.config.route(&one.lane.route);
            let name = server.map(|route| route.server.as_str()).unwrap_or_default();
            let configured = server.map(|route| format!("{}:{}", route.server, route.port));
            AttemptView {
                started: one.started_at,
                ended: one.ended_at,
                route: one.lane.route.as_str().to_owned(),
                remote: one.peer.clone().or(configured).unwrap_or_default(),
                tls: one.tls.as_deref().map(|text| tls(text, name)),
                recipients,
                result: match (results.as_slice(), one.ended_at) {
                    ([], None) => "under way".to_owned(),
                    ([], Some(_)) => "ended".to_owned(),
                    (words, _) => words.join(", "),
                },
                reply: one.reply.clone(),
            }
        });
        attempts.collect()
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
    let mut waiting = explained.iter().filter(|one| one.waits_for != WaitsFor::Nothing);
    let first = waiting.next()?;
    let others = waiting.filter(|one| one.waits_for != first.waits_for).count();
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

/// What rules did to it, as far as the ledger keeps it: repairs and holds. A
/// warning is in the answer to the submission alone.
fn verdict(view: &mailward_queue::MessageView) -> Option<VerdictView> {
    let mut findings = Vec::new();
    for entry in &view.timeline {
        match &entry.event {
            TimelineEvent::Repaired { rule, change } => findings.push(finding(
                Decision::Repair,
                rule,
                change.clone(),
                "Nothing is to be done.",
            )),
            TimelineEvent::Held {
                reason: HoldReason::Approval,
                why,
                ..
            } => findings.extend(held(why)),
            _ => {}
        }
    }
    let decision = findings.iter().map(|finding| finding.decision).max()?;
    Some(VerdictView { decision, findings })
}

/// The sentences of a hold, each of which ends with `Rule: NAME.`
fn held(why: &str) -> Vec<FindingView> {
    const MARK: &str = "Rule: ";
    let mut findings = Vec::new();
    let mut rest = why;
    while let Some(place) = rest.find(MARK) {
        let (said, after) = (&rest[..place], &rest[place + MARK.len()..]);
        let (rule, left) = after.split_once('.').unwrap_or((after, ""));
        findings.push(finding(
            Decision::Hold,
            rule,
            said.trim().to_owned(),
            "Release it to approve, or cancel it.",
        ));
        rest = left;
    }
    findings
}

fn finding(decision: Decision, rule: &str, finding: String, remedy: &str) -> FindingView {
    let clauses = catalogue::find(rule).map(|rule| rule.clauses).unwrap_or_default();
    FindingView {
        decision,
        rule: rule.to_owned(),
        clauses: clauses.iter().map(ToString::to_string).collect(),
        finding,
        remedy: remedy.to_owned(),
    }
}

/// Recipients of an attempt, and how it ended for them, by its events.
#[derive(Default)]
struct Told {
    recipients: usize,
    results: Vec<&'static str>,
}

fn told(view: &mailward_queue::MessageView) -> HashMap<AttemptId, Told> {
    let mut told: HashMap<AttemptId, Told> = HashMap::new();
    for entry in &view.timeline {
        if let TimelineEvent::AttemptStarted {
            attempt,
            recipients,
            ..
        } = &entry.event
        {
            told.entry(*attempt).or_default().recipients = recipients.len();
        }
        if let Some((attempt, word)) = result(&entry.event) {
            let results = &mut told.entry(attempt).or_default().results;
            if !results.contains(&word) {
                results.push(word);
            }
        }
    }
    told
}

/// How an attempt ended, by the event that its end wrote.
fn result(event: &TimelineEvent) -> Option<(AttemptId, &'static str)> {
    match event {
        TimelineEvent::Relayed { attempt, .. } => Some((*attempt, "relayed")),
        TimelineEvent::Deferred { attempt, .. } => Some((*attempt, "deferred")),
        TimelineEvent::Failed { attempt, .. } => attempt.map(|attempt| (attempt, "refused")),
        TimelineEvent::InDoubt { attempt, .. } => {
            Some((*attempt, "connection lost before the reply"))
        }
        TimelineEvent::Interrupted { attempt } => Some((*attempt, "interrupted")),
        _ => None,
    }
}

/// The ledger has version and cipher in one text, `TLSv1.3 TLS13_AES_…`. The
/// name is the one that the route's certificates are verified for.
fn tls(text: &str, name: &str) -> TlsView {
    let (version, cipher) = text.split_once(' ').unwrap_or((text, ""));
    TlsView {
        version: version.replace("TLSv", "TLS "),
        cipher: cipher.to_owned(),
        verified_name: name.to_owned(),
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
fn actions(states: impl Iterator<Item = StateWord> + Clone) -> Vec<Action> {
    use StateWord::{Deferred, Hold, InDoubt, Incoming};
    let allowed = |action: &Action| {
        states.clone().any(|state| match action {
            Action::Retry => matches!(state, Deferred | InDoubt),
            Action::Hold => matches!(state, Incoming | Deferred),
            Action::Release => matches!(state, Hold),
            Action::Cancel => matches!(state, Incoming | Deferred | Hold | InDoubt),
        })
    };
    Action::ALL.into_iter().filter(allowed).collect()
}

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn a_hold_is_taken_apart_by_its_rules() {
        let why = "Display name (GUIDE-12): odd. Use it. Rule: display-name-form. \
                   Other (X): y. Z. Rule: no-such-rule.";
        let findings = held(why);
        let said: Vec<_> = findings
            .iter()
            .map(|one| (one.rule.as_str(), one.finding.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("display-name-form", "Display name (GUIDE-12): odd. Use it."),
                ("no-such-rule", "Other (X): y. Z."),
            ]
        );
        assert!(!findings[0].clauses.is_empty());
        assert!(findings[1].clauses.is_empty());
        assert_eq!(held("no rule is named").len(), 0);
    }

    #[test]
    fn the_header_tells_who_and_how() {
        for (header, from, intake) in [
            ("Received: by gw with HTTP\r\nFrom: =?utf-8?q?K=C3=A4the?= <k@x.example>\r\n\r\n", Some("Käthe <k@x.example>"), "HTTP API"),
            ("Received: by gw with ESMTPSA\r\n\r\nFrom: body\r\n", None, "SMTP over TLS, signed in"),
            ("Received: by gw with UTF8SMTPSA\r\n\r\n", None, "SMTP over TLS, signed in"),
            ("", None, "the gateway"),
        ] {
            let top = Top::of(header.as_bytes());
            assert_eq!((top.from.as_deref(), top.intake), (from, intake), "{header}");
        }
    }

    #[test]
    fn tls_is_taken_apart() {
        for (text, version, cipher) in [
            ("TLSv1.3", "TLS 1.3", ""),
            ("TLSv1.2 ECDHE-X", "TLS 1.2", "ECDHE-X"),
        ] {
            let view = tls(text, "smtp.northmoor.example");
            assert_eq!((view.version.as_str(), view.cipher.as_str()), (version, cipher));
            assert_eq!(view.verified_name, "smtp.northmoor.example");
        }
    }
}
