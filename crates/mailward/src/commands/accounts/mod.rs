//! `mailward accounts`: passwords that keep the policy, how old those in use
//! are, and what is left of the mailboxes' limits.

mod check_password;
mod limits;
mod list;
mod new_password;
mod resume;
mod subject;
mod terminal;

use std::io;

use super::{CommandError, Report};
use crate::cli::AccountsCommand;

pub(super) async fn run(command: AccountsCommand) -> Result<Report, CommandError> {
    match command {
        AccountsCommand::NewPassword {
            account,
            count,
            store,
            keystore,
            passphrase_file,
            key_file,
        } => {
            let store = store.map(|name| new_password::Store {
                name,
                keystore,
                passphrase_file,
                key_file,
            });
            new_password::run(&account, count, store)
        }
        AccountsCommand::CheckPassword { account } => {
            let password = match terminal::read_unseen("Password: ")? {
                Some(typed) => typed,
                None => super::secrets::read_secret(&mut io::stdin().lock())?,
            };
            check_password::run(&account, &password)
        }
        AccountsCommand::Resume {
            address,
            target,
            why,
        } => resume::run(&target.dir, address, why, target.json).await,
        AccountsCommand::Limits { address, dir, json } => limits::run(address, &dir, json).await,
        AccountsCommand::List { config, dir, json } => {
            list::run(config.as_deref(), dir.as_deref(), json).await
        }
    }
}
