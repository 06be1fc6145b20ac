//! Statements within a change ([`Tx`]) or a query ([`ReadTx`]).
//!
//! SQL is the common subset of SQLite and PostgreSQL, with parameters as
//! `?1`, `?2`. Statements are prepared once per connection and kept, so use
//! constant texts.

use std::fmt;
use std::ops::Deref;

use rusqlite::{CachedStatement, Connection};

use crate::body::BodyRef;
use crate::counts::Counts;
use crate::error::TxError;
use crate::rows;
use crate::value::{Parameter, Row, Value};

/// A consistent view of the rows.
pub struct ReadTx<'a> {
    connection: &'a Connection,
}

impl<'a> ReadTx<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Self {
        Self { connection }
    }

    /// All rows of `sql`, each made into a `T`. Bound the result in the
    /// statement (`LIMIT`): what is returned is held in memory.
    pub fn query<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        mut each: impl FnMut(&Row<'_>) -> Result<T, TxError>,
    ) -> Result<Vec<T>, TxError> {
        let mut statement = self.prepare(sql, values)?;
        let mut rows = statement.raw_query();
        let mut results = Vec::new();
        while let Some(row) = rows.next()? {
            results.push(each(&Row::new(row))?);
        }
        Ok(results)
    }

    /// The first row of `sql`, if there is any.
    pub fn query_one<T>(
        &self,
        sql: &str,
        values: &[Value<'_>],
        each: impl FnOnce(&Row<'_>) -> Result<T, TxError>,
    ) -> Result<Option<T>, TxError> {
        let mut statement = self.prepare(sql, values)?;
        let mut rows = statement.raw_query();
        rows.next()?.map(|row| each(&Row::new(row))).transpose()
    }

    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, TxError> {
        Ok(self.prepare(sql, values)?.raw_execute()?)
    }

    fn prepare(&self, sql: &str, values: &[Value<'_>]) -> Result<CachedStatement<'a>, TxError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let expected = statement.parameter_count();
        if expected != values.len() {
            return Err(TxError::Sql(format!(
                "{} values for {expected} parameters of: {sql}",
                values.len()
            )));
        }
        for (index, value) in values.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, Parameter(value))?;
        }
        Ok(statement)
    }
}

impl fmt::Debug for ReadTx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadTx")
    }
}

/// One change: its statements are committed together or not at all. What it
/// has written it can read (it is a [`ReadTx`] as well).
pub struct Tx<'a> {
    rows: ReadTx<'a>,
    released: &'a mut Vec<rows::Placed>,
    counts: &'a mut Counts,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(
        connection: &'a Connection,
        released: &'a mut Vec<rows::Placed>,
        counts: &'a mut Counts,
    ) -> Self {
        Self {
            rows: ReadTx::new(connection),
            released,
            counts,
        }
    }

    /// Runs an INSERT, UPDATE or DELETE and says how many rows it touched.
    /// For `RETURNING` use [`ReadTx::query`].
    pub fn execute(&mut self, sql: &str, values: &[Value<'_>]) -> Result<usize, TxError> {
        self.rows.execute(sql, values)
    }

    /// Adds to a counter when this change is committed. Changes that are
    /// committed together are added up first, so that a counter that all of
    /// them touch costs one statement. `sql` adds `?1`, which is `amount`, to
    /// the counter that the values from `?2` on name. What is added can not be
    /// read within the change.
    pub fn add_at_commit(&mut self, sql: &'static str, amount: i64, key: &[Value<'_>]) {
        self.counts.add(sql, amount, key);
    }

    /// The store is the original from now on: whatever follows from its being
    /// a copy has been done.
    pub fn forget_copy(&mut self) -> Result<(), TxError> {
        self.execute(
            "DELETE FROM store_about WHERE name = ?1",
            &[crate::backup::COPIED_AT.into()],
        )
        .map(drop)
    }

    /// Gives up to `pages_max` free pages of the database back to the file
    /// system, beyond those that are kept for what comes next.
    pub fn give_back_pages(&mut self, pages_max: u32) -> Result<(), TxError> {
        Ok(crate::vacuum::give_back(
            self.rows.connection,
            i64::from(pages_max),
        )?)
    }

    /// One more holder for `body`: it stays until each has released it.
    pub fn retain_body(&mut self, body: &BodyRef) -> Result<(), TxError> {
        rows::retain(self.rows.connection, body)
    }

    /// One holder fewer. With the last one gone the body ceases to exist once
    /// this change is committed; its space is given back after that.
    pub fn release_body(&mut self, body: &BodyRef) -> Result<(), TxError> {
        if let Some(placed) = rows::release(self.rows.connection, body)? {
            self.released.push(placed);
        }
        Ok(())
    }
}

impl<'a> Deref for Tx<'a> {
    type Target = ReadTx<'a>;

    fn deref(&self) -> &ReadTx<'a> {
        &self.rows
    }
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tx")
    }
}
