//! What the Local Administrator, or its holder, does to an account.

use std::sync::Arc;

use mailward_mail::{Address, Secret};

use super::password::{self, WeakPassword};
use super::{Account, Accounts, Refusal, SignIn, rows};
use crate::error::TwinError;
use crate::seed::{AccountKind, AccountState, Protocol};

/// A change that needs nobody's leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Lock,
    /// Also forgets the wrong passwords.
    Unlock,
    Disable,
    Enable,
    /// As if the password were as old as a password may be.
    Expire,
    ForcePassword,
    Protocols(Vec<Protocol>),
    /// `None` is without a quota.
    Quota(Option<u64>),
    /// Converts the account to another type.
    Kind(AccountKind),
}

impl Change {
    /// For the event log: kind, what was done, and the clause.
    pub(crate) fn event(&self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Lock => ("locked", "the account was locked", "GUIDE-38"),
            Self::Unlock => ("unlocked", "the account was unlocked", "GUIDE-36"),
            Self::Disable => ("disabled", "the account was disabled", "GUIDE-35"),
            Self::Enable => ("enabled", "the account was enabled", "GUIDE-36"),
            Self::Expire => ("expired", "the password was made to expire", "GUIDE-31"),
            Self::ForcePassword => (
                "change_forced",
                "the password must be changed before it opens again",
                "GUIDE-38",
            ),
            Self::Protocols(_) => ("protocols_set", "other protocols are enabled", "GUIDE-6"),
            Self::Quota(_) => ("quota_set", "the mailbox has another quota", "GUIDE-64"),
            Self::Kind(_) => ("converted", "the account is of another type", "GUIDE-18"),
        }
    }
}

/// A new password.
#[derive(Debug)]
pub(crate) struct PasswordChange {
    /// From its holder; the Local Administrator needs none.
    pub(crate) old: Option<Secret>,
    pub(crate) new: Secret,
    /// The holder has to change it again at once.
    pub(crate) must_change: bool,
}

/// Why a password was not changed.
#[derive(Debug)]
pub(crate) enum Refused {
    NoSuchAccount,
    /// The old password does not sign in.
    SignIn(Refusal),
    Weak(Vec<WeakPassword>),
    Trouble(TwinError),
}

impl From<TwinError> for Refused {
    fn from(error: TwinError) -> Self {
        Self::Trouble(error)
    }
}

impl Accounts {
    /// The account as it is afterwards; `None` when there is none.
    pub(crate) async fn change(
        &self,
        address: &Address,
        change: &Change,
    ) -> Result<Option<Arc<Account>>, TwinError> {
        if self.find(address).is_none() {
            return Ok(None);
        }
        let now = self.clock.now();
        self.alter(address, |account| match change {
            Change::Lock => account.state = AccountState::Locked,
            Change::Unlock => {
                account.wrong_passwords = 0;
                if account.state == AccountState::Locked {
                    account.state = AccountState::Active;
                }
            }
            Change::Disable => account.state = AccountState::Disabled,
            Change::Enable => {
                if account.state == AccountState::Disabled {
                    account.state = AccountState::Active;
                }
            }
            Change::Expire => {
                let life = account.password_expires().since(account.password_changed);
                account.password_changed = now.minus(life);
            }
            Change::ForcePassword => account.must_change = true,
            Change::Protocols(protocols) => account.protocols.clone_from(protocols),
            Change::Quota(quota_mb) => account.quota_mb = *quota_mb,
            Change::Kind(kind) => account.kind = *kind,
        })
        .await?;
        if let Change::Protocols(protocols) = change {
            let key = address.key();
            self.last_uses.note(&key, protocols, now).await?;
        }
        Ok(self.find(address))
    }

    /// Sets a password that the service likes.
    pub(crate) async fn change_password(
        &self,
        address: &Address,
        change: PasswordChange,
    ) -> Result<Arc<Account>, Refused> {
        self.find(address).ok_or(Refused::NoSuchAccount)?;
        if let Some(old) = &change.old {
            match self.sign_in(address, old).await {
                SignIn::Accepted(_)
                // Changing it is what mends these two.
                | SignIn::Refused(Refusal::PasswordExpired | Refusal::PasswordMustChange) => {}
                SignIn::Refused(refusal) => return Err(Refused::SignIn(refusal)),
            }
        }
        let now = self.clock.now();
        let rules = Arc::clone(&self.rules);
        let judged = self
            .alter(address, move |account| {
                let weak = password::judge(&change.new, account, &rules)?;
                if weak.is_empty() {
                    account.replace_password(change.new, now);
                    account.must_change = change.must_change;
                    account.wrong_passwords = 0;
                }
                Ok::<_, mailward_policy::password::BreachedListError>(weak)
            })
            .await?;
        match judged {
            Ok(weak) if weak.is_empty() => self.find(address).ok_or(Refused::NoSuchAccount),
            Ok(weak) => Err(Refused::Weak(weak)),
            Err(error) => Err(Refused::Trouble(TwinError::BreachedList(error))),
        }
    }

    /// Changes an account on disk, then in memory. One at a time, so that no
    /// change is lost to another.
    pub(super) async fn alter<T>(
        &self,
        address: &Address,
        alter: impl FnOnce(&mut Account) -> T,
    ) -> Result<T, TwinError> {
        let _changing = self.changing.lock().await;
        let Some(before) = self.find(address) else {
            return Err(TwinError::Seed(format!("there is no account {address}")));
        };
        let mut account = Account::clone(&before);
        let result = alter(&mut account);
        rows::write_accounts(&self.store, vec![Arc::new(account.clone())]).await?;
        let is_shut = account.state != before.state && account.state != AccountState::Active;
        self.directory.write().insert(account);
        if is_shut {
            self.barred.send_replace(());
        }
        Ok(result)
    }
}
