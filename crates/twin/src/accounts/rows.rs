//! Accounts and lists as the store keeps them.

use std::sync::Arc;

use mailward_mail::{Address, Secret, Timestamp};
use mailward_store::{Row, TxError, Value};

use super::Account;
use crate::error::TwinError;
use crate::seed::{AccountKind, AccountState, DistributionListSpec};
use crate::shelf::Shelf;

const COLUMNS: &str = "written, kind, password, display_name, protocols, quota_mb, culture, made, \
     state, must_change, password_changed, wrong_passwords, former, seed, full_access";

/// Everything that was written; passwords of which nobody noted the day count
/// from `now`.
pub(super) async fn read_all(
    store: &Shelf,
    now: Timestamp,
) -> Result<(Vec<Account>, Vec<DistributionListSpec>), TwinError> {
    let read = store
        .read(move |tx| {
            let accounts =
                tx.query(&format!("SELECT {COLUMNS} FROM twin_account"), &[], |row| {
                    read_account(row, now)
                })?;
            let lists = tx.query("SELECT written, members FROM twin_list", &[], read_list)?;
            Ok((accounts, lists))
        })
        .await?;
    Ok(read)
}

pub(super) async fn write_accounts(
    store: &Shelf,
    accounts: Vec<Arc<Account>>,
) -> Result<(), TwinError> {
    store
        .write(Vec::new(), move |tx, _| {
            for account in &accounts {
                tx.execute(
                    "DELETE FROM twin_account WHERE address = ?1",
                    &[Value::from(account.address.key())],
                )?;
                tx.execute(
                    &format!(
                        "INSERT INTO twin_account (address, {COLUMNS}) VALUES \
                         (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
                    ),
                    &account_values(account),
                )?;
            }
            Ok(())
        })
        .await?;
    Ok(())
}

pub(super) async fn write_lists(
    store: &Shelf,
    lists: Vec<DistributionListSpec>,
) -> Result<(), TwinError> {
    store
        .write(Vec::new(), move |tx, _| {
            for list in &lists {
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
    Ok(())
}

fn account_values(account: &Account) -> [Value<'_>; 16] {
    let former: Vec<&str> = account.former.iter().map(Secret::expose).collect();
    let full_access: Vec<&str> = account.full_access.iter().map(Address::as_str).collect();
    [
        Value::from(account.address.key()),
        Value::from(account.address.as_str()),
        Value::from(account.kind.as_str()),
        Value::from(account.password.expose()),
        Value::from(&account.display_name),
        Value::from(serde_json::to_string(&account.protocols).unwrap_or_default()),
        account.quota_mb.map_or(Value::Null, Value::from),
        Value::from(&account.culture),
        Value::from(account.made),
        Value::from(account.state.as_str()),
        Value::from(account.must_change),
        Value::from(account.password_changed.as_millis()),
        Value::from(account.wrong_passwords),
        Value::from(serde_json::to_string(&former).unwrap_or_default()),
        account.seed.as_ref().map_or(Value::Null, Value::from),
        Value::from(full_access.join(" ")),
    ]
}

fn read_account(row: &Row<'_>, now: Timestamp) -> Result<Account, TxError> {
    let text = |index: usize| row.get::<String>(index);
    let unreadable =
        |what: &str| TxError::Abort(format!("a twin_account row has an unreadable {what}"));
    let former: Vec<String> =
        serde_json::from_str(&text(12)?).map_err(|_| unreadable("list of passwords"))?;
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
        state: match text(8)?.as_str() {
            "active" => AccountState::Active,
            "locked" => AccountState::Locked,
            "disabled" => AccountState::Disabled,
            _ => return Err(unreadable("state")),
        },
        must_change: row.get(9)?,
        password_changed: row
            .get::<Option<i64>>(10)?
            .map_or(now, Timestamp::from_millis),
        wrong_passwords: row.get(11)?,
        former: former.into_iter().map(Secret::new).collect(),
        seed: row.get(13)?,
        full_access: text(14)?
            .split_whitespace()
            .map(|one| Address::parse(one).map_err(|_| unreadable("address with full access")))
            .collect::<Result<_, _>>()?,
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
