//! Lists: filters, and cursors that miss nothing and show nothing twice.

use mailward_mail::MessageId;
use mailward_queue::{Cursor, Filter, NewMessage, QueueError};

use crate::fixture::{Fixture, address, failed, relayed};

async fn page(
    fixture: &Fixture,
    filter: &Filter,
    cursor: Option<Cursor>,
    limit: usize,
) -> (Vec<MessageId>, Option<Cursor>) {
    let page = fixture
        .queue
        .list(filter, cursor, limit)
        .await
        .expect("a page");
    // As a client does: the cursor goes out as text and comes back.
    let next = page
        .next
        .map(|next| next.to_string().parse().expect("our own cursor"));
    (page.items.iter().map(|item| item.id).collect(), next)
}

async fn all(fixture: &Fixture, filter: &Filter, limit: usize) -> Vec<MessageId> {
    let (mut found, mut cursor) = (Vec::new(), None);
    loop {
        let (ids, next) = page(fixture, filter, cursor, limit).await;
        found.extend(ids);
        match next {
            Some(next) => cursor = Some(next),
            None => return found,
        }
    }
}

#[tokio::test]
async fn pages_join_without_gap_or_double_while_mail_comes_in() {
    let fixture = Fixture::new();
    let mut there = Vec::new();
    for _ in 0..25 {
        there.push(fixture.accepted(&["one"]).await);
    }
    there.reverse();
    for limit in [1, 4, 5, 24, 25, 26] {
        assert_eq!(
            all(&fixture, &Filter::default(), limit).await,
            there,
            "pages of {limit}"
        );
    }
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let (ids, next) = page(&fixture, &Filter::default(), cursor, 4).await;
        seen.extend(ids);
        fixture.accepted(&["late"]).await;
        match next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(
        seen, there,
        "what came in meanwhile is on a page before the first"
    );
    assert!(matches!("x7".parse::<Cursor>(), Err(QueueError::BadCursor)));
}

#[tokio::test]
async fn every_filter_alone_and_together() {
    let fixture = Fixture::new();
    let rota = fixture.accepted(&["seven", "eight"]).await;
    let mut new = fixture.message(&["nine"]);
    new.application = "alerts".into();
    new.subject = Some("100% of 5_000 Beds".to_owned());
    let alert = fixture.accept(new).await;
    fixture.attempt(rota, vec![relayed(1), failed(2)]).await;
    fixture.pass_minutes(10);
    let later = fixture.now();
    let mut new = fixture.message(&["ten"]);
    new.envelope.reverse_path =
        mailward_mail::ReversePath::Address(address("Pathology@northmoor.example"));
    new.message_id = Some("<A1B2@lab.example>".to_owned());
    let lab = fixture.accept(new).await;

    let text = |text: &str| Filter {
        text: Some(text.to_owned()),
        ..Filter::default()
    };
    let state = |word: &str| Filter {
        state: Some(word.parse().expect("a state")),
        ..Filter::default()
    };
    let application = |name: &str| Filter {
        application: Some(name.into()),
        ..Filter::default()
    };
    let since = Filter {
        since: Some(later),
        ..Filter::default()
    };
    let table: Vec<(Filter, Vec<MessageId>)> = vec![
        (Filter::default(), vec![lab, alert, rota]),
        (application("rota"), vec![lab, rota]),
        (application("alerts"), vec![alert]),
        (application("none"), vec![]),
        (state("failed"), vec![rota]),
        (state("relayed"), vec![rota]),
        (state("incoming"), vec![lab, alert]),
        (state("hold"), vec![]),
        (text("EIGHT@"), vec![rota]),
        (text("pathology"), vec![lab]),
        (text("a1b2@LAB"), vec![lab]),
        (text("100% of 5_000"), vec![alert]),
        (text("1%5_000"), vec![]),
        (text("5x000"), vec![]),
        (text("   "), vec![lab, alert, rota]),
        (text("northmoor"), vec![lab, alert, rota]),
        (since.clone(), vec![lab]),
        (
            Filter {
                since: Some(later.plus(std::time::Duration::from_millis(1))),
                ..since
            },
            vec![],
        ),
        (
            Filter {
                application: Some("rota".into()),
                ..state("incoming")
            },
            vec![lab],
        ),
        (
            Filter {
                application: Some("alerts".into()),
                ..state("failed")
            },
            vec![],
        ),
        (
            Filter {
                application: Some("rota".into()),
                ..text("rota for")
            },
            vec![lab, rota],
        ),
        (
            Filter {
                application: Some("rota".into()),
                text: Some("seven".into()),
                ..state("failed")
            },
            vec![rota],
        ),
    ];
    for (filter, expected) in table {
        for limit in [1, 2, 50] {
            assert_eq!(
                all(&fixture, &filter, limit).await,
                expected,
                "{filter:?} by {limit}"
            );
        }
    }
}

#[tokio::test]
async fn an_item_says_what_a_list_shows() {
    let fixture = Fixture::new();
    let names: Vec<String> = (0..12).map(|n| format!("w{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let id = fixture
        .accept(NewMessage {
            ..fixture.message(&names)
        })
        .await;
    let results = vec![failed(1), relayed(2), relayed(3)];
    let attempt = fixture.begin(id).await;
    fixture
        .queue
        .record_final_dot(&attempt, results)
        .await
        .expect("the dot");
    let page = fixture
        .queue
        .list(&Filter::default(), None, 9)
        .await
        .expect("a page");
    let item = &page.items[0];
    assert_eq!((item.id, item.application.as_str()), (id, "rota"));
    assert_eq!(item.subject.as_deref(), Some("Rota for next week"));
    assert_eq!(
        item.recipients.len(),
        10,
        "the rest are on the message's own page"
    );
    let states: Vec<_> = item
        .states
        .iter()
        .map(|(word, count)| (word.as_str(), *count))
        .collect();
    assert_eq!(states, [("active", 9), ("failed", 1), ("relayed", 2)]);
}
