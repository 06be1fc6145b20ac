//! What happens to items and folders, and that it is still so after a restart.

use super::support::{Bench, mailbox, name, target, uids};
use mailward_mail::Timestamp;
use mailward_mailbox::{
    Content, FlagChange, Flags, KEYWORD_OCTETS_MAX, KEYWORDS_MAX, MailboxError, StoredFlags, Uid,
};

#[tokio::test]
async fn items_keep_uid_flags_date_and_octets() {
    let bench = Bench::new().await;
    let first = bench.append("INBOX", "Subject: one\r\n\r\n1\r\n").await;
    let second = bench.append("INBOX", "Subject: two\r\n\r\n2\r\n").await;
    assert_eq!((first.uid, second.uid), (Uid(1), Uid(2)));
    let inbox = bench
        .mailboxes
        .folder("asha", &name("inbox"))
        .await
        .expect("INBOX");
    let both = Flags::SEEN | Flags::FLAGGED;
    let stored = inbox
        .store_flags(&uids(&[1, 9]), FlagChange::Add(both), None)
        .await
        .expect("stored");
    let item = StoredFlags {
        uid: Uid(1),
        flags: both,
        change_before: 1,
        change: inbox.change(),
    };
    assert_eq!(stored.items, [item]);
    assert_eq!(stored.changes, [inbox.change()]);
    // Whoever saw it before that change may not overwrite it.
    let late = inbox
        .store_flags(&uids(&[1, 2]), FlagChange::Add(Flags::DRAFT), Some(2))
        .await
        .expect("stored");
    assert_eq!(late.modified, uids(&[1]));
    assert_eq!(late.items.len(), 1);
    inbox
        .store_flags(&uids(&[2]), FlagChange::Remove(Flags::DRAFT), None)
        .await
        .expect("stored");
    let before = bench.items("INBOX").await;
    assert_eq!(before[0].1, Flags::SEEN | Flags::FLAGGED);
    assert_eq!(before[1].2, "Subject: two\r\n\r\n2\r\n");
    drop(inbox);

    let bench = bench.reopen().await;
    assert_eq!(bench.items("INBOX").await, before);
    let inbox = bench
        .mailboxes
        .folder("asha", &name("INBOX"))
        .await
        .expect("INBOX");
    assert_eq!(inbox.uid_validity(), first.uid_validity);
    assert_eq!(inbox.uid_next(), 3);
    let date = inbox.item(Uid(1)).expect("an item").internal_date;
    assert_eq!(date, Timestamp::from_millis(1_795_000_000_000));
    assert_eq!(bench.append("INBOX", "three").await.uid, Uid(3));
}

#[tokio::test]
async fn uids_are_never_given_again() {
    let bench = Bench::new().await;
    for text in ["1", "2", "3"] {
        bench.append("INBOX", text).await;
    }
    let removed = bench
        .mailboxes
        .remove("asha", &name("INBOX"), &uids(&[3, 3, 2, 77]))
        .await;
    assert_eq!(removed, Ok(2));
    let bench = bench.reopen().await;
    bench.append("INBOX", "4").await;
    assert_eq!(bench.uids("INBOX").await, [1, 4]);
    let usage = bench.mailboxes.usage("asha").await.expect("usage");
    assert_eq!((usage.items, usage.octets), (2, 2));
}

#[tokio::test]
async fn one_write_files_for_many_who_share_the_body() {
    let bench = Bench::new().await;
    let content = bench.content("Subject: to all\r\n\r\nhello\r\n");
    let targets = vec![
        target("asha", "INBOX"),
        target("nobody", "INBOX"),
        target("ben", "INBOX"),
        target("ben", "Nowhere"),
        target("asha", "Sent Items"),
    ];
    let results = bench
        .mailboxes
        .append_to_many(targets, content, Timestamp::from_millis(0))
        .await
        .expect("filed");
    let outcomes: Vec<_> = results
        .iter()
        .map(|result| result.as_ref().map(|at| at.uid.0))
        .collect();
    assert_eq!(
        outcomes,
        [
            Ok(1),
            Err(&MailboxError::NoMailbox),
            Ok(1),
            Err(&MailboxError::NoFolder),
            Ok(1)
        ]
    );
    let inbox = name("INBOX");
    let shown = bench
        .mailboxes
        .item("ben", &inbox, Uid(1))
        .await
        .expect("read")
        .expect("an item");
    let own = bench
        .mailboxes
        .item("asha", &inbox, Uid(1))
        .await
        .expect("read")
        .expect("an item");
    assert_eq!(shown.body, own.body, "one body for all");

    // The body stays until the last of them is gone.
    for owner in ["asha", "ben"] {
        bench
            .mailboxes
            .remove(owner, &inbox, &uids(&[1]))
            .await
            .expect("removed");
    }
    assert_eq!(bench.items("Sent Items").await.len(), 1);
    bench
        .mailboxes
        .remove("asha", &name("Sent Items"), &uids(&[1]))
        .await
        .expect("removed");
    assert!(
        bench.text(&own.body).await.is_none(),
        "the body is gone with its last item"
    );
}

#[tokio::test]
async fn an_existing_body_can_be_filed_again_while_it_lasts() {
    let bench = Bench::new().await;
    bench.append("INBOX", "Subject: x\r\n\r\nx").await;
    let inbox = name("INBOX");
    let item = bench
        .mailboxes
        .item("asha", &inbox, Uid(1))
        .await
        .expect("read")
        .expect("an item");
    let again = || Content::Existing {
        body: item.body,
        summary: item.summary.clone(),
    };
    let date = Timestamp::from_millis(0);
    bench
        .mailboxes
        .append(target("ben", "INBOX"), again(), date)
        .await
        .expect("filed");
    bench
        .mailboxes
        .remove("asha", &inbox, &uids(&[1]))
        .await
        .expect("removed");
    assert_eq!(
        bench.text(&item.body).await.as_deref(),
        Some("Subject: x\r\n\r\nx")
    );
    bench
        .mailboxes
        .remove("ben", &inbox, &uids(&[1]))
        .await
        .expect("removed");
    let late = bench
        .mailboxes
        .append(target("ben", "INBOX"), again(), date)
        .await;
    assert!(late.is_err(), "{late:?}");
}

#[tokio::test]
async fn quota_refuses_and_can_be_passed_over() {
    let bench = Bench::new().await;
    bench
        .mailboxes
        .set_quota("asha", Some(10))
        .await
        .expect("set");
    bench.append("INBOX", "12345678").await;
    assert_eq!(
        bench.try_append("asha", "INBOX", "123").await,
        Err(MailboxError::OverQuota { quota_octets: 10 })
    );
    let mut allowed = target("asha", "INBOX");
    allowed.beyond_quota = true;
    let date = Timestamp::from_millis(0);
    bench
        .mailboxes
        .append(allowed, bench.content("123"), date)
        .await
        .expect("filed");
    let bench = bench.reopen().await;
    let usage = bench.mailboxes.usage("asha").await.expect("usage");
    assert_eq!((usage.octets, usage.quota_octets), (11, Some(10)));
    let inbox = bench
        .mailboxes
        .folder("asha", &name("INBOX"))
        .await
        .expect("INBOX");
    assert!(inbox.copy(&uids(&[1]), &name("Junk Email")).await.is_err());
    assert!(
        inbox
            .move_to(&uids(&[1]), &name("Junk Email"))
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn copies_and_moves_between_folders() {
    let bench = Bench::new().await;
    for text in ["1", "22", "333"] {
        bench.append("INBOX", text).await;
    }
    let inbox = bench
        .mailboxes
        .folder("asha", &name("INBOX"))
        .await
        .expect("INBOX");
    inbox
        .store_flags(&uids(&[2]), FlagChange::Replace(Flags::FLAGGED), None)
        .await
        .expect("stored");
    let sent = name("Sent Items");
    let copied = inbox.copy(&uids(&[3, 2, 9]), &sent).await.expect("copied");
    assert_eq!(copied.uids, [(Uid(2), Uid(1)), (Uid(3), Uid(2))]);
    let moved = inbox.move_to(&uids(&[1]), &sent).await.expect("moved");
    assert_eq!(moved.uids, [(Uid(1), Uid(3))]);
    assert_eq!(moved.uid_validity, copied.uid_validity);
    assert_eq!(
        inbox
            .move_to(&uids(&[1]), &sent)
            .await
            .expect("nothing")
            .uids,
        []
    );
    // Into the folder itself: new UIDs, nothing lost.
    inbox
        .move_to(&uids(&[2]), &name("INBOX"))
        .await
        .expect("moved");
    inbox
        .copy(&uids(&[3]), &name("INBOX"))
        .await
        .expect("copied");

    let bench = bench.reopen().await;
    assert_eq!(bench.uids("INBOX").await, [3, 4, 5]);
    let sent = bench.items("Sent Items").await;
    assert_eq!(
        sent,
        [
            (1, Flags::FLAGGED, "22".to_owned()),
            (2, Flags::NONE, "333".to_owned()),
            (3, Flags::NONE, "1".to_owned())
        ]
    );
    let usage = bench.mailboxes.usage("asha").await.expect("usage");
    assert_eq!((usage.items, usage.octets), (6, 14));
    let no_such = bench
        .mailboxes
        .folder("asha", &name("INBOX"))
        .await
        .expect("INBOX")
        .copy(&uids(&[3]), &name("Nowhere"))
        .await;
    assert_eq!(no_such, Err(MailboxError::NoFolder));
}

#[tokio::test]
async fn status_counts() {
    let bench = Bench::new().await;
    for text in ["1", "22", "333"] {
        bench.append("INBOX", text).await;
    }
    let inbox = bench
        .mailboxes
        .folder("asha", &name("INBOX"))
        .await
        .expect("INBOX");
    inbox
        .store_flags(&uids(&[1, 2]), FlagChange::Add(Flags::SEEN), None)
        .await
        .expect("stored");
    inbox
        .store_flags(&uids(&[1]), FlagChange::Remove(Flags::SEEN), None)
        .await
        .expect("stored");
    inbox
        .store_flags(&uids(&[2]), FlagChange::Add(Flags::DELETED), None)
        .await
        .expect("stored");
    assert_eq!(inbox.deleted(), uids(&[2]));
    assert_eq!(inbox.expunge(&uids(&[1, 2, 3])).await, Ok(1));
    let status = bench
        .mailboxes
        .status("asha", &name("INBOX"))
        .await
        .expect("status");
    assert_eq!((status.items, status.unseen, status.octets), (2, 2, 4));
    assert_eq!((status.uid_next, status.recent), (4, 2));
}

#[tokio::test]
async fn lists_the_newest_first_by_pages() {
    let bench = Bench::new().await;
    for number in 1..=5 {
        let text = format!(
            "Message-ID: <{number}@northmoor.example>\r\nFrom: a@northmoor.example\r\n\
             Subject: n {number}\r\n\r\n"
        );
        bench.append("INBOX", &text).await;
    }
    let inbox = name("INBOX");
    let m = &bench.mailboxes;
    let page = |before| async move {
        m.list("asha", &name("INBOX"), before, 2)
            .await
            .expect("a page")
    };
    let mut subjects = Vec::new();
    let mut before = None;
    loop {
        let items = page(before).await;
        let Some(last) = items.last() else { break };
        before = Some(last.uid);
        subjects.extend(items.into_iter().map(|item| item.summary.subject));
    }
    assert_eq!(subjects, ["n 5", "n 4", "n 3", "n 2", "n 1"]);
    let found = m
        .find_by_message_id("asha", &inbox, "<4@northmoor.example>")
        .await
        .expect("read");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].uid, Uid(4));
    assert!(
        m.find_by_message_id("asha", &inbox, "<9@northmoor.example>")
            .await
            .expect("read")
            .is_empty()
    );
    assert!(
        m.item("asha", &inbox, Uid(9))
            .await
            .expect("read")
            .is_none()
    );
}

#[tokio::test]
async fn a_mailbox_is_made_once_and_deleted_whole() {
    let bench = Bench::new().await;
    bench.append("INBOX", "1").await;
    let made = bench
        .mailboxes
        .create(vec![mailbox("asha", &[]), mailbox("cara", &[])])
        .await;
    assert_eq!(made, Ok(1));
    assert_eq!(bench.uids("INBOX").await, [1]);
    bench.mailboxes.delete("asha").await.expect("deleted");
    assert_eq!(bench.mailboxes.exists("asha").await, Ok(false));
    let bench = bench.reopen().await;
    assert_eq!(bench.mailboxes.exists("asha").await, Ok(false));
    assert_eq!(bench.mailboxes.exists("cara").await, Ok(true));
    assert_eq!(
        bench.mailboxes.folders("asha").await,
        Err(MailboxError::NoMailbox)
    );
}

#[tokio::test]
async fn keywords_keep_their_places() {
    let bench = Bench::new().await;
    let add = |names: &[&str]| {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        bench.mailboxes.add_keywords("asha", names)
    };
    let long = "x".repeat(KEYWORD_OCTETS_MAX + 1);
    assert_eq!(
        add(&["$Urgent", "later", &long]).await.expect("added"),
        ["$Urgent", "later"]
    );
    assert_eq!(
        add(&["LATER", "third"]).await.expect("added"),
        ["$Urgent", "later", "third"]
    );
    let many: Vec<String> = (0..KEYWORDS_MAX).map(|n| format!("k{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let all = add(&many).await.expect("added");
    assert_eq!(all.len(), KEYWORDS_MAX, "no more than there are places");
    assert_eq!(bench.mailboxes.keywords("asha").await, Ok(all));
    bench.append("INBOX", "1").await;
    let inbox = bench
        .mailboxes
        .folder("asha", &name("INBOX"))
        .await
        .expect("INBOX");
    let later = Flags::keyword(1).expect("a place");
    inbox
        .store_flags(&uids(&[1]), FlagChange::Add(later), None)
        .await
        .expect("stored");
    drop(inbox);
    assert_eq!(bench.items("INBOX").await[0].1, later);
}
