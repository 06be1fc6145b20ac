//! The gateway's half over a small queue, the twin's over a twin of the sample
//! organisation.

use std::collections::BTreeMap;
use std::sync::Arc;

use mailward_console::view::{
    AccountFilter, AccountKind, Action, Cursor, Decision, ItemKey, MailboxFilter, MessageFilter,
    Status, StoreHealth,
};
use mailward_console::{Source, SourceError};
use mailward_gateway::deliver::{Alarm, Alarms};
use mailward_mail::{Secret, Timestamp};
use mailward_mailbox::{Content, Flags, FolderName, Target};
use mailward_net::{SeededDice, ShiftedClock, SystemClock, Tasks};
use mailward_queue::Credential;
use mailward_store::SystemDisk;
use mailward_testkit::{TestTls, ports};
use mailward_twin::{AsOf, Endpoints, OAuthClient, Twin, TwinOptions};

use super::{ConsoleSource, GatewayPart, TwinPart};
use crate::operator::testing::{Fixture, ROTA};
use crate::seed::Seed;

fn gateway(fixture: &Fixture) -> (ConsoleSource, Alarms) {
    let clock = fixture.clock.shared();
    let alarms = Alarms::new(Default::default(), BTreeMap::new(), clock, Tasks::new());
    let part = GatewayPart {
        queue: fixture.queue.clone(),
        config: Arc::new(fixture.config()),
        alarms: alarms.clone(),
    };
    (ConsoleSource::new(Some(part), None), alarms)
}

fn messages(search: Option<&str>, status: Option<Status>, limit: usize) -> MessageFilter {
    MessageFilter {
        status,
        search: search.map(str::to_owned),
        cursor: None,
        limit,
    }
}

#[tokio::test]
async fn messages_are_found_by_status_text_and_id() {
    let fixture = Fixture::new().await;
    let (source, _) = gateway(&fixture);
    let (tried, held, fresh) = (fixture.tried, fixture.held, fixture.fresh);
    let id = held.to_string();
    for (filter, expected) in [
        (messages(None, None, 10), vec![fresh, held, tried]),
        (messages(None, Some(Status::Held), 10), vec![held]),
        (messages(Some("ward2"), None, 10), vec![tried]),
        (messages(Some(&id), None, 10), vec![held]),
        (messages(Some(&id), Some(Status::Failed), 10), vec![]),
        (messages(Some("nobody"), None, 10), vec![]),
    ] {
        let page = source.messages(filter.clone()).await.expect("a page");
        let found: Vec<_> = page.items.iter().map(|row| row.id).collect();
        assert_eq!(found, expected, "{filter:?}");
    }
    let first = source.messages(messages(None, None, 2)).await.expect("a page");
    let filter = MessageFilter {
        cursor: first.next,
        ..messages(None, None, 2)
    };
    let second = source.messages(filter).await.expect("a page");
    let row = second.items.first().expect("the oldest");
    assert_eq!((row.id, row.status), (tried, Status::Deferred));
    assert_eq!(row.subject.as_deref(), Some("Rota für May"));
    assert_eq!((row.recipients.first.as_str(), row.recipients.count), ("ward1@northmoor.example", 2));
    assert!(second.next.is_none());
}

#[tokio::test]
async fn one_message_with_its_story() {
    let fixture = Fixture::new().await;
    let (source, _) = gateway(&fixture);
    let view = source.message(fixture.tried).await.expect("a message");
    assert_eq!(view.status, Status::Deferred);
    assert_eq!(view.from.as_deref(), Some("Käthe <rota@northmoor.example>"));
    assert_eq!(view.intake, "SMTP over TLS, signed in");
    let route = view.route.expect("a route");
    assert_eq!((route.name.as_str(), route.reason.as_str()), ("submission", "it is the route of rota@northmoor.example"));
    let waits = view.waits.expect("a reason");
    assert!(waits.reason.contains("432 4.3.2"), "{}", waits.reason);
    assert!(waits.until.is_some());
    let attempt = view.attempts.first().expect("an attempt");
    assert_eq!((attempt.recipients, attempt.result.as_str()), (2, "relayed, deferred"));
    assert_eq!(attempt.remote, "smtp.northmoor.example:587");
    assert_eq!(attempt.tls.as_ref().map(|tls| tls.version.as_str()), Some("TLS 1.3"));
    let titles: Vec<_> = view.timeline.iter().map(|event| event.title.as_str()).collect();
    assert_eq!(titles, ["Accepted", "Attempt 1 started", "Handed over", "Relayed", "Deferred"]);
    assert_eq!(view.timeline[4].recipient.as_deref(), Some("ward2@northmoor.example"));
    assert_eq!(view.actions, [Action::Retry, Action::Hold, Action::Cancel]);
    assert!(view.verdict.is_none());

    let held = source.message(fixture.held).await.expect("a message");
    let verdict = held.verdict.expect("findings");
    assert_eq!(verdict.decision, Decision::Hold);
    let rules: Vec<_> = verdict.findings.iter().map(|one| one.rule.as_str()).collect();
    assert_eq!(rules, ["date-present", "display-name-form"]);
    assert_eq!(held.actions, [Action::Release, Action::Cancel]);

    let unknown = fixture.queue.new_id();
    let missing = source.message(unknown).await;
    assert!(matches!(missing, Err(SourceError::NotFound)));
}

#[tokio::test]
async fn acts_are_done_in_the_users_name_or_refused_with_a_sentence() {
    let fixture = Fixture::new().await;
    let (source, _) = gateway(&fixture);
    let act = |id, action| source.act(id, action, "j.doe".to_owned());
    act(fixture.held, Action::Release).await.expect("released");
    act(fixture.fresh, Action::Hold).await.expect("held");
    act(fixture.tried, Action::Cancel).await.expect("cancelled");
    let again = act(fixture.tried, Action::Cancel).await;
    assert!(matches!(&again, Err(SourceError::Conflict(why)) if why.contains("can not be cancelled")), "{again:?}");
    let unknown = fixture.queue.new_id();
    assert!(matches!(act(unknown, Action::Retry).await, Err(SourceError::NotFound)));
    let view = source.message(fixture.fresh).await.expect("a message");
    let last = view.timeline.last().expect("an event");
    assert_eq!((last.title.as_str(), last.who.as_deref()), ("Held", Some("j.doe")));
}

#[tokio::test]
async fn the_overview_shows_counts_breakers_and_alarms() {
    let fixture = Fixture::new().await;
    let (source, alarms) = gateway(&fixture);
    alarms.raise(Alarm::new("authentication_refused", "refused").account(ROTA));
    let credential = Credential {
        account: ROTA.into(),
        name: "password".to_owned(),
        version: "1".to_owned(),
    };
    let reply = mailward_mail::Reply::status(535, 7, 3, "Authentication unsuccessful");
    fixture.queue.breaker_open(&credential, &reply).await.expect("opened");
    let overview = source.overview().await.expect("an overview");
    assert_eq!(overview.store, StoreHealth::Sound);
    assert_eq!(overview.alarms[0].title, "Authentication refused");
    assert!(overview.twin.is_none());
    let gateway = overview.gateway.expect("the gateway's half");
    let count = |status| gateway.counts.iter().find(|(one, _)| *one == status).map(|(_, count)| *count);
    for (status, expected) in [(Status::Relayed, 1), (Status::Deferred, 1), (Status::Held, 1), (Status::Incoming, 1), (Status::Failed, 0)] {
        assert_eq!(count(status), Some(expected), "{status:?}");
    }
    let oldest = gateway.oldest_waiting.expect("one waits");
    assert_eq!((oldest.id, oldest.status), (fixture.tried, Status::Deferred));
    let breaker = gateway.breakers_open.first().expect("a breaker");
    assert_eq!((breaker.account.as_str(), breaker.waiting), (ROTA, 2));
}

/// A twin of the sample organisation, of which only the mailboxes are used.
async fn twin(dir: &std::path::Path, tls: &TestTls) -> Twin {
    let endpoints = Endpoints {
        submission: ports::ANY,
        imaps: ports::ANY,
        https: ports::ANY,
    };
    let twin = Twin::start(TwinOptions {
        dir: dir.to_owned(),
        disk: Arc::new(SystemDisk),
        population: Seed::sample().population(),
        endpoints,
        identity: tls.identity().clone(),
        clock: Arc::new(ShiftedClock::new(Arc::new(SystemClock))),
        dice: Arc::new(SeededDice::new(1)),
        as_of: AsOf::GUIDE,
        rates: false,
        tenant_id: "tenant".to_owned(),
        oauth_client: OAuthClient {
            client_id: "client".to_owned(),
            client_secret: Secret::new("secret"),
        },
        control_token: Secret::new("token"),
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
    twin.mailboxes.append(target, content, at).await.expect("filed").uid.0
}

const ASHA: &str = "asha.sample@northmoor.example";

fn source_of(twin: &Twin) -> ConsoleSource {
    let part = TwinPart {
        accounts: twin.accounts.clone(),
        mailboxes: twin.mailboxes.clone(),
        store: twin.store.clone(),
        clock: Arc::new(SystemClock),
    };
    ConsoleSource::new(None, Some(part))
}

#[tokio::test]
async fn accounts_are_listed_by_address_and_found_by_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let twin = twin(dir.path(), &TestTls::new()).await;
    file(&twin, ASHA, "INBOX", Flags::NONE, "Subject: One\r\n\r\n").await;
    let source = source_of(&twin);
    let mut filter = AccountFilter {
        search: None,
        cursor: None,
        limit: 4,
    };
    let first = source.accounts(filter.clone()).await.expect("a page");
    filter.cursor = first.next.clone();
    let second = source.accounts(filter).await.expect("a page");
    assert!(second.next.is_none());
    let all: Vec<_> = first.items.iter().chain(&second.items).collect();
    let addresses: Vec<_> = all.iter().map(|one| one.address.as_str()).collect();
    let domain = "northmoor.example";
    let expected = ["appointments", "asha.sample", "grace.sample", "lab.alerts"].map(|name| format!("{name}@{domain}"));
    assert_eq!(addresses[..4], expected);
    assert_eq!(addresses[4..], ["outside", "tom.sample@northmoor.example"]);
    let asha = all[1];
    assert_eq!((asha.kind, asha.items, asha.unseen), (AccountKind::User, 1, 1));

    let found = source.accounts(AccountFilter {
        search: Some("sample, TOM".to_owned()),
        cursor: None,
        limit: 4,
    });
    let found = found.await.expect("a page");
    assert_eq!(found.items.len(), 1);
    let overview = source.overview().await.expect("an overview");
    let totals = overview.twin.expect("the twin's half");
    assert_eq!((totals.accounts, totals.items), (5, 1));
    assert!(overview.gateway.is_none());
}

#[tokio::test]
async fn mailboxes_are_listed_page_by_page_and_items_read_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let twin = twin(dir.path(), &TestTls::new()).await;
    let letter = "From: =?utf-8?q?K=C3=A4the?= <k@northmoor.example>\r\n\
                  To: Asha <asha.sample@northmoor.example>\r\nSubject: One\r\n\r\nHello.\r\n";
    let uid = file(&twin, ASHA, "INBOX", Flags::SEEN, letter).await;
    file(&twin, ASHA, "INBOX", Flags::FLAGGED, "Subject: Two\r\n\r\n").await;
    let clinics = FolderName::parse("INBOX/Clinics").expect("a name");
    twin.mailboxes.create_folder(ASHA, &clinics).await.expect("made");
    let source = source_of(&twin);

    let open = |folder: Option<&str>, cursor: Option<Cursor>| {
        let folder = folder.map(str::to_owned);
        let filter = MailboxFilter {
            folder,
            cursor,
            limit: 1,
        };
        source.mailbox("ASHA.sample@northmoor.example".to_owned(), filter)
    };
    let view = open(None, None).await.expect("the inbox");
    assert_eq!(view.folder, "INBOX");
    let folders: Vec<_> = view.folders.iter().map(|one| (one.label.as_str(), one.depth)).collect();
    assert_eq!(folders[..3], [("Inbox", 0), ("Clinics", 1), ("Archive", 0)]);
    let newest = view.items.items.first().expect("an item");
    assert_eq!((newest.subject.as_deref(), newest.flagged, newest.seen), (Some("Two"), true, false));
    let second = open(None, view.items.next).await.expect("the second page");
    let row = second.items.items.first().expect("an item");
    assert_eq!(row.from.as_deref(), Some("Käthe <k@northmoor.example>"));
    assert_eq!(row.to.as_deref(), Some("Asha <asha.sample@northmoor.example>"));
    assert!(second.items.next.is_none() && row.seen);

    let key = |folder: &str, uid| ItemKey {
        account: ASHA.to_owned(),
        folder: folder.to_owned(),
        uid,
    };
    let item = source.item(key("INBOX", uid)).await.expect("the item");
    assert_eq!(item.octets, letter.len() as u64);
    assert_eq!(item.flags, ["\\Seen"]);
    for missing in [key("INBOX", 99), key("Nowhere", uid), key("a*", uid)] {
        let found = source.item(missing.clone()).await;
        assert!(matches!(found, Err(SourceError::NotFound)), "{missing:?}");
    }
    for account in ["nobody@northmoor.example", "", "outside/.."] {
        let filter = MailboxFilter {
            folder: None,
            cursor: None,
            limit: 1,
        };
        let found = source.mailbox(account.to_owned(), filter).await;
        assert!(matches!(found, Err(SourceError::NotFound)), "{account}");
    }
}
