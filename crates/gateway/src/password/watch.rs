//! Warns before a password expires: 18, 10, 5, 2 and 1 days before, and when
//! it has (GUIDE-31, GUIDE-33).
//!
//! What was told is written down, so that each warning is told once, whatever
//! happens between: a restart neither repeats nor misses one.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{Clock, Timestamp};
use mailward_net::Tasks;
use mailward_policy::password::{Standing, standing};
use mailward_store::{ReadError, Store, WriteError};

use super::age::{AccountAge, account_ages};
use crate::config::Config;
use crate::deliver::{Alarm, Alarms};
use crate::secrets::Secrets;

/// For the end of the gateway's migrations.
pub(crate) const MIGRATION: &str = "\
CREATE TABLE password_warnings (
    account TEXT PRIMARY KEY,
    -- When the password was set that was warned of, milliseconds since 1970.
    changed_at BIGINT NOT NULL,
    -- The days of the warning told last; 0 when it had expired.
    told BIGINT NOT NULL
);
";

/// The kind of the alarm.
const ALARM: &str = "password_expires";

/// How often passwords are looked at; a new one is seen this much later.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);

/// The worker.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) config: Arc<Config>,
    pub(crate) secrets: Arc<Secrets>,
    pub(crate) store: Store,
    pub(crate) alarms: Alarms,
    pub(crate) clock: Arc<dyn Clock>,
}

/// Why warnings cannot be written down or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WatchError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
}

impl Watch {
    pub(crate) fn start(self, tasks: &Tasks) {
        let shutdown = tasks.shutdown().clone();
        tasks.spawn("password age", async move {
            self.say_what_is_unknown();
            loop {
                if let Err(error) = self.look().await {
                    tracing::warn!(%error, "warnings of passwords that expire cannot be kept");
                }
                tokio::select! {
                    () = shutdown.begun() => return,
                    () = self.clock.wait(LOOK_EVERY) => {}
                }
            }
        });
    }

    /// Looks at every account once; gives the warnings that were told, as
    /// account and days.
    pub(crate) async fn look(&self) -> Result<Vec<(String, u64)>, WatchError> {
        let now = self.clock.now();
        let ages = self.ages(now);
        let told = self.told().await?;
        let mut news = Vec::new();
        for age in &ages {
            let (Some(changed), Some(expires)) = (age.password_changed, age.password_expires)
            else {
                continue;
            };
            let account = age.address.to_lowercase();
            let days = match standing(expires, now) {
                Standing::Fresh => {
                    self.alarms.clear(ALARM, &account);
                    continue;
                }
                Standing::Warned(days) => days,
                Standing::Expired => 0,
            };
            let alarm = Alarm::new(ALARM, sentence(age, expires)).account(&account);
            let before = told
                .get(&account)
                .filter(|(of, _)| *of == changed)
                .map(|(_, days)| *days);
            if before.is_some_and(|before| before <= days) {
                self.alarms.keep(alarm);
                continue;
            }
            self.alarms.renew(alarm);
            self.write_down(account.clone(), changed, days).await?;
            news.push((account, days));
        }
        Ok(news)
    }

    fn ages(&self, now: Timestamp) -> Vec<AccountAge> {
        account_ages(&self.config, Some(&self.secrets), now)
    }

    fn say_what_is_unknown(&self) {
        for age in self.ages(self.clock.now()) {
            if age.signs_in_by == super::SignsInBy::Password && age.password_changed.is_none() {
                tracing::warn!(
                    account = age.address,
                    "nobody knows when its password was set, so nobody can warn before it expires (GUIDE-31): add password_changed to the account"
                );
            }
        }
    }

    /// By account: of which password, and the days told last.
    async fn told(&self) -> Result<BTreeMap<String, (Timestamp, u64)>, ReadError> {
        let most = i64::try_from(self.config.accounts.len()).unwrap_or(i64::MAX);
        let rows = self
            .store
            .read(move |tx| {
                tx.query(
                    "SELECT account, changed_at, told FROM password_warnings \
                     ORDER BY changed_at DESC LIMIT ?1",
                    &[most.saturating_mul(2).into()],
                    |row| {
                        let (account, changed, days): (String, i64, u64) =
                            (row.get(0)?, row.get(1)?, row.get(2)?);
                        Ok((account, (Timestamp::from_millis(changed), days)))
                    },
                )
            })
            .await?;
        Ok(rows.into_iter().collect())
    }

    async fn write_down(
        &self,
        account: String,
        changed: Timestamp,
        days: u64,
    ) -> Result<(), WriteError> {
        self.store
            .write(Vec::new(), move |tx, _| {
                tx.execute(
                    "INSERT INTO password_warnings (account, changed_at, told) VALUES (?1, ?2, ?3) \
                     ON CONFLICT (account) DO UPDATE SET changed_at = excluded.changed_at, told = excluded.told",
                    &[account.as_str().into(), changed.as_millis().into(), days.into()],
                )?;
                Ok(())
            })
            .await
    }
}

fn sentence(age: &AccountAge, expires: Timestamp) -> String {
    let address = &age.address;
    let when = match age.days_left {
        None | Some(0) => format!("has expired, on {}", expires.to_date()),
        Some(1) => format!("expires within a day, on {}", expires.to_date()),
        Some(days) => format!("expires in {days} days, on {}", expires.to_date()),
    };
    format!(
        "the password of {address} {when} (GUIDE-31, GUIDE-33): make one with `mailward accounts new-password --address {address}`, have it set at the service, and store it with `mailward secrets set`"
    )
}

#[cfg(test)]
mod tests;
