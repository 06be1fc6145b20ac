//! One row for each pause. There are few, so all may be read at once.

use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::ledger::columns::{get_time, time, unreadable};
use crate::names::{AccountName, Lane, RouteName};
use crate::pause::{Pause, PauseCause, PauseKey};

/// More are not read.
const READ_MAX: usize = 10_000;

fn route_of(key: &PauseKey) -> &str {
    key.route.as_ref().map_or("", RouteName::as_str)
}

fn account_of(key: &PauseKey) -> &str {
    key.account.as_ref().map_or("", AccountName::as_str)
}

pub(crate) fn put(tx: &mut Tx<'_>, pause: &Pause) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO pauses (route, account, cause, since, until, tries, reply) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (route, account) DO UPDATE SET \
         cause = excluded.cause, since = excluded.since, until = excluded.until, \
         tries = excluded.tries, reply = excluded.reply",
        &[
            route_of(&pause.key).into(),
            account_of(&pause.key).into(),
            pause.cause.as_str().into(),
            time(pause.since),
            time(pause.until),
            pause.tries.into(),
            (&pause.reply).into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn remove(tx: &mut Tx<'_>, key: &PauseKey) -> Result<(), TxError> {
    tx.execute(
        "DELETE FROM pauses WHERE route = ?1 AND account = ?2",
        &[route_of(key).into(), account_of(key).into()],
    )?;
    Ok(())
}

fn read(row: &Row<'_>) -> Result<Pause, TxError> {
    let name = |index| -> Result<Option<String>, TxError> {
        Ok(Some(row.get::<String>(index)?).filter(|text| !text.is_empty()))
    };
    let cause: String = row.get(2)?;
    Ok(Pause {
        key: PauseKey {
            route: name(0)?.map(RouteName::from),
            account: name(1)?.map(AccountName::from),
        },
        cause: PauseCause::parse(&cause)
            .ok_or_else(|| unreadable(2, format!("{cause:?} is no cause of a pause")))?,
        since: get_time(row, 3)?,
        until: get_time(row, 4)?,
        tries: row.get(5)?,
        reply: row.get(6)?,
    })
}

pub(crate) const ONE: &str = "SELECT route, account, cause, since, until, tries, reply \
    FROM pauses WHERE route = ?1 AND account = ?2";

pub(crate) fn get(tx: &ReadTx<'_>, key: &PauseKey) -> Result<Option<Pause>, TxError> {
    tx.query_one(ONE, &[route_of(key).into(), account_of(key).into()], read)
}

/// Those that hold a lane.
pub(crate) fn of_lane(tx: &ReadTx<'_>, lane: &Lane) -> Result<Vec<Pause>, TxError> {
    let keys = [
        PauseKey::route(&lane.route),
        PauseKey::account(&lane.account),
        PauseKey::lane(lane),
    ];
    let mut found = Vec::new();
    for key in keys {
        found.extend(get(tx, &key)?);
    }
    Ok(found)
}

/// All, the oldest first.
pub(crate) fn all(tx: &ReadTx<'_>) -> Result<Vec<Pause>, TxError> {
    tx.query(
        "SELECT route, account, cause, since, until, tries, reply FROM pauses \
         ORDER BY since LIMIT ?1",
        &[READ_MAX.into()],
        read,
    )
}
