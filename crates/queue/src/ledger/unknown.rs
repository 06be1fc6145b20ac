//! Counts of replies by stage, codes and words.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::attempt::Stage;
use crate::ledger::columns::{get_time, time, unreadable};
use crate::unknown::{KEPT_MAX, UnknownReply};

const OTHER_WORDS: &str = "(other words)";

pub(crate) const ADD: &str = "UPDATE unknown_replies SET count = count + 1, last_at = ?5 \
    WHERE stage = ?1 AND code = ?2 AND status = ?3 AND words = ?4";

pub(crate) fn count(
    tx: &mut Tx<'_>,
    stage: Stage,
    code: u16,
    status: &str,
    words: &str,
    now: Timestamp,
) -> Result<(), TxError> {
    let add = |tx: &mut Tx<'_>, words: &str| {
        tx.execute(
            ADD,
            &[
                stage.as_str().into(),
                code.into(),
                status.into(),
                words.into(),
                time(now),
            ],
        )
    };
    if add(tx, words)? > 0 {
        return Ok(());
    }
    let kept: Option<u64> = tx.query_one("SELECT count(*) FROM unknown_replies", &[], |row| {
        row.get(0)
    })?;
    let words = match kept {
        Some(kept) if kept >= KEPT_MAX => OTHER_WORDS,
        _ => words,
    };
    if words == OTHER_WORDS && add(tx, words)? > 0 {
        return Ok(());
    }
    tx.execute(
        "INSERT INTO unknown_replies (stage, code, status, words, count, first_at, last_at) \
         VALUES (?1, ?2, ?3, ?4, 1, ?5, ?5)",
        &[
            stage.as_str().into(),
            code.into(),
            status.into(),
            words.into(),
            time(now),
        ],
    )?;
    Ok(())
}

pub(crate) fn all(tx: &ReadTx<'_>) -> Result<Vec<UnknownReply>, TxError> {
    tx.query(
        "SELECT stage, code, status, words, count, first_at, last_at FROM unknown_replies \
         ORDER BY count DESC, last_at DESC",
        &[],
        |row| {
            let stage: String = row.get(0)?;
            let stage = Stage::ALL
                .into_iter()
                .find(|one| one.as_str() == stage)
                .ok_or_else(|| unreadable(0, format!("{stage:?} is no stage")))?;
            Ok(UnknownReply {
                stage,
                code: row.get(1)?,
                status: row.get(2)?,
                words: row.get(3)?,
                count: row.get(4)?,
                first_at: get_time(row, 5)?,
                last_at: get_time(row, 6)?,
            })
        },
    )
}
