//! What a submission asks of the queue, by SMTP and by HTTP; what the register
//! stops; and which other ways mail may take.

use std::sync::Arc;
use std::time::Duration;

use mailward_gateway::config::{Config, DeadlineMinutes, Mechanism};
use mailward_gateway::register::{Act, Author};
use mailward_gateway::route::reroute::{RerouteFacts, judge};
use mailward_mail::Clock;
use mailward_policy::RouteKind;
use mailward_queue::{Actor, MessageClass, QueueError, RouteName};
use serde_json::json;

use crate::api::{post, post_raw};
use crate::smtp::{id_in, send, signed_in};
use crate::support::{ACCOUNT, World};

const ANN: &str = "ann@northmoor.example";

fn message(fields: &str) -> String {
    format!(
        "From: \"Letters, Clinic (NORTHMOOR TRUST)\" <letters@northmoor.example>\r\n\
         To: {ANN}\r\nSubject: x\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\n\
         Message-ID: <1@northmoor.example>\r\n{fields}\r\nx\r\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn smtp_says_it_with_mail() {
    let world = World::configured(|config| {
        config.applications[0].deadline_minutes = DeadlineMinutes {
            bulk: Some(60),
            ..DeadlineMinutes::default()
        };
    })
    .await;
    let mut lines = signed_in(&world).await;
    let hello = lines.command("EHLO ward.example", "250").await.join("\n");
    let latest = world.clock.now().plus(Duration::from_secs(31 * 24 * 3600));
    let latest = latest.to_whole_seconds();
    for line in [
        "MT-PRIORITY".to_owned(),
        "DELIVERBY 60".to_owned(),
        format!("FUTURERELEASE {} {latest}", 31 * 24 * 3600),
    ] {
        assert!(
            hello.contains(&format!("250-{line}\n")) || hello.ends_with(&line),
            "{hello}"
        );
    }
    let hour = Duration::from_secs(3600);
    for (parameters, class, priority, wait, deadline) in [
        ("", MessageClass::Routine, 0, None, 48 * hour),
        ("MT-PRIORITY=5", MessageClass::Urgent, 5, None, 4 * hour),
        // The application's own deadline, from the moment of sending.
        (
            "MT-PRIORITY=-9 HOLDFOR=3600",
            MessageClass::Bulk,
            -9,
            Some(hour),
            2 * hour,
        ),
        ("BY=1800;R", MessageClass::Routine, 0, None, hour / 2),
        (
            "HOLDFOR=3600 BY=1800;RT",
            MessageClass::Routine,
            0,
            Some(hour),
            hour * 3 / 2,
        ),
    ] {
        let now = world.clock.now();
        lines
            .command(&format!("MAIL FROM:<{ACCOUNT}> {parameters}"), "250")
            .await;
        lines.command(&format!("RCPT TO:<{ANN}>"), "250").await;
        lines.command("DATA", "354").await;
        // The header counts only where the register says so.
        let octets = format!("{}.\r\n", message("X-Priority: 1\r\n"));
        lines.send_bytes(octets.as_bytes()).await;
        let view = world
            .show(id_in(&lines.reply("250").await.join("\n")))
            .await;
        assert_eq!(
            (view.message_class, view.priority.get()),
            (class, priority),
            "{parameters}"
        );
        assert_eq!(
            view.send_at,
            wait.map(|wait| now.plus(wait)),
            "{parameters}"
        );
        assert_eq!(view.deadline_at.since(now), deadline, "{parameters}");
    }
    for (parameters, reply) in [
        (
            "HOLDFOR=9999999",
            "501 5.5.4 Mail is kept for sending until",
        ),
        ("HOLDUNTIL=2036-01-01T00:00:00Z", "31 days from now"),
        ("BY=9999999;R", "501 5.5.4 A deadline lies after"),
        ("BY=59;R", "555 5.5.4 BY= with R gives 60 seconds at least"),
    ] {
        let said = lines
            .command(&format!("MAIL FROM:<{ACCOUNT}> {parameters}"), "5")
            .await
            .join("\n");
        assert!(said.contains(reply), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_mail_asks_wrongly_is_refused_with_the_parameter() {
    let world = World::new().await;
    let mut lines = signed_in(&world).await;
    for (parameters, named) in [
        ("MT-PRIORITY=10", "MT-PRIORITY"),
        ("MT-PRIORITY=high", "MT-PRIORITY"),
        ("HOLDFOR=-1", "HOLDFOR"),
        ("HOLDFOR=60 HOLDUNTIL=2026-11-21T10:00:00Z", "HOLDUNTIL"),
        ("HOLDUNTIL=tomorrow", "HOLDUNTIL"),
        ("BY=0;R", "BY"),
        ("BY=60;X", "BY"),
    ] {
        let said = lines
            .command(&format!("MAIL FROM:<{ACCOUNT}> {parameters}"), "501")
            .await
            .join("\n");
        assert!(said.contains(named), "{parameters}: {said}");
    }
    // None of it stays for the next message.
    let plain = message("");
    let id = id_in(&send(&mut lines, &[ANN], &plain, "250").await);
    let view = world.show(id).await;
    assert_eq!((view.priority.get(), view.send_at), (0, None));
}

#[tokio::test(flavor = "multi_thread")]
async fn urgent_mail_overtakes_bulk_and_held_mail_waits_for_its_moment() {
    let world = World::new().await;
    let mut lines = signed_in(&world).await;
    let mut ids = Vec::new();
    for parameters in [
        "MT-PRIORITY=-5",
        "MT-PRIORITY=9 HOLDFOR=3600",
        "MT-PRIORITY=6",
    ] {
        lines
            .command(&format!("MAIL FROM:<{ACCOUNT}> {parameters}"), "250")
            .await;
        lines.command(&format!("RCPT TO:<{ANN}>"), "250").await;
        lines.command("DATA", "354").await;
        let octets = format!("{}.\r\n", message(""));
        lines.send_bytes(octets.as_bytes()).await;
        ids.push(id_in(&lines.reply("250").await.join("\n")));
    }
    let [bulk, later, urgent] = ids[..] else {
        panic!("three messages");
    };
    let lane = world.show(bulk).await.lane;
    let due = async |after: Duration| {
        let now = world.clock.now().plus(after);
        let due = world.gateway.queue.due(&lane, now, 9).await.expect("due");
        due.into_iter().map(|one| one.id).collect::<Vec<_>>()
    };
    assert_eq!(due(Duration::ZERO).await, [urgent, bulk]);
    assert_eq!(due(Duration::from_secs(3599)).await, [urgent, bulk]);
    assert_eq!(due(Duration::from_secs(3600)).await, [later, urgent, bulk]);
}

#[tokio::test(flavor = "multi_thread")]
async fn header_fields_count_where_the_register_says_so() {
    let world = World::configured(|config| config.applications[0].header_priority = true).await;
    let router = world.gateway.api().expect("the API");
    let of = async |query: &str, fields: &str| {
        let answer = post_raw(&router, query, &message(fields)).await;
        world.show(answer.id()).await.message_class
    };
    assert_eq!(of("", "X-Priority: 1\r\n").await, MessageClass::Urgent);
    assert_eq!(of("", "Importance: low\r\n").await, MessageClass::Bulk);
    assert_eq!(of("", "").await, MessageClass::Routine);
    // What is asked beside the message goes before.
    let bulk = of("?message_class=bulk", "X-Priority: 1\r\n").await;
    assert_eq!(bulk, MessageClass::Bulk);
}

#[tokio::test(flavor = "multi_thread")]
async fn http_says_it_with_fields_and_names_the_one_that_is_wrong() {
    let world = World::new().await;
    let router = world.gateway.api().expect("the API");
    let now = world.clock.now();
    let hour = Duration::from_secs(3600);
    let (send_at, deadline_at) = (now.plus(hour), now.plus(2 * hour));
    let wishes = json!({
        "to": ANN, "subject": "x", "text": "x", "message_class": "bulk", "priority": -3,
        "send_at": send_at, "deadline_at": deadline_at, "sequence_key": "p7",
    });
    let answer = post(&router, &wishes).await;
    let id = answer.id();
    let view = world.show(id).await;
    assert_eq!(
        (view.message_class, view.priority.get()),
        (MessageClass::Bulk, -3)
    );
    assert_eq!(
        (view.send_at, view.deadline_at),
        (Some(send_at), deadline_at)
    );
    assert_eq!(view.sequence_key.as_deref(), Some("p7"));
    assert_eq!(answer.body["recipients"][0]["state"], "incoming");

    let query = format!("?priority=9&send_at={send_at}&sequence_key=p7");
    let raw = post_raw(&router, &query, &message("")).await.id();
    let view = world.show(raw).await;
    assert_eq!((view.priority.get(), view.send_at), (9, Some(send_at)));

    for (field, value) in [
        ("priority", json!(10)),
        ("priority", json!("high")),
        ("message_class", json!("asap")),
        ("deadline_at", json!(5)),
        ("send_at", json!("2036-01-01T00:00:00Z")),
        ("send_at", json!("tomorrow")),
        ("send_at", json!("2026-11-22")),
        ("deadline_at", json!(now)),
        ("deadline_at", json!("2036-01-01T00:00:00Z")),
        ("sequence_key", json!("")),
    ] {
        let mut wishes = json!({ "to": ANN, "subject": "x", "text": "x" });
        wishes[field] = value.clone();
        let answer = post(&router, &wishes).await;
        assert_eq!(answer.blame(), (422, field), "{value}: {}", answer.body);
        let text = answer.body.to_string();
        assert!(!text.contains("i64"), "{text}");
    }
    for (query, field) in [
        ("?priority=high", "priority"),
        ("?priority=-10", "priority"),
        ("?send_at=2026-11-22", "send_at"),
        ("?deadline_at=soon", "deadline_at"),
        ("?sequence_key=", "sequence_key"),
        ("?hurry=1", "query"),
    ] {
        let answer = post_raw(&router, query, &message("")).await;
        assert_eq!(answer.blame(), (422, field), "{query}: {}", answer.body);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_register_suspends_is_not_sent() {
    let world = World::new().await;
    let router = world.gateway.api().expect("the API");
    let wishes = json!({ "to": ANN, "subject": "x", "text": "x" });
    let id = post(&router, &wishes).await.id();
    let (queue, register) = (&world.gateway.queue, &world.gateway.register);
    let lane = world.show(id).await.lane;
    let due = async || {
        queue
            .due(&lane, world.clock.now(), 9)
            .await
            .expect("due")
            .len()
    };
    assert_eq!(due().await, 1);
    let author = |why: &str| Author {
        who: "j.doe".to_owned(),
        why: why.to_owned(),
        at: world.clock.now(),
    };
    let name = "letters".into();
    register
        .act(&name, Act::Suspend, &author("wrong recipients"))
        .await
        .expect("suspended");
    assert_eq!(due().await, 0);
    let all = queue.suspensions().await.expect("read");
    let told = (all[0].by.as_str(), all[0].why.as_str(), all[0].since);
    assert_eq!(told, ("j.doe", "wrong recipients", world.clock.now()));
    // What is retired sends nothing either, and for good.
    let retire = register.act(&name, Act::Retire, &author("replaced")).await;
    retire.expect("retired");
    assert_eq!(due().await, 0);
    let all = queue.suspensions().await.expect("read");
    assert_eq!(all[0].why, "retired for good: replaced");
}

fn with_other_ways(config: &mut Config) {
    config.applications[0].references.iams = Some("IA-1".to_owned());
    for (name, kind, dcb1596) in [
        ("bulk", RouteKind::HighSending, false),
        ("certified", RouteKind::HighSending, true),
        ("relay", RouteKind::Relay, false),
    ] {
        let mut route = config.routes[0].clone();
        route.name = RouteName::new(name);
        route.kind = kind;
        route.dcb1596 = dcb1596;
        route.mechanism = Mechanism::None;
        config.routes.push(route);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn confidential_mail_goes_by_no_relay_and_by_certified_routes_alone() {
    let world = World::configured(with_other_ways).await;
    let router = world.gateway.api().expect("the API");
    let judge = judge(RerouteFacts {
        register: Arc::clone(&world.gateway.register),
        profile: world.gateway.config.profile,
        clock: Arc::clone(&world.gateway.clock),
    });
    let mut wishes = json!({ "to": ANN, "subject": "x", "text": "x" });
    let plain = post(&router, &wishes).await.id();
    wishes["data_class"] = json!("OFFICIAL-SENSITIVE");
    let sensitive = post(&router, &wishes).await.id();
    let queue = &world.gateway.queue;
    let by = Actor::new("j.doe");
    for (id, route, refusal) in [
        (
            sensitive,
            "relay",
            Some("carries nothing confidential (GUIDE-15)"),
        ),
        (sensitive, "bulk", Some("not certified to DCB1596 (ENG-19)")),
        (sensitive, "certified", None),
        (
            plain,
            "ews",
            Some("has no route ews; it has submission, bulk, certified, relay"),
        ),
        (plain, "relay", Some("no approved exception for the relay")),
        (plain, "bulk", None),
    ] {
        let moved = queue.reroute(id, &route.into(), &judge, &by, "x").await;
        match (moved, refusal) {
            (Ok(1), None) => {}
            (Err(error @ QueueError::NotThatWay { .. }), Some(text)) => {
                let said = error.to_string();
                assert!(said.contains(text), "{said}");
            }
            (other, _) => panic!("{route}: {other:?}"),
        }
    }
}
