//! People reached by one text: counted with the message itself, each once,
//! over restarts, and not where it is refused.

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::MessageId;
use mailward_queue::{AcceptError, Found, Hold, HoldReason, NewMessage, Ruling, SameText};

use crate::fixture::{Fixture, kinds, person};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// A message with the text, refused above three people.
fn message(fixture: &Fixture, text: u8, recipients: &[&str]) -> NewMessage {
    NewMessage {
        same_text: Some(SameText {
            fingerprint: [text; 16],
            window: DAY,
            people_max: 3,
            judge: Arc::new(|_| Ruling::Refuse),
        }),
        ..fixture.message(recipients)
    }
}

async fn accept(fixture: &Fixture, new: NewMessage) -> Result<MessageId, AcceptError> {
    let body = fixture.body("Subject: Rota\r\n\r\nSee you.\r\n");
    fixture.queue.accept(new, body).await.map(|one| one.id)
}

/// Whether each of these, one after another, is taken.
async fn check(fixture: &Fixture, steps: &[(u8, &[&str], bool)]) {
    for (text, recipients, taken) in steps {
        let new = message(fixture, *text, recipients);
        let accepted = accept(fixture, new).await;
        assert_eq!(
            accepted.is_ok(),
            *taken,
            "{text} to {recipients:?}: {accepted:?}"
        );
        if let Err(error) = accepted {
            assert!(matches!(error, AcceptError::SameText), "{error}");
        }
    }
}

#[tokio::test]
async fn people_count_once_and_texts_apart() {
    let mut fixture = Fixture::new();
    check(
        &fixture,
        &[
            (1, &["ada"], true),
            (1, &["ada", "ADA"], true),
            (1, &["ada", "ben", "cy", "dee"], false),
            (1, &["ben", "cy"], true),
            (2, &["dee"], true),
            (1, &["dee"], false),
            (1, &["cy"], true),
        ],
    )
    .await;
    fixture.kill();
    check(&fixture, &[(1, &["dee"], false), (1, &["ada"], true)]).await;
}

#[tokio::test]
async fn a_day_passes() {
    let fixture = Fixture::new();
    check(&fixture, &[(1, &["ada", "ben"], true)]).await;
    fixture.pass_minutes(12 * 60);
    // Ben's last time is now this one.
    check(&fixture, &[(1, &["ben", "cy"], true), (1, &["dee"], false)]).await;
    fixture.pass_minutes(13 * 60);
    check(
        &fixture,
        &[
            (1, &["dee"], true),
            (1, &["ada"], false),
            (1, &["ben"], true),
        ],
    )
    .await;
    for _ in 0..3 {
        fixture.queue.forget_texts(DAY).await.expect("swept");
    }
    check(&fixture, &[(1, &["ada"], false)]).await;
    fixture.pass_minutes(26 * 60);
    for _ in 0..3 {
        fixture.queue.forget_texts(DAY).await.expect("swept");
    }
    check(&fixture, &[(1, &["fay", "gus", "hal"], true)]).await;
}

#[tokio::test]
async fn of_many_at_once_no_more_than_the_threshold_pass() {
    let fixture = Fixture::new();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let new = message(&fixture, 1, &[&format!("ward{n}")]);
        let (queue, body) = (fixture.queue.clone(), fixture.body("Subject: x\r\n\r\n"));
        tasks.spawn(async move { queue.accept(new, body).await.is_ok() });
    }
    let taken = tasks.join_all().await;
    assert_eq!(taken.into_iter().filter(|taken| *taken).count(), 3);
}

#[tokio::test]
async fn the_judge_may_let_it_pass_with_a_word() {
    let fixture = Fixture::new();
    check(&fixture, &[(1, &["ada", "ben", "cy"], true)]).await;
    let mut new = message(&fixture, 1, &["dee"]);
    let same_text = new.same_text.as_mut().expect("a text");
    same_text.judge = Arc::new(|people| Ruling::Accept {
        found: vec![Found {
            rule: "mass-mailing".to_owned(),
            severity: "hold".to_owned(),
            text: format!("{people} people"),
        }],
        hold: Some(Hold {
            reason: HoldReason::Approval,
            by: person(),
            why: "too many".to_owned(),
        }),
    });
    let id = accept(&fixture, new).await.expect("taken");
    assert_eq!(kinds(&fixture.queue, id).await, "accepted found held");
    assert_eq!(fixture.states(id).await, "1:hold");
    check(&fixture, &[(1, &["dee"], true), (1, &["eve"], false)]).await;
}
