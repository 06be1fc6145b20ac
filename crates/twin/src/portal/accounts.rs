//! Accounts: what the Local Administrator sees and changes, and what its
//! holder does by habit.

use std::sync::Arc;

use mailward_mail::{Address, Secret, Timestamp};

use super::{Desk, PortalError};
use crate::accounts::{Account, Change, OCTETS_PER_MB, PasswordChange, Refused, sentence};
use crate::behaviour;
use crate::deliver::{AutoReply, Deliveries, Reading};
use crate::error::TwinError;
use crate::seed::Protocol;
use crate::senders::SenderSpec;

/// How full a mailbox is (GUIDE-63, GUIDE-64).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuotaLevel {
    Room,
    /// Its holder is warned.
    Warning,
    /// It may receive and not send.
    ProhibitSend,
    /// It may do neither.
    ProhibitSendReceive,
}

/// What is set for an account besides what it is.
#[derive(Clone, Debug)]
pub struct AccountDetail {
    pub password_expires: Timestamp,
    /// Wrong passwords in a row that lock; never when absent.
    pub wrong_passwords_max: Option<u32>,
    /// Recipients that one message may have.
    pub recipients_max: u64,
    pub auto_reply: Option<AutoReply>,
    pub reading: Option<Reading>,
    /// Protocols that are off because nobody used them, as far as the event
    /// log remembers it.
    pub disused: Vec<Protocol>,
}

/// Changes an account and writes down what was done, and by whom where that is
/// known. `None` when there is no such account.
pub(crate) async fn change_account(
    deliveries: &Deliveries,
    address: &Address,
    change: &Change,
    by: Option<&str>,
) -> Result<Option<Arc<Account>>, TwinError> {
    if let Change::Quota(quota_mb) = change
        && deliveries.accounts.find(address).is_some()
    {
        let quota = quota_mb.map(|mb| mb.saturating_mul(OCTETS_PER_MB));
        deliveries
            .mailboxes
            .set_quota(&address.key(), quota)
            .await?;
    }
    let Some(account) = deliveries.accounts.change(address, change).await? else {
        return Ok(None);
    };
    let (kind, why, clause) = change.event();
    let why = match by {
        Some(by) => format!("{why}, by {by}"),
        None => why.to_owned(),
    };
    let named = Some(address.as_str());
    let events = &deliveries.events;
    events.add("control", kind, named, why, Some(clause));
    Ok(Some(account))
}

impl Desk {
    /// The level of a mailbox of this size.
    pub fn quota_level(&self, octets: u64, quota_octets: Option<u64>) -> QuotaLevel {
        let Some(quota) = quota_octets else {
            return QuotaLevel::Room;
        };
        let mail = &self.world.manners.now().mail;
        let reaches =
            |percent: u64| u128::from(octets) * 100 >= u128::from(quota) * u128::from(percent);
        if reaches(100) {
            QuotaLevel::ProhibitSendReceive
        } else if reaches(mail.prohibit_send_percent()) {
            QuotaLevel::ProhibitSend
        } else if reaches(mail.quota_warning_percent()) {
            QuotaLevel::Warning
        } else {
            QuotaLevel::Room
        }
    }

    /// Whether the service has blocked it as a sender.
    pub fn is_blocked(&self, address: &Address) -> bool {
        self.world.deliveries.senders.of(address).blocked
    }

    pub fn account_detail(&self, account: &Account) -> AccountDetail {
        let deliveries = &self.world.deliveries;
        let sender = deliveries.senders.of(&account.address);
        let habit = deliveries.habits.of(&account.address.key());
        AccountDetail {
            password_expires: account.password_expires(),
            wrong_passwords_max: self.world.accounts.rules().wrong_passwords_max,
            recipients_max: sender.recipients_max(),
            auto_reply: habit.as_ref().and_then(|one| one.auto_reply.clone()),
            reading: habit.as_ref().and_then(|one| one.reading),
            disused: self.disused(account),
        }
    }

    /// Those switched off by disuse, and by nothing since.
    fn disused(&self, account: &Account) -> Vec<Protocol> {
        let named = account.address.as_str();
        let mut off = Vec::new();
        self.world.events.each(|event| {
            if event.account.as_deref() != Some(named) {
                return;
            }
            if event.kind == "protocols_set" {
                off.clear();
            } else if event.behaviour == Some(behaviour::PROTOCOL_DISUSED.id) {
                off.extend(protocols_of(event.protocol));
            }
        });
        off.retain(|protocol| !account.allows(*protocol));
        off.dedup();
        off
    }

    /// What the Local Administrator does, in the name of `by`.
    pub async fn change_account(
        &self,
        address: &Address,
        change: &Change,
        by: &str,
    ) -> Result<(), PortalError> {
        let deliveries = &self.world.deliveries;
        match change_account(deliveries, address, change, Some(by)).await? {
            Some(_) => Ok(()),
            None => Err(no_account(address)),
        }
    }

    /// A new password, without asking for the old one; refused as the service
    /// would refuse it.
    pub async fn set_password(
        &self,
        address: &Address,
        new: Secret,
        must_change: bool,
        by: &str,
    ) -> Result<(), PortalError> {
        let change = PasswordChange {
            old: None,
            new,
            must_change,
        };
        let named = Some(address.as_str());
        match self.world.accounts.change_password(address, change).await {
            Ok(_) => {
                self.note("password_changed", named, "the password was changed", by);
                Ok(())
            }
            Err(Refused::NoSuchAccount) => Err(no_account(address)),
            Err(Refused::Weak(faults)) => {
                let why = sentence(&faults);
                self.world.events.punish(
                    "control",
                    "password_refused",
                    named,
                    why.as_str(),
                    behaviour::PASSWORD_POLICY,
                );
                Err(PortalError::Refused(why))
            }
            Err(Refused::SignIn(refusal)) => Err(PortalError::Refused(refusal.why().into_owned())),
            Err(Refused::Trouble(error)) => Err(error.into()),
        }
    }

    /// What the service has set for the account as a sender.
    pub async fn set_sender(
        &self,
        address: &Address,
        recipients_max: Option<u64>,
        blocked: Option<bool>,
        by: &str,
    ) -> Result<(), PortalError> {
        self.known(address)?;
        let spec = SenderSpec {
            address: address.clone(),
            recipients_max,
            blocked,
        };
        self.world.deliveries.senders.set(spec).await?;
        let (kind, what) = match (blocked, recipients_max) {
            (Some(true), _) => ("blocked", "the account was blocked as a sender".to_owned()),
            (Some(false), _) => ("unblocked", "the account may send again".to_owned()),
            (None, Some(most)) => (
                "recipients_set",
                format!("a message may have {most} recipients"),
            ),
            (None, None) => return Ok(()),
        };
        self.note(kind, Some(address.as_str()), &what, by);
        Ok(())
    }

    pub async fn set_auto_reply(
        &self,
        address: &Address,
        wish: Option<AutoReply>,
        by: &str,
    ) -> Result<(), PortalError> {
        self.known(address)?;
        let (kind, what) = match &wish {
            Some(_) => ("auto_reply_set", "the holder is away"),
            None => ("auto_reply_ended", "the holder is back"),
        };
        let habits = &self.world.deliveries.habits;
        habits.set_auto_reply(address, wish).await?;
        self.note(kind, Some(address.as_str()), what, by);
        Ok(())
    }

    pub async fn set_reading(
        &self,
        address: &Address,
        wish: Option<Reading>,
        by: &str,
    ) -> Result<(), PortalError> {
        self.known(address)?;
        let (kind, what) = match &wish {
            Some(_) => ("reading_set", "the holder reads what comes"),
            None => ("reading_ended", "the holder reads nothing"),
        };
        let habits = &self.world.deliveries.habits;
        habits.set_reading(address, wish).await?;
        self.note(kind, Some(address.as_str()), what, by);
        Ok(())
    }

    fn known(&self, address: &Address) -> Result<(), PortalError> {
        match self.world.accounts.find(address) {
            Some(_) => Ok(()),
            None => Err(no_account(address)),
        }
    }
}

fn no_account(address: &Address) -> PortalError {
    PortalError::NotFound(format!("there is no account {address}"))
}

/// Which protocol of an account a session of this name uses.
fn protocols_of(session: &str) -> Option<Protocol> {
    match session {
        "submission" | "high_sending" => Some(Protocol::Smtp),
        "imap" => Some(Protocol::Imap),
        "pop" => Some(Protocol::Pop),
        _ => None,
    }
}
