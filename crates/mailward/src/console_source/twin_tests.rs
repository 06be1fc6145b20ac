//! The twin's half over a twin of the sample organisation.

use std::sync::Arc;

use mailward_console::view::{AccountFilter, AccountKind, Cursor, ItemKey, MailboxFilter};
use mailward_console::{Source, SourceError, World};
use mailward_mail::{Secret, Timestamp};
use mailward_mailbox::{Content, Flags, FolderName, Target};
use mailward_net::{SeededDice, ShiftedClock, SystemClock, Tasks};
use mailward_store::SystemDisk;
use mailward_testkit::{TestTls, ports};
use mailward_twin::{AsOf, Endpoints, OAuthClient, Twin, TwinOptions, WorldLimits};

use super::{ConsoleSource, TwinPart};
use crate::seed::Seed;

/// A twin of the sample organisation, of which only the mailboxes are used.
pub(super) async fn twin(dir: Option<&std::path::Path>, tls: &TestTls) -> Twin {
    let endpoints = Endpoints {
        submission: ports::ANY,
        high_sending: ports::ANY,
        relay: ports::ANY,
        imaps: ports::ANY,
        pop3s: ports::ANY,
        test_api: ports::ANY,
        dns: ports::ANY,
        https: ports::ANY,
        catch: None,
    };
    let twin = Twin::start(TwinOptions {
        dir: dir.map(ToOwned::to_owned),
        disk: Arc::new(SystemDisk),
        population: Seed::sample().population(),
        endpoints,
        identity: tls.identity().clone(),
        clock: Arc::new(ShiftedClock::new(Arc::new(SystemClock))),
        dice: Arc::new(SeededDice::new(1)),
        as_of: AsOf::GUIDE,
        rates: false,
        imap_in_full: false,
        breached: Arc::new(mailward_policy::password::CommonPasswords),
        tenant_id: "tenant".to_owned(),
        oauth_client: OAuthClient {
            client_id: "client".to_owned(),
            client_secret: Secret::new("secret"),
        },
        control_token: Secret::new("token"),
        authority: String::new(),
        limits: WorldLimits::default(),
        tasks: Tasks::new(),
    });
    twin.await.expect("a twin")
}

async fn file(twin: &Twin, owner: &str, folder: &str, flags: Flags, message: &str) -> u32 {
    let mut writer = twin.mailboxes.new_message();
    writer.write(message.as_bytes()).expect("room");
    let target = Target {
        owner: owner.to_owned(),
        folder: FolderName::parse(folder).expect("a name"),
        flags,
        beyond_quota: false,
    };
    let content = Content::New(writer.finish().expect("a message"));
    let at = Timestamp::parse("2026-11-21T09:30:00Z").expect("a time");
    twin.mailboxes
        .append(target, content, at)
        .await
        .expect("filed")
        .uid
        .0
}

pub(super) const ASHA: &str = "asha.sample@northmoor.example";

pub(super) fn source_of(twin: &Twin) -> ConsoleSource {
    ConsoleSource::new(None, Some(TwinPart::of(twin)))
}

pub(super) fn world_of(source: &ConsoleSource) -> Box<dyn World> {
    source.world(None).expect("the default world")
}

#[tokio::test]
async fn accounts_are_listed_by_address_and_found_by_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let twin = twin(Some(dir.path()), &TestTls::new()).await;
    file(&twin, ASHA, "INBOX", Flags::NONE, "Subject: One\r\n\r\n").await;
    let source = source_of(&twin);
    let mut filter = AccountFilter {
        search: None,
        cursor: None,
        limit: 4,
    };
    let world = world_of(&source);
    let first = world.accounts(filter.clone()).await.expect("a page");
    filter.cursor = first.next.clone();
    let second = world.accounts(filter).await.expect("a page");
    assert!(second.next.is_none());
    let all: Vec<_> = first.items.iter().chain(&second.items).collect();
    let addresses: Vec<_> = all.iter().map(|one| one.address.as_str()).collect();
    assert_eq!(
        addresses,
        [
            "appointments@northmoor.example",
            "asha.sample@northmoor.example",
            "grace.sample@northmoor.example",
            "held",
            "lab.alerts@northmoor.example",
            "outside",
            "quarantine",
            "tom.sample@northmoor.example",
        ]
    );
    let asha = all[1];
    assert_eq!(
        (asha.kind, asha.items, asha.unseen),
        (AccountKind::User, 1, 1)
    );

    let found = world.accounts(AccountFilter {
        search: Some("sample, TOM".to_owned()),
        cursor: None,
        limit: 4,
    });
    let found = found.await.expect("a page");
    assert_eq!(found.items.len(), 1);
    let overview = source.overview().await.expect("an overview");
    let totals = overview.twin.expect("the twin's half");
    assert_eq!((totals.accounts, totals.worlds), (5, 0));
    assert!(overview.gateway.is_none());
}

#[tokio::test]
async fn mailboxes_are_listed_page_by_page_and_items_read_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let twin = twin(Some(dir.path()), &TestTls::new()).await;
    let letter = "From: =?utf-8?q?K=C3=A4the?= <k@northmoor.example>\r\n\
                  To: Asha <asha.sample@northmoor.example>\r\nSubject: One\r\n\r\nHello.\r\n";
    let uid = file(&twin, ASHA, "INBOX", Flags::SEEN, letter).await;
    file(&twin, ASHA, "INBOX", Flags::FLAGGED, "Subject: Two\r\n\r\n").await;
    let clinics = FolderName::parse("INBOX/Clinics").expect("a name");
    twin.mailboxes
        .create_folder(ASHA, &clinics)
        .await
        .expect("made");
    let source = source_of(&twin);

    let world = world_of(&source);
    let open = |folder: Option<&str>, cursor: Option<Cursor>| {
        let folder = folder.map(str::to_owned);
        let filter = MailboxFilter {
            folder,
            cursor,
            limit: 1,
        };
        world.mailbox("ASHA.sample@northmoor.example".to_owned(), filter)
    };
    let view = open(None, None).await.expect("the inbox");
    assert_eq!(view.folder, "INBOX");
    let folders: Vec<_> = view
        .folders
        .iter()
        .map(|one| (one.label.as_str(), one.depth))
        .collect();
    assert_eq!(folders[..3], [("Inbox", 0), ("Clinics", 1), ("Archive", 0)]);
    let newest = view.items.items.first().expect("an item");
    assert_eq!(
        (newest.subject.as_deref(), newest.flagged, newest.seen),
        (Some("Two"), true, false)
    );
    let second = open(None, view.items.next).await.expect("the second page");
    let row = second.items.items.first().expect("an item");
    assert_eq!(row.from.as_deref(), Some("Käthe <k@northmoor.example>"));
    assert_eq!(
        row.to.as_deref(),
        Some("Asha <asha.sample@northmoor.example>")
    );
    assert!(second.items.next.is_none() && row.seen);

    let key = |folder: &str, uid| ItemKey {
        account: ASHA.to_owned(),
        folder: folder.to_owned(),
        uid,
    };
    let item = world.item(key("INBOX", uid)).await.expect("the item");
    assert_eq!(item.octets, letter.len() as u64);
    assert_eq!(item.flags, ["\\Seen"]);
    for missing in [key("INBOX", 99), key("Nowhere", uid), key("a*", uid)] {
        let found = world.item(missing.clone()).await;
        assert!(matches!(found, Err(SourceError::NotFound)), "{missing:?}");
    }
    for account in ["nobody@northmoor.example", "", "outside/.."] {
        let filter = MailboxFilter {
            folder: None,
            cursor: None,
            limit: 1,
        };
        let found = world.mailbox(account.to_owned(), filter).await;
        assert!(matches!(found, Err(SourceError::NotFound)), "{account}");
    }
}
