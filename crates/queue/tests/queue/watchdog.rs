//! Rows that no code of ours should leave, and what becomes of them.

use mailward_mail::MessageId;
use mailward_queue::{AttemptEnd, Mended, NewMessage, Stage};
use mailward_store::Tx;

use crate::fixture::{Fixture, kinds, relayed};

/// Damages the ledger as a mistake of ours might.
async fn damage(fixture: &Fixture, statement: &'static str) {
    let write = fixture
        .queue
        .store()
        .write(Vec::new(), move |tx: &mut Tx<'_>, _| {
            tx.execute(statement, &[]).map(drop)
        });
    let done: Result<(), _> = write.await;
    done.expect("damaged");
}

async fn mend(fixture: &Fixture) -> Mended {
    let mended = fixture.queue.mend(fixture.now()).await;
    mended.expect("a round")
}

async fn behind(fixture: &Fixture, count: usize) -> Vec<MessageId> {
    let mut all = Vec::new();
    for _ in 0..count {
        let new = NewMessage {
            sequence_key: Some("p".to_owned()),
            ..fixture.message(&["one"])
        };
        all.push(fixture.accept(new).await);
    }
    all
}

#[tokio::test]
async fn what_waits_for_nothing_is_woken_and_what_waits_rightly_is_not() {
    let fixture = Fixture::new();
    // More than one round looks at, all behind the first.
    let all = behind(&fixture, 520).await;
    let alone = fixture.accepted(&["alone"]).await;
    for _ in 0..3 {
        assert_eq!(mend(&fixture).await, Mended::default());
    }
    damage(&fixture, "UPDATE recipients SET due_at = NULL").await;
    assert!(fixture.due().await.is_empty());
    let mut woken = 0;
    for _ in 0..3 {
        woken += mend(&fixture).await.woken;
    }
    assert_eq!(woken, 2, "the first of the sequence, and the one alone");
    let due: Vec<_> = fixture.due().await.iter().map(|one| one.id).collect();
    assert_eq!(due, [all[0], alone]);
    assert!(kinds(&fixture.queue, alone).await.ends_with("mended/1"));
}

#[tokio::test]
async fn what_an_ended_attempt_has_kept_is_let_go() {
    for (dot, state) in [(false, "1:deferred"), (true, "1:in_doubt")] {
        let fixture = Fixture::new();
        let id = fixture.accepted(&["one"]).await;
        let attempt = fixture.begin(id).await;
        if dot {
            let dot = fixture.queue.record_final_dot(&attempt, Vec::new()).await;
            dot.expect("the dot");
        }
        assert_eq!(mend(&fixture).await, Mended::default(), "it is under way");
        damage(&fixture, "UPDATE attempts SET ended_at = 1").await;
        let found = Mended {
            let_go: 1,
            ..Mended::default()
        };
        assert_eq!(mend(&fixture).await, found);
        assert_eq!(fixture.states(id).await, state);
        let end = AttemptEnd::at(Stage::FinalDot);
        let late = fixture.queue.finish_attempt(attempt, end, vec![relayed(1)]);
        assert!(late.await.is_err(), "it was taken away");
    }
}
