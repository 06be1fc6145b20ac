//! What the judgement rests on beside the header: the content, the addresses
//! that are known, and what the account has had of late.

use mailward_gateway::config::Config;
use mailward_mail::{Address, MessageId};
use mailward_policy::RouteKind;
use mailward_queue::{MessageView, RouteName, TimelineEvent};

use crate::smtp::{id_in, send, signed_in};
use crate::support::World;

const ANN: &str = "ann@northmoor.example";

fn message(body: &str) -> String {
    format!(
        "From: \"Letters, Clinic (NORTHMOOR TRUST)\" <letters@northmoor.example>\r\n\
         To: {ANN}\r\nSubject: x\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\n\
         Message-ID: <1@northmoor.example>\r\n\r\n{body}"
    )
}

/// The application `letters` may go by the high sending service too.
fn with_high_sending(config: &mut Config) {
    let mut route = config.routes[0].clone();
    route.name = RouteName::new("bulk");
    route.kind = RouteKind::HighSending;
    config.routes.push(route);
    config.applications[0].high_sending_route = Some(RouteName::new("bulk"));
}

fn routed(view: &MessageView) -> Option<&str> {
    view.timeline.iter().find_map(|entry| match &entry.event {
        TimelineEvent::Routed { reason, .. } => Some(reason.as_str()),
        _ => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_sends_much_moves_to_the_high_sending_service() {
    let world = World::configured(with_high_sending).await;
    let mut lines = signed_in(&world).await;
    let mut ids: Vec<MessageId> = Vec::new();
    for n in 0..31 {
        let body = format!("number {n}\r\n");
        ids.push(id_in(
            &send(&mut lines, &[ANN], &message(&body), "250").await,
        ));
    }
    for (index, route, reason) in [
        (0, "submission", "0 messages were accepted"),
        (29, "submission", "29 messages were accepted"),
        (30, "bulk", "30 messages were accepted"),
    ] {
        let view = world.show(ids[index]).await;
        assert_eq!(view.lane.route.as_str(), route, "message {index}");
        let said = routed(&view).expect("the reason is told");
        assert!(said.starts_with(reason), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_declared_peak_moves_at_once_and_no_choice_says_nothing() {
    let world = World::configured(|config| {
        with_high_sending(config);
        config.applications[0].volumes.messages_per_minute_peak = Some(200);
    })
    .await;
    let mut lines = signed_in(&world).await;
    let id = id_in(&send(&mut lines, &[ANN], &message("x\r\n"), "250").await);
    let view = world.show(id).await;
    assert_eq!(view.lane.route.as_str(), "bulk");
    assert!(routed(&view).is_some_and(|said| said.contains("up to 200 messages")));

    let world = World::new().await;
    let mut lines = signed_in(&world).await;
    let id = id_in(&send(&mut lines, &[ANN], &message("x\r\n"), "250").await);
    assert_eq!(routed(&world.show(id).await), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn content_raises_the_class_of_small_and_large_messages_alike() {
    let world = World::configured(|config| {
        let references = &mut config.applications[0].references;
        references.iams = Some("IA-1".to_owned());
    })
    .await;
    let mut lines = signed_in(&world).await;
    let filler = "nothing to see in this line\r\n";
    for (lines_before, number, class) in [
        (0, "", "OFFICIAL"),
        (0, "999 000 0018", "OFFICIAL-SENSITIVE"),
        (20_000, "", "OFFICIAL"),
        (20_000, "999 000 0018", "OFFICIAL-SENSITIVE"),
    ] {
        let body = format!("{}NHS number {number}\r\n", filler.repeat(lines_before));
        let id = id_in(&send(&mut lines, &[ANN], &message(&body), "250").await);
        let view = world.show(id).await;
        assert_eq!(view.data_class, class, "{lines_before} lines, {number:?}");
    }
}

#[test]
fn lists_and_domains_are_known() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = crate::support::config(&folder);
    let list = Address::parse("Staff@northmoor.example").expect("an address");
    config.distribution_lists.push(list);
    let register = mailward_gateway::Register::of(std::sync::Arc::new(config.clone()));
    let checker = mailward_gateway::check::Checker::new(&config);
    let registered = register.find(&"letters".into()).expect("the application");
    let mut envelope = mailward_mail::Envelope::new(mailward_mail::ReversePath::Null);
    let recipients = [
        ("staff@northmoor.example", true, true),
        ("ann@nhs.net", false, true),
        ("ann@elsewhere.example", false, false),
    ];
    envelope.recipients = recipients
        .iter()
        .map(|(text, ..)| {
            let address = Address::parse(text).expect("an address");
            mailward_mail::Recipient::new(mailward_mail::ForwardPath(address))
        })
        .collect();
    let at = mailward_mail::Timestamp::from_millis(0);
    let facts = checker.gather(&registered, &envelope, b"", 0, None, at);
    for (found, (text, list, accredited)) in facts.envelope.recipients.iter().zip(recipients) {
        assert_eq!(
            (found.distribution_list, found.accredited),
            (list, accredited),
            "{text}"
        );
    }
}
