//! The gateway's half over a small queue.

use std::collections::BTreeMap;
use std::sync::Arc;

use mailward_console::view::{Action, Decision, MessageFilter, Status, StoreHealth};
use mailward_console::{Source, SourceError};
use mailward_gateway::Register;
use mailward_gateway::deliver::{Alarm, Alarms};
use mailward_gateway::observe::Observe;
use mailward_net::Tasks;
use mailward_queue::{Credential, RerouteJudge};

use super::{ConsoleSource, GatewayPart};
use crate::operator::testing::{Fixture, ROTA};

fn gateway(fixture: &Fixture) -> (ConsoleSource, Alarms) {
    let clock = fixture.clock.shared();
    let observe = Observe::new(Arc::clone(&clock));
    let alarms = Alarms::new(Default::default(), BTreeMap::new(), clock, Tasks::new());
    let config = Arc::new(fixture.config());
    let part = GatewayPart {
        queue: fixture.queue.clone(),
        sending_limits: fixture.sending_limits(),
        register: Arc::new(Register::of(Arc::clone(&config))),
        judge: RerouteJudge::none(),
        config,
        alarms: alarms.clone(),
        observe,
    };
    (ConsoleSource::new(Some(part), None), alarms)
}

fn messages(search: Option<&str>, status: Option<Status>, limit: usize) -> MessageFilter {
    MessageFilter {
        status,
        search: search.map(str::to_owned),
        cursor: None,
        limit,
    }
}

#[tokio::test]
async fn messages_are_found_by_status_text_and_id() {
    let fixture = Fixture::new().await;
    let (source, _) = gateway(&fixture);
    let (tried, held, fresh) = (fixture.tried, fixture.held, fixture.fresh);
    let id = held.to_string();
    for (filter, expected) in [
        (messages(None, None, 10), vec![fresh, held, tried]),
        (messages(None, Some(Status::Held), 10), vec![held]),
        (messages(Some("ward2"), None, 10), vec![tried]),
        (messages(Some(&id), None, 10), vec![held]),
        (messages(Some(&id), Some(Status::Failed), 10), vec![]),
        (messages(Some("nobody"), None, 10), vec![]),
    ] {
        let page = source.messages(filter.clone()).await.expect("a page");
        let found: Vec<_> = page.items.iter().map(|row| row.id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let first = source
        .messages(messages(None, None, 2))
        .await
        .expect("a page");
    let filter = MessageFilter {
        cursor: first.next,
        ..messages(None, None, 2)
    };
    let second = source.messages(filter).await.expect("a page");
    let row = second.items.first().expect("the oldest");
    assert_eq!((row.id, row.status), (tried, Status::Deferred));
    assert_eq!(row.subject.as_deref(), Some("Rota für May"));
    assert_eq!(
        (row.recipients.first.as_str(), row.recipients.count),
        ("ward1@northmoor.example", 2)
    );
    assert!(second.next.is_none());
}

#[tokio::test]
async fn one_message_with_its_story() {
    let fixture = Fixture::new().await;
    let (source, _) = gateway(&fixture);
    let view = source.message(fixture.tried).await.expect("a message");
    assert_eq!(view.status, Status::Deferred);
    assert_eq!(view.from.as_deref(), Some("Käthe <rota@northmoor.example>"));
    assert_eq!(view.intake, "SMTP over TLS, signed in");
    let route = view.route.expect("a route");
    assert_eq!(
        (route.name.as_str(), route.reason.as_str()),
        ("submission", "it is the route of rota@northmoor.example")
    );
    let waits = view.waits.expect("a reason");
    assert!(waits.reason.contains("432 4.3.2"), "{}", waits.reason);
    assert!(waits.until.is_some());
    let attempt = view.attempts.first().expect("an attempt");
    assert_eq!(
        (attempt.recipients, attempt.result.as_str()),
        (2, "relayed, deferred")
    );
    assert_eq!(attempt.remote, "smtp.northmoor.example:587");
    assert_eq!(
        attempt.tls.as_ref().map(|tls| tls.version.as_str()),
        Some("TLS 1.3")
    );
    let titles: Vec<_> = view
        .timeline
        .iter()
        .map(|event| event.title.as_str())
        .collect();
    assert_eq!(
        titles,
        [
            "Accepted",
            "Attempt 1 started",
            "Handed over",
            "Relayed",
            "Deferred"
        ]
    );
    assert_eq!(
        view.timeline[4].recipient.as_deref(),
        Some("ward2@northmoor.example")
    );
    assert_eq!(view.actions, [Action::Retry, Action::Hold, Action::Cancel]);
    assert!(view.verdict.is_none());

    let held = source.message(fixture.held).await.expect("a message");
    let verdict = held.verdict.expect("findings");
    assert_eq!(verdict.decision, Decision::Hold);
    let rules: Vec<_> = verdict
        .findings
        .iter()
        .map(|one| one.rule.as_str())
        .collect();
    assert_eq!(rules, ["date-present", "display-name-form"]);
    assert_eq!(held.actions, [Action::Release, Action::Cancel]);

    let unknown = fixture.queue.new_id();
    let missing = source.message(unknown).await;
    assert!(matches!(missing, Err(SourceError::NotFound)));
}

#[tokio::test]
async fn acts_are_done_in_the_users_name_or_refused_with_a_sentence() {
    let fixture = Fixture::new().await;
    let (source, _) = gateway(&fixture);
    let act = |id, action| source.act(id, action, "j.doe".to_owned(), None);
    act(fixture.held, Action::Release).await.expect("released");
    act(fixture.fresh, Action::Hold).await.expect("held");
    act(fixture.tried, Action::Cancel).await.expect("cancelled");
    let again = act(fixture.tried, Action::Cancel).await;
    assert!(
        matches!(&again, Err(SourceError::Conflict(why)) if why.contains("can not be cancelled")),
        "{again:?}"
    );
    let unknown = fixture.queue.new_id();
    assert!(matches!(
        act(unknown, Action::Retry).await,
        Err(SourceError::NotFound)
    ));
    let view = source.message(fixture.fresh).await.expect("a message");
    let last = view.timeline.last().expect("an event");
    assert_eq!(
        (last.title.as_str(), last.who.as_deref()),
        ("Held", Some("j.doe"))
    );
}

#[tokio::test]
async fn the_overview_shows_counts_breakers_and_alarms() {
    let fixture = Fixture::new().await;
    let (source, alarms) = gateway(&fixture);
    alarms.raise(Alarm::new("authentication_refused", "refused").account(ROTA));
    let credential = Credential {
        account: ROTA.into(),
        name: "password".to_owned(),
        version: "1".to_owned(),
    };
    let reply = mailward_mail::Reply::status(535, 7, 3, "Authentication unsuccessful");
    fixture
        .queue
        .breaker_open(&credential, &reply)
        .await
        .expect("opened");
    let overview = source.overview().await.expect("an overview");
    assert_eq!(overview.store, StoreHealth::Sound);
    assert_eq!(overview.alarms[0].title, "Authentication refused");
    assert!(overview.twin.is_none());
    let gateway = overview.gateway.expect("the gateway's half");
    let count = |status| {
        gateway
            .counts
            .iter()
            .find(|(one, _)| *one == status)
            .map(|(_, count)| *count)
    };
    for (status, expected) in [
        (Status::Relayed, 1),
        (Status::Deferred, 1),
        (Status::Held, 1),
        (Status::Incoming, 1),
        (Status::Failed, 0),
    ] {
        assert_eq!(count(status), Some(expected), "{status:?}");
    }
    let oldest = gateway.oldest_waiting.expect("one waits");
    assert_eq!(
        (oldest.id, oldest.status),
        (fixture.tried, Status::Deferred)
    );
    let mailbox = gateway.limits.first().expect("a mailbox in use");
    assert_eq!(
        (mailbox.account.as_str(), mailbox.routes.as_str()),
        (ROTA, "submission")
    );
    let breaker = gateway.breakers_open.first().expect("a breaker");
    assert_eq!((breaker.account.as_str(), breaker.waiting), (ROTA, 3));
}
