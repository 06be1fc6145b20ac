//! The accounts of the organisation: who they are, what they may use, and
//! whether somebody at the door is who they say.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use mailward_mail::{Address, Dice, Secret};
use mailward_store::{Row, Store, TxError, Value};

use crate::error::TwinError;
use crate::seed::{AccountKind, AccountSpec, DistributionListSpec, Protocol};

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
    /// The order of making.
    made: u64,
}

impl Account {
    pub fn allows(&self, protocol: Protocol) -> bool {
        self.protocols.contains(&protocol)
    }
}

/// The answer to a name and a password.
#[derive(Clone, Debug)]
pub enum SignIn {
    Accepted(Arc<Account>),
    Refused(Refusal),
}

/// Why a sign-in was refused, for the event log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    NoSuchAccount,
    WrongPassword,
    /// A shared mailbox is entered through a user's account, never by itself.
    SharedMailbox,
}

impl Refusal {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoSuchAccount => "there is no such account",
            Self::WrongPassword => "the password is wrong",
            Self::SharedMailbox => "a shared mailbox has no sign-in of its own",
        }
    }
}

/// Who an address of the organisation stands for.
#[derive(Clone, Debug)]
pub enum Addressee {
    Account(Arc<Account>),
    List(Arc<DistributionListSpec>),
}

#[derive(Debug, Default)]
struct Directory {
    accounts: HashMap<String, Arc<Account>>,
    /// The `made` of the next account.
    next_made: u64,
    lists: HashMap<String, Arc<DistributionListSpec>>,
}

/// All accounts and lists: in memory for every look-up, in the store for the
/// next start.
#[derive(Clone, Debug)]
pub struct Accounts {
    directory: Arc<RwLock<Directory>>,
    store: Store,
}

impl Accounts {
    /// Reads what an earlier run left in the store.
    pub async fn open(store: Store) -> Result<Self, TwinError> {
        let (accounts, lists) = store
            .read(|tx| {
                let accounts = tx.query(
                    "SELECT written, kind, password, display_name, protocols, quota_mb, culture, made FROM twin_account",
                    &[],
                    read_account,
                )?;
                let lists = tx.query("SELECT written, members FROM twin_list", &[], read_list)?;
                Ok((accounts, lists))
            })
            .await?;
        let mut directory = Directory::default();
        for account in accounts {
            directory.insert(account);
        }
        for list in lists {
            directory.lists.insert(list.address.key(), Arc::new(list));
        }
        Ok(Self {
            directory: Arc::new(RwLock::new(directory)),
            store,
        })
    }

    /// Makes or changes accounts, all in one write. One that exists keeps its
    /// password unless the specification names another.
    pub async fn put(
        &self,
        specs: Vec<AccountSpec>,
        dice: &dyn Dice,
    ) -> Result<Vec<Arc<Account>>, TwinError> {
        let next_made = self
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .next_made;
        let accounts: Vec<Arc<Account>> = specs
            .into_iter()
            .zip(next_made..)
            .map(|(spec, made)| Arc::new(self.settle(spec, made, dice)))
            .collect();
        let rows = accounts.clone();
        self.store
            .write(Vec::new(), move |tx, _| {
                for account in &rows {
                    tx.execute("DELETE FROM twin_account WHERE address = ?1", &[Value::from(account.address.key())])?;
                    tx.execute(
                        "INSERT INTO twin_account (address, written, kind, password, display_name, protocols, quota_mb, culture, made) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                        &account_values(account),
                    )?;
                }
                Ok(())
            })
            .await?;
        let mut directory = self
            .directory
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for account in &accounts {
            directory.insert(Account::clone(account));
        }
        Ok(accounts)
    }

    pub async fn put_lists(&self, lists: Vec<DistributionListSpec>) -> Result<(), TwinError> {
        let rows = lists.clone();
        self.store
            .write(Vec::new(), move |tx, _| {
                for list in &rows {
                    let key = Value::from(list.address.key());
                    tx.execute(
                        "DELETE FROM twin_list WHERE address = ?1",
                        std::slice::from_ref(&key),
                    )?;
                    let members: Vec<&str> = list.members.iter().map(Address::as_str).collect();
                    tx.execute(
                        "INSERT INTO twin_list (address, written, members) VALUES (?1, ?2, ?3)",
                        &[
                            key,
                            Value::from(list.address.as_str().to_owned()),
                            Value::from(members.join(" ")),
                        ],
                    )?;
                }
                Ok(())
            })
            .await?;
        let mut directory = self
            .directory
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        for list in lists {
            directory.lists.insert(list.address.key(), Arc::new(list));
        }
        Ok(())
    }

    pub fn find(&self, address: &Address) -> Option<Arc<Account>> {
        let directory = self
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        directory.accounts.get(&address.key()).cloned()
    }

    pub fn addressee(&self, address: &Address) -> Option<Addressee> {
        let directory = self
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner);
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
        let directory = self
            .directory
            .read()
            .unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<Arc<Account>> = directory.accounts.values().cloned().collect();
        all.sort_by_key(|account| account.made);
        all
    }

    /// Judges a name and a password, whatever protocol asks.
    pub fn sign_in(&self, address: &Address, password: &Secret) -> SignIn {
        match self.find(address) {
            None => SignIn::Refused(Refusal::NoSuchAccount),
            Some(account) if account.kind == AccountKind::Shared => {
                SignIn::Refused(Refusal::SharedMailbox)
            }
            Some(account) if account.password.matches(password.expose().as_bytes()) => {
                SignIn::Accepted(account)
            }
            Some(_) => SignIn::Refused(Refusal::WrongPassword),
        }
    }

    /// Fills in what a specification leaves open.
    fn settle(&self, spec: AccountSpec, made: u64, dice: &dyn Dice) -> Account {
        let before = self.find(&spec.address);
        let made = before.as_ref().map_or(made, |account| account.made);
        let password = spec
            .password
            .or_else(|| before.map(|account| account.password.clone()))
            .unwrap_or_else(|| new_password(dice));
        Account {
            display_name: spec
                .display_name
                .unwrap_or_else(|| spec.address.local_part().to_owned()),
            address: spec.address,
            kind: spec.kind,
            password,
            protocols: spec.protocols.unwrap_or_else(|| ALL_PROTOCOLS.to_vec()),
            quota_mb: spec.quota_mb,
            culture: spec.culture.unwrap_or_else(|| "en-GB".to_owned()),
            made,
        }
    }
}

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

fn account_values(account: &Account) -> [Value<'_>; 9] {
    [
        Value::from(account.address.key()),
        Value::from(account.address.as_str().to_owned()),
        Value::from(account.kind.as_str().to_owned()),
        Value::from(account.password.expose().to_owned()),
        Value::from(account.display_name.clone()),
        Value::from(serde_json::to_string(&account.protocols).unwrap_or_default()),
        account.quota_mb.map_or(Value::Null, |quota| {
            Value::from(i64::try_from(quota).unwrap_or(i64::MAX))
        }),
        Value::from(account.culture.clone()),
        Value::from(account.made),
    ]
}

fn read_account(row: &Row<'_>) -> Result<Account, TxError> {
    let text = |index: usize| row.get::<String>(index);
    let unreadable =
        |what: &str| TxError::Abort(format!("a twin_account row has an unreadable {what}"));
    Ok(Account {
        address: Address::parse(&text(0)?).map_err(|_| unreadable("address"))?,
        kind: match text(1)?.as_str() {
            "application" => AccountKind::Application,
            "shared" => AccountKind::Shared,
            _ => AccountKind::User,
        },
        password: Secret::new(text(2)?),
        display_name: text(3)?,
        protocols: serde_json::from_str(&text(4)?).map_err(|_| unreadable("protocol list"))?,
        quota_mb: row
            .get::<Option<i64>>(5)?
            .and_then(|quota| u64::try_from(quota).ok()),
        culture: text(6)?,
        made: row.get(7)?,
    })
}

fn read_list(row: &Row<'_>) -> Result<DistributionListSpec, TxError> {
    let parse = |text: &str| {
        Address::parse(text)
            .map_err(|_| TxError::Abort("a twin_list row has an unreadable address".to_owned()))
    };
    Ok(DistributionListSpec {
        address: parse(&row.get::<String>(0)?)?,
        members: row
            .get::<String>(1)?
            .split_whitespace()
            .map(parse)
            .collect::<Result<_, _>>()?,
    })
}
