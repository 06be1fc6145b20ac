//! Images of mailboxes in memory: forks go their own way, and what was can be
//! put back.

use std::sync::Arc;

use super::support::{Bench, Standing, name, uids};
use mailward_mailbox::{FlagChange, Flags, MailboxError, Mailboxes, MemoryLimit, NewMailbox};

#[tokio::test]
async fn a_fork_and_its_origin_do_not_see_each_other() {
    let origin = Bench::new().await;
    for number in 0..100 {
        origin.append("INBOX", &number.to_string()).await;
    }
    let image = origin.mailboxes.image().expect("in memory");
    let fork = Bench::on(Mailboxes::from_image(&image, Arc::new(Standing)));
    assert_eq!(fork.items("INBOX").await, origin.items("INBOX").await);
    let inbox = fork.mailboxes.folder("asha", &name("INBOX")).await;
    let inbox = inbox.expect("INBOX");
    let seen = FlagChange::Add(Flags::SEEN);
    inbox
        .store_flags(&uids(&[7]), seen, None)
        .await
        .expect("stored");
    let (inbox, some) = (name("INBOX"), uids(&[1, 2, 3]));
    let removed = fork.mailboxes.remove("asha", &inbox, &some).await;
    assert_eq!(removed, Ok(3));
    fork.append("INBOX", "only here").await;
    let other = origin.append("INBOX", "only there").await;
    assert_eq!(other.uid.0, 101);
    assert_eq!(fork.uids("INBOX").await.len(), 98);
    let items = origin.items("INBOX").await;
    assert_eq!(items.len(), 101);
    assert!(items.iter().all(|(_, flags, _)| flags.is_empty()));
    assert_eq!(items[100].2, "only there");
}

#[tokio::test]
async fn what_was_is_put_back_and_sessions_hear_of_it() {
    let bench = Bench::new().await;
    bench.append("INBOX", "kept").await;
    let image = bench.mailboxes.image().expect("in memory");
    bench.append("INBOX", "lost").await;
    let open = bench.mailboxes.folder("asha", &name("INBOX")).await;
    let open = open.expect("INBOX");
    let mut view = open.view();
    let mut watch = open.watch();
    watch.mark_unchanged();
    assert!(bench.mailboxes.restore(&image));
    watch.changed().await.expect("the session is woken");
    assert!(open.updates(&mut view, true).gone);
    assert_eq!(bench.uids("INBOX").await, [1]);
    // The session that was thrown out stays out of what is filed now.
    assert_eq!(bench.append("INBOX", "again").await.uid.0, 2);
    assert!(open.items().is_empty());
    assert_eq!(bench.uids("INBOX").await, [1, 2]);
}

#[tokio::test]
async fn octets_are_limited_over_all_forks_and_counted_once() {
    let limit = MemoryLimit::new(10);
    let mailboxes = Mailboxes::in_memory(limit.clone(), Arc::new(Standing));
    let asha = NewMailbox {
        owner: "asha".to_owned(),
        quota_octets: None,
        folders: Vec::new(),
    };
    mailboxes.create(vec![asha]).await.expect("made");
    let bench = Bench::on(mailboxes);
    bench.append("INBOX", "six...").await;
    let image = bench.mailboxes.image().expect("in memory");
    let fork = Bench::on(Mailboxes::from_image(&image, Arc::new(Standing)));
    assert_eq!(limit.held(), 6, "shared");
    let mut message = fork.mailboxes.new_message();
    message.write(b"five.").expect("taken");
    assert_eq!(message.finish().map(drop), Err(MailboxError::Full));
    fork.append("INBOX", "four").await;
    drop(fork);
    assert_eq!(limit.held(), 6);
    drop(image);
    let (inbox, first) = (name("INBOX"), uids(&[1]));
    let removed = bench.mailboxes.remove("asha", &inbox, &first).await;
    assert_eq!(removed, Ok(1));
    assert_eq!(limit.held(), 0);
}

#[tokio::test]
async fn a_session_goes_to_other_mailboxes_once() {
    let (here, there) = (Bench::new().await, Bench::new().await);
    let session = here.mailboxes.for_session();
    session.go_to(&there.mailboxes);
    session.go_to(&here.mailboxes);
    let session = Bench::on(session);
    session.append("INBOX", "1").await;
    assert_eq!(session.uids("INBOX").await, [1]);
    assert_eq!(there.uids("INBOX").await, [1]);
    assert_eq!(here.uids("INBOX").await, [0; 0]);
    here.mailboxes.go_to(&there.mailboxes);
    assert_eq!(here.uids("INBOX").await, [0; 0], "it is no session's");
}
