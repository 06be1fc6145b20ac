//! What faults do to messages that are taken: none, two, later, in another
//! order, or a report instead.
//!
//! ```text
//!   taken ─▶ held ── its moment, or the next message ──▶ INBOX
//! ```
//!
//! What comes later is filed in the mailbox `held` by the same write that the
//! 250 waits for; its moment is written down after it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use mailward_mail::Address;
use mailward_mailbox::{Appended, Content, Flags, FolderName, MailboxError, Uid};
use serde::{Deserialize, Serialize};

use super::addressees::Plan;
use super::far_ends::LateReport;
use super::{Deliveries, Filing, HELD, INBOX, Letter, OUTSIDE, Work, target};
use crate::accounts::Addressee;
use crate::due;
use crate::faults::magic::{self, Magic};
use crate::faults::{ActionSpec, Protocol, Situation};
use crate::ndr::{Cause, Outcome};
use crate::own::Own;
use crate::trace::{self, MessageNumber};

/// Messages that wait to be overtaken at once; more wait for their time alone.
const OVERTAKEN_MAX: usize = 10_000;

/// A copy that comes later.
#[derive(Clone, Debug)]
pub(super) struct Held {
    owner: String,
    address: Address,
    seconds: u64,
    /// The next message to the same mailbox lets it go, too.
    is_overtaken: bool,
}

/// A copy in `held`, and where it goes.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub(crate) struct LetGo {
    owner: String,
    address: Address,
    uid: u32,
    #[serde(default)]
    message: Option<MessageNumber>,
}

/// By mailbox.
pub(crate) type HeldBack = HashMap<String, Vec<LetGo>>;

/// Held messages that wait to be overtaken, by mailbox. Clones share them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Overtaken {
    by_owner: Own<HeldBack>,
    /// A look at this is all that it costs when nothing waits.
    count: Arc<AtomicUsize>,
}

impl Overtaken {
    pub(crate) fn wait(&self, held: LetGo) {
        if self.count.load(Ordering::Acquire) >= OVERTAKEN_MAX {
            return;
        }
        let mut waiting = self.by_owner.write();
        waiting.entry(held.owner.clone()).or_default().push(held);
        self.count.fetch_add(1, Ordering::Release);
    }

    fn take(&self, owner: &str) -> Vec<LetGo> {
        if self.count.load(Ordering::Acquire) == 0 {
            return Vec::new();
        }
        let mut waiting = self.by_owner.write();
        let taken = waiting.remove(owner).unwrap_or_default();
        self.count.fetch_sub(taken.len(), Ordering::Release);
        taken
    }

    pub(crate) fn image(&self) -> Arc<HeldBack> {
        self.by_owner.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<HeldBack>) {
        self.by_owner.adopt(image);
        let count = image.values().map(Vec::len).sum();
        self.count.store(count, Ordering::Release);
    }
}

impl Deliveries {
    /// Plans for a recipient whom a fault strikes; false for all others.
    pub(super) fn plan_fault(
        &self,
        letter: &Letter<'_>,
        recipient: &Address,
        plan: &mut Plan,
    ) -> bool {
        let named = magic::addressee(recipient);
        if named.is_none() && !self.faults.is_any() {
            return false;
        }
        let real = match &named {
            None => Some(recipient.clone()),
            Some(named) => named.clone(),
        };
        let account = match real.as_ref().map(|real| self.accounts.addressee(real)) {
            Some(Some(Addressee::Account(account))) => Some(account),
            // A list's members are struck one by one.
            Some(Some(Addressee::List(_))) => return false,
            Some(None) if real.is_some_and(|real| real.is_within(&self.domain)) => return false,
            _ => None,
        };
        let wish = match magic::of(recipient) {
            Some(Magic::Delivery(action)) => Some(action),
            _ => self.struck(letter, recipient),
        };
        if wish.is_none() && named.is_none() {
            return false;
        }
        let owner = match &account {
            Some(account) => account.address.key(),
            None => OUTSIDE.to_owned(),
        };
        let address = recipient.clone();
        let mut copies = 1;
        match wish {
            Some(ActionSpec::Lose) => copies = 0,
            Some(ActionSpec::Duplicate { copies: wanted }) => copies = wanted as usize,
            Some(ActionSpec::Late { seconds }) => {
                copies = 0;
                plan.held.push(Held {
                    owner,
                    address,
                    seconds,
                    is_overtaken: false,
                });
            }
            Some(ActionSpec::Reorder { seconds }) => {
                copies = 0;
                plan.held.push(Held {
                    owner,
                    address,
                    seconds,
                    is_overtaken: true,
                });
            }
            Some(ActionSpec::Bounce { seconds, text }) => {
                copies = 0;
                let cause = Cause::FarEnd { says: text };
                if seconds == 0 {
                    plan.failed.push((address, cause));
                } else {
                    plan.bounced.push((address, seconds, cause));
                }
            }
            _ => {}
        }
        match account {
            Some(account) => plan.inboxes.extend(std::iter::repeat_n(account, copies)),
            None if copies > 0 => {
                plan.outside.push(recipient.clone());
                plan.outside_again = plan.outside_again.max(copies - 1);
            }
            None => {}
        }
        true
    }

    fn struck(&self, letter: &Letter<'_>, recipient: &Address) -> Option<ActionSpec> {
        if letter.filing != Filing::Inbox {
            return None;
        }
        let situation = Situation {
            sender: letter.origin.reports_to().map(Address::as_str),
            recipients: std::slice::from_ref(recipient),
            ..Situation::of(Protocol::Delivery, "deliver")
        };
        self.faults.strike(&situation)?.action
    }

    /// Writes down when what is in `held` goes on, and reports that come late.
    pub(super) async fn promise_faults(
        &self,
        letter: &Letter<'_>,
        plan: &mut Plan,
        held: &[Result<Appended, MailboxError>],
    ) {
        for (held, filed) in plan.held.drain(..).zip(held) {
            let Ok(filed) = filed else { continue };
            let seconds = held.seconds;
            let why = format!("held back for {seconds} seconds");
            let address = Some(held.address.as_str());
            self.events.add(letter.protocol, "held", address, why, None);
            let let_go = LetGo {
                owner: held.owner,
                address: held.address,
                uid: filed.uid.0,
                message: trace::current(),
            };
            if held.is_overtaken {
                self.overtaken.wait(let_go.clone());
            }
            let at = due::after(&*self.clock, seconds);
            self.promise(at, Work::LetGo(let_go)).await;
        }
        let Some(to) = letter.origin.reports_to() else {
            return;
        };
        for (recipient, seconds, cause) in plan.bounced.drain(..) {
            let report = LateReport::of(to, recipient, cause, letter.header);
            let at = due::after(&*self.clock, seconds);
            self.promise(at, Work::Report(report)).await;
        }
    }

    /// A message came to this mailbox: whatever waited for one goes on.
    pub(super) async fn overtake(&self, owner: &str) {
        for held in self.overtaken.take(owner) {
            trace::during(held.message, self.let_go(&held)).await;
        }
    }

    pub(super) async fn let_go(&self, held: &LetGo) {
        let address = Some(held.address.as_str());
        match self.take_from_held(held).await {
            Ok(true) => {
                let why = "let go into INBOX";
                self.events.add("service", "delivered", address, why, None);
            }
            // It has gone already.
            Ok(false) => {}
            Err(error) => {
                let why = format!("it stays in {HELD}: {error}");
                self.events
                    .add("service", "not_delivered", address, why, None);
            }
        }
    }

    async fn take_from_held(&self, held: &LetGo) -> Result<bool, MailboxError> {
        let (inbox, uid) = (FolderName::inbox(), Uid(held.uid));
        let Some(item) = self.mailboxes.item(HELD, &inbox, uid).await? else {
            return Ok(false);
        };
        let content = Content::Existing {
            body: item.body,
            summary: item.summary,
        };
        let to = target(held.owner.clone(), INBOX, Flags::NONE)?;
        self.mailboxes.append(to, content, self.clock.now()).await?;
        self.mailboxes.remove(HELD, &inbox, &[uid]).await?;
        Ok(true)
    }
}

impl LateReport {
    fn of(to: &Address, recipient: Address, cause: Cause, header: &[u8]) -> Self {
        Self {
            to: to.clone(),
            recipient,
            outcome: Outcome::Failed,
            cause,
            header: String::from_utf8_lossy(header).into_owned(),
        }
    }
}
