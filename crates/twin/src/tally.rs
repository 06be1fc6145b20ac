//! What each mailbox sent lately, kept through restarts: recipients in a
//! rolling day, and the last message to each distribution list.
//!
//! Recipients are counted by the minute, so that a mailbox has at most a day's
//! minutes of rows. A minute leaves the day when it began 24 hours ago.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_store::{Row, Tx, TxError, Value, WriteError};

use crate::error::TwinError;
use crate::own::Own;
use crate::shelf::Shelf;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MINUTE_MILLIS: i64 = 60 * 1000;

/// Counts of all mailboxes that sent in the last day. Clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    state: Own<State>,
    store: Shelf,
}

/// The counts at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    days: HashMap<String, VecDeque<Minute>>,
    /// By account and list, both as keys.
    lists: HashMap<(String, String), Timestamp>,
}

#[derive(Clone, Copy, Debug)]
struct Minute {
    began: Timestamp,
    recipients: u64,
}

/// What one message adds to the tally, to be written down with it.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    account: String,
    at: Timestamp,
    recipients: u64,
    lists: Vec<ListSend>,
}

/// A message to a distribution list; addresses as keys.
#[derive(Clone, Debug)]
pub(crate) struct ListSend {
    pub(crate) account: String,
    pub(crate) list: String,
}

impl Tally {
    /// Reads what an earlier run left.
    pub(crate) async fn open(store: Shelf) -> Result<Self, TwinError> {
        let (minutes, lists) = store
            .read(|tx| {
                let minutes = tx.query(
                    "SELECT account, minute, recipients FROM twin_sent_minute ORDER BY account, minute",
                    &[],
                    read_minute,
                )?;
                let lists = tx.query("SELECT account, list, at FROM twin_sent_list", &[], read_list)?;
                Ok((minutes, lists))
            })
            .await?;
        let mut state = State::default();
        for (account, minute) in minutes {
            state.days.entry(account).or_default().push_back(minute);
        }
        state.lists.extend(lists);
        Ok(Self {
            state: Own::new(state),
            store,
        })
    }

    /// Counts `recipients` for the account, unless its day would then hold
    /// more than `recipients_max`.
    pub(crate) fn take(
        &self,
        account: &str,
        recipients: u64,
        recipients_max: Option<u64>,
        now: Timestamp,
    ) -> Result<Sent, DayFull> {
        let mut state = self.state.write();
        let day = state.days.entry(account.to_owned()).or_default();
        while day
            .front()
            .is_some_and(|minute| minute.began.plus(DAY) <= now)
        {
            day.pop_front();
        }
        let sent: u64 = day.iter().map(|minute| minute.recipients).sum();
        if let Some(recipients_max) = recipients_max
            && sent + recipients > recipients_max
        {
            return Err(DayFull { sent });
        }
        let began = minute_of(now);
        match day.back_mut() {
            Some(last) if last.began >= began => last.recipients += recipients,
            _ => day.push_back(Minute { began, recipients }),
        }
        Ok(Sent {
            account: account.to_owned(),
            at: now,
            recipients,
            lists: Vec::new(),
        })
    }

    /// When the account's last message to the list was taken.
    pub(crate) fn list_sent_at(&self, account: &str, list: &str) -> Option<Timestamp> {
        let key = (account.to_owned(), list.to_owned());
        self.state.read().lists.get(&key).copied()
    }

    /// Writes down what [`Tally::take`] counted. A message that could not be
    /// filed after all stays counted: the service does not give back either.
    pub(crate) async fn keep(
        &self,
        mut sent: Sent,
        lists: Vec<ListSend>,
    ) -> Result<(), WriteError> {
        sent.lists = lists;
        {
            let mut state = self.state.write();
            for one in &sent.lists {
                let key = (one.account.clone(), one.list.clone());
                state.lists.insert(key, sent.at);
            }
        }
        self.store
            .write(Vec::new(), move |tx, _| write(tx, &sent))
            .await
    }

    pub(crate) fn image(&self) -> Arc<State> {
        self.state.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<State>) {
        self.state.adopt(image);
    }
}

/// The account has sent this many already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DayFull {
    pub(crate) sent: u64,
}

fn minute_of(at: Timestamp) -> Timestamp {
    let millis = at.as_millis();
    Timestamp::from_millis(millis - millis.rem_euclid(MINUTE_MILLIS))
}

fn write(tx: &mut Tx<'_>, sent: &Sent) -> Result<(), TxError> {
    let account = || Value::from(sent.account.clone());
    let number = |count: u64| Value::from(i64::try_from(count).unwrap_or(i64::MAX));
    let day_began = minute_of(sent.at).as_millis() - i64::try_from(DAY.as_millis()).unwrap_or(0);
    tx.execute(
        "DELETE FROM twin_sent_minute WHERE account = ?1 AND minute <= ?2",
        &[account(), Value::from(day_began)],
    )?;
    tx.execute(
        "INSERT INTO twin_sent_minute (account, minute, recipients) VALUES (?1, ?2, ?3) ON CONFLICT (account, minute) DO UPDATE SET recipients = twin_sent_minute.recipients + excluded.recipients",
        &[
            account(),
            Value::from(minute_of(sent.at).as_millis()),
            number(sent.recipients),
        ],
    )?;
    for one in &sent.lists {
        tx.execute(
            "INSERT INTO twin_sent_list (account, list, at) VALUES (?1, ?2, ?3) ON CONFLICT (account, list) DO UPDATE SET at = excluded.at",
            &[
                Value::from(one.account.clone()),
                Value::from(one.list.clone()),
                Value::from(sent.at.as_millis()),
            ],
        )?;
    }
    Ok(())
}

fn read_minute(row: &Row<'_>) -> Result<(String, Minute), TxError> {
    let minute = Minute {
        began: Timestamp::from_millis(row.get(1)?),
        recipients: u64::try_from(row.get::<i64>(2)?).unwrap_or(0),
    };
    Ok((row.get(0)?, minute))
}

fn read_list(row: &Row<'_>) -> Result<((String, String), Timestamp), TxError> {
    Ok((
        (row.get(0)?, row.get(1)?),
        Timestamp::from_millis(row.get(2)?),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::SCHEMA;
    use mailward_store::{Limits, Options, Store, SystemDisk};

    fn store(dir: &std::path::Path) -> Store {
        Store::open(Options {
            dir: dir.to_owned(),
            schema: SCHEMA,
            limits: Limits::default(),
            disk: Arc::new(SystemDisk),
        })
        .expect("a store")
    }

    #[tokio::test]
    async fn a_day_rolls_and_outlives_a_restart() {
        let dir = tempfile::tempdir().expect("a folder");
        let hours = |count: u64| Timestamp::from_millis(0).plus(Duration::from_secs(count * 3600));
        let list = || ListSend {
            account: "a".to_owned(),
            list: "ward".to_owned(),
        };
        let first = store(dir.path());
        let tally = Tally::open(Shelf::of(first.clone()))
            .await
            .expect("a tally");
        for (hour, count, expected) in [
            (0, 60, None),
            (1, 40, None),
            (1, 1, Some(DayFull { sent: 100 })),
            // The first sixty have left the day.
            (24, 61, Some(DayFull { sent: 40 })),
            (24, 60, None),
        ] {
            match tally.take("a", count, Some(100), hours(hour)) {
                Ok(sent) => {
                    assert_eq!(expected, None);
                    tally.keep(sent, vec![list()]).await.expect("kept");
                }
                Err(full) => assert_eq!(expected, Some(full), "{hour} {count}"),
            }
        }
        first.close().await;
        let tally = Tally::open(Shelf::of(store(dir.path())))
            .await
            .expect("a tally");
        let full = tally.take("a", 1, Some(100), hours(24)).expect_err("full");
        assert_eq!(full.sent, 100);
        assert!(tally.take("b", 1, Some(100), hours(24)).is_ok());
        assert_eq!(tally.list_sent_at("a", "ward"), Some(hours(24)));
        assert_eq!(tally.list_sent_at("b", "ward"), None);
        assert!(tally.take("a", 40, Some(100), hours(25)).is_ok());
    }
}
