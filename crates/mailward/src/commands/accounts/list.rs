//! `mailward accounts list`.

use std::path::Path;

use mailward_gateway::password::{AccountAge, SignsInBy, account_ages};
use mailward_gateway::{Config, Secrets};
use mailward_mail::{Clock as _, Timestamp};
use mailward_net::SystemClock;
use serde_json::json;

use super::super::table::Table;
use super::{CommandError, Report};
use crate::operator::{self, Request};

pub(super) async fn run(
    config: Option<&Path>,
    dir: Option<&Path>,
    json: bool,
) -> Result<Report, CommandError> {
    let accounts = match (config, dir) {
        (Some(path), _) => of_configuration(path)?,
        (None, Some(dir)) => {
            let answer = operator::ask(dir, Request::Accounts).await;
            let value = answer.map_err(CommandError::new)?;
            serde_json::from_value(value).map_err(CommandError::new)?
        }
        (None, None) => return Err(CommandError::new("name --config FILE or --dir DIR")),
    };
    if json {
        return Report::json(&json!({ "accounts": accounts }), true);
    }
    Ok(Report::yes(table(&accounts)))
}

/// With the days of the keystore where it can be opened here.
fn of_configuration(path: &Path) -> Result<Vec<AccountAge>, CommandError> {
    let config = Config::read(path).map_err(CommandError::new)?;
    let secrets = Secrets::open(config.keystore.as_ref()).ok();
    Ok(account_ages(&config, secrets.as_ref(), SystemClock.now()))
}

fn table(accounts: &[AccountAge]) -> String {
    let mut table = Table::new([
        "ADDRESS",
        "KIND",
        "ROUTE",
        "SIGNS IN BY",
        "CHANGED",
        "EXPIRES",
        "DAYS LEFT",
        "APPLICATIONS",
    ]);
    for account in accounts {
        let by_password = account.signs_in_by == SignsInBy::Password;
        let day = |moment: Option<Timestamp>| match moment {
            Some(moment) => moment.to_date(),
            None if by_password => "unknown".to_owned(),
            None => "-".to_owned(),
        };
        let days_left = match account.days_left {
            Some(0) => "expired".to_owned(),
            Some(days) => days.to_string(),
            None => day(None),
        };
        table.row([
            account.address.clone(),
            word(&account.kind),
            account.route.clone(),
            word(&account.signs_in_by),
            day(account.password_changed),
            day(account.password_expires),
            days_left,
            account.applications.join(", "),
        ]);
    }
    table.text()
}

/// The word by which serde writes a plain enum.
fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn lists_what_the_configuration_says() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("gateway.toml");
        let text = r#"
[gateway]
hostname = "gateway.northmoor.example"
dir = "data"
[[route]]
name = "login"
kind = "submission"
server = "smtp.office365.com"
port = 587
mechanism = "login"
[[account]]
address = "letters@northmoor.example"
route = "login"
secret = "credential:letters"
password_changed = "2020-02-29"
[[account]]
address = "alerts@northmoor.example"
kind = "user"
route = "login"
secret = "credential:alerts"
"#;
        std::fs::write(&path, text).expect("written");
        let report = run(Some(&path), None, false).await.expect("a report");
        assert_eq!(
            report.text,
            "ADDRESS                    KIND         ROUTE  SIGNS IN BY  CHANGED     EXPIRES     DAYS LEFT  APPLICATIONS\n\
             letters@northmoor.example  application  login  password     2020-02-29  2021-02-28  expired\n\
             alerts@northmoor.example   user         login  password     unknown     unknown     unknown\n"
        );
        let report = run(Some(&path), None, true).await.expect("a report");
        let value: serde_json::Value = serde_json::from_str(&report.text).expect("JSON");
        assert_eq!(value["accounts"][0]["days_left"], 0);
        assert_eq!(
            value["accounts"][1]["password_changed"],
            serde_json::Value::Null
        );
    }
}
