//! The twin's accounts, their folders and items.

use std::fmt;

use mailward_mail::Timestamp;

use super::{Cursor, Page};

/// Which accounts to list, by address.
#[derive(Clone, Debug)]
pub struct AccountFilter {
    /// Looked for in address and display name; trimmed, never empty.
    pub search: Option<String>,
    pub cursor: Option<Cursor>,
    /// The most rows wanted.
    pub limit: usize,
}

#[derive(Clone, Debug)]
pub struct AccountView {
    pub address: String,
    pub display_name: Option<String>,
    pub kind: AccountKind,
    pub state: AccountState,
    pub items: u64,
    pub unseen: u64,
    pub octets: u64,
    pub quota_octets: Option<u64>,
    pub quota: QuotaLevel,
    /// Until when its next message is delayed, by the service's rate.
    pub throttled_until: Option<Timestamp>,
    /// The password no longer opens.
    pub is_expired: bool,
    /// The password must be changed before it opens again.
    pub must_change: bool,
    /// Blocked as a sender.
    pub is_blocked: bool,
    /// Protocols that are not enabled, as people write them.
    pub off: Vec<String>,
    /// False for the service's own mailboxes, which nobody signs in to.
    pub is_account: bool,
}

impl AccountView {
    /// How full the mailbox is, in hundredths; more than 100 where it is over
    /// its quota.
    pub(crate) fn fullness(&self) -> Option<u64> {
        let quota = self.quota_octets.filter(|quota| *quota > 0)?;
        let hundredths = u128::from(self.octets) * 100 / u128::from(quota);
        Some(u64::try_from(hundredths).unwrap_or(u64::MAX))
    }

    /// Whether there is nothing to say of it but that it is active.
    pub(crate) fn is_well(&self) -> bool {
        self.state == AccountState::Active
            && self.quota == QuotaLevel::Room
            && self.throttled_until.is_none()
            && !self.is_expired
            && !self.must_change
            && !self.is_blocked
    }
}

/// How full a mailbox is, by what the service does about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum QuotaLevel {
    #[default]
    Room,
    Warning,
    ProhibitSend,
    ProhibitSendReceive,
}

impl QuotaLevel {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Room => "Room",
            Self::Warning => "Nearly full: warned",
            Self::ProhibitSend => "Over quota: cannot send",
            Self::ProhibitSendReceive => "Over quota: cannot send or receive",
        }
    }

    pub(crate) fn tag_class(self) -> &'static str {
        match self {
            Self::Room => "nhsuk-tag--green",
            Self::Warning => "nhsuk-tag--yellow",
            Self::ProhibitSend => "nhsuk-tag--orange",
            Self::ProhibitSendReceive => "nhsuk-tag--red",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    User,
    Application,
    Shared,
}

impl AccountKind {
    pub const ALL: [Self; 3] = [Self::User, Self::Application, Self::Shared];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Application => "application",
            Self::Shared => "shared",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }
}

impl fmt::Display for AccountKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::User => "User",
            Self::Application => "Application",
            Self::Shared => "Shared",
        })
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    Active,
    /// Too many wrong passwords.
    Locked,
    Disabled,
}

impl AccountState {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Locked => "Locked",
            Self::Disabled => "Disabled",
        }
    }

    pub(crate) fn tag_class(self) -> &'static str {
        match self {
            Self::Active => "nhsuk-tag--green",
            Self::Locked => "nhsuk-tag--red",
            Self::Disabled => "nhsuk-tag--grey",
        }
    }
}

/// Which items of a mailbox to list, newest first.
#[derive(Clone, Debug)]
pub struct MailboxFilter {
    /// `None` for the inbox.
    pub folder: Option<String>,
    pub cursor: Option<Cursor>,
    /// The most rows wanted.
    pub limit: usize,
}

#[derive(Clone, Debug)]
pub struct MailboxView {
    pub account: AccountView,
    /// Parents before their children.
    pub folders: Vec<FolderView>,
    /// The full name of the folder whose items these are.
    pub folder: String,
    pub items: Page<ItemRow>,
}

#[derive(Clone, Debug)]
pub struct FolderView {
    /// The full name, which finds it: `Inbox/Clinics`.
    pub name: String,
    /// What its line in the tree says: `Clinics`.
    pub label: String,
    /// 0 at the top.
    pub depth: usize,
    pub items: u64,
    pub unseen: u64,
}

#[derive(Clone, Debug)]
pub struct ItemRow {
    pub uid: u32,
    pub received: Timestamp,
    /// Decoded From and To, as far as there are any.
    pub from: Option<String>,
    pub to: Option<String>,
    pub subject: Option<String>,
    pub octets: u64,
    pub seen: bool,
    pub flagged: bool,
    pub answered: bool,
}

/// Names one item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemKey {
    pub account: String,
    /// The full name of its folder.
    pub folder: String,
    pub uid: u32,
}
