//! Counters that nearly every change adds to: gathered through a group, and
//! written once before its commit, however many changes it has.

use rusqlite::Connection;

use crate::error::TxError;
use crate::tx::ReadTx;
use crate::value::Value;

/// What the changes of a group add, in their order, so that what a refused
/// change added can be taken back.
#[derive(Debug, Default)]
pub(crate) struct Counts(Vec<Count>);

#[derive(Debug)]
struct Count {
    sql: &'static str,
    key: Vec<Value<'static>>,
    amount: i64,
}

impl Counts {
    /// `sql` adds `?1` to the counter that the values from `?2` on name.
    pub(crate) fn add(&mut self, sql: &'static str, amount: i64, key: &[Value<'_>]) {
        if amount != 0 {
            let key = key.iter().map(owned).collect();
            self.0.push(Count { sql, key, amount });
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn truncate(&mut self, len: usize) {
        self.0.truncate(len);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Writes the sums, and begins anew.
    pub(crate) fn write(&mut self, connection: &Connection) -> Result<(), TxError> {
        let mut sums: Vec<Count> = Vec::new();
        for count in self.0.drain(..) {
            let same = |sum: &&mut Count| sum.sql == count.sql && sum.key == count.key;
            match sums.iter_mut().find(same) {
                Some(sum) => sum.amount += count.amount,
                None => sums.push(count),
            }
        }
        for sum in sums.into_iter().filter(|sum| sum.amount != 0) {
            let values: Vec<Value<'_>> =
                std::iter::once(sum.amount.into()).chain(sum.key).collect();
            ReadTx::new(connection).execute(sum.sql, &values)?;
        }
        Ok(())
    }
}

fn owned(value: &Value<'_>) -> Value<'static> {
    match value {
        Value::Null => Value::Null,
        Value::Integer(number) => Value::Integer(*number),
        Value::Text(text) => Value::Text(text.clone().into_owned().into()),
        Value::Blob(octets) => Value::Blob(octets.clone().into_owned().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADD: &str = "INSERT INTO counters (figure, name) VALUES (?1, ?2) \
        ON CONFLICT (name) DO UPDATE SET figure = figure + excluded.figure";

    #[test]
    fn sums_are_written_once_and_what_was_taken_back_is_not() {
        let connection = Connection::open_in_memory().expect("a database");
        connection
            .execute_batch("CREATE TABLE counters (name TEXT PRIMARY KEY, figure INTEGER)")
            .expect("a table");
        let mut counts = Counts::default();
        counts.add(ADD, 2, &["a".into()]);
        counts.add(ADD, 1, &["b".into()]);
        counts.add(ADD, 3, &["a".into()]);
        counts.add(ADD, 0, &["never".into()]);
        let before = counts.len();
        counts.add(ADD, 100, &["a".into()]);
        counts.truncate(before);
        counts.add(ADD, -1, &["b".into()]);
        let changes = connection.total_changes();
        counts.write(&connection).expect("written");
        counts.write(&connection).expect("nothing more to write");
        assert_eq!(connection.total_changes() - changes, 1, "b came to nothing");
        let figure: i64 = connection
            .query_row("SELECT figure FROM counters", [], |row| row.get(0))
            .expect("one counter");
        assert_eq!(figure, 5);
    }
}
