//! A source that holds what it is given: for the tests and for the example.

#![allow(dead_code, reason = "the tests and the example each use a part")]

use std::sync::Mutex;

use bytes::Bytes;
use mailward_console::view::{
    AccountFilter, AccountKind, AccountState, AccountView, Action, ControlAct, ControlDone,
    ControlView, Cursor, Decision, FolderView, GatewayOverview, ItemKey, ItemRow, MailboxFilter,
    MailboxView, MessageFilter, MessageRow, MessageView, OldestView, Overview, Page, RecipientView,
    RecipientsSummary, ServiceEvent, ServiceEventFilter, ServiceEventPage, Status, StoreHealth,
    TwinOverview, VerdictView,
};
use mailward_console::{Answer, Content, Halves, Item, Source, SourceError};
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
    pub(crate) notice: Option<String>,
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
            notice: None,
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
            items: self
                .mailboxes
                .iter()
                .map(|mailbox| mailbox.account.items)
                .sum(),
            octets: self
                .mailboxes
                .iter()
                .map(|mailbox| mailbox.account.octets)
                .sum(),
            clock,
        });
        self
    }

    fn find(&self, account: &str) -> Result<&FakeMailbox, SourceError> {
        self.mailboxes
            .iter()
            .find(|mailbox| mailbox.account.address == account)
            .ok_or(SourceError::NotFound)
    }
}

impl Source for Fake {
    fn halves(&self) -> Halves {
        self.halves
    }

    fn notice(&self) -> Option<String> {
        self.notice.clone()
    }

    fn overview(&self) -> Answer<'_, Overview> {
        Box::pin(async { Ok(self.overview.clone()) })
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
            let rows: Vec<MessageRow> = self.messages.iter().filter(wanted).map(row).collect();
            Ok(page(rows, filter.cursor.as_ref(), filter.limit))
        })
    }

    fn message(&self, id: MessageId) -> Answer<'_, MessageView> {
        Box::pin(async move {
            let found = self.messages.iter().find(|message| message.id == id);
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
            if let Some(reason) = &self.conflict {
                return Err(SourceError::Conflict(reason.clone()));
            }
            self.message(id).await?;
            let mut acted = self.acted.lock().expect("no test panics with it");
            acted.push((id, action, who, why));
            Ok(())
        })
    }

    fn control(&self) -> Answer<'_, ControlView> {
        Box::pin(async { Ok(self.control.clone()) })
    }

    fn control_act(&self, act: ControlAct, who: String) -> Answer<'_, ControlDone> {
        Box::pin(async move {
            let mut acted = self.control_acted.lock().expect("no test panics with it");
            acted.push((act, who));
            Ok(ControlDone {
                moved: Some(1_234),
                ..ControlDone::default()
            })
        })
    }

    fn accounts(&self, filter: AccountFilter) -> Answer<'_, Page<AccountView>> {
        Box::pin(async move {
            let search = filter.search.as_deref().unwrap_or_default();
            let found = self
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
            let mailbox = self.find(&account)?;
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

    fn service_events(&self, filter: ServiceEventFilter) -> Answer<'_, ServiceEventPage> {
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
            let found = self.events.iter().filter(wanted).cloned().collect();
            Ok(ServiceEventPage {
                events: page(found, filter.cursor.as_ref(), filter.limit),
                protocols: vec!["imap".to_owned(), "submission".to_owned()],
            })
        })
    }

    fn item(&self, key: ItemKey) -> Answer<'_, Item> {
        Box::pin(async move {
            let folder = self.find(&key.account)?.folder(&key.folder)?;
            let item = folder.items.iter().find(|item| item.row.uid == key.uid);
            let item = item.ok_or(SourceError::NotFound)?;
            Ok(Item {
                received: item.row.received,
                octets: item.raw.len() as u64,
                flags: item.flags.clone(),
                content: Content::from_bytes(item.raw.clone()),
            })
        })
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
                throttled_until: None,
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
