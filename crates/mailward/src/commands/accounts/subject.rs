//! Whose password it is, by flags and configuration.

use mailward_gateway::Config;
use mailward_gateway::password::BreachedFile;
use mailward_mail::Address;
use mailward_policy::AccountKind;
use mailward_policy::password::{BreachedList, CommonPasswords, PasswordAccount};

use super::CommandError;
use crate::cli::PasswordArguments;

/// All that the policy asks about.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) kind: AccountKind,
    address: Option<Address>,
    first_name: Option<String>,
    last_name: Option<String>,
    pub(super) breached: Box<dyn BreachedList>,
    pub(super) config: Option<Config>,
}

impl Subject {
    pub(super) fn new(arguments: &PasswordArguments) -> Result<Self, CommandError> {
        let config = match &arguments.config {
            None => None,
            Some(path) => Some(Config::read(path).map_err(CommandError::new)?),
        };
        let address = match arguments.address.as_deref().map(Address::parse) {
            None => None,
            Some(Ok(address)) => Some(address),
            Some(Err(error)) => return Err(CommandError::new(format!("--address: {error}"))),
        };
        let known = match (&config, &address) {
            (Some(config), Some(address)) => {
                let found = config.accounts.iter().find(|one| one.address == *address);
                Some(found.ok_or_else(|| {
                    CommandError::new(format!("the configuration has no account {address}"))
                })?)
            }
            _ => None,
        };
        let kind = match (arguments.kind.as_deref(), known) {
            (Some("user"), _) => AccountKind::User,
            (Some(_), _) => AccountKind::Application,
            (None, Some(account)) => account.kind,
            (None, None) => AccountKind::Application,
        };
        let (last, first) = known
            .and_then(|account| account.display_name.as_deref())
            .and_then(names)
            .unzip();
        let listed = config
            .as_ref()
            .and_then(|config| config.breached_passwords.as_ref());
        let breached: Box<dyn BreachedList> = match arguments.breached.as_ref().or(listed) {
            None => Box::new(CommonPasswords),
            Some(file) => Box::new(BreachedFile::open(file).map_err(CommandError::new)?),
        };
        Ok(Self {
            kind,
            address,
            first_name: arguments.first_name.clone().or(first),
            last_name: arguments.last_name.clone().or(last),
            breached,
            config,
        })
    }

    pub(super) fn account(&self) -> PasswordAccount<'_> {
        PasswordAccount {
            kind: self.kind,
            address: self.address.as_ref(),
            first_name: self.first_name.as_deref(),
            last_name: self.last_name.as_deref(),
        }
    }
}

/// Last and first name of `Lastname, Firstname (ORGANISATION NAME)`.
fn names(display_name: &str) -> Option<(String, String)> {
    let person = display_name.split('(').next()?;
    let (last, first) = person.split_once(',')?;
    Some((last.trim().to_owned(), first.trim().to_owned()))
}
