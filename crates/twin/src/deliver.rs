//! What the service does with a message it has taken: Sent Items, local
//! mailboxes, distribution lists, and a report for those who get nothing.

use std::collections::HashSet;
use std::sync::Arc;

use mailward_mail::{Address, Clock, Dice};
use mailward_mailbox::{
    Content, Flags, FolderName, MailboxError, Mailboxes, NewFolder, NewMailbox, NewMessage, Target,
};

use crate::accounts::{Account, Accounts, Addressee};
use crate::error::TwinError;
use crate::events::EventLog;
use crate::names::BACK_END;
use crate::ndr::{Cause, NonDelivery};
use crate::oauth::guid;
use crate::seed::AccountSpec;

pub(crate) const INBOX: &str = "INBOX";
pub(crate) const SENT_ITEMS: &str = "Sent Items";

/// The folders of every mailbox, as Exchange names them.
const FOLDERS: [&str; 6] = [
    SENT_ITEMS,
    "Junk Email",
    "Drafts",
    "Deleted Items",
    "Outbox",
    "Archive",
];

/// The owner key of the mailbox that stands for the rest of the world: what is
/// sent to addresses outside the organisation can be looked at there. A key
/// without an @ is no account's.
pub const OUTSIDE: &str = "outside";

/// Delivers to the mailboxes of one organisation.
#[derive(Clone, Debug)]
pub(crate) struct Deliveries {
    pub(crate) mailboxes: Mailboxes,
    pub(crate) accounts: Accounts,
    pub(crate) events: EventLog,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<dyn Dice>,
    /// The organisation's mail domain.
    pub(crate) domain: String,
}

/// Where one message goes.
#[derive(Debug, Default)]
struct Plan {
    inboxes: Vec<Arc<Account>>,
    outside: bool,
    failed: Vec<(Address, Cause)>,
    seen: HashSet<String>,
}

/// Lists within lists deeper than this are not followed.
const LIST_DEPTH_MAX: usize = 8;

impl Deliveries {
    /// Makes or changes accounts and gives each its mailbox.
    pub(crate) async fn put_accounts(
        &self,
        specs: Vec<AccountSpec>,
        dice: &dyn Dice,
    ) -> Result<Vec<Arc<Account>>, TwinError> {
        const OCTETS_PER_MB: u64 = 1024 * 1024;
        let accounts = self.accounts.put(specs, dice).await?;
        let mailboxes = accounts
            .iter()
            .map(|account| {
                mailbox(
                    account.address.key(),
                    account.quota_mb.map(|mb| mb * OCTETS_PER_MB),
                )
            })
            .collect::<Result<Vec<_>, _>>()?;
        self.mailboxes.create(mailboxes).await?;
        Ok(accounts)
    }

    /// Makes the mailbox that takes what goes outside.
    pub(crate) async fn make_outside(&self) -> Result<(), TwinError> {
        self.mailboxes
            .create(vec![mailbox(OUTSIDE.to_owned(), None)?])
            .await?;
        Ok(())
    }

    /// Files a submitted message everywhere it belongs, in one write. When
    /// this resolves it is on stable storage and 250 may be said. Recipients
    /// who get nothing are reported to the sender afterwards.
    pub(crate) async fn deliver(
        &self,
        sender: &Account,
        recipients: &[Address],
        message: NewMessage,
        header: &[u8],
    ) -> Result<(), MailboxError> {
        let mut plan = Plan::default();
        for recipient in recipients {
            self.plan(recipient, &mut plan, 0);
        }
        let mut targets = vec![target(sender.address.key(), SENT_ITEMS, Flags::SEEN)?];
        for account in &plan.inboxes {
            targets.push(target(account.address.key(), INBOX, Flags::NONE)?);
        }
        if plan.outside {
            targets.push(target(OUTSIDE.to_owned(), INBOX, Flags::NONE)?);
        }
        let now = self.clock.now();
        self.check_quota(sender, message.octets()).await?;
        let results = self
            .mailboxes
            .append_to_many(targets, Content::New(message), now)
            .await?;
        // The first is the copy in Sent Items.
        let results = results.into_iter().skip(1);
        for (account, result) in plan.inboxes.iter().zip(results) {
            let address = account.address.as_str();
            match result {
                Ok(_) => self.events.add(
                    "submission",
                    "delivered",
                    Some(address),
                    "filed in INBOX",
                    None,
                ),
                Err(error) => {
                    self.events.add(
                        "submission",
                        "not_delivered",
                        Some(address),
                        error.to_string(),
                        None,
                    );
                    plan.failed
                        .push((account.address.clone(), Cause::MailboxFull));
                }
            }
        }
        if !plan.failed.is_empty() {
            self.report(sender, &plan.failed, header).await;
        }
        Ok(())
    }

    /// Without room in the sender's own mailbox nothing is sent at all
    /// (GUIDE-64).
    async fn check_quota(&self, sender: &Account, octets: u64) -> Result<(), MailboxError> {
        let usage = self.mailboxes.usage(&sender.address.key()).await?;
        match usage.quota_octets {
            Some(quota_octets) if usage.octets + octets > quota_octets => {
                Err(MailboxError::OverQuota { quota_octets })
            }
            _ => Ok(()),
        }
    }

    /// Whom an address stands for, each once however often it is named.
    fn plan(&self, recipient: &Address, plan: &mut Plan, depth: usize) {
        if depth > LIST_DEPTH_MAX || !plan.seen.insert(recipient.key()) {
            return;
        }
        match self.accounts.addressee(recipient) {
            Some(Addressee::Account(account)) => plan.inboxes.push(account),
            Some(Addressee::List(list)) => {
                for member in &list.members {
                    self.plan(member, plan, depth + 1);
                }
            }
            None if recipient.is_within(&self.domain) => {
                self.events.add(
                    "submission",
                    "not_delivered",
                    Some(recipient.as_str()),
                    "there is no such recipient",
                    None,
                );
                plan.failed
                    .push((recipient.clone(), Cause::RecipientNotFound));
            }
            None => plan.outside = true,
        }
    }

    /// A report in the sender's inbox. It is the service's own promise, made
    /// after the message itself was safe; a failure here is only logged.
    async fn report(&self, sender: &Account, failed: &[(Address, Cause)], header: &[u8]) {
        let now = self.clock.now();
        let text = NonDelivery {
            to: &sender.address,
            domain: &self.domain,
            server: BACK_END,
            now,
            ids: [guid(&*self.dice), guid(&*self.dice)],
            failed,
            original_header: header,
        }
        .to_message();
        if let Err(error) = self.file(&sender.address.key(), INBOX, &text).await {
            tracing::error!(%error, "a non-delivery report could not be filed");
        }
    }

    /// Files a message of the service's own.
    pub(crate) async fn file(
        &self,
        owner: &str,
        folder: &str,
        message: &[u8],
    ) -> Result<(), MailboxError> {
        let mut writer = self.mailboxes.new_message();
        writer.write(TWIN_FIELD.as_bytes())?;
        writer.write(message)?;
        let mut target = target(owner.to_owned(), folder, Flags::NONE)?;
        target.beyond_quota = true;
        self.mailboxes
            .append(target, Content::New(writer.finish()?), self.clock.now())
            .await?;
        Ok(())
    }
}

/// At the top of every message the twin delivers, so that none is ever taken
/// for a real one.
pub(crate) const TWIN_FIELD: &str =
    "X-Mailward-Twin: test message; it came from no NHSmail and goes to none\r\n";

fn target(owner: String, folder: &str, flags: Flags) -> Result<Target, MailboxError> {
    Ok(Target {
        owner,
        folder: FolderName::parse(folder)?,
        flags,
        beyond_quota: false,
    })
}

fn mailbox(owner: String, quota_octets: Option<u64>) -> Result<NewMailbox, MailboxError> {
    let folders = FOLDERS
        .iter()
        .map(|name| {
            Ok(NewFolder {
                name: FolderName::parse(name)?,
                permanent: true,
                subscribed: true,
            })
        })
        .collect::<Result<Vec<_>, MailboxError>>()?;
    Ok(NewMailbox {
        owner,
        quota_octets,
        folders,
    })
}
