//! The accounts of the organisation: who they are, what they may use, whether
//! somebody at the door is who they say, and what the Local Administrator does
//! to them.
//!
//! ```text
//!            wrong passwords              disable
//!   active ─────────────────▶ locked        ┌───▶ disabled
//!     ▲  ◀──── unlock ─────────┘   active ──┘ ◀─── enable
//!     └── and besides: password expired, password must be changed
//! ```

mod change;
mod disuse;
mod password;
mod rows;
mod sign_in;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use mailward_mail::{Address, Clock, Dice, Secret, Timestamp};
use mailward_policy::limits;
use tokio::sync::watch;

use crate::error::TwinError;
use crate::kept::Kept;
use crate::own::Own;
use crate::seed::{AccountKind, AccountSpec, AccountState, DistributionListSpec, Protocol};
use crate::shelf::Shelf;

pub use change::Change;
pub(crate) use change::{PasswordChange, Refused};
pub(crate) use disuse::Entrance;
use disuse::LastUses;
pub(crate) use password::{WeakPassword, judge as judge_password, sentence};
pub(crate) use sign_in::{Refusal, SignIn, SignInRules};

/// One account. Passwords are kept as they are: a twin holds test data only,
/// and its ready object shows them.
#[derive(Clone, Debug)]
pub struct Account {
    pub address: Address,
    pub kind: AccountKind,
    pub password: Secret,
    pub display_name: String,
    pub protocols: Vec<Protocol>,
    pub quota_mb: Option<u64>,
    pub culture: String,
    pub state: AccountState,
    /// Whose tokens open the mailbox as well.
    pub full_access: Vec<Address>,
    /// Nobody signs in with the password before it has been changed (GUIDE-38).
    pub must_change: bool,
    pub password_changed: Timestamp,
    /// Wrong passwords since the last right one, over all protocols (GUIDE-37).
    pub wrong_passwords: u32,
    /// Passwords before this one, the latest first.
    former: Vec<Secret>,
    /// The seed it was last made from, so that the same seed at the next start
    /// does not undo what was done since.
    seed: Option<String>,
    /// The order of making.
    made: u64,
}

impl Account {
    pub fn allows(&self, protocol: Protocol) -> bool {
        self.protocols.contains(&protocol)
    }

    /// From when on the password no longer opens.
    pub fn password_expires(&self) -> Timestamp {
        password::expires(self.kind, self.password_changed)
    }

    /// Keeps the present password among the former ones and sets another.
    fn replace_password(&mut self, password: Secret, now: Timestamp) {
        let old = std::mem::replace(&mut self.password, password);
        self.former.insert(0, old);
        self.former.truncate(password::FORMER_MAX);
        self.password_changed = now;
    }
}

/// Who an address of the organisation stands for.
#[derive(Clone, Debug)]
pub enum Addressee {
    Account(Arc<Account>),
    List(Arc<DistributionListSpec>),
}

/// Who gives a specification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum GivenBy {
    /// The seed, at every start.
    Seed,
    /// The control API.
    Control,
}

/// Everybody at one moment.
#[derive(Clone, Debug)]
pub(crate) struct AccountsImage {
    directory: Arc<Directory>,
    last_uses: Arc<disuse::Uses>,
}

#[derive(Clone, Debug, Default)]
struct Directory {
    /// By key, so that a page of them costs no more than the page.
    accounts: BTreeMap<String, Arc<Account>>,
    /// The `made` of the next account.
    next_made: u64,
    lists: HashMap<String, Arc<DistributionListSpec>>,
}

/// All accounts and lists: in memory for every look-up, in the store for the
/// next start.
#[derive(Clone, Debug)]
pub struct Accounts {
    directory: Own<Directory>,
    store: Shelf,
    clock: Arc<dyn Clock>,
    rules: Arc<SignInRules>,
    last_uses: LastUses,
    /// Stirs when somebody may no longer be let in who was before.
    barred: watch::Sender<()>,
    /// Held from reading an account until its change is on disk.
    changing: Arc<tokio::sync::Mutex<()>>,
}

impl Accounts {
    /// Reads what an earlier run left in the store.
    pub(crate) async fn open(
        store: Shelf,
        clock: Arc<dyn Clock>,
        rules: SignInRules,
    ) -> Result<Self, TwinError> {
        let (accounts, lists) = rows::read_all(&store, clock.now()).await?;
        let mut directory = Directory::default();
        for account in accounts {
            directory.insert(account);
        }
        for list in lists {
            directory.lists.insert(list.address.key(), Arc::new(list));
        }
        let last_uses = LastUses::open(Kept::new(store.clone()), clock.now()).await?;
        Ok(Self {
            directory: Own::new(directory),
            store,
            clock,
            rules: Arc::new(rules),
            last_uses,
            barred: watch::Sender::new(()),
            changing: Arc::default(),
        })
    }

    /// Makes or changes accounts, all in one write. One that exists keeps what
    /// the specification does not name; one made from the same seed before
    /// stays as it has become.
    pub(crate) async fn put(
        &self,
        specs: Vec<AccountSpec>,
        given_by: GivenBy,
        dice: &dyn Dice,
    ) -> Result<Vec<Arc<Account>>, TwinError> {
        let _changing = self.changing.lock().await;
        let next_made = self.directory.read().next_made;
        let accounts: Vec<Arc<Account>> = specs
            .into_iter()
            .zip(next_made..)
            .map(|(spec, made)| Arc::new(self.settle(spec, made, given_by, dice)))
            .collect();
        rows::write_accounts(&self.store, accounts.clone()).await?;
        let mut directory = self.directory.write();
        for account in &accounts {
            directory.insert(Account::clone(account));
        }
        drop(directory);
        self.barred.send_replace(());
        Ok(accounts)
    }

    pub async fn put_lists(&self, lists: Vec<DistributionListSpec>) -> Result<(), TwinError> {
        rows::write_lists(&self.store, lists.clone()).await?;
        let mut directory = self.directory.write();
        for list in lists {
            directory.lists.insert(list.address.key(), Arc::new(list));
        }
        Ok(())
    }

    pub fn find(&self, address: &Address) -> Option<Arc<Account>> {
        self.directory.read().accounts.get(&address.key()).cloned()
    }

    pub fn addressee(&self, address: &Address) -> Option<Addressee> {
        let directory = self.directory.read();
        let key = address.key();
        let account = directory
            .accounts
            .get(&key)
            .cloned()
            .map(Addressee::Account);
        account.or_else(|| directory.lists.get(&key).cloned().map(Addressee::List))
    }

    /// Every account, in order of making.
    pub fn all(&self) -> Vec<Arc<Account>> {
        let mut all: Vec<Arc<Account>> = self.directory.read().accounts.values().cloned().collect();
        all.sort_by_key(|account| account.made);
        all
    }

    pub fn count(&self) -> usize {
        self.directory.read().accounts.len()
    }

    /// Up to `limit` of the accounts that `is_wanted` whose keys come after
    /// `key`, by key.
    pub fn after(
        &self,
        key: &str,
        limit: usize,
        is_wanted: impl Fn(&Account) -> bool,
    ) -> Vec<Arc<Account>> {
        let directory = self.directory.read();
        let range = (Bound::Excluded(key), Bound::Unbounded);
        let later = directory.accounts.range::<str, _>(range);
        later
            .map(|(_, account)| account)
            .filter(|account| is_wanted(account))
            .take(limit)
            .cloned()
            .collect()
    }

    pub(crate) fn rules(&self) -> &SignInRules {
        &self.rules
    }

    /// Fills in what a specification leaves open.
    fn settle(&self, spec: AccountSpec, made: u64, given_by: GivenBy, dice: &dyn Dice) -> Account {
        let now = self.clock.now();
        let before = self.find(&spec.address);
        let before = before.as_deref();
        let seed = match given_by {
            GivenBy::Seed => Some(spec.fingerprint()),
            GivenBy::Control => before.and_then(|account| account.seed.clone()),
        };
        if let (GivenBy::Seed, Some(known)) = (given_by, before.filter(|one| one.seed == seed)) {
            return known.clone();
        }
        let mut account = before.cloned().unwrap_or_else(|| Account {
            display_name: spec.address.local_part().to_owned(),
            address: spec.address.clone(),
            kind: spec.kind,
            password: spec.password.clone().unwrap_or_else(|| new_password(dice)),
            protocols: ALL_PROTOCOLS.to_vec(),
            quota_mb: Some(quota_mb(spec.kind)),
            culture: "en-GB".to_owned(),
            state: AccountState::Active,
            full_access: Vec::new(),
            must_change: false,
            password_changed: now,
            wrong_passwords: 0,
            former: Vec::new(),
            seed: None,
            made,
        });
        account.kind = spec.kind;
        account.seed = seed;
        match spec.password {
            Some(password) if !account.password.matches(password.expose().as_bytes()) => {
                account.replace_password(password, now);
            }
            _ => {}
        }
        account.password_changed = spec.password_changed.unwrap_or(account.password_changed);
        account.must_change = spec.must_change.unwrap_or(account.must_change);
        account.state = spec.state.unwrap_or(account.state);
        account.display_name = spec.display_name.unwrap_or(account.display_name);
        account.protocols = spec.protocols.unwrap_or(account.protocols);
        // Nought is without a quota.
        account.quota_mb = spec
            .quota_mb
            .or(account.quota_mb)
            .filter(|quota_mb| *quota_mb > 0);
        account.full_access = spec.full_access.unwrap_or(account.full_access);
        account.culture = spec.culture.unwrap_or(account.culture);
        account
    }

    /// Everybody as they are now.
    pub(crate) fn image(&self) -> AccountsImage {
        AccountsImage {
            directory: self.directory.image(),
            last_uses: self.last_uses.image(),
        }
    }

    /// Takes everybody from another world, or from this one as it was. It is
    /// written nowhere: for worlds in memory.
    pub(crate) fn adopt(&self, image: &AccountsImage) {
        self.directory.adopt(&image.directory);
        self.last_uses.adopt(&image.last_uses);
        self.barred.send_replace(());
    }

    /// Completes when the account is not there, or not to be used.
    pub(crate) async fn until_barred(&self, address: &Address) {
        let mut barred = self.barred.subscribe();
        while self.usable(address).is_ok() {
            // The sender is held here.
            let _ = barred.changed().await;
        }
    }
}

/// What the service gives a mailbox of this kind.
fn quota_mb(kind: AccountKind) -> u64 {
    let limit = match kind {
        AccountKind::Shared => limits::MAILBOX_SHARED,
        AccountKind::User | AccountKind::Application => limits::MAILBOX_STANDARD,
    };
    limit.figure / OCTETS_PER_MB
}

pub(crate) const OCTETS_PER_MB: u64 = 1024 * 1024;

const ALL_PROTOCOLS: [Protocol; 5] = [
    Protocol::Smtp,
    Protocol::Imap,
    Protocol::Pop,
    Protocol::Ews,
    Protocol::Graph,
];

impl Directory {
    fn insert(&mut self, account: Account) {
        self.next_made = self.next_made.max(account.made + 1);
        self.accounts
            .insert(account.address.key(), Arc::new(account));
    }
}

/// Twenty-four characters with all that the stricter policy asks for (GUIDE-19
/// and the application account page: upper case, lower case, a digit).
pub(crate) fn new_password(dice: &dyn Dice) -> Secret {
    const LETTERS: &[u8] = b"abcdefghjkmnpqrstuvwxyz";
    let mut text = String::from("Tw1-");
    for group in 0..4 {
        if group > 0 {
            text.push('-');
        }
        for _ in 0..5 {
            text.push(char::from(
                LETTERS[dice.below(LETTERS.len() as u64) as usize],
            ));
        }
    }
    Secret::new(text)
}
