//! One row for each accepted message.

use mailward_mail::{MessageId, ReversePath, Timestamp};
use mailward_store::{BodyRef, ReadTx, Row, Tx, TxError, Value};

use crate::ledger::columns::{get_json, get_optional_time, get_parsed, get_time, time, unreadable};
use crate::message::EnvelopeOptions;
use crate::names::{AccountName, ApplicationName};
use crate::schedule::MessageClass;
use crate::turn::Priority;

/// Its number in the ledger: the order of acceptance.
pub(crate) type Number = i64;

#[derive(Clone, Debug)]
pub(crate) struct MessageRow {
    pub(crate) number: Number,
    pub(crate) id: MessageId,
    pub(crate) application: ApplicationName,
    pub(crate) lane: i64,
    pub(crate) received_at: Timestamp,
    pub(crate) deadline_at: Timestamp,
    pub(crate) message_class: MessageClass,
    pub(crate) data_class: String,
    pub(crate) reverse_path: ReversePath,
    pub(crate) options: EnvelopeOptions,
    pub(crate) message_id: Option<String>,
    pub(crate) subject: Option<String>,
    pub(crate) size_octets: u64,
    pub(crate) body: Option<BodyRef>,
    pub(crate) sequence_key: Option<String>,
    pub(crate) wants_callback: bool,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) priority: Priority,
    pub(crate) not_before: Option<Timestamp>,
    pub(crate) warned_at: Option<Timestamp>,
    /// When its deadline is looked at next.
    pub(crate) check_at: Timestamp,
}

impl MessageRow {
    /// When its time begins.
    pub(crate) fn start(&self) -> Timestamp {
        self.not_before.unwrap_or(self.received_at)
    }

    /// `moment`, or the one that it is scheduled for if that is later.
    pub(crate) fn not_earlier(&self, moment: Timestamp) -> Timestamp {
        self.not_before.map_or(moment, |first| first.max(moment))
    }
}

/// The columns of [`read`]; a macro, since statements are constant texts.
macro_rules! message_columns {
    () => {
        "number, id, application, lane, received_at, deadline_at, message_class, data_class, \
         reverse_path, options, message_id, subject, size_octets, body, sequence_key, \
         wants_callback, ended_at, priority, not_before, warned_at, check_at"
    };
}

fn read(row: &Row<'_>) -> Result<MessageRow, TxError> {
    let reverse_path: String = row.get(8)?;
    Ok(MessageRow {
        number: row.get(0)?,
        id: get_parsed(row, 1)?,
        application: ApplicationName::from(row.get::<String>(2)?),
        lane: row.get(3)?,
        received_at: get_time(row, 4)?,
        deadline_at: get_time(row, 5)?,
        message_class: get_parsed(row, 6)?,
        data_class: row.get(7)?,
        reverse_path: ReversePath::parse(&reverse_path).map_err(|error| unreadable(8, error))?,
        options: get_json(row, 9)?,
        message_id: row.get(10)?,
        subject: row.get(11)?,
        size_octets: row.get(12)?,
        body: row.get(13)?,
        sequence_key: row.get(14)?,
        wants_callback: row.get(15)?,
        ended_at: get_optional_time(row, 16)?,
        priority: Priority::try_from(row.get::<i64>(17)?).unwrap_or_default(),
        not_before: get_optional_time(row, 18)?,
        warned_at: get_optional_time(row, 19)?,
        check_at: get_time(row, 20)?,
    })
}

pub(crate) fn by_id(tx: &ReadTx<'_>, id: MessageId) -> Result<Option<MessageRow>, TxError> {
    tx.query_one(
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM messages WHERE id = ?1"
        ),
        &[id.as_str().into()],
        read,
    )
}

pub(crate) fn by_number(tx: &ReadTx<'_>, number: Number) -> Result<MessageRow, TxError> {
    tx.query_one(
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM messages WHERE number = ?1"
        ),
        &[number.into()],
        read,
    )?
    .ok_or_else(|| TxError::Sql(format!("there is no message number {number}")))
}

/// All that is needed of a message to begin an attempt.
pub(crate) fn to_begin(
    tx: &ReadTx<'_>,
    id: MessageId,
) -> Result<Option<(Number, MessageClass, ApplicationName)>, TxError> {
    tx.query_one(
        "SELECT number, message_class, application FROM messages WHERE id = ?1",
        &[id.as_str().into()],
        |row| {
            let application = ApplicationName::from(row.get::<String>(2)?);
            Ok((row.get(0)?, get_parsed(row, 1)?, application))
        },
    )
}

pub(crate) fn id_of(tx: &ReadTx<'_>, number: Number) -> Result<MessageId, TxError> {
    tx.query_one(
        "SELECT id FROM messages WHERE number = ?1",
        &[number.into()],
        |row| get_parsed(row, 0),
    )?
    .ok_or_else(|| TxError::Sql(format!("there is no message number {number}")))
}

/// `values` are those of the columns in the statement's order.
pub(crate) fn insert(tx: &mut Tx<'_>, values: &[Value<'_>; 18]) -> Result<Number, TxError> {
    tx.query_one(
        "INSERT INTO messages (id, application, lane, received_at, deadline_at, message_class, \
         data_class, reverse_path, options, message_id, subject, size_octets, body, \
         sequence_key, wants_callback, priority, not_before, check_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
         ?18) \
         RETURNING number",
        values,
        |row| row.get(0),
    )?
    .ok_or_else(|| TxError::Sql("no number for a new message".to_owned()))
}

pub(crate) fn set_ended(tx: &mut Tx<'_>, number: Number, at: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "UPDATE messages SET ended_at = ?2 WHERE number = ?1",
        &[number.into(), time(at)],
    )?;
    Ok(())
}

/// [`set_ended`] and [`forget_body`] at once.
pub(crate) fn set_ended_without_body(
    tx: &mut Tx<'_>,
    number: Number,
    at: Timestamp,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE messages SET ended_at = ?2, body = NULL WHERE number = ?1",
        &[number.into(), time(at)],
    )?;
    Ok(())
}

pub(crate) fn set_deadline(tx: &mut Tx<'_>, number: Number, at: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "UPDATE messages SET deadline_at = ?2, check_at = ?2, warned_at = NULL WHERE number = ?1",
        &[number.into(), time(at)],
    )?;
    Ok(())
}

pub(crate) fn forget_body(tx: &mut Tx<'_>, number: Number) -> Result<(), TxError> {
    tx.execute(
        "UPDATE messages SET body = NULL WHERE number = ?1",
        &[number.into()],
    )?;
    Ok(())
}

pub(crate) const LATEST: &str = "SELECT received_at, account FROM messages \
    JOIN lanes ON lanes.number = messages.lane ORDER BY messages.number DESC LIMIT ?1";

/// When the account's messages after `since` were accepted, the latest first;
/// looks at the latest `limit` of all.
pub(crate) fn accepted_since(
    tx: &ReadTx<'_>,
    account: &AccountName,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Timestamp>, TxError> {
    let latest: Vec<(Timestamp, String)> = tx.query(LATEST, &[limit.into()], |row| {
        Ok((get_time(row, 0)?, row.get(1)?))
    })?;
    let of_account = latest
        .into_iter()
        .filter(|(at, name)| *at > since && name == account.as_str());
    Ok(of_account.map(|(at, _)| at).collect())
}

pub(crate) const HEAD_OF_SEQUENCE: &str = "SELECT number FROM messages \
    WHERE application = ?1 AND sequence_key = ?2 AND ended_at IS NULL ORDER BY number LIMIT 1";

/// The earliest message of a sequence that has not ended.
pub(crate) fn head_of_sequence(
    tx: &ReadTx<'_>,
    application: &ApplicationName,
    sequence_key: &str,
) -> Result<Option<Number>, TxError> {
    tx.query_one(
        HEAD_OF_SEQUENCE,
        &[application.as_str().into(), sequence_key.into()],
        |row| row.get(0),
    )
}

pub(crate) const TO_CHECK: &str = "SELECT number FROM messages \
    WHERE ended_at IS NULL AND check_at <= ?1 ORDER BY check_at LIMIT ?2";

/// Open messages whose deadline is to be looked at, the longest waiting first.
pub(crate) fn to_check(
    tx: &ReadTx<'_>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Number>, TxError> {
    tx.query(TO_CHECK, &[time(now), limit.into()], |row| row.get(0))
}

/// When to look at its deadline next.
pub(crate) fn check_again(tx: &mut Tx<'_>, number: Number, at: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "UPDATE messages SET check_at = ?2 WHERE number = ?1",
        &[number.into(), time(at)],
    )?;
    Ok(())
}

/// It was warned of its deadline.
pub(crate) fn set_warned(tx: &mut Tx<'_>, number: Number, now: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "UPDATE messages SET warned_at = ?2 WHERE number = ?1",
        &[number.into(), time(now)],
    )?;
    Ok(())
}

pub(crate) const NEAR_DEADLINE: &str = "SELECT number FROM messages \
    WHERE message_class = ?1 AND warned_at IS NOT NULL AND ended_at IS NULL \
    ORDER BY deadline_at LIMIT ?2";

/// Open messages of the class that were warned of, the nearest deadline first.
pub(crate) fn near_deadline(
    tx: &ReadTx<'_>,
    class: MessageClass,
    limit: usize,
) -> Result<Vec<Number>, TxError> {
    tx.query(
        NEAR_DEADLINE,
        &[class.as_str().into(), limit.into()],
        |row| row.get(0),
    )
}

pub(crate) const OPEN_OF_CLASS: &str = "SELECT number, application FROM messages \
    WHERE message_class = ?1 AND number > ?2 AND number < ?3 AND ended_at IS NULL \
    ORDER BY number LIMIT ?4";

/// Open messages of a class with their applications, in the order of
/// acceptance, between two numbers.
pub(crate) fn open_of_class(
    tx: &ReadTx<'_>,
    class: MessageClass,
    after: Number,
    before: Number,
    limit: usize,
) -> Result<Vec<(Number, String)>, TxError> {
    tx.query(
        OPEN_OF_CLASS,
        &[
            class.as_str().into(),
            after.into(),
            before.into(),
            limit.into(),
        ],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )
}

/// Gives the message the lane of its recipients, where all that are open wait
/// in one.
pub(crate) fn follow_recipients(tx: &mut Tx<'_>, number: Number) -> Result<(), TxError> {
    let lanes: Vec<i64> = tx.query(
        "SELECT DISTINCT lane FROM recipients WHERE message = ?1 AND outcome_at IS NULL",
        &[number.into()],
        |row| row.get(0),
    )?;
    if let [lane] = lanes[..] {
        tx.execute(
            "UPDATE messages SET lane = ?2 WHERE number = ?1",
            &[number.into(), lane.into()],
        )?;
    }
    Ok(())
}
