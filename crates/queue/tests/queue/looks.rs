//! The schedule of looks into sent mail, over restarts, and what follows from
//! what they come to.

use std::time::Duration;

use mailward_mail::{MessageId, Reply};
use mailward_queue::{
    Actor, AfterLook, Attempt, AttemptEnd, Budget, LaneLimits, LookTable, LookTerms, Looked,
    Overdue, Recovered, Rest, Stage,
};

use crate::fixture::{Fixture, deferred, in_doubt, kinds, lane, person, relayed, states};

const SETTLE: u64 = 30;
const PATIENCE: u64 = 30;

fn table() -> LookTable {
    let terms = LookTerms {
        settle: Duration::from_secs(SETTLE),
        count: 3,
        patience: Duration::from_secs(60 * PATIENCE),
    };
    LookTable::from([(lane().route, terms)])
}

fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.queue.look_by(table());
    fixture
}

async fn past_the_dot(fixture: &Fixture, id: MessageId) -> Attempt {
    let attempt = fixture.begin(id).await;
    fixture
        .queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .expect("the dot");
    attempt
}

/// Sends it, and loses the reply.
async fn doubted(fixture: &Fixture, id: MessageId, lost: &[u32]) {
    let attempt = past_the_dot(fixture, id).await;
    let end = AttemptEnd::at(Stage::FinalDot);
    let results = lost.iter().map(|n| in_doubt(*n)).collect();
    let finished = fixture.queue.finish_attempt(attempt, end, results).await;
    let finished = finished.expect("the end");
    assert_eq!(
        (finished.in_doubt.as_slice(), finished.is_looked_for),
        (lost, true)
    );
}

fn by() -> Actor {
    Actor::new("doubt")
}

fn absent(believed: Result<&str, &str>) -> Looked {
    Looked {
        found: Vec::new(),
        rest: Rest::Absent {
            words: "it is not in Sent Items".to_owned(),
            believed: believed.map(str::to_owned).map_err(str::to_owned),
        },
    }
}

fn unreadable(why: &str) -> Looked {
    Looked {
        found: Vec::new(),
        rest: Rest::Unreadable {
            why: why.to_owned(),
        },
    }
}

/// Looks at the only doubt that is due.
async fn look(fixture: &Fixture, looked: Looked) -> AfterLook {
    let due = fixture.queue.doubts_due(fixture.now(), 9).await;
    let due = due.expect("what is due");
    assert_eq!(due.len(), 1, "{due:?}");
    let by = by();
    let after = fixture.queue.doubt_looked(due[0].attempt, looked, &by);
    after.await.expect("written down")
}

async fn nothing_is_due(fixture: &Fixture) {
    let due = fixture.queue.doubts_due(fixture.now(), 9).await;
    assert!(due.expect("what is due").is_empty());
}

#[tokio::test]
async fn not_found_is_believed_after_the_last_look_alone() {
    let fixture = fixture();
    let id = fixture.accepted(&["one"]).await;
    doubted(&fixture, id, &[1]).await;
    let first = fixture.now().plus(Duration::from_secs(SETTLE));
    let next = fixture.queue.next_look_after(fixture.now()).await;
    assert_eq!(next.expect("read"), Some(first));
    nothing_is_due(&fixture).await;
    for (pause, is_last) in [(SETTLE, false), (2 * SETTLE, false), (4 * SETTLE, true)] {
        fixture.pass(Duration::from_secs(pause - 1));
        nothing_is_due(&fixture).await;
        fixture.pass(Duration::from_secs(1));
        let due = fixture
            .queue
            .doubts_due(fixture.now(), 9)
            .await
            .expect("due");
        assert_eq!(
            (due[0].is_last, due[0].recipients.as_slice()),
            (is_last, &[1][..])
        );
        let after = look(&fixture, absent(Ok("sent mail is filed there"))).await;
        assert_eq!(after == AfterLook::Settled, is_last);
    }
    assert_eq!(fixture.states(id).await, "1:deferred");
    assert_eq!(
        kinds(&fixture.queue, id).await,
        "accepted attempt_started/1 final_dot_sent/1 in_doubt/1 looked/1 looked/1 retried/1"
    );
    // It goes out again, and that is the end of it.
    fixture.attempt(id, vec![relayed(1)]).await;
    nothing_is_due(&fixture).await;
    assert_eq!(
        fixture
            .queue
            .next_look_after(fixture.now())
            .await
            .expect("read"),
        None
    );
}

#[tokio::test]
async fn what_nobody_can_tell_goes_by_the_class() {
    for looked in [
        absent(Err("it is not known that sent mail is filed there")),
        Looked {
            found: Vec::new(),
            rest: Rest::Unknowable {
                why: "it has no Message-ID".to_owned(),
            },
        },
    ] {
        let fixture = fixture();
        let id = fixture.accepted(&["one"]).await;
        doubted(&fixture, id, &[1]).await;
        while fixture.states(id).await == "1:in_doubt" {
            fixture.pass_minutes(3);
            look(&fixture, looked.clone()).await;
        }
        assert_eq!(fixture.states(id).await, "1:hold");
    }
}

#[tokio::test]
async fn what_is_found_is_relayed_and_the_others_are_looked_for_further() {
    let fixture = fixture();
    let id = fixture.accepted(&["one", "two"]).await;
    doubted(&fixture, id, &[1, 2]).await;
    fixture.pass_minutes(1);
    let mut found = absent(Ok("x"));
    found.found = vec![(2, "UID 7 in Sent Items".to_owned())];
    assert_ne!(look(&fixture, found).await, AfterLook::Settled);
    assert_eq!(fixture.states(id).await, "1:in_doubt 2:relayed");
    // A person may be first.
    let queue = &fixture.queue;
    queue
        .cancel(id, &person(), "known")
        .await
        .expect("cancelled");
    assert_eq!(fixture.states(id).await, "1:cancelled 2:relayed");
    fixture.pass_minutes(5);
    nothing_is_due(&fixture).await;
}

#[tokio::test]
async fn a_folder_that_cant_be_read_does_not_count_and_not_for_ever() {
    let fixture = fixture();
    let id = fixture.accepted(&["one"]).await;
    doubted(&fixture, id, &[1]).await;
    fixture.pass(Duration::from_secs(SETTLE));
    for _ in 0..2 {
        assert_ne!(
            look(&fixture, unreadable("no route to host")).await,
            AfterLook::Settled
        );
        fixture.pass(Duration::from_secs(SETTLE));
    }
    // The same words are written once.
    assert!(
        kinds(&fixture.queue, id)
            .await
            .ends_with("in_doubt/1 looked/1")
    );
    fixture.pass_minutes(PATIENCE - 3);
    let round = fixture
        .queue
        .expire_overdue(fixture.now())
        .await
        .expect("a round");
    assert_eq!(round, Overdue::default());
    // A look in between begins the time anew.
    look(&fixture, absent(Ok("x"))).await;
    fixture.pass_minutes(PATIENCE);
    let round = fixture
        .queue
        .expire_overdue(fixture.now())
        .await
        .expect("a round");
    assert_eq!(round, Overdue::default());
    fixture.pass_minutes(2);
    let round = fixture
        .queue
        .expire_overdue(fixture.now())
        .await
        .expect("a round");
    assert_eq!((round.doubts_settled, round.given_up.len()), (1, 1));
    assert_eq!(round.given_up[0].0, lane());
    assert_eq!(fixture.states(id).await, "1:hold");
    nothing_is_due(&fixture).await;
}

#[tokio::test]
async fn a_kill_changes_neither_looks_nor_patience() {
    let mut fixture = fixture();
    let id = fixture.accepted(&["one"]).await;
    let second = fixture.accepted(&["two"]).await;
    doubted(&fixture, id, &[1]).await;
    fixture.pass(Duration::from_secs(SETTLE));
    look(&fixture, absent(Ok("x"))).await;
    past_the_dot(&fixture, second).await;
    fixture.kill();
    fixture.queue.look_by(table());
    // Down for longer than the patience, which is no reason to give up.
    fixture.pass_minutes(3 * PATIENCE);
    let recovered = fixture.queue.recover().await.expect("recovered");
    assert_eq!(
        recovered,
        Recovered {
            interrupted: 0,
            in_doubt: 1,
            restored: 0,
        }
    );
    let round = fixture
        .queue
        .expire_overdue(fixture.now())
        .await
        .expect("a round");
    assert_eq!(round.doubts_settled, 0);
    assert_eq!(fixture.states(id).await, "1:in_doubt");
    assert_eq!(fixture.states(second).await, "1:in_doubt");
    let due = fixture
        .queue
        .doubts_due(fixture.now(), 9)
        .await
        .expect("due");
    assert_eq!((due.len(), due[0].message, due[0].looks), (1, id, 1));
    fixture.pass(Duration::from_secs(SETTLE));
    let due = fixture
        .queue
        .doubts_due(fixture.now(), 9)
        .await
        .expect("due");
    assert_eq!(due.len(), 2);

    // With nobody to look any more, the class decides at once.
    let queue = fixture.killed_now();
    queue.recover().await.expect("recovered");
    let by = by();
    let after = queue.doubt_looked(due[0].attempt, unreadable("gone"), &by);
    assert_eq!(after.await.expect("written down"), AfterLook::Settled);
    assert_eq!(states(&queue, id).await, "1:hold");
}

#[tokio::test]
async fn a_sequence_waits_for_what_is_in_doubt() {
    let fixture = fixture();
    let mut new = fixture.message(&["one"]);
    new.sequence_key = Some("pump-7".to_owned());
    let head = fixture.accept(new).await;
    let mut new = fixture.message(&["one"]);
    new.sequence_key = Some("pump-7".to_owned());
    let next = fixture.accept(new).await;
    doubted(&fixture, head, &[1]).await;
    fixture.pass_minutes(1);
    assert!(fixture.due().await.is_empty());
    look(&fixture, absent(Ok("x"))).await;
    assert!(fixture.due().await.is_empty());
    fixture.pass_minutes(2);
    let mut found = absent(Ok("x"));
    found.found = vec![(1, "UID 7".to_owned())];
    assert_eq!(look(&fixture, found).await, AfterLook::Settled);
    assert_eq!(fixture.due().await[0].id, next);
}

#[tokio::test]
async fn a_look_knows_every_submission_and_what_was_sent_before() {
    let fixture = fixture();
    // Surely sent, long enough before the last look.
    let sent = fixture.accepted(&["one"]).await;
    let attempt = past_the_dot(&fixture, sent).await;
    let end = AttemptEnd {
        reply: Some(Reply::status(250, 0, 0, "taken")),
        ..AttemptEnd::at(Stage::FinalDot)
    };
    let finished = fixture
        .queue
        .finish_attempt(attempt, end, vec![relayed(1)])
        .await;
    assert!(!finished.expect("the end").is_looked_for);

    let id = fixture.accepted(&["one", "two"]).await;
    let attempt = fixture.begin(id).await;
    let queue = &fixture.queue;
    queue
        .record_final_dot(&attempt, vec![deferred(2)])
        .await
        .expect("the dot");
    let end = AttemptEnd::at(Stage::FinalDot);
    let finished = queue.finish_attempt(attempt, end, vec![in_doubt(1)]).await;
    assert_eq!(finished.expect("the end").in_doubt, [1]);
    // The other goes out meanwhile, and is in doubt as well.
    fixture.pass_minutes(2);
    doubted(&fixture, id, &[2]).await;
    fixture.pass_minutes(3);
    let due = queue.doubts_due(fixture.now(), 9).await.expect("due");
    assert_eq!(due.len(), 2);
    for (doubt, n) in due.iter().zip([1, 2]) {
        assert_eq!(doubt.recipients, [n]);
        let sent_to: Vec<_> = doubt
            .submissions
            .iter()
            .map(|one| one.recipients.clone())
            .collect();
        assert_eq!(sent_to, [vec![1], vec![2]]);
        assert!(doubt.canaries.is_empty() && doubt.proof.is_none());
        assert!(!queue.has_namesake(doubt).await.expect("read"));
    }
    queue
        .sent_mail_is_filed(&lane(), "UID 3")
        .await
        .expect("written down");
    for _ in 0..2 {
        for doubt in queue.doubts_due(fixture.now(), 9).await.expect("due") {
            let by = by();
            let after = queue.doubt_looked(doubt.attempt, absent(Ok("x")), &by);
            after.await.expect("written down");
        }
        fixture.pass_minutes(5);
    }
    let due = queue.doubts_due(fixture.now(), 9).await.expect("due");
    assert!(due[0].is_last);
    assert_eq!(due[0].canaries.len(), 1);
    assert_eq!(due[0].canaries[0].message, sent);
    assert_eq!(
        due[0].proof.as_ref().map(|(_, evidence)| evidence.as_str()),
        Some("UID 3")
    );
}

#[tokio::test]
async fn a_message_of_the_same_message_id_is_known() {
    let fixture = fixture();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let mut new = fixture.message(&["one"]);
        new.message_id = Some("<same@rota.northmoor.example>".to_owned());
        ids.push(fixture.accept(new).await);
    }
    fixture.attempt(ids[0], vec![relayed(1)]).await;
    doubted(&fixture, ids[1], &[1]).await;
    fixture.pass_minutes(1);
    let due = fixture
        .queue
        .doubts_due(fixture.now(), 9)
        .await
        .expect("due");
    assert!(fixture.queue.has_namesake(&due[0]).await.expect("read"));
}

#[tokio::test]
async fn explain_says_what_is_known() {
    let fixture = fixture();
    let id = fixture.accepted(&["one"]).await;
    doubted(&fixture, id, &[1]).await;
    let sentence = async || {
        let explained = fixture
            .queue
            .explain(id, |lane| {
                Budget::of_lane(lane, LaneLimits::per_minute(3, 30))
            })
            .await;
        explained.expect("explained").remove(0).sentence
    };
    let at = |seconds| fixture.now().plus(Duration::from_secs(seconds));
    let lost = "The reply to the final dot was lost: the service may have it.";
    assert_eq!(
        sentence().await,
        format!(
            "{lost} Not yet looked into the sent mail of rota@northmoor.example; the next look is at {}.",
            at(SETTLE)
        )
    );
    for (looks, pause) in [("once", 2 * SETTLE), ("twice", 4 * SETTLE)] {
        fixture.pass_minutes(3);
        look(&fixture, absent(Ok("x"))).await;
        assert_eq!(
            sentence().await,
            format!(
                "{lost} Looked {looks} into the sent mail of rota@northmoor.example (it is not in Sent Items); the next look is at {}.",
                at(pause)
            )
        );
    }
}
