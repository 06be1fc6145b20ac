//! Mailboxes of one engine, with a few folders.

use std::path::Path;
use std::sync::Arc;

use mailward_mail::time::Waiting;
use mailward_mail::{Clock, Timestamp};
use mailward_mailbox::{
    Appended, Content, Flags, FolderName, GONE_SCHEMA, KEYWORDS_SCHEMA, MailboxError, Mailboxes,
    MemoryLimit, NewFolder, NewMailbox, SCHEMA, Target, Uid,
};
use mailward_store::{BodyRef, Options, Schema, Store};
use tempfile::TempDir;

use super::ENGINE;
use crate::Engine;

#[derive(Debug)]
pub(crate) struct Standing;

impl Clock for Standing {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000)
    }

    fn wait_until(&self, _: Timestamp) -> Waiting {
        Box::pin(std::future::pending())
    }
}

pub(crate) struct Bench {
    /// Of the engine that has one.
    store: Option<(TempDir, Store)>,
    pub(crate) mailboxes: Mailboxes,
}

impl Bench {
    /// With one mailbox, `asha`, that has a few folders.
    pub(crate) async fn new() -> Self {
        let (store, mailboxes) = match ENGINE {
            Engine::Store => {
                let dir = tempfile::tempdir().expect("a folder");
                let (store, mailboxes) = open(dir.path());
                (Some((dir, store)), mailboxes)
            }
            Engine::Memory => {
                let limit = MemoryLimit::new(1 << 30);
                (None, Mailboxes::in_memory(limit, Arc::new(Standing)))
            }
        };
        let folders = ["Sent Items", "Junk Email", "Projects/2026"];
        let made = mailboxes
            .create(vec![mailbox("asha", &folders), mailbox("ben", &[])])
            .await
            .expect("mailboxes");
        assert_eq!(made, 2);
        Self { store, mailboxes }
    }

    /// On mailboxes that are there already.
    #[allow(dead_code, reason = "only mailboxes in memory are made from others")]
    pub(crate) fn on(mailboxes: Mailboxes) -> Self {
        Self {
            store: None,
            mailboxes,
        }
    }

    /// As after a restart, or in a fork.
    pub(crate) async fn reopen(self) -> Self {
        let Some((dir, store)) = self.store else {
            let image = self.mailboxes.image().expect("in memory");
            return Self {
                store: None,
                mailboxes: Mailboxes::from_image(&image, Arc::new(Standing)),
            };
        };
        drop(self.mailboxes);
        store.close().await;
        let (store, mailboxes) = open(dir.path());
        Self {
            store: Some((dir, store)),
            mailboxes,
        }
    }

    pub(crate) async fn append(&self, folder: &str, text: &str) -> Appended {
        self.try_append("asha", folder, text)
            .await
            .expect("appended")
    }

    pub(crate) async fn try_append(
        &self,
        owner: &str,
        folder: &str,
        text: &str,
    ) -> Result<Appended, MailboxError> {
        let date = Timestamp::from_millis(1_795_000_000_000);
        self.mailboxes
            .append(target(owner, folder), self.content(text), date)
            .await
    }

    pub(crate) fn content(&self, text: &str) -> Content {
        let mut message = self.mailboxes.new_message();
        message.write(text.as_bytes()).expect("written");
        Content::New(message.finish().expect("finished"))
    }

    /// UID, flags and text of all items, as a fresh reader finds them.
    pub(crate) async fn items(&self, folder: &str) -> Vec<(u32, Flags, String)> {
        let folder = self
            .mailboxes
            .folder("asha", &name(folder))
            .await
            .expect("a folder");
        let mut items = Vec::new();
        for item in folder.items() {
            let text = self.text(&item.body).await.expect("readable");
            assert_eq!(item.octets(), text.len() as u64);
            items.push((item.uid.0, item.flags, text));
        }
        items
    }

    /// The body's text, if there is such a body.
    pub(crate) async fn text(&self, body: &BodyRef) -> Option<String> {
        let text = self
            .mailboxes
            .read_body(body)
            .ok()?
            .all(1 << 20)
            .await
            .ok()?;
        Some(String::from_utf8_lossy(&text).into_owned())
    }

    pub(crate) async fn uids(&self, folder: &str) -> Vec<u32> {
        let items = self.items(folder).await;
        items.into_iter().map(|(uid, _, _)| uid).collect()
    }
}

fn open(dir: &Path) -> (Store, Mailboxes) {
    let schema = Schema {
        name: "mailboxes",
        migrations: &[SCHEMA, KEYWORDS_SCHEMA, GONE_SCHEMA],
    };
    let store = Store::open(Options::new(dir, schema)).expect("a store");
    let mailboxes = Mailboxes::open(store.clone(), Arc::new(Standing));
    (store, mailboxes)
}

pub(crate) fn mailbox(owner: &str, folders: &[&str]) -> NewMailbox {
    NewMailbox {
        owner: owner.to_owned(),
        quota_octets: None,
        folders: folders
            .iter()
            .map(|folder| NewFolder {
                name: name(folder),
                permanent: *folder != "Projects/2026",
                subscribed: true,
            })
            .collect(),
    }
}

pub(crate) fn target(owner: &str, folder: &str) -> Target {
    Target {
        owner: owner.to_owned(),
        folder: name(folder),
        flags: Flags::NONE,
        beyond_quota: false,
    }
}

pub(crate) fn name(text: &str) -> FolderName {
    FolderName::parse(text).expect("a folder name")
}

pub(crate) fn uids(numbers: &[u32]) -> Vec<Uid> {
    numbers.iter().copied().map(Uid).collect()
}
