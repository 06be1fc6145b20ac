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
    /// Until when its next message is delayed, by the service's rate.
    pub throttled_until: Option<Timestamp>,
}

impl AccountView {
    /// How full the mailbox is, in hundredths; more than 100 where it is over
    /// its quota.
    pub(crate) fn fullness(&self) -> Option<u64> {
        let quota = self.quota_octets.filter(|quota| *quota > 0)?;
        let hundredths = u128::from(self.octets) * 100 / u128::from(quota);
        Some(u64::try_from(hundredths).unwrap_or(u64::MAX))
    }

    pub(crate) fn is_over_quota(&self) -> bool {
        self.quota_octets.is_some_and(|quota| self.octets >= quota)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    User,
    Application,
    Shared,
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
