//! The tree of folders, and that it is still so after a restart.

use mailward_mailbox::MailboxError;

use super::support::{Bench, name};

async fn names(bench: &Bench) -> Vec<String> {
    let folders = bench.mailboxes.folders("asha").await.expect("folders");
    folders
        .iter()
        .map(|folder| {
            let children = if folder.has_children { "+" } else { "" };
            let gone = if folder.selectable { "" } else { "!" };
            format!("{}{children}{gone}", folder.name)
        })
        .collect()
}

#[tokio::test]
async fn folders_are_made_renamed_and_deleted() {
    let bench = Bench::new().await;
    let m = &bench.mailboxes;
    assert_eq!(
        names(&bench).await,
        [
            "INBOX",
            "Junk Email",
            "Projects+",
            "Projects/2026",
            "Sent Items"
        ]
    );
    m.create_folder("asha", &name("Projects/2026/May"))
        .await
        .expect("made");
    assert_eq!(
        m.create_folder("asha", &name("Projects")).await,
        Err(MailboxError::FolderExists)
    );
    bench.append("Projects/2026", "kept").await;
    m.rename_folder("asha", &name("Projects/2026"), &name("Old/26"))
        .await
        .expect("renamed");
    assert_eq!(bench.items("Old/26").await.len(), 1);
    for (from, to, error) in [
        ("Old", "Old/26/x", MailboxError::FolderExists),
        ("Old", "Projects", MailboxError::FolderExists),
        ("Nowhere", "There", MailboxError::NoFolder),
        ("Sent Items", "Sent", MailboxError::PermanentFolder),
    ] {
        assert_eq!(
            m.rename_folder("asha", &name(from), &name(to)).await,
            Err(error),
            "{from}"
        );
    }
    m.delete_folder("asha", &name("Old/26"))
        .await
        .expect("deleted");
    assert_eq!(
        m.delete_folder("asha", &name("Old/26")).await,
        Err(MailboxError::NotSelectable)
    );
    assert_eq!(
        bench.try_append("asha", "Old/26", "x").await,
        Err(MailboxError::NotSelectable)
    );
    for error in [
        m.delete_folder("asha", &name("INBOX")).await,
        m.delete_folder("asha", &name("Junk Email")).await,
    ] {
        assert_eq!(error, Err(MailboxError::PermanentFolder));
    }
    assert_eq!(
        names(&bench).await,
        [
            "INBOX",
            "Junk Email",
            "Old+",
            "Old/26+!",
            "Old/26/May",
            "Projects",
            "Sent Items"
        ]
    );
    m.delete_folder("asha", &name("Old/26/May"))
        .await
        .expect("deleted");
    m.delete_folder("asha", &name("Projects"))
        .await
        .expect("deleted");
    m.create_folder("asha", &name("Old/26"))
        .await
        .expect("made selectable again");
    let usage = m.usage("asha").await.expect("usage");
    assert_eq!((usage.items, usage.octets), (0, 0));
    let bench = bench.reopen().await;
    assert_eq!(
        names(&bench).await,
        ["INBOX", "Junk Email", "Old+", "Old/26", "Sent Items"]
    );
}

#[tokio::test]
async fn renaming_the_inbox_moves_its_items() {
    let bench = Bench::new().await;
    bench.append("INBOX", "1").await;
    bench
        .mailboxes
        .rename_folder("asha", &name("INBOX"), &name("Was"))
        .await
        .expect("renamed");
    assert_eq!(bench.uids("INBOX").await, [0; 0]);
    assert_eq!(bench.items("Was").await.len(), 1);
}

#[tokio::test]
async fn a_folder_made_again_has_another_uid_validity() {
    let bench = Bench::new().await;
    let m = &bench.mailboxes;
    let old = m
        .status("asha", &name("Projects/2026"))
        .await
        .expect("status");
    m.delete_folder("asha", &name("Projects/2026"))
        .await
        .expect("deleted");
    let bench = bench.reopen().await;
    let m = &bench.mailboxes;
    m.create_folder("asha", &name("Projects/2026"))
        .await
        .expect("made");
    let new = m
        .status("asha", &name("Projects/2026"))
        .await
        .expect("status");
    assert!(new.uid_validity > old.uid_validity, "{new:?} {old:?}");
}

#[tokio::test]
async fn subscriptions_stand_for_themselves() {
    let bench = Bench::new().await;
    let m = &bench.mailboxes;
    m.subscribe("asha", &name("Not There"), true)
        .await
        .expect("subscribed");
    m.subscribe("asha", &name("Not There"), true)
        .await
        .expect("again");
    m.subscribe("asha", &name("Junk Email"), false)
        .await
        .expect("unsubscribed");
    let bench = bench.reopen().await;
    let subscribed = bench.mailboxes.subscriptions("asha").await.expect("read");
    let subscribed: Vec<&str> = subscribed.iter().map(|name| name.as_str()).collect();
    assert_eq!(
        subscribed,
        ["INBOX", "Not There", "Projects/2026", "Sent Items"]
    );
}
