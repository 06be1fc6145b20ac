//! The mailboxes of accounts, of the world outside, and of what is kept back.

use std::sync::Arc;

use mailward_mail::Dice;
use mailward_mailbox::{FolderName, MailboxError, NewFolder, NewMailbox};

use super::{Deliveries, HELD, JUNK, OUTSIDE, QUARANTINE, SENT_ITEMS, secure};
use crate::accounts::{Account, GivenBy, OCTETS_PER_MB, judge_password};
use crate::error::TwinError;
use crate::seed::AccountSpec;
use crate::senders::SenderSpec;

/// The folders of every mailbox, as Exchange names them.
const FOLDERS: [&str; 6] = [
    SENT_ITEMS,
    JUNK,
    "Drafts",
    "Deleted Items",
    "Outbox",
    "Archive",
];

impl Deliveries {
    /// Makes or changes accounts and gives each its mailbox.
    pub(crate) async fn put_accounts(
        &self,
        specs: Vec<AccountSpec>,
        given_by: GivenBy,
        dice: &dyn Dice,
    ) -> Result<Vec<Arc<Account>>, TwinError> {
        for spec in &specs {
            if spec.recipients_max.is_some() {
                self.senders
                    .set(SenderSpec {
                        address: spec.address.clone(),
                        recipients_max: spec.recipients_max,
                        blocked: None,
                    })
                    .await?;
            }
        }
        let chosen: Vec<bool> = specs.iter().map(|spec| spec.password.is_some()).collect();
        let before: Vec<Option<Arc<Account>>> = specs
            .iter()
            .map(|spec| self.accounts.find(&spec.address))
            .collect();
        let accounts = self.accounts.put(specs, given_by, dice).await?;
        for (account, chosen) in accounts.iter().zip(chosen) {
            if chosen {
                self.note_weak(account);
            }
        }
        self.make_mailboxes(&accounts).await?;
        // One that was there has kept its quota.
        for (account, before) in accounts.iter().zip(before) {
            if before.is_some_and(|before| before.quota_mb != account.quota_mb) {
                let key = account.address.key();
                self.mailboxes
                    .set_quota(&key, quota_octets(account))
                    .await?;
            }
        }
        Ok(accounts)
    }

    /// Those that are missing.
    pub(crate) async fn make_mailboxes(&self, accounts: &[Arc<Account>]) -> Result<(), TwinError> {
        let mailboxes = accounts
            .iter()
            .map(|account| mailbox(account.address.key(), quota_octets(account)))
            .collect::<Result<Vec<_>, _>>()?;
        self.mailboxes.create(mailboxes).await?;
        Ok(())
    }

    /// A password that was given is taken as it is; the event log says what
    /// the service would have against it.
    fn note_weak(&self, account: &Account) {
        match judge_password(&account.password, account, self.accounts.rules()) {
            Ok(faults) => {
                // That it is the present one is no fault here.
                for fault in faults.iter().filter(|fault| fault.clause != "GUIDE-30") {
                    self.events.add(
                        "control",
                        "weak_password",
                        Some(account.address.as_str()),
                        format!("taken as it is, though {}", fault.problem),
                        Some(fault.clause),
                    );
                }
            }
            Err(error) => tracing::warn!(%error, "a given password could not be judged"),
        }
    }

    /// Makes the mailboxes of nobody: for what goes outside, and for what is
    /// kept back.
    pub(crate) async fn make_outside(&self) -> Result<(), TwinError> {
        let mut outside = mailbox(OUTSIDE.to_owned(), None)?;
        outside.folders.push(folder(secure::FOLDER)?);
        let quarantine = mailbox(QUARANTINE.to_owned(), None)?;
        let held = mailbox(HELD.to_owned(), None)?;
        self.mailboxes
            .create(vec![outside, quarantine, held])
            .await?;
        Ok(())
    }
}

fn quota_octets(account: &Account) -> Option<u64> {
    account
        .quota_mb
        .map(|quota_mb| quota_mb.saturating_mul(OCTETS_PER_MB))
}

fn mailbox(owner: String, quota_octets: Option<u64>) -> Result<NewMailbox, MailboxError> {
    let folders = FOLDERS
        .iter()
        .map(|name| folder(name))
        .collect::<Result<Vec<_>, MailboxError>>()?;
    Ok(NewMailbox {
        owner,
        quota_octets,
        folders,
    })
}

fn folder(name: &str) -> Result<NewFolder, MailboxError> {
    Ok(NewFolder {
        name: FolderName::parse(name)?,
        permanent: true,
        subscribed: true,
    })
}
