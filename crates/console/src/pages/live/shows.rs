//! What a page shows of what it hears, as pieces of the page itself.

use std::collections::{BTreeSet, HashMap};

use askama::Template;

use super::tell;
use crate::Console;
use crate::display;
use crate::links::WorldLinks;
use crate::pages::ROWS;
use crate::pages::mailbox::Folders;
use crate::pages::overview::TwinPart;
use crate::pages::rehearsal::FaultsTable;
use crate::source::SourceError;
use crate::view::{
    AccountState, AccountView, ItemKey, ItemRow, MailboxFilter, MailboxView, QuotaLevel,
    ServiceEvent, ServiceEventFilter, SessionFilter, SessionRow,
};
use crate::world::InWorld;

/// Rows that are sent at once; who missed more loads the page again.
const ROWS_AT_ONCE_MAX: usize = 100;

/// What a page shows of what it hears.
pub(super) enum Shows {
    Events(ServiceEventFilter),
    /// Those about this message.
    Trace(Option<u64>),
    Accounts,
    Mailbox(Mailbox),
    Sessions(Sessions),
    Faults {
        is_open: bool,
        csrf: String,
    },
    /// The twin's half of the overview, as it was sent last.
    Overview(String),
}

/// The newest items of one folder, and their rows as they were sent last.
pub(super) struct Mailbox {
    account: String,
    folder: String,
    /// The newest on the page.
    uid: u32,
    rows: HashMap<u32, String>,
}

/// The newest sessions, and their rows as they were sent last.
pub(super) struct Sessions {
    pub(super) filter: SessionFilter,
    rows: HashMap<String, String>,
}

impl Shows {
    pub(super) fn mailbox(account: String, folder: String, uid: u32) -> Self {
        Self::Mailbox(Mailbox {
            account,
            folder,
            uid,
            rows: HashMap::new(),
        })
    }

    pub(super) fn sessions(filter: SessionFilter) -> Self {
        Self::Sessions(Sessions {
            filter,
            rows: HashMap::new(),
        })
    }

    /// Whether it shows how things stand now, so that what happened on the way
    /// need not be heard one by one.
    pub(super) fn is_summary(&self) -> bool {
        matches!(self, Self::Sessions(_) | Self::Overview(_))
    }

    /// Takes note of what the page shows already.
    pub(super) async fn begin(
        &mut self,
        console: &Console,
        world: &InWorld,
    ) -> Result<(), SourceError> {
        let mut unsaid = String::new();
        match self {
            Self::Mailbox(mailbox) => {
                let (view, uid) = (mailbox.look(world).await?, mailbox.uid);
                mailbox.tell(&world.links, &view, &mut unsaid);
                mailbox.uid = uid;
                mailbox.rows.retain(|known, _| *known <= uid);
            }
            Self::Sessions(_) | Self::Overview(_) => {
                self.tell(console, world, &[], &mut unsaid).await?;
            }
            _ => {}
        }
        Ok(())
    }

    /// Writes what is new to the page since it was told last.
    pub(super) async fn tell(
        &mut self,
        console: &Console,
        world: &InWorld,
        heard: &[ServiceEvent],
        text: &mut String,
    ) -> Result<(), SourceError> {
        let (at, source) = (&world.links, &world.source);
        match self {
            Self::Events(filter) => {
                for row in heard.iter().filter(|event| filter.wants(event)) {
                    tell(text, "new", &html(&EventRow { at, row }));
                }
            }
            Self::Trace(message) => {
                let is_about = |event: &&ServiceEvent| event.message == *message;
                for row in heard.iter().filter(is_about) {
                    tell(text, "new", &html(&EventRow { at, row }));
                }
            }
            Self::Accounts => {
                let names = heard.iter().filter_map(|event| event.account.clone());
                let names: BTreeSet<String> = names.collect();
                for name in names.into_iter().take(ROWS_AT_ONCE_MAX) {
                    match source.account_row(name).await {
                        Ok(row) => tell(text, "patch", &html(&AccountRow { at, row: &row })),
                        // Somebody tried a name that is nobody's.
                        Err(SourceError::NotFound) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Self::Mailbox(mailbox) => {
                let is_theirs = |event: &ServiceEvent| {
                    let named = event.account.as_deref().unwrap_or_default();
                    named.eq_ignore_ascii_case(&mailbox.account)
                };
                if heard.iter().any(is_theirs) {
                    let view = mailbox.look(world).await?;
                    mailbox.tell(at, &view, text);
                }
            }
            Self::Sessions(sessions) => {
                let page = source.sessions(sessions.filter.clone()).await?;
                sessions.tell(at, &page.sessions.items, heard, text);
            }
            Self::Faults { is_open, csrf } => {
                let concerns = |event: &ServiceEvent| event.kind.contains("fault");
                if heard.is_empty() || heard.iter().any(concerns) {
                    let view = source.rehearsal().await?;
                    let table = FaultsTable {
                        at,
                        faults: &view.faults,
                        is_open: *is_open,
                        csrf,
                    };
                    tell(text, "patch", &html(&table));
                }
            }
            Self::Overview(sent) => {
                let Some(twin) = console.source.twin_overview().await? else {
                    return Ok(());
                };
                let part = html(&TwinPart { twin: &twin });
                if part != *sent {
                    tell(text, "patch", &part);
                    *sent = part;
                }
            }
        }
        Ok(())
    }
}

impl Mailbox {
    async fn look(&self, world: &InWorld) -> Result<MailboxView, SourceError> {
        let filter = MailboxFilter {
            folder: Some(self.folder.clone()),
            cursor: None,
            limit: ROWS,
        };
        world.source.mailbox(self.account.clone(), filter).await
    }

    fn tell(&mut self, at: &WorldLinks, view: &MailboxView, text: &mut String) {
        tell(text, "patch", &html(&Folders { at, mailbox: view }));
        self.tell_rows(at, &view.items.items, text);
    }

    /// The newest comes last, to lie on top.
    fn tell_rows(&mut self, at: &WorldLinks, items: &[ItemRow], text: &mut String) {
        let mut now = HashMap::with_capacity(items.len());
        for row in items.iter().rev() {
            let key = ItemKey {
                account: self.account.clone(),
                folder: self.folder.clone(),
                uid: row.uid,
            };
            let line = html(&ItemLine { at, key: &key, row });
            if row.uid > self.uid {
                tell(text, "new", &line);
            } else if self.rows.get(&row.uid).is_some_and(|sent| *sent != line) {
                tell(text, "patch", &line);
            }
            now.insert(row.uid, line);
        }
        // What is older than this page is only on another.
        let oldest = items.last().filter(|_| items.len() >= ROWS);
        let oldest = oldest.map_or(0, |row| row.uid);
        let known = self.rows.keys().filter(|uid| **uid >= oldest);
        for uid in known.filter(|uid| !now.contains_key(uid)) {
            tell(text, "gone", &format!("item-{uid}"));
        }
        let newest = items.first().map_or(0, |row| row.uid);
        self.uid = self.uid.max(newest);
        self.rows = now;
    }
}

impl Sessions {
    /// The newest comes last, to lie on top.
    fn tell(
        &mut self,
        at: &WorldLinks,
        rows: &[SessionRow],
        heard: &[ServiceEvent],
        text: &mut String,
    ) {
        let named: BTreeSet<&str> = heard
            .iter()
            .filter_map(|event| event.session.as_deref())
            .collect();
        let mut now = HashMap::with_capacity(rows.len());
        for row in rows.iter().rev() {
            let line = html(&SessionLine { at, row });
            let before = self.rows.get(&row.id);
            if before.is_none() {
                tell(text, "new", &line);
            }
            // What happened before the stream began is not known here.
            if before.is_some_and(|before| *before != line) || named.contains(row.id.as_str()) {
                tell(text, "patch", &line);
            }
            now.insert(row.id.clone(), line);
        }
        self.rows = now;
    }
}

#[derive(Template)]
#[template(path = "event_row.html")]
struct EventRow<'a> {
    at: &'a WorldLinks,
    row: &'a ServiceEvent,
}

#[derive(Template)]
#[template(path = "account_row.html")]
struct AccountRow<'a> {
    at: &'a WorldLinks,
    row: &'a AccountView,
}

#[derive(Template)]
#[template(path = "item_row.html")]
struct ItemLine<'a> {
    at: &'a WorldLinks,
    key: &'a ItemKey,
    row: &'a ItemRow,
}

#[derive(Template)]
#[template(path = "session_row.html")]
struct SessionLine<'a> {
    at: &'a WorldLinks,
    row: &'a SessionRow,
}

pub(super) fn html(page: &impl Template) -> String {
    page.render().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use mailward_mail::Timestamp;

    use super::*;

    fn item(uid: u32, seen: bool) -> ItemRow {
        ItemRow {
            uid,
            received: Timestamp::from_millis(0),
            from: None,
            to: None,
            subject: None,
            octets: 1,
            seen,
            flagged: false,
            answered: false,
        }
    }

    fn session(id: &str, ended: bool) -> SessionRow {
        SessionRow {
            id: id.to_owned(),
            protocol: "imap".to_owned(),
            peer: "127.0.0.1:1".to_owned(),
            begun: Timestamp::from_millis(0),
            ended: ended.then(|| Timestamp::from_millis(1)),
            tls: true,
            lines: 1,
            account: None,
            outcome: String::new(),
            is_bad: false,
        }
    }

    /// Event and row, as `new item-7`.
    fn told(text: &str, of: &str) -> Vec<String> {
        let events = text.split("event: ").skip(1);
        let told = events.map(|event| {
            let kind = event.lines().next().unwrap_or_default();
            let place = event.find(of).expect("a row");
            let row: String = event[place..]
                .chars()
                .take_while(|char| char.is_ascii_alphanumeric() || *char == '-')
                .collect();
            format!("{kind} {row}")
        });
        told.collect()
    }

    #[test]
    fn a_mailbox_tells_what_came_what_changed_and_what_went() {
        let Shows::Mailbox(mut mailbox) = Shows::mailbox("a".to_owned(), "INBOX".to_owned(), 2)
        else {
            panic!("no mailbox");
        };
        let at = WorldLinks::new(None);
        for (items, expected) in [
            (vec![item(2, false), item(1, false)], vec![]),
            (
                vec![
                    item(4, false),
                    item(3, false),
                    item(2, true),
                    item(1, false),
                ],
                vec!["patch item-2", "new item-3", "new item-4"],
            ),
            (
                vec![item(4, false), item(2, true)],
                vec!["gone item-1", "gone item-3"],
            ),
            (vec![item(4, false), item(2, true)], vec![]),
            (vec![], vec!["gone item-2", "gone item-4"]),
        ] {
            let mut text = String::new();
            mailbox.tell_rows(&at, &items, &mut text);
            let mut told = told(&text, "item-");
            if items.len() < 4 {
                told.sort_unstable();
            }
            assert_eq!(told, expected);
        }
        // What newer items push off the page has not gone.
        let many = |last: u32| {
            (last + 1 - ROWS as u32..=last)
                .rev()
                .map(|uid| item(uid, false))
        };
        mailbox.tell_rows(&at, &many(100).collect::<Vec<_>>(), &mut String::new());
        let mut text = String::new();
        mailbox.tell_rows(&at, &many(101).collect::<Vec<_>>(), &mut text);
        assert_eq!(told(&text, "item-"), ["new item-101"]);
    }

    #[test]
    fn sessions_tell_who_came_and_what_became_of_them() {
        let filter = SessionFilter {
            account: None,
            protocol: None,
            cursor: None,
            limit: ROWS,
        };
        let Shows::Sessions(mut sessions) = Shows::sessions(filter) else {
            panic!("no sessions");
        };
        let at = WorldLinks::new(None);
        let one = |ended| session("imap-1", ended);
        for (rows, expected) in [
            (vec![one(false)], vec!["new session-imap-1"]),
            (
                vec![session("imap-2", false), one(true)],
                vec!["patch session-imap-1", "new session-imap-2"],
            ),
            (vec![session("imap-2", false), one(true)], vec![]),
        ] {
            let mut text = String::new();
            sessions.tell(&at, &rows, &[], &mut text);
            assert_eq!(told(&text, "session-"), expected);
        }
    }
}
