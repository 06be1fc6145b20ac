//! Suspension, and acts on all that waits of an application, account or route.

use std::time::Duration;

use mailward_mail::{MessageId, ReversePath};
use mailward_queue::{
    ActName, Budget, BulkAct, Filter, Lane, LaneLimits, MessageClass, NewMessage, QueueError,
    RerouteJudge, Scope, Suspension, WaitsFor,
};

use crate::fixture::{Fixture, ROTA, deferred, kinds, lane, person};

fn every_scope() -> [Scope; 3] {
    [
        Scope::Application("rota".into()),
        Scope::Account(ROTA.into()),
        Scope::Route("submission".into()),
    ]
}

async fn suspend(fixture: &Fixture, scope: Scope) -> bool {
    let suspended = fixture.queue.suspend(scope, &person(), "audit").await;
    suspended.expect("suspended")
}

#[tokio::test]
async fn what_is_suspended_sends_nothing_across_restarts_and_what_comes_neither() {
    for scope in every_scope() {
        let mut fixture = Fixture::new();
        let id = fixture.accepted(&["one"]).await;
        let due = fixture.due().await.remove(0);
        assert!(suspend(&fixture, scope.clone()).await);
        assert!(!suspend(&fixture, scope.clone()).await, "once");
        fixture.kill();
        fixture.accepted(&["two"]).await;
        let queue = &fixture.queue;
        assert!(fixture.due().await.is_empty(), "{scope}");
        assert_eq!(queue.next_due_at(&lane()).await.expect("read"), None);
        assert_eq!(queue.lanes_with_work().await.expect("read"), []);
        // What a worker had taken before does not begin either.
        let begun = queue.begin_attempt(id, &due.numbers(), &lane()).await;
        assert!(matches!(begun, Err(QueueError::NotDue(_))));
        let limits = |lane: &Lane| Budget::of_lane(lane, LaneLimits::per_minute(3, 30));
        let why = queue
            .explain(id, limits)
            .await
            .expect("explained")
            .remove(0);
        assert_eq!(why.waits_for, WaitsFor::Suspension);
        let text = format!("The {scope} is suspended since");
        assert!(why.sentence.starts_with(&text), "{}", why.sentence);
        assert!(why.sentence.contains("j.doe: audit"), "{}", why.sentence);

        let resumed = queue.resume(scope.clone(), &person(), "done").await;
        assert!(resumed.expect("resumed"));
        let again = queue.resume(scope, &person(), "done").await;
        assert!(!again.expect("no harm"));
        assert_eq!(fixture.due().await.len(), 2);
        let acts = fixture.queue.acts(9).await.expect("acts");
        let names: Vec<_> = acts.iter().map(|act| act.act).collect();
        assert_eq!(names, [ActName::Resume, ActName::Suspend]);
    }
}

#[tokio::test]
async fn others_go_on_and_the_deadline_too() {
    let fixture = Fixture::new();
    let mine = fixture.accepted(&["one"]).await;
    let other = NewMessage {
        application: "letters".into(),
        ..fixture.message(&["one"])
    };
    let other = fixture.accept(other).await;
    suspend(&fixture, Scope::Application("rota".into())).await;
    let due: Vec<_> = fixture.due().await.iter().map(|one| one.id).collect();
    assert_eq!(due, [other]);
    fixture.pass(Duration::from_secs(40 * 3600));
    let queue = &fixture.queue;
    let looked = queue.expire_overdue(fixture.now()).await.expect("a round");
    assert_eq!((looked.warned, looked.expired), (2, 0));
    fixture.pass(Duration::from_secs(8 * 3600));
    let looked = queue.expire_overdue(fixture.now()).await.expect("a round");
    assert_eq!(looked.expired, 2);
    assert_eq!(fixture.states(mine).await, "1:expired");
}

#[tokio::test]
async fn who_is_suspended_is_told_of_failures_all_the_same() {
    let fixture = Fixture::new();
    let mine = fixture.accepted(&["one"]).await;
    let queue = &fixture.queue;
    suspend(&fixture, Scope::Application("rota".into())).await;
    fixture.pass(Duration::from_secs(48 * 3600));
    queue.expire_overdue(fixture.now()).await.expect("a round");
    let notices = queue.notices_due(fixture.now(), 9).await.expect("notices");
    let mut new = fixture.message(&["rota"]);
    new.envelope.reverse_path = ReversePath::Null;
    let report = queue
        .accept_report(notices[0].id, new, fixture.body("report"))
        .await
        .expect("kept");
    assert_eq!(fixture.states(mine).await, "1:expired");
    let due = fixture.due().await;
    assert_eq!(due[0].id, report.id);
    let begun = queue
        .begin_attempt(report.id, &due[0].numbers(), &lane())
        .await;
    begun.expect("begun");
    // Where its account or route is suspended, it waits with the rest.
    suspend(&fixture, Scope::Account(ROTA.into())).await;
    assert!(fixture.due().await.is_empty());
}

#[tokio::test]
async fn the_registers_word_stops_too() {
    let fixture = Fixture::new();
    fixture.accepted(&["one"]).await;
    let stopped = Suspension {
        scope: Scope::Application("rota".into()),
        since: fixture.now(),
        by: "register".into(),
        why: "its entry is suspended".to_owned(),
    };
    fixture.queue.set_stopped([stopped.clone()]);
    assert!(fixture.due().await.is_empty());
    let all = fixture.queue.suspensions().await.expect("read");
    assert_eq!(all, [stopped]);
    fixture.queue.set_stopped([]);
    assert_eq!(fixture.due().await.len(), 1);
}

fn allowing() -> RerouteJudge {
    RerouteJudge::new(|_| Ok(()))
}

async fn many(fixture: &Fixture, count: usize) -> Vec<MessageId> {
    let mut all = Vec::new();
    for n in 0..count {
        let new = NewMessage {
            message_class: MessageClass::ALL[n % 3],
            ..fixture.message(&["one", "two"])
        };
        all.push(fixture.accept(new).await);
    }
    all
}

#[tokio::test]
async fn an_act_on_many_counts_what_it_moved_and_can_be_repeated() {
    for scope in every_scope() {
        let fixture = Fixture::new();
        let all = many(&fixture, 30).await;
        let other = NewMessage {
            application: "letters".into(),
            lane: Lane::new("relay", "letters@northmoor.example"),
            ..fixture.message(&["one"])
        };
        let other = fixture.accept(other).await;
        let queue = &fixture.queue;
        let act = async |act: BulkAct| {
            let id = queue.begin_act(act, scope.clone(), &person(), "x").await;
            let id = id.expect("written down");
            queue.finish_act(id, &allowing()).await.expect("done")
        };
        let held = act(BulkAct::Hold).await;
        assert_eq!((held.moved, held.refused), (60, 0), "{scope}");
        assert!(fixture.due().await.is_empty());
        assert_eq!(act(BulkAct::Hold).await.moved, 0, "held already");
        assert_eq!(act(BulkAct::Release).await.moved, 60);
        let to = "high_sending".into();
        assert_eq!(act(BulkAct::Reroute { to }).await.moved, 60);
        if !matches!(scope, Scope::Route(_)) {
            assert_eq!(act(BulkAct::Cancel).await.moved, 60);
            assert_eq!(fixture.states(all[7]).await, "1:cancelled 2:cancelled");
        }
        assert_eq!(fixture.states(other).await, "1:incoming");
        let told = kinds(queue, all[7]).await;
        assert!(
            told.contains("held/2") && told.contains("rerouted/2"),
            "{told}"
        );
    }
}

#[tokio::test]
async fn killed_half_way_an_act_goes_on_and_what_came_later_is_left_alone() {
    let mut fixture = Fixture::new();
    // More than one step moves.
    let all = many(&fixture, 600).await;
    let id = fixture
        .queue
        .begin_act(BulkAct::Cancel, every_scope()[0].clone(), &person(), "x")
        .await
        .expect("written down");
    let later = fixture.accepted(&["later"]).await;
    let first = fixture
        .queue
        .step_act(id, &allowing())
        .await
        .expect("a step");
    assert!(first.ended_at.is_none());
    assert!(first.moved > 0 && first.moved < 1200, "{first:?}");
    fixture.kill();
    let same = fixture
        .queue
        .begin_act(BulkAct::Cancel, every_scope()[0].clone(), &person(), "x")
        .await
        .expect("known");
    assert_eq!(same, id, "not begun twice");
    while fixture
        .queue
        .continue_acts(&allowing())
        .await
        .expect("a round")
    {}
    let acts = fixture.queue.acts(1).await.expect("acts");
    assert_eq!((acts[0].id, acts[0].moved), (id, 1200));
    assert!(acts[0].ended_at.is_some());
    for id in all {
        assert_eq!(fixture.states(id).await, "1:cancelled 2:cancelled");
    }
    assert_eq!(fixture.states(later).await, "1:incoming");
    let summary = fixture.queue.summary().await.expect("a summary");
    assert_eq!(summary.count(mailward_queue::StateWord::Incoming), 1);
}

#[tokio::test]
async fn another_way_only_where_the_judge_lets_it_and_asking_twice_does_no_harm() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one", "two"]).await;
    let queue = &fixture.queue;
    let by = person();
    let never = RerouteJudge::new(|asked| {
        assert_eq!(asked.data_class, "OFFICIAL");
        Err(format!("{} does not carry it", asked.to.route))
    });
    let refused = queue.reroute(id, &"relay".into(), &never, &by, "x").await;
    let text = refused.expect_err("refused").to_string();
    assert!(text.ends_with("relay does not carry it"), "{text}");
    for moved in [2, 0] {
        let done = queue
            .reroute(id, &"bulk".into(), &allowing(), &by, "x")
            .await;
        assert_eq!(done.expect("allowed"), moved);
    }
    assert!(fixture.due().await.is_empty());
    let there = Lane::new("bulk", ROTA);
    let due = queue.due(&there, fixture.now(), 9).await.expect("due");
    assert_eq!(due[0].recipients.len(), 2);
    assert_eq!(fixture.show(id).await.lane, there);
    let attempt = queue.begin_attempt(id, &[1, 2], &there).await;
    let attempt = attempt.expect("an attempt");
    let refused = queue
        .reroute(id, &"back".into(), &allowing(), &by, "x")
        .await;
    let text = refused.expect_err("under way").to_string();
    assert!(text.contains("it is active"), "{text}");
    let end = mailward_queue::AttemptEnd::at(mailward_queue::Stage::Connect);
    let results = vec![deferred(1), deferred(2)];
    assert!(queue.finish_attempt(attempt, end, results).await.is_ok());
    let usage = queue.usage(&ROTA.into()).await.expect("usage");
    assert_eq!(usage.recipients_last_day, 2, "they wait once");
}

#[tokio::test]
async fn lists_by_account_route_and_class() {
    let fixture = Fixture::new();
    many(&fixture, 3).await;
    let other = NewMessage {
        lane: Lane::new("relay", "letters@northmoor.example"),
        ..fixture.message(&["one"])
    };
    fixture.accept(other).await;
    let none = Filter::default;
    for (filter, count) in [
        (none(), 4),
        (
            Filter {
                account: Some(ROTA.into()),
                ..none()
            },
            3,
        ),
        (
            Filter {
                route: Some("relay".into()),
                ..none()
            },
            1,
        ),
        (
            Filter {
                route: Some("ews".into()),
                ..none()
            },
            0,
        ),
        (
            Filter {
                class: Some(MessageClass::Routine),
                ..none()
            },
            2,
        ),
        (
            Filter {
                class: Some(MessageClass::Routine),
                account: Some(ROTA.into()),
                state: Some(mailward_queue::StateWord::Incoming),
                application: Some("rota".into()),
                ..none()
            },
            1,
        ),
    ] {
        let page = fixture.queue.list(&filter, None, 9).await.expect("a page");
        assert_eq!(page.items.len(), count, "{filter:?}");
    }
}
