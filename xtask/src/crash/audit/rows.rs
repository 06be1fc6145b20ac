//! The queue as its rows have it, read with SQLite itself and not through the
//! queue's own code, once the gateway has ended.

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags, Row};

use crate::crash::message::Token;
use crate::run::Result;

/// One message with its recipients.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) number: i64,
    pub(super) id: String,
    /// Missing on reports.
    pub(super) token: Option<Token>,
    pub(super) has_ended: bool,
    pub(super) has_body: bool,
    pub(super) recipients: Vec<Recipient>,
}

#[derive(Debug, Default)]
pub(super) struct Recipient {
    pub(super) n: i64,
    pub(super) address: String,
    pub(super) state: String,
    /// Events that end a recipient.
    pub(super) ends: Vec<String>,
    /// When it was marked in doubt, and in which attempt.
    pub(super) doubts: Vec<(i64, i64)>,
}

#[derive(Debug)]
pub(super) struct Rows {
    connection: Connection,
}

impl Rows {
    pub(super) fn open(store: &Path) -> Result<Self> {
        let path = store.join("rows.sqlite");
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)
            .map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Self { connection })
    }

    /// Calls `see` with each message, in the order of acceptance.
    pub(super) fn each(&self, mut see: impl FnMut(Message)) -> Result {
        self.try_each(&mut see)
            .map_err(|error| format!("the queue's rows: {error}"))
    }

    fn try_each(&self, see: &mut dyn FnMut(Message)) -> rusqlite::Result<()> {
        let mut messages = self.connection.prepare(
            "SELECT number, id, subject, ended_at IS NOT NULL, body IS NOT NULL
             FROM messages ORDER BY number",
        )?;
        let mut recipients = self.connection.prepare(
            "SELECT n, forward_path, state FROM recipients WHERE message = ?1 ORDER BY n",
        )?;
        let mut events = self.connection.prepare(
            "SELECT recipient, kind, at, coalesce(json_extract(detail, '$.attempt'), 0)
             FROM events WHERE message = ?1 AND recipient IS NOT NULL ORDER BY seq",
        )?;
        let mut rows = messages.query(())?;
        while let Some(row) = rows.next()? {
            let mut message = message(row)?;
            message.recipients = recipients
                .query_map([message.number], |row| {
                    Ok(Recipient {
                        n: row.get(0)?,
                        address: row.get(1)?,
                        state: row.get(2)?,
                        ..Recipient::default()
                    })
                })?
                .collect::<rusqlite::Result<_>>()?;
            let mut rows = events.query([message.number])?;
            while let Some(row) = rows.next()? {
                let n: i64 = row.get(0)?;
                let kind: String = row.get(1)?;
                if let Some(one) = message.recipients.iter_mut().find(|one| one.n == n) {
                    match kind.as_str() {
                        "in_doubt" => one.doubts.push((row.get(2)?, row.get(3)?)),
                        "relayed" | "found_sent" | "failed" | "expired" | "cancelled" => {
                            one.ends.push(kind);
                        }
                        _ => {}
                    }
                }
            }
            see(message);
        }
        Ok(())
    }

    /// The message that each idempotency key stands for.
    pub(super) fn keys(&self) -> Result<HashMap<String, String>> {
        self.pairs(
            "SELECT key, messages.id FROM idempotency
             JOIN messages ON messages.number = idempotency.message",
        )
        .map_err(|error| format!("the queue's keys: {error}"))
    }

    fn pairs(&self, sql: &str) -> rusqlite::Result<HashMap<String, String>> {
        let mut statement = self.connection.prepare(sql)?;
        let pairs = statement.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
        pairs.collect()
    }

    /// Counters that the queue keeps, each beside a count of what it counts:
    /// name, kept, counted.
    pub(super) fn counters(&self) -> Result<Vec<(String, i64, i64)>> {
        let count = |sql: &str| {
            self.connection
                .query_row(sql, (), |row| row.get::<_, i64>(0))
                .map_err(|error| format!("{sql}: {error}"))
        };
        let tallies = "SELECT count(*) FROM (
             SELECT message_class, state, recipients FROM tallies WHERE recipients > 0
             EXCEPT SELECT messages.message_class, recipients.state, count(*)
             FROM recipients JOIN messages ON messages.number = recipients.message
             GROUP BY 1, 2)";
        let waiting = "SELECT count(*) FROM recipients
             WHERE state IN ('incoming', 'deferred', 'hold')";
        // Kept since the third script of the queue's schema; a build given by
        // --program may be older.
        let has_tallies = count("SELECT count(*) FROM sqlite_schema WHERE name = 'tallies'")? > 0;
        Ok(vec![
            (
                "recipients that wait, of all lanes".to_owned(),
                count("SELECT coalesce(sum(waiting), 0) FROM lanes")?,
                count(waiting)?,
            ),
            (
                "tallies that are not what a count gives".to_owned(),
                if has_tallies { count(tallies)? } else { 0 },
                0,
            ),
            (
                "attempts under way in a queue at rest".to_owned(),
                count("SELECT count(*) FROM attempts WHERE ended_at IS NULL")?,
                0,
            ),
            (
                "recipients still due in a queue at rest".to_owned(),
                count("SELECT count(*) FROM recipients WHERE due_at IS NOT NULL")?,
                0,
            ),
        ])
    }

    /// Recipients by state.
    pub(super) fn states(&self) -> Result<HashMap<String, u64>> {
        let states = || -> rusqlite::Result<HashMap<String, u64>> {
            let mut statement = self
                .connection
                .prepare("SELECT state, count(*) FROM recipients GROUP BY state")?;
            let pairs =
                statement.query_map((), |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as u64)))?;
            pairs.collect()
        };
        states().map_err(|error| format!("the queue's states: {error}"))
    }
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let subject: Option<String> = row.get(2)?;
    let last = subject.as_deref().and_then(|text| text.rsplit(' ').next());
    Ok(Message {
        number: row.get(0)?,
        id: row.get(1)?,
        token: last.and_then(|word| word.parse().ok()),
        has_ended: row.get(3)?,
        has_body: row.get(4)?,
        recipients: Vec::new(),
    })
}
