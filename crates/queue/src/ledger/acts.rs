//! What people did, and how far it has come.

use mailward_store::{ReadTx, Row, Tx, TxError, Value};

use crate::acts::{ActId, ActName, ActRecord, Done};
use crate::ledger::columns::{get_optional_time, get_time, optional_time, time, unreadable};
use crate::names::{Actor, RouteName};
use crate::schedule::MessageClass;

macro_rules! act_columns {
    () => {
        "number, at, act, scope, name, by_whom, why, to_route, before, done_class, done_number, \
         moved, refused, refusal, ended_at"
    };
}

fn read(row: &Row<'_>) -> Result<ActRecord, TxError> {
    let act: String = row.get(2)?;
    let class: String = row.get(9)?;
    Ok(ActRecord {
        id: ActId(row.get(0)?),
        at: get_time(row, 1)?,
        act: ActName::parse(&act).ok_or_else(|| unreadable(2, format!("{act:?} is no act")))?,
        scope: row.get(3)?,
        name: row.get(4)?,
        by: Actor::from(row.get::<String>(5)?),
        why: row.get(6)?,
        to_route: row.get::<Option<String>>(7)?.map(RouteName::from),
        before: row.get(8)?,
        done: Done {
            class: class.parse::<MessageClass>().ok(),
            number: row.get(10)?,
        },
        moved: row.get(11)?,
        refused: row.get(12)?,
        refusal: row.get(13)?,
        ended_at: get_optional_time(row, 14)?,
    })
}

pub(crate) fn get(tx: &ReadTx<'_>, id: ActId) -> Result<Option<ActRecord>, TxError> {
    tx.query_one(
        concat!("SELECT ", act_columns!(), " FROM acts WHERE number = ?1"),
        &[id.0.into()],
        read,
    )
}

pub(crate) const OPEN: &str = concat!(
    "SELECT ",
    act_columns!(),
    " FROM acts WHERE ended_at IS NULL ORDER BY number LIMIT ?1"
);

/// Those that are not done.
pub(crate) fn open(tx: &ReadTx<'_>, limit: usize) -> Result<Vec<ActRecord>, TxError> {
    tx.query(OPEN, &[limit.into()], read)
}

pub(crate) const LATEST: &str = concat!(
    "SELECT ",
    act_columns!(),
    " FROM acts ORDER BY number DESC LIMIT ?1"
);

pub(crate) fn latest(tx: &ReadTx<'_>, limit: usize) -> Result<Vec<ActRecord>, TxError> {
    tx.query(LATEST, &[limit.into()], read)
}

pub(crate) fn insert(tx: &mut Tx<'_>, record: &ActRecord) -> Result<ActId, TxError> {
    let values: [Value<'_>; 14] = [
        time(record.at),
        record.act.as_str().into(),
        (&record.scope).into(),
        (&record.name).into(),
        record.by.as_str().into(),
        (&record.why).into(),
        record.to_route.as_ref().map(RouteName::as_str).into(),
        record.before.into(),
        record.done.class.map_or("", MessageClass::as_str).into(),
        record.done.number.into(),
        record.moved.into(),
        record.refused.into(),
        record.refusal.as_deref().into(),
        optional_time(record.ended_at),
    ];
    let number = tx.query_one(
        "INSERT INTO acts (at, act, scope, name, by_whom, why, to_route, before, done_class, \
         done_number, moved, refused, refusal, ended_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) RETURNING number",
        &values,
        |row| row.get(0).map(ActId),
    )?;
    number.ok_or_else(|| TxError::Sql("no number for a new act".to_owned()))
}

/// As [`insert`], for an act that is over with.
pub(crate) fn insert_ended(tx: &mut Tx<'_>, record: &ActRecord) -> Result<(), TxError> {
    insert(tx, record).map(drop)
}

/// Writes how far it has come.
pub(crate) fn update(tx: &mut Tx<'_>, record: &ActRecord) -> Result<(), TxError> {
    tx.execute(
        "UPDATE acts SET done_class = ?2, done_number = ?3, moved = ?4, refused = ?5, \
         refusal = ?6, ended_at = ?7 WHERE number = ?1",
        &[
            record.id.0.into(),
            record.done.class.map_or("", MessageClass::as_str).into(),
            record.done.number.into(),
            record.moved.into(),
            record.refused.into(),
            record.refusal.as_deref().into(),
            optional_time(record.ended_at),
        ],
    )?;
    Ok(())
}
