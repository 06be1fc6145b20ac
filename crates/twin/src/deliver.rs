//! What the service does with a message it has taken: Sent Items, local
//! mailboxes, distribution lists, and a report for those who get nothing.

use std::collections::HashSet;
use std::sync::Arc;

use mailward_mail::{Address, Clock, Dice, ReversePath};
use mailward_mailbox::{
    Appended, Content, Flags, FolderName, MailboxError, Mailboxes, NewFolder, NewMailbox,
    NewMessage, Target,
};
use mailward_store::WriteError;

use crate::accounts::{Account, Accounts, Addressee, GivenBy, judge_password};
use crate::behaviour;
use crate::error::TwinError;
use crate::events::EventLog;
use crate::names::BACK_END;
use crate::ndr::{Cause, NonDelivery};
use crate::oauth::guid;
use crate::seed::AccountSpec;
use crate::senders::{SenderSpec, Senders};
use crate::tally::{ListSend, Sent, Tally};

pub(crate) const INBOX: &str = "INBOX";
pub(crate) const SENT_ITEMS: &str = "Sent Items";
const JUNK: &str = "Junk Email";

/// The folders of every mailbox, as Exchange names them.
const FOLDERS: [&str; 6] = [
    SENT_ITEMS,
    JUNK,
    "Drafts",
    "Deleted Items",
    "Outbox",
    "Archive",
];

/// The owner key of the mailbox that stands for the rest of the world: what is
/// sent to addresses outside the organisation can be looked at there. A key
/// without an @ is no account's.
pub const OUTSIDE: &str = "outside";

/// The owner key of the mailbox that holds what the service keeps back.
pub const QUARANTINE: &str = "quarantine";

/// A message that the service has taken.
#[derive(Debug)]
pub(crate) struct Letter<'a> {
    /// For the event log: which endpoint took it.
    pub(crate) protocol: &'static str,
    pub(crate) origin: Origin<'a>,
    pub(crate) recipients: &'a [Address],
    /// The header section, CRLF line ends.
    pub(crate) header: &'a [u8],
    pub(crate) filing: Filing,
}

/// Where a message came from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin<'a> {
    /// A signed-in account: it keeps a copy, and gets the reports.
    Account(&'a Account),
    /// The relay: nobody keeps a copy.
    Relay(&'a ReversePath),
}

impl Origin<'_> {
    fn reports_to(&self) -> Option<&Address> {
        match self {
            Self::Account(account) => Some(&account.address),
            Self::Relay(reverse_path) => reverse_path.address(),
        }
    }
}

/// What becomes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filing {
    Inbox,
    Junk,
    Quarantine,
    /// Nobody gets it and nobody is told.
    Deleted,
    /// Nobody gets it: more recipients than the sender may address.
    Returned,
}

/// Delivers to the mailboxes of one organisation.
#[derive(Clone, Debug)]
pub(crate) struct Deliveries {
    pub(crate) mailboxes: Mailboxes,
    pub(crate) accounts: Accounts,
    pub(crate) events: EventLog,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<dyn Dice>,
    pub(crate) tally: Tally,
    pub(crate) senders: Senders,
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
        given_by: GivenBy,
        dice: &dyn Dice,
    ) -> Result<Vec<Arc<Account>>, TwinError> {
        const OCTETS_PER_MB: u64 = 1024 * 1024;
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
        let accounts = self.accounts.put(specs, given_by, dice).await?;
        for (account, chosen) in accounts.iter().zip(chosen) {
            if chosen {
                self.note_weak(account);
            }
        }
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
        let owners = [OUTSIDE, QUARANTINE];
        let mailboxes = owners
            .into_iter()
            .map(|owner| mailbox(owner.to_owned(), None))
            .collect::<Result<Vec<_>, _>>()?;
        self.mailboxes.create(mailboxes).await?;
        Ok(())
    }

    /// Files a message everywhere it belongs, in one write. When this resolves
    /// it is on stable storage, and so is what it adds to the tally: 250 may
    /// be said. Recipients who get nothing are reported to the sender
    /// afterwards.
    pub(crate) async fn deliver(
        &self,
        letter: &Letter<'_>,
        message: NewMessage,
        counted: Option<(Sent, Vec<ListSend>)>,
    ) -> Result<(), MailboxError> {
        let mut plan = Plan::default();
        let inbox = match letter.filing {
            Filing::Inbox | Filing::Junk => {
                for recipient in letter.recipients {
                    self.plan(letter, recipient, &mut plan, 0);
                }
                if letter.filing == Filing::Junk {
                    JUNK
                } else {
                    INBOX
                }
            }
            Filing::Quarantine | Filing::Deleted => INBOX,
            Filing::Returned => {
                let failed = letter.recipients.iter().cloned();
                plan.failed
                    .extend(failed.map(|address| (address, Cause::TooManyRecipients)));
                INBOX
            }
        };
        let mut targets = Vec::new();
        if let Origin::Account(sender) = letter.origin {
            targets.push(target(sender.address.key(), SENT_ITEMS, Flags::SEEN)?);
        }
        let copies = targets.len();
        for account in &plan.inboxes {
            targets.push(target(account.address.key(), inbox, Flags::NONE)?);
        }
        if plan.outside {
            targets.push(target(OUTSIDE.to_owned(), inbox, Flags::NONE)?);
        }
        if letter.filing == Filing::Quarantine {
            targets.push(target(QUARANTINE.to_owned(), INBOX, Flags::NONE)?);
        }
        let (results, kept) = tokio::join!(self.file_all(targets, message), self.count(counted));
        let results = results?;
        kept?;
        let results = results.into_iter().skip(copies);
        for (account, result) in plan.inboxes.iter().zip(results) {
            let address = Some(account.address.as_str());
            match result {
                Ok(_) => {
                    let why = format!("filed in {inbox}");
                    self.events
                        .add(letter.protocol, "delivered", address, why, None);
                }
                Err(error) => {
                    let why = error.to_string();
                    self.events.punish(
                        letter.protocol,
                        "not_delivered",
                        address,
                        why,
                        behaviour::RECIPIENT_FULL,
                    );
                    plan.failed
                        .push((account.address.clone(), Cause::MailboxFull));
                }
            }
        }
        if !plan.failed.is_empty() {
            self.report(letter, &plan.failed).await;
        }
        Ok(())
    }

    async fn file_all(
        &self,
        targets: Vec<Target>,
        message: NewMessage,
    ) -> Result<Vec<Result<Appended, MailboxError>>, MailboxError> {
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        self.mailboxes
            .append_to_many(targets, Content::New(message), now)
            .await
    }

    async fn count(&self, counted: Option<(Sent, Vec<ListSend>)>) -> Result<(), MailboxError> {
        match counted {
            None => Ok(()),
            Some((sent, lists)) => {
                let kept = self.tally.keep(sent, lists).await;
                kept.map_err(|error| match error {
                    WriteError::Full(_) => MailboxError::Full,
                    other => MailboxError::Unavailable(other.to_string()),
                })
            }
        }
    }

    /// Without room in the sender's own mailbox nothing is sent at all
    /// (GUIDE-64).
    pub(crate) async fn check_quota(
        &self,
        sender: &Account,
        octets: u64,
    ) -> Result<(), MailboxError> {
        let usage = self.mailboxes.usage(&sender.address.key()).await?;
        match usage.quota_octets {
            Some(quota_octets) if usage.octets + octets > quota_octets => {
                Err(MailboxError::OverQuota { quota_octets })
            }
            _ => Ok(()),
        }
    }

    /// Whom an address stands for, each once however often it is named.
    fn plan(&self, letter: &Letter<'_>, recipient: &Address, plan: &mut Plan, depth: usize) {
        if depth > LIST_DEPTH_MAX || !plan.seen.insert(recipient.key()) {
            return;
        }
        match self.accounts.addressee(recipient) {
            Some(Addressee::Account(account)) => plan.inboxes.push(account),
            Some(Addressee::List(list)) => {
                for member in &list.members {
                    self.plan(letter, member, plan, depth + 1);
                }
            }
            None if recipient.is_within(&self.domain) => {
                self.events.punish(
                    letter.protocol,
                    "not_delivered",
                    Some(recipient.as_str()),
                    "there is no such recipient",
                    behaviour::UNKNOWN_RECIPIENT,
                );
                plan.failed
                    .push((recipient.clone(), Cause::RecipientNotFound));
            }
            None => plan.outside = true,
        }
    }

    /// A report in the sender's inbox. It is the service's own promise, made
    /// after the message itself was safe; a failure here is only logged.
    async fn report(&self, letter: &Letter<'_>, failed: &[(Address, Cause)]) {
        let Some(to) = letter.origin.reports_to() else {
            return;
        };
        let now = self.clock.now();
        let text = NonDelivery {
            to,
            domain: &self.domain,
            server: BACK_END,
            now,
            ids: [guid(&*self.dice), guid(&*self.dice)],
            failed,
            original_header: letter.header,
        }
        .to_message();
        let owner = match self.accounts.find(to) {
            Some(account) => account.address.key(),
            None => OUTSIDE.to_owned(),
        };
        if let Err(error) = self.file(&owner, INBOX, &text).await {
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
