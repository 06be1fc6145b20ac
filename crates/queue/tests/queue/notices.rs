//! Everybody who has to be told is told of every failure, once.

use mailward_mail::{Outcome, ReversePath};
use mailward_queue::{
    AcceptError, AttemptResult, NOTICE_LEASE, NewMessage, NoticeKind, QueueError, RecipientResult,
};

use crate::fixture::{
    Fixture, address, deferred, failed, kinds, never, on_success, person, relayed,
};

/// Kind, outcome, recipients.
type Told = (NoticeKind, Outcome, Vec<u32>);

async fn told(fixture: &Fixture) -> Vec<Told> {
    let notices = fixture
        .queue
        .notices_due(fixture.now(), 100)
        .await
        .expect("notices");
    notices
        .into_iter()
        .map(|one| {
            (
                one.kind,
                one.outcome,
                one.recipients.iter().map(|r| r.n).collect(),
            )
        })
        .collect()
}

#[tokio::test]
async fn who_is_told_of_what() {
    use NoticeKind::{Callback, Report};
    use Outcome::{Failed, Relayed};
    let relayed_here = |n| {
        let RecipientResult {
            result: AttemptResult::Relayed { reply, .. },
            ..
        } = relayed(n)
        else {
            unreachable!("relayed gives Relayed");
        };
        let result = AttemptResult::Relayed {
            reply,
            notify_passed_on: false,
        };
        RecipientResult { n, result }
    };
    let plain = |fixture: &Fixture| fixture.message(&["one", "two", "three"]);
    type Make = Box<dyn Fn(&Fixture) -> NewMessage>;
    type Case = (&'static str, Make, Vec<RecipientResult>, Vec<Told>);
    let table: Vec<Case> = vec![
        (
            "one report for all that failed together",
            Box::new(plain),
            vec![failed(1), relayed(2), failed(3)],
            vec![(Report, Failed, vec![1, 3])],
        ),
        (
            "none to the null path",
            Box::new(move |fixture| {
                let mut new = plain(fixture);
                new.envelope.reverse_path = ReversePath::Null;
                new
            }),
            vec![failed(1), failed(2), failed(3)],
            vec![],
        ),
        (
            "none to who said NEVER, or named only success",
            Box::new(move |fixture| {
                let mut new = plain(fixture);
                new.envelope.recipients[0].notify = never();
                new.envelope.recipients[1].notify = on_success();
                new
            }),
            vec![failed(1), failed(2), failed(3)],
            vec![(Report, Failed, vec![3])],
        ),
        (
            "of success where asked, and where nobody after us will",
            Box::new(move |fixture| {
                let mut new = plain(fixture);
                new.envelope.recipients[0].notify = on_success();
                new.envelope.recipients[1].notify = on_success();
                new
            }),
            vec![relayed_here(1), relayed(2), relayed_here(3)],
            vec![(Report, Relayed, vec![1])],
        ),
        (
            "the application, of every outcome",
            Box::new(move |fixture| NewMessage {
                wants_callback: true,
                ..plain(fixture)
            }),
            vec![relayed(1), failed(2), deferred(3)],
            vec![
                (Report, Failed, vec![2]),
                (Callback, Failed, vec![2]),
                (Callback, Relayed, vec![1]),
            ],
        ),
    ];
    for (name, make, results, expected) in table {
        let fixture = Fixture::new();
        let id = fixture.accept(make(&fixture)).await;
        fixture.attempt(id, results).await;
        assert_eq!(told(&fixture).await, expected, "{name}");
        assert!(
            told(&fixture).await.is_empty(),
            "{name}: handed out once at a time"
        );
    }
}

#[tokio::test]
async fn a_notice_is_handed_out_until_it_is_finished() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one"]).await;
    fixture.attempt(id, vec![failed(1)]).await;
    let queue = &fixture.queue;
    let first = queue
        .notices_due(fixture.now(), 9)
        .await
        .expect("notices")
        .remove(0);
    assert_eq!(
        (first.message, first.tries, first.last_error.as_deref()),
        (id, 1, None)
    );
    assert_eq!(
        first.envelope.reverse_path,
        ReversePath::Address(address(crate::fixture::ROTA))
    );
    assert_eq!(
        first.recipients[0].last_reply.as_deref(),
        Some("550 5.1.10 not found")
    );
    assert!(first.body.is_some(), "the report quotes the header section");

    // Whoever had it was killed.
    assert_eq!(
        queue.next_notice_at().await.expect("read"),
        Some(fixture.now().plus(NOTICE_LEASE))
    );
    fixture.pass(NOTICE_LEASE);
    let reopened = fixture.killed_now();
    let again = reopened
        .notices_due(fixture.now(), 9)
        .await
        .expect("notices");
    assert_eq!((again.len(), again[0].id, again[0].tries), (1, first.id, 2));

    // Deferred, then done.
    let next = fixture.now().plus(NOTICE_LEASE);
    queue
        .defer_notice(first.id, next, "no answer")
        .await
        .expect("deferred");
    assert!(told(&fixture).await.is_empty());
    fixture.pass(NOTICE_LEASE);
    let last = queue
        .notices_due(fixture.now(), 9)
        .await
        .expect("notices")
        .remove(0);
    assert_eq!(last.last_error.as_deref(), Some("no answer"));
    queue
        .finish_notice(first.id, "01JD4Q0V8Z5N3T7KX2M9")
        .await
        .expect("finished");
    assert_eq!(queue.next_notice_at().await.expect("read"), None);
    assert!(
        kinds(queue, id)
            .await
            .ends_with("failed/1 notice_sent/1 body_released")
    );
    for again in [
        queue.finish_notice(first.id, "x").await,
        queue.defer_notice(first.id, next, "x").await,
        queue.abandon_notice(first.id, "x").await,
    ] {
        assert!(matches!(again, Err(QueueError::NoSuchNotice)));
    }
}

#[tokio::test]
async fn the_body_stays_while_a_report_may_need_it() {
    let fixture = Fixture::new();
    let new = NewMessage {
        wants_callback: true,
        ..fixture.message(&["one", "two"])
    };
    let id = fixture.accept(new).await;
    fixture.attempt(id, vec![failed(1), deferred(2)]).await;
    let notices = fixture
        .queue
        .notices_due(fixture.now(), 9)
        .await
        .expect("notices");
    let (report, callback) = (&notices[0], &notices[1]);
    assert_eq!(
        (report.kind, callback.kind),
        (NoticeKind::Report, NoticeKind::Callback)
    );

    fixture
        .queue
        .finish_notice(report.id, "sent")
        .await
        .expect("finished");
    assert!(
        fixture.show(id).await.body.is_some(),
        "recipient 2 still waits"
    );
    fixture
        .queue
        .cancel(id, &person(), "enough")
        .await
        .expect("cancelled");
    let view = fixture.show(id).await;
    assert_eq!(view.body, None, "a callback does without");
    let body = report.body.expect("it was there");
    let mut reader = fixture.queue.store().read_body(&body).expect("a reader");
    assert!(reader.chunk().await.is_err(), "given back");
    fixture
        .queue
        .abandon_notice(callback.id, "three days")
        .await
        .expect("given up");
    assert!(
        kinds(&fixture.queue, id)
            .await
            .ends_with("body_released notice_abandoned/1")
    );
}

#[tokio::test]
async fn a_report_and_its_notice_are_done_together() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one"]).await;
    fixture.attempt(id, vec![failed(1)]).await;
    let notice = fixture
        .queue
        .notices_due(fixture.now(), 9)
        .await
        .expect("notices")
        .remove(0);
    let report = |fixture: &Fixture| {
        let mut new = fixture.message(&["rota"]);
        new.envelope.reverse_path = ReversePath::Null;
        new
    };
    let new = report(&fixture);
    let queue = &fixture.queue;
    let accepted = queue
        .accept_report(notice.id, new, fixture.body("report"))
        .await
        .expect("done");
    let again = queue
        .accept_report(notice.id, report(&fixture), fixture.body("report"))
        .await;
    assert!(matches!(again, Err(AcceptError::NoticeDone)));
    let due = fixture.due().await;
    assert_eq!(
        due.iter().map(|one| one.id).collect::<Vec<_>>(),
        [accepted.id]
    );
    assert!(
        kinds(queue, id)
            .await
            .ends_with("failed/1 notice_sent/1 body_released")
    );
    fixture.pass(NOTICE_LEASE);
    assert!(told(&fixture).await.is_empty());
}

/// The one who had it is dead: nobody waits for the end of its lease. What was
/// deferred keeps its time.
#[tokio::test]
async fn a_kill_gives_back_what_was_in_hand() {
    let mut fixture = Fixture::new();
    for ward in ["one", "two"] {
        let id = fixture.accepted(&[ward]).await;
        fixture.attempt(id, vec![failed(1)]).await;
    }
    let handed_out = fixture.queue.notices_due(fixture.now(), 100).await;
    let handed_out = handed_out.expect("notices");
    assert_eq!(handed_out.len(), 2);
    let later = fixture.now().plus(NOTICE_LEASE);
    let deferred = fixture
        .queue
        .defer_notice(handed_out[0].id, later, "not now");
    deferred.await.expect("deferred");
    assert_eq!(told(&fixture).await, []);

    fixture.kill();
    fixture.queue.recover().await.expect("recovered");
    let again = fixture.queue.notices_due(fixture.now(), 100).await;
    let again = again.expect("notices");
    let ids: Vec<_> = again.iter().map(|one| (one.id, one.tries)).collect();
    assert_eq!(ids, [(handed_out[1].id, 2)]);
}
