//! The attempts of a message: where to, under what TLS, with what result.

use std::collections::HashMap;

use mailward_console::view::{AttemptView, TlsView};
use mailward_queue::{AttemptId, MessageView, TimelineEvent};

use super::GatewayPart;

impl GatewayPart {
    pub(super) fn attempts(&self, view: &MessageView) -> Vec<AttemptView> {
        let mut told = told(view);
        let attempts = view.attempts.iter().map(|one| {
            let Told {
                recipients,
                results,
            } = told.remove(&one.id).unwrap_or_default();
            let server = self.config.route(&one.lane.route);
            let name = server
                .map(|route| route.server.as_str())
                .unwrap_or_default();
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

/// Recipients of an attempt, and how it ended for them, by its events.
#[derive(Default)]
struct Told {
    recipients: usize,
    results: Vec<&'static str>,
}

fn told(view: &MessageView) -> HashMap<AttemptId, Told> {
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

#[cfg(test)]
mod unit_tests {
    use super::*;

    #[test]
    fn tls_is_taken_apart() {
        for (text, version, cipher) in [
            ("TLSv1.3", "TLS 1.3", ""),
            ("TLSv1.2 ECDHE-X", "TLS 1.2", "ECDHE-X"),
        ] {
            let view = tls(text, "smtp.northmoor.example");
            assert_eq!(
                (view.version.as_str(), view.cipher.as_str()),
                (version, cipher)
            );
            assert_eq!(view.verified_name, "smtp.northmoor.example");
        }
    }
}
