//! A source that holds what it is given: for the tests and for the example.

#![allow(dead_code, reason = "the tests and the example each use a part")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use mailward_console::view::{
    AccountAct, AccountDetail, AccountFilter, AccountKind, AccountState, AccountView, Action,
    ControlAct, ControlDone, ControlView, Cursor, Decision, FolderView, GatewayOverview, ItemKey,
    ItemRow, MailboxFilter, MailboxView, MessageFilter, MessageRow, MessageView, OldestView,
    Overview, Page, QuotaLevel, RecipientView, RecipientsSummary, RehearsalAct, RehearsalView,
    ServiceEvent, ServiceEventFilter, ServiceEventPage, SessionFilter, SessionPage, SessionView,
    Standing, Status, StoreHealth, TwinOverview, VerdictView, WorldAct, WorldFilter, WorldView,
    WorldsView,
};
use mailward_console::{Answer, Content, Halves, Item, Source, SourceError, World};
use mailward_mail::{MessageId, Timestamp};

/// A text that breaks out of whatever does not escape it, and its harmless
/// parts, by which a page that shows it is known.
pub(crate) const HOSTILE: &str =
    "</title></script><script>alert(1)</script>\"'><img src=x onerror=alert(1)>\u{202e}";

pub(crate) struct Fake {
    pub(crate) halves: Halves,
    pub(crate) overview: Overview,
    pub(crate) messages: Vec<MessageView>,
    pub(crate) mailboxes: Vec<FakeMailbox>,
    pub(crate) events: Vec<ServiceEvent>,
    pub(crate) acted: Mutex<Vec<Acted>>,
    /// What every action is answered with, instead of being done.
    pub(crate) conflict: Option<String>,
    pub(crate) control: ControlView,
    pub(crate) control_acted: Mutex<Vec<(ControlAct, String)>>,
    pub(crate) standing: Standing,
    pub(crate) detail: Option<AccountDetail>,
    pub(crate) sessions: Vec<SessionView>,
    pub(crate) rehearsal: RehearsalView,
    /// Beside the default one.
    pub(crate) worlds: Vec<WorldView>,
    /// What was done to accounts, in rehearsals and to worlds, as Debug has it,
    /// and by whom.
    pub(crate) twin_acted: Mutex<Vec<(String, String)>>,
    /// What pages hear, round by round; then nothing more.
    pub(crate) news: Mutex<VecDeque<Vec<ServiceEvent>>>,
}

/// The fake as a source: each world of it is the whole of it.
pub(crate) struct Shared(pub(crate) Arc<Fake>);

/// One world of it.
struct FakeWorld {
    fake: Arc<Fake>,
    name: Option<String>,
}

/// What was done, by whom and why.
type Acted = (MessageId, Action, String, Option<String>);

pub(crate) struct FakeMailbox {
    pub(crate) account: AccountView,
    pub(crate) folders: Vec<FakeFolder>,
}

pub(crate) struct FakeFolder {
    pub(crate) name: String,
    pub(crate) label: String,
    pub(crate) depth: usize,
    pub(crate) items: Vec<FakeItem>,
}

pub(crate) struct FakeItem {
    pub(crate) row: ItemRow,
    pub(crate) flags: Vec<String>,
    pub(crate) raw: Bytes,
}

impl Default for Fake {
    fn default() -> Self {
        Self {
            halves: Halves {
                gateway: true,
                twin: true,
            },
            overview: Overview {
                store: StoreHealth::Sound,
                alarms: Vec::new(),
                gateway: None,
                twin: None,
            },
            messages: Vec::new(),
            mailboxes: Vec::new(),
            events: Vec::new(),
            acted: Mutex::default(),
            control: ControlView::default(),
            control_acted: Mutex::default(),
            standing: Standing::default(),
            detail: None,
            sessions: Vec::new(),
            rehearsal: RehearsalView {
                now: Timestamp::from_millis(0),
                as_of: "2022-03-01".to_owned(),
                due: 0,
                modes: Vec::new(),
                faults: Vec::new(),
                scenarios: Vec::new(),
                changes: Vec::new(),
            },
            worlds: Vec::new(),
            twin_acted: Mutex::default(),
            news: Mutex::default(),
            conflict: None,
        }
    }
}

impl Fake {
    /// Fills the overview from what the fake holds.
    pub(crate) fn with_counts(mut self, clock: Timestamp) -> Self {
        let counts = Status::ALL.map(|status| {
            let count = self
                .messages
                .iter()
                .filter(|message| message.status == status);
            (status, count.count() as u64)
        });
        let oldest = self
            .messages
            .iter()
            .filter(|message| !message.actions.is_empty())
            .min_by_key(|message| message.accepted);
        self.overview.gateway = self.halves.gateway.then(|| GatewayOverview {
            counts: counts.to_vec(),
            oldest_waiting: oldest.map(|oldest| OldestView {
                id: oldest.id,
                accepted: oldest.accepted,
                status: oldest.status,
            }),
            breakers_open: Vec::new(),
            oldest_by_class: Vec::new(),
            paused: Vec::new(),
            diverted: Vec::new(),
            endings: Vec::new(),
            space: None,
            limits: Vec::new(),
        });
        self.overview.twin = self.halves.twin.then(|| TwinOverview {
            accounts: self.mailboxes.len() as u64,
            counts: vec![("Sign-ins", 1_234)],
            worlds: self.worlds.len() as u64,
            clock,
        });
        self
    }

    fn note(&self, act: impl std::fmt::Debug, who: String) -> Result<(), SourceError> {
        if let Some(reason) = &self.conflict {
            return Err(SourceError::Conflict(reason.clone()));
        }
        let mut acted = self.twin_acted.lock().expect("no test panics with it");
        acted.push((format!("{act:?}"), who));
        Ok(())
    }

    fn find(&self, account: &str) -> Result<&FakeMailbox, SourceError> {
        self.mailboxes
            .iter()
            .find(|mailbox| mailbox.account.address == account)
            .ok_or(SourceError::NotFound)
    }
}

impl Source for Shared {
    fn halves(&self) -> Halves {
        self.0.halves
    }

    fn overview(&self) -> Answer<'_, Overview> {
        Box::pin(async { Ok(self.0.overview.clone()) })
    }

    fn twin_overview(&self) -> Answer<'_, Option<TwinOverview>> {
        Box::pin(async { Ok(self.0.overview.twin.clone()) })
    }

    fn messages(&self, filter: MessageFilter) -> Answer<'_, Page<MessageRow>> {
        Box::pin(async move {
            let wanted = |message: &&MessageView| {
                let status = filter.status.is_none_or(|status| status == message.status);
                let search = filter.search.as_deref().is_none_or(|search| {
                    let texts = [Some(&message.application), message.subject.as_ref()];
                    texts
                        .into_iter()
                        .flatten()
                        .any(|text| text.contains(search))
                });
                status && search
            };
            let rows: Vec<MessageRow> = self.0.messages.iter().filter(wanted).map(row).collect();
            Ok(page(rows, filter.cursor.as_ref(), filter.limit))
        })
    }

    fn message(&self, id: MessageId) -> Answer<'_, MessageView> {
        Box::pin(async move {
            let found = self.0.messages.iter().find(|message| message.id == id);
            found.cloned().ok_or(SourceError::NotFound)
        })
    }

    fn act(
        &self,
        id: MessageId,
        action: Action,
        who: String,
        why: Option<String>,
    ) -> Answer<'_, ()> {
        Box::pin(async move {
            if let Some(reason) = &self.0.conflict {
                return Err(SourceError::Conflict(reason.clone()));
            }
            self.message(id).await?;
            let mut acted = self.0.acted.lock().expect("no test panics with it");
            acted.push((id, action, who, why));
            Ok(())
        })
    }

    fn control(&self) -> Answer<'_, ControlView> {
        Box::pin(async { Ok(self.0.control.clone()) })
    }

    fn control_act(&self, act: ControlAct, who: String) -> Answer<'_, ControlDone> {
        Box::pin(async move {
            let mut acted = self.0.control_acted.lock().expect("no test panics with it");
            acted.push((act, who));
            Ok(ControlDone {
                moved: Some(1_234),
                ..ControlDone::default()
            })
        })
    }

    fn world(&self, name: Option<&str>) -> Result<Box<dyn World>, SourceError> {
        let is_there = |name: &str| self.0.worlds.iter().any(|one| one.world.name == name);
        if name.is_some_and(|name| !is_there(name)) {
            return Err(SourceError::NotFound);
        }
        Ok(Box::new(FakeWorld {
            fake: self.0.clone(),
            name: name.map(str::to_owned),
        }))
    }

    fn worlds(&self, filter: WorldFilter) -> Answer<'_, WorldsView> {
        Box::pin(async move {
            let rows = self.0.worlds.iter().map(|one| one.world.clone()).collect();
            Ok(WorldsView {
                worlds: page(rows, filter.cursor.as_ref(), filter.limit),
                count: self.0.worlds.len() as u64,
                octets: 2_048,
            })
        })
    }

    fn world_view(&self, name: String) -> Answer<'_, WorldView> {
        Box::pin(async move {
            let found = self.0.worlds.iter().find(|one| one.world.name == name);
            found.cloned().ok_or(SourceError::NotFound)
        })
    }

    fn world_act(&self, act: WorldAct, who: String) -> Answer<'_, ()> {
        Box::pin(async move { self.0.note(act, who) })
    }
}

impl World for FakeWorld {
    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn standing(&self) -> Standing {
        self.fake.standing.clone()
    }

    fn accounts(&self, filter: AccountFilter) -> Answer<'_, Page<AccountView>> {
        Box::pin(async move {
            let search = filter.search.as_deref().unwrap_or_default();
            let found = self
                .fake
                .mailboxes
                .iter()
                .map(|mailbox| mailbox.account.clone())
                .filter(|account| account.address.contains(search))
                .collect();
            Ok(page(found, filter.cursor.as_ref(), filter.limit))
        })
    }

    fn mailbox(&self, account: String, filter: MailboxFilter) -> Answer<'_, MailboxView> {
        Box::pin(async move {
            let mailbox = self.fake.find(&account)?;
            let folder = filter.folder.unwrap_or_else(|| "Inbox".to_owned());
            let open = mailbox.folder(&folder)?;
            let rows = open.items.iter().map(|item| item.row.clone()).collect();
            Ok(MailboxView {
                account: mailbox.account.clone(),
                folders: mailbox.folders.iter().map(FakeFolder::view).collect(),
                items: page(rows, filter.cursor.as_ref(), filter.limit),
                folder,
            })
        })
    }

    fn events(&self, filter: ServiceEventFilter) -> Answer<'_, ServiceEventPage> {
        Box::pin(async move {
            let wanted = |event: &&ServiceEvent| {
                let protocol = filter.protocol.as_deref();
                let account = filter.account.as_deref().unwrap_or_default();
                protocol.is_none_or(|protocol| event.protocol == protocol)
                    && event
                        .account
                        .as_deref()
                        .unwrap_or_default()
                        .contains(account)
                    && (!filter.refusals || event.behaviour.is_some())
            };
            let found = self.fake.events.iter().filter(wanted).cloned().collect();
            Ok(ServiceEventPage {
                events: page(found, filter.cursor.as_ref(), filter.limit),
                protocols: vec!["imap".to_owned(), "submission".to_owned()],
            })
        })
    }

    fn item(&self, key: ItemKey) -> Answer<'_, Item> {
        Box::pin(async move {
            let folder = self.fake.find(&key.account)?.folder(&key.folder)?;
            let item = folder.items.iter().find(|item| item.row.uid == key.uid);
            let item = item.ok_or(SourceError::NotFound)?;
            Ok(Item {
                received: item.row.received,
                octets: item.raw.len() as u64,
                flags: item.flags.clone(),
                message: Some(u64::from(item.row.uid)),
                content: Content::from_bytes(item.raw.clone()),
            })
        })
    }

    fn account_row(&self, account: String) -> Answer<'_, AccountView> {
        Box::pin(async move { Ok(self.fake.find(&account)?.account.clone()) })
    }

    fn account(&self, account: String) -> Answer<'_, AccountDetail> {
        Box::pin(async move {
            let found = self.fake.detail.clone();
            found
                .filter(|detail| detail.account.address == account)
                .ok_or(SourceError::NotFound)
        })
    }

    fn account_act(&self, account: String, act: AccountAct, who: String) -> Answer<'_, ()> {
        Box::pin(async move { self.fake.note((account, act), who) })
    }

    fn trace(&self, named: String) -> Answer<'_, Vec<ServiceEvent>> {
        let about = |event: &&ServiceEvent| {
            let number = event.message.map(|number| number.to_string());
            number.as_deref() == Some(&named) || event.message_id.as_ref() == Some(&named)
        };
        let found = self.fake.events.iter().rev().filter(about);
        let found = found.cloned().collect();
        Box::pin(async move { Ok(found) })
    }

    fn latest_event(&self) -> u64 {
        7
    }

    fn hear(&self, _: u64) -> Answer<'_, Vec<ServiceEvent>> {
        Box::pin(async move {
            let mut news = self.fake.news.lock().expect("no test panics with it");
            let heard = news.pop_front();
            heard.ok_or_else(|| SourceError::Unavailable("That was all.".to_owned()))
        })
    }

    fn sessions(&self, filter: SessionFilter) -> Answer<'_, SessionPage> {
        Box::pin(async move {
            let account = filter.account.as_deref().unwrap_or_default();
            let rows = self.fake.sessions.iter().map(|one| one.session.clone());
            let found =
                rows.filter(|row| row.account.as_deref().unwrap_or_default().contains(account));
            Ok(SessionPage {
                sessions: page(found.collect(), filter.cursor.as_ref(), filter.limit),
                protocols: vec!["imap".to_owned(), "catch".to_owned()],
            })
        })
    }

    fn session(&self, id: String, cursor: Option<Cursor>, limit: usize) -> Answer<'_, SessionView> {
        Box::pin(async move {
            let mut sessions = self.fake.sessions.iter();
            let found = sessions.find(|one| one.session.id == id);
            let mut view = found.cloned().ok_or(SourceError::NotFound)?;
            view.lines = page(view.lines.items, cursor.as_ref(), limit);
            Ok(view)
        })
    }

    fn rehearsal(&self) -> Answer<'_, RehearsalView> {
        Box::pin(async { Ok(self.fake.rehearsal.clone()) })
    }

    fn rehearse(&self, act: RehearsalAct, who: String) -> Answer<'_, ()> {
        Box::pin(async move { self.fake.note(act, who) })
    }
}

impl FakeMailbox {
    /// A mailbox with an inbox of these messages, the last the newest.
    pub(crate) fn new(address: &str, inbox: Vec<FakeItem>) -> Self {
        Self {
            account: AccountView {
                address: address.to_owned(),
                display_name: None,
                kind: AccountKind::User,
                state: AccountState::Active,
                items: inbox.len() as u64,
                unseen: inbox.iter().filter(|item| !item.row.seen).count() as u64,
                octets: inbox.iter().map(|item| item.row.octets).sum(),
                quota_octets: None,
                quota: QuotaLevel::Room,
                throttled_until: None,
                is_expired: false,
                must_change: false,
                is_blocked: false,
                off: Vec::new(),
                is_account: true,
            },
            folders: vec![FakeFolder {
                name: "Inbox".to_owned(),
                label: "Inbox".to_owned(),
                depth: 0,
                items: inbox,
            }],
        }
    }

    fn folder(&self, name: &str) -> Result<&FakeFolder, SourceError> {
        let found = self.folders.iter().find(|folder| folder.name == name);
        found.ok_or(SourceError::NotFound)
    }
}

impl FakeFolder {
    fn view(&self) -> FolderView {
        FolderView {
            name: self.name.clone(),
            label: self.label.clone(),
            depth: self.depth,
            items: self.items.len() as u64,
            unseen: self.items.iter().filter(|item| !item.row.seen).count() as u64,
        }
    }
}

impl FakeItem {
    pub(crate) fn new(uid: u32, received: Timestamp, subject: &str, raw: impl Into<Bytes>) -> Self {
        let raw = raw.into();
        Self {
            row: ItemRow {
                uid,
                received,
                from: Some("clinic@northmoor.example".to_owned()),
                to: Some("ward7@northmoor.example".to_owned()),
                subject: Some(subject.to_owned()),
                octets: raw.len() as u64,
                seen: false,
                flagged: false,
                answered: false,
            },
            flags: Vec::new(),
            raw,
        }
    }
}

/// A message that was accepted and now waits for its recipients.
pub(crate) fn message(id: MessageId, accepted: Timestamp, subject: &str) -> MessageView {
    MessageView {
        id,
        accepted,
        status: Status::Deferred,
        subject: Some(subject.to_owned()),
        from: Some("Clinic letters <clinic@northmoor.example>".to_owned()),
        message_id: Some("<1@northmoor.example>".to_owned()),
        reverse_path: "clinic@northmoor.example".to_owned(),
        octets: 4096,
        application: "clinic-letters".to_owned(),
        intake: "SMTP with STARTTLS".to_owned(),
        data_class: Some("OFFICIAL".to_owned()),
        patient_data: Some(false),
        account: Some("clinic@northmoor.example".to_owned()),
        route: None,
        deadline: None,
        send_at: None,
        hurry: "routine".to_owned(),
        verdict: Some(VerdictView {
            decision: Decision::Accept,
            findings: Vec::new(),
        }),
        waits: None,
        recipients: vec![recipient("ward7@northmoor.example", Status::Deferred)],
        recipients_left_out: 0,
        attempts: Vec::new(),
        timeline: Vec::new(),
        actions: vec![Action::Retry, Action::Hold, Action::Cancel],
    }
}

pub(crate) fn recipient(address: &str, status: Status) -> RecipientView {
    RecipientView {
        address: address.to_owned(),
        status,
        attempts: 1,
        last_reply: None,
        next_attempt: None,
    }
}

fn row(message: &MessageView) -> MessageRow {
    MessageRow {
        id: message.id,
        accepted: message.accepted,
        application: message.application.clone(),
        from: message.reverse_path.clone(),
        recipients: RecipientsSummary {
            first: message.recipients[0].address.clone(),
            count: message.recipients.len() + message.recipients_left_out,
        },
        subject: message.subject.clone(),
        status: message.status,
    }
}

/// Cursors are places in the list, as text.
fn page<T>(all: Vec<T>, cursor: Option<&Cursor>, limit: usize) -> Page<T> {
    let start: usize = cursor.map_or(0, |cursor| cursor.as_str().parse().unwrap_or(0));
    let count = all.len();
    let at = |place: usize| Cursor::new(place.to_string());
    Page {
        items: all.into_iter().skip(start).take(limit).collect(),
        previous: (start > 0).then(|| at(start.saturating_sub(limit))),
        next: (start + limit < count).then(|| at(start + limit)),
    }
}
