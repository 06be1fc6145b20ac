//! What the service does with a message it has taken: Sent Items, local
//! mailboxes, distribution lists, and a report for those who get nothing.
//!
//! ```text
//!   letter ── addressees ── receipts ── one write ── 250
//!                 │            │            │
//!                 └── failed ──┴────────────┴──▶ reports, far ends
//!                                           └──▶ answers, late verdicts (due work)
//! ```

mod addressees;
mod answers;
mod far_ends;
mod faulty;
mod habits;
mod mailboxes;
mod quota;
mod receipts;
mod reports;
mod secure;
mod verdicts;

use std::sync::Arc;

use mailward_mail::{Address, Clock, Dice, ReversePath};
use mailward_mailbox::{
    Appended, Content, Flags, FolderName, MailboxError, Mailboxes, NewMessage, Target, Uid,
};
use mailward_store::WriteError;
use serde::{Deserialize, Serialize};

use crate::accounts::{Account, Accounts};
use crate::behaviour;
use crate::due::Due;
use crate::events::EventLog;
use crate::faults::Faults;
use crate::manners::Manners;
use crate::ndr::Cause;
use crate::senders::Senders;
use crate::tally::{ListSend, Sent, Tally};
use crate::trace::Traces;

use answers::Asked;
use far_ends::LateReport;
use faulty::LetGo;
use verdicts::LateVerdict;

pub(crate) use faulty::{HeldBack, Overtaken};
pub use habits::{Audience, AutoReply, Reading};
pub(crate) use habits::{Habits, State as HabitsState};
pub(crate) use quota::{Unsendable, Warned};
pub(crate) use receipts::{Receipts, Received};

pub(crate) const INBOX: &str = "INBOX";
pub(crate) const SENT_ITEMS: &str = "Sent Items";
const JUNK: &str = "Junk Email";

/// The owner key of the mailbox that stands for the rest of the world: what is
/// sent to addresses outside the organisation can be looked at there. A key
/// without an @ is no account's.
pub const OUTSIDE: &str = "outside";

/// The owner key of the mailbox that holds what the service keeps back.
pub const QUARANTINE: &str = "quarantine";

/// The owner key of the mailbox where faults keep what is to come later.
pub const HELD: &str = "held";

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
    /// The filing is a scanner's verdict, which may come late.
    pub(crate) scanned: bool,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Filing {
    Inbox,
    Junk,
    Quarantine,
    /// Nobody gets it and nobody is told.
    Deleted,
    /// Nobody gets it: more recipients than the sender may address.
    Returned,
    /// Nobody gets it: more recipients than the sender's day has.
    DayFull,
}

/// What is done later, by the clock.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    Report(LateReport),
    LetGo(LetGo),
    Verdict(LateVerdict),
    AutomaticReply(Asked),
    Read {
        uid: u32,
        receipt: bool,
        asked: Asked,
    },
    QuotaWarning {
        account: Address,
    },
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
    pub(crate) manners: Manners,
    pub(crate) habits: Habits,
    pub(crate) receipts: Receipts,
    pub(crate) warned: Warned,
    pub(crate) due: Due,
    /// False lifts what a mailbox may receive in an hour.
    pub(crate) rates: bool,
    /// The organisation's mail domain.
    pub(crate) domain: String,
    pub(crate) faults: Faults,
    pub(crate) overtaken: Overtaken,
    pub(crate) traces: Traces,
}

impl Deliveries {
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
        let late = self.late_verdict(letter);
        let filing = if late.is_some() {
            Filing::Inbox
        } else {
            letter.filing
        };
        let mut plan = self.plan(letter, filing);
        self.limit_receipts(letter, &mut plan);
        let inbox = if filing == Filing::Junk { JUNK } else { INBOX };
        let mut targets = Vec::new();
        if let Origin::Account(sender) = letter.origin {
            targets.push(target(sender.address.key(), SENT_ITEMS, Flags::SEEN)?);
        }
        let copies = targets.len();
        for account in &plan.inboxes {
            targets.push(target(account.address.key(), inbox, Flags::NONE)?);
        }
        let secured = self.secured(letter, &plan);
        let open = plan.outside.len() > secured.len();
        if open {
            targets.push(target(OUTSIDE.to_owned(), inbox, Flags::NONE)?);
        }
        if !secured.is_empty() {
            targets.push(target(OUTSIDE.to_owned(), secure::FOLDER, Flags::NONE)?);
        }
        if filing == Filing::Quarantine {
            targets.push(target(QUARANTINE.to_owned(), INBOX, Flags::NONE)?);
        }
        for _ in 0..plan.outside_again {
            targets.push(target(OUTSIDE.to_owned(), inbox, Flags::NONE)?);
        }
        let first_held = targets.len();
        for _ in &plan.held {
            targets.push(target(HELD.to_owned(), INBOX, Flags::NONE)?);
        }
        let (results, kept) = tokio::join!(self.file_all(targets, message), self.count(counted));
        let results = results?;
        kept?;
        if let Some(filed) = results.iter().flatten().next() {
            self.traces.filed(filed.body);
        }
        self.promise_faults(letter, &mut plan, &results[first_held.min(results.len())..])
            .await;
        let results = results.into_iter().skip(copies);
        let inboxes = std::mem::take(&mut plan.inboxes);
        for (account, result) in inboxes.iter().zip(results) {
            let address = Some(account.address.as_str());
            match result {
                Ok(appended) => {
                    let why = format!("filed in {inbox}");
                    self.events
                        .add(letter.protocol, "delivered", address, why, None);
                    if filing == Filing::Inbox {
                        self.delivered(letter, account, appended, late).await;
                        self.overtake(&account.address.key()).await;
                    }
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
                    self.warn_of_quota(account).await;
                }
            }
        }
        self.note_relayed(letter, &plan.outside, &secured);
        if !plan.failed.is_empty() {
            self.report(letter, &plan.failed).await;
        }
        self.send_secured(letter, &secured).await;
        self.promise_far_ends(letter, &plan.outside).await;
        Ok(())
    }

    /// What follows a message in an inbox.
    async fn delivered(
        &self,
        letter: &Letter<'_>,
        account: &Account,
        appended: Appended,
        late: Option<u64>,
    ) {
        self.promise_answers(letter, account, appended.uid).await;
        if let Some(seconds) = late {
            self.promise_verdict(letter, account, appended, seconds)
                .await;
        }
    }

    /// Each file that was taken out is an event.
    pub(crate) fn note_removed(&self, letter: &Letter<'_>, names: &[String]) {
        let sender = letter.origin.reports_to().map(Address::as_str);
        for name in names {
            let why = format!("a file named {name} was taken out");
            let behaviour = behaviour::BLOCKED_ATTACHMENT;
            self.events
                .punish(letter.protocol, "removed", sender, why, behaviour);
        }
    }

    /// Does what [`Due`] has waited with.
    pub(crate) async fn perform(&self, work: Work) {
        match work {
            Work::Report(report) => self.report_late(report).await,
            Work::LetGo(held) => self.let_go(&held).await,
            Work::Verdict(verdict) => self.judge_late(verdict).await,
            Work::AutomaticReply(asked) => self.reply_automatically(&asked).await,
            Work::Read {
                uid,
                receipt,
                asked,
            } => self.read(Uid(uid), receipt, &asked).await,
            Work::QuotaWarning { account } => self.file_quota_warning(&account).await,
        }
    }

    /// The service has said 250; what it cannot promise for later is logged.
    async fn promise(&self, at: mailward_mail::Timestamp, work: Work) {
        if let Err(error) = self.due.add(at, work).await {
            tracing::warn!(%error, "work for later could not be written down");
        }
        self.due.run(self);
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
