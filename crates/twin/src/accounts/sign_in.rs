//! Whether somebody at the door is who they say, whatever protocol asks.

use std::borrow::Cow;
use std::sync::Arc;

use mailward_mail::{Address, Secret};
use mailward_policy::password::BreachedList;

use super::{Account, Accounts};
use crate::asof::BehaviourDay;
use crate::behaviour::{self, Behaviour};
use crate::seed::{AccountKind, AccountState, SignInSpec};

/// GUIDE-37 gives no number. Ours: what the identity platform does by default.
const WRONG_PASSWORDS_MAX: u32 = 10;

/// What the service says of a wrong password, and by default of every account
/// that may not sign in: no transcript shows other words.
const WORDS_INCORRECT: &str = "the user credentials were incorrect.";

/// How sign-in and passwords are judged.
#[derive(Clone, Debug)]
pub(crate) struct SignInRules {
    pub(crate) day: BehaviourDay,
    /// In a row, over all protocols; `None` never locks.
    pub(crate) wrong_passwords_max: Option<u32>,
    pub(crate) locked_words: String,
    /// After so many days without use a protocol is switched off; `None` never is.
    pub(crate) disuse_days: Option<u32>,
    /// Passwords that may not be set (GUIDE-28).
    pub(crate) breached: Arc<dyn BreachedList>,
}

impl SignInRules {
    /// As a seed sets them.
    pub(crate) fn new(
        spec: &SignInSpec,
        day: BehaviourDay,
        breached: Arc<dyn BreachedList>,
    ) -> Self {
        let most = spec.wrong_passwords_max.unwrap_or(WRONG_PASSWORDS_MAX);
        Self {
            day,
            wrong_passwords_max: (most > 0).then_some(most),
            locked_words: spec
                .locked_words
                .clone()
                .unwrap_or_else(|| WORDS_INCORRECT.to_owned()),
            disuse_days: spec.disuse_days.filter(|days| *days > 0),
            breached,
        }
    }
}

/// The answer to a name and a password.
#[derive(Clone, Debug)]
pub(crate) enum SignIn {
    Accepted(Arc<Account>),
    Refused(Refusal),
}

/// Why a sign-in was refused, for the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    NoSuchAccount,
    WrongPassword,
    /// The one wrong password too many.
    WrongPasswordLocks {
        wrong_passwords: u32,
    },
    /// A shared mailbox is entered through a user's account, never by itself.
    SharedMailbox,
    Locked,
    Disabled,
    PasswordExpired,
    PasswordMustChange,
}

impl Refusal {
    pub(crate) fn why(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::NoSuchAccount => "there is no such account",
            Self::WrongPassword => "the password is wrong",
            Self::WrongPasswordLocks { wrong_passwords } => {
                return Cow::Owned(format!(
                    "the password is wrong, {wrong_passwords} times running now, and the account is locked until the Local Administrator unlocks it"
                ));
            }
            Self::SharedMailbox => "a shared mailbox has no sign-in of its own",
            Self::Locked => "the account is locked until the Local Administrator unlocks it",
            Self::Disabled => "the account is disabled",
            Self::PasswordExpired => "the password has expired and must be changed",
            Self::PasswordMustChange => "the password must be changed before it opens again",
        })
    }

    pub(crate) fn behaviour(self) -> &'static Behaviour {
        match self {
            Self::NoSuchAccount | Self::WrongPassword | Self::SharedMailbox => {
                behaviour::CREDENTIALS
            }
            Self::WrongPasswordLocks { .. } => behaviour::WRONG_PASSWORDS,
            Self::Locked => behaviour::ACCOUNT_LOCKED,
            Self::Disabled => behaviour::ACCOUNT_DISABLED,
            Self::PasswordExpired => behaviour::PASSWORD_EXPIRED,
            Self::PasswordMustChange => behaviour::PASSWORD_CHANGE,
        }
    }
}

impl Accounts {
    /// Judges a name and a password, and counts wrong ones.
    pub(crate) async fn sign_in(&self, address: &Address, password: &Secret) -> SignIn {
        let Some(account) = self.find(address) else {
            return SignIn::Refused(Refusal::NoSuchAccount);
        };
        if account.kind == AccountKind::Shared {
            return SignIn::Refused(Refusal::SharedMailbox);
        }
        if let Some(refusal) = barred(&account) {
            return SignIn::Refused(refusal);
        }
        if !account.password.matches(password.expose().as_bytes()) {
            return SignIn::Refused(self.count_wrong(address).await);
        }
        if account.wrong_passwords > 0 {
            self.forget_wrong(address).await;
        }
        if account.must_change {
            return SignIn::Refused(Refusal::PasswordMustChange);
        }
        if self.clock.now() >= account.password_expires() {
            return SignIn::Refused(Refusal::PasswordExpired);
        }
        SignIn::Accepted(account)
    }

    /// The account, if it opens at all: for who shows a token, and for
    /// sessions that go on. Its password does not matter here.
    pub(crate) fn usable(&self, address: &Address) -> Result<Arc<Account>, Refusal> {
        let account = self.find(address).ok_or(Refusal::NoSuchAccount)?;
        match barred(&account) {
            Some(refusal) => Err(refusal),
            None => Ok(account),
        }
    }

    /// What the service says at submission.
    pub(crate) fn words(&self, refusal: Refusal) -> Cow<'static, str> {
        match refusal {
            Refusal::Locked => Cow::Owned(self.rules.locked_words.clone()),
            _ => Cow::Borrowed(WORDS_INCORRECT),
        }
    }

    async fn count_wrong(&self, address: &Address) -> Refusal {
        let most = self.rules.wrong_passwords_max;
        let counted = self
            .alter(address, |account| {
                account.wrong_passwords = account.wrong_passwords.saturating_add(1);
                let locks = account.state == AccountState::Active
                    && most.is_some_and(|most| account.wrong_passwords >= most);
                if !locks {
                    return Refusal::WrongPassword;
                }
                account.state = AccountState::Locked;
                Refusal::WrongPasswordLocks {
                    wrong_passwords: account.wrong_passwords,
                }
            })
            .await;
        counted.unwrap_or_else(|error| {
            tracing::warn!(%error, "a wrong password could not be counted");
            Refusal::WrongPassword
        })
    }

    async fn forget_wrong(&self, address: &Address) {
        let forgotten = self
            .alter(address, |account| account.wrong_passwords = 0)
            .await;
        if let Err(error) = forgotten {
            tracing::warn!(%error, "wrong passwords could not be forgotten");
        }
    }
}

fn barred(account: &Account) -> Option<Refusal> {
    match account.state {
        AccountState::Active => None,
        AccountState::Locked => Some(Refusal::Locked),
        AccountState::Disabled => Some(Refusal::Disabled),
    }
}
