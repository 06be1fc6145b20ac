//! Whom a message is for: accounts, members of lists, and the world outside.

use std::collections::HashSet;
use std::sync::Arc;

use mailward_mail::Address;
use mailward_policy::limits;

use super::faulty::Held;
use super::receipts::{Beyond, ReceiptLimits};
use super::{Deliveries, Filing, Letter, Origin};
use crate::accounts::{Account, Addressee};
use crate::behaviour;
use crate::ndr::Cause;

/// Lists within lists deeper than this are not followed.
const LIST_DEPTH_MAX: usize = 8;

/// Members that the event of an expansion names.
const MEMBERS_NAMED_MAX: usize = 20;

/// Where one message goes.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) inboxes: Vec<Arc<Account>>,
    pub(super) outside: Vec<Address>,
    pub(super) failed: Vec<(Address, Cause)>,
    /// Copies for the outside beyond the first, which all there share.
    pub(super) outside_again: usize,
    pub(super) held: Vec<Held>,
    /// Who is reported after so many seconds.
    pub(super) bounced: Vec<(Address, u64, Cause)>,
    seen: HashSet<String>,
}

impl Deliveries {
    pub(super) fn plan(&self, letter: &Letter<'_>, filing: Filing) -> Plan {
        let mut plan = Plan::default();
        let returned = match filing {
            Filing::Inbox | Filing::Junk => {
                for recipient in letter.recipients {
                    self.stands_for(letter, recipient, &mut plan, 0);
                }
                return plan;
            }
            Filing::Quarantine | Filing::Deleted => return plan,
            Filing::Returned => Cause::TooManyRecipients,
            Filing::DayFull => Cause::DayFull,
        };
        let failed = letter.recipients.iter().cloned();
        plan.failed
            .extend(failed.map(|address| (address, returned.clone())));
        plan
    }

    /// Whom an address stands for, each once however often it is named.
    fn stands_for(&self, letter: &Letter<'_>, recipient: &Address, plan: &mut Plan, depth: usize) {
        if depth > LIST_DEPTH_MAX || !plan.seen.insert(recipient.key()) {
            return;
        }
        if self.plan_fault(letter, recipient, plan) {
            return;
        }
        match self.accounts.addressee(recipient) {
            Some(Addressee::Account(account)) => plan.inboxes.push(account),
            Some(Addressee::List(list)) => {
                self.note_expanded(letter, &list.address, &list.members);
                for member in &list.members {
                    self.stands_for(letter, member, plan, depth + 1);
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
            None => plan.outside.push(recipient.clone()),
        }
    }

    fn note_expanded(&self, letter: &Letter<'_>, list: &Address, members: &[Address]) {
        let named: Vec<&str> = members
            .iter()
            .take(MEMBERS_NAMED_MAX)
            .map(Address::as_str)
            .collect();
        let mut why = format!("stands for {}", named.join(", "));
        if members.len() > named.len() {
            why.push_str(&format!(" and {} more", members.len() - named.len()));
        }
        let list = Some(list.as_str());
        self.events
            .add(letter.protocol, "expanded", list, why, None);
    }

    /// What went outside as it is, one event for each who is there.
    pub(super) fn note_relayed(
        &self,
        letter: &Letter<'_>,
        outside: &[Address],
        secured: &[Address],
    ) {
        for recipient in outside.iter().filter(|one| !secured.contains(one)) {
            let recipient = Some(recipient.as_str());
            let why = "handed on to the outside";
            self.events
                .add(letter.protocol, "relayed", recipient, why, None);
        }
    }

    /// Takes out whoever has received too much in this hour. Mail from within
    /// counts and, unless set so, is not held back.
    pub(super) fn limit_receipts(&self, letter: &Letter<'_>, plan: &mut Plan) {
        let mail = &self.manners.now().mail;
        let within = matches!(letter.origin, Origin::Account(_));
        let limited = self.rates && (!within || mail.receipts_within);
        let all = mail
            .received_per_hour
            .unwrap_or(limits::RECEIVED_PER_HOUR.figure);
        let part = limits::RECEIVED_PER_HOUR_ONE_SENDER_PERCENT.figure;
        let receipt_limits = limited.then(|| ReceiptLimits {
            all,
            one_sender: (all.saturating_mul(part) / 100).max(1),
        });
        let sender = letter.origin.reports_to();
        let sender = sender.map(Address::key).unwrap_or_default();
        let now = self.clock.now();
        let failed = &mut plan.failed;
        plan.inboxes.retain(|account| {
            let key = account.address.key();
            let taken = self.receipts.take(&key, &sender, receipt_limits, now);
            let Err(beyond) = taken else { return true };
            let (cause, why) = match beyond {
                Beyond::All => (
                    Cause::ReceivedTooMany,
                    "the mailbox has received as much in an hour as it may",
                ),
                Beyond::OneSender => (
                    Cause::ReceivedTooManyFromSender,
                    "the mailbox has received as much from this sender in an hour as it may",
                ),
            };
            let address = Some(account.address.as_str());
            let behaviour = behaviour::RECEIVED_PER_HOUR;
            self.events
                .punish(letter.protocol, "not_delivered", address, why, behaviour);
            failed.push((account.address.clone(), cause));
            false
        });
    }
}
