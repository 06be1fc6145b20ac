//! The numbers of the messages that a list shows, newest first. Each statement
//! walks an index backwards from the cursor and stops at the page's end.

use mailward_mail::{Dice, MessageId, Timestamp};
use mailward_store::{ReadTx, TxError, Value};

use crate::ledger::messages::Number;
use crate::names::ApplicationName;
use crate::schedule::MessageClass;
use crate::state::StateWord;

/// What to look for among the numbers `floor <= number < before`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range<'a> {
    pub(crate) before: Number,
    pub(crate) floor: Number,
    pub(crate) limit: usize,
    /// A pattern for LIKE, lower case, with `\` as the escape.
    pub(crate) pattern: Option<&'a str>,
    /// Numbers of lanes, each between commas.
    pub(crate) lanes: Option<&'a str>,
    pub(crate) class: Option<MessageClass>,
}

/// Sender, subject, Message-ID or a recipient matches `?4`; lane and class are
/// `?5` and `?6`.
macro_rules! text_matches {
    () => {
        " AND (?4 IS NULL OR lower(m.reverse_path) LIKE ?4 ESCAPE '\\' \
         OR lower(m.subject) LIKE ?4 ESCAPE '\\' OR lower(m.message_id) LIKE ?4 ESCAPE '\\' \
         OR EXISTS (SELECT 1 FROM recipients r2 WHERE r2.message = m.number \
         AND lower(r2.forward_path) LIKE ?4 ESCAPE '\\')) \
         AND (?5 IS NULL OR ?5 LIKE '%,' || m.lane || ',%') \
         AND (?6 IS NULL OR m.message_class = ?6)"
    };
}

pub(crate) const ALL: &str = concat!(
    "SELECT m.number FROM messages m WHERE m.number < ?1 AND m.number >= ?2",
    text_matches!(),
    " ORDER BY m.number DESC LIMIT ?3"
);

pub(crate) const OF_APPLICATION: &str = concat!(
    "SELECT m.number FROM messages m WHERE m.number < ?1 AND m.number >= ?2 \
     AND m.application = ?7",
    text_matches!(),
    " ORDER BY m.number DESC LIMIT ?3"
);

pub(crate) const IN_STATE: &str = concat!(
    "SELECT DISTINCT r.message FROM recipients r \
     WHERE r.state = ?7 AND r.message < ?1 AND r.message >= ?2 \
     AND EXISTS (SELECT 1 FROM messages m WHERE m.number = r.message",
    text_matches!(),
    ") ORDER BY r.message DESC LIMIT ?3"
);

pub(crate) const OF_APPLICATION_IN_STATE: &str = concat!(
    "SELECT DISTINCT r.message FROM recipients r \
     WHERE r.state = ?7 AND r.message < ?1 AND r.message >= ?2 \
     AND EXISTS (SELECT 1 FROM messages m WHERE m.number = r.message AND m.application = ?8",
    text_matches!(),
    ") ORDER BY r.message DESC LIMIT ?3"
);

pub(crate) fn numbers(
    tx: &ReadTx<'_>,
    range: Range<'_>,
    application: Option<&ApplicationName>,
    state: Option<StateWord>,
) -> Result<Vec<Number>, TxError> {
    let mut values: Vec<Value<'_>> = vec![
        range.before.into(),
        range.floor.into(),
        range.limit.into(),
        range.pattern.into(),
        range.lanes.into(),
        range.class.map(MessageClass::as_str).into(),
    ];
    let statement = match (application, state) {
        (None, None) => ALL,
        (Some(application), None) => {
            values.push(application.as_str().into());
            OF_APPLICATION
        }
        (None, Some(state)) => {
            values.push(state.as_str().into());
            IN_STATE
        }
        (Some(application), Some(state)) => {
            values.push(state.as_str().into());
            values.push(application.as_str().into());
            OF_APPLICATION_IN_STATE
        }
    };
    tx.query(statement, &values, |row| row.get(0))
}

/// The number after the newest message.
pub(crate) fn end(tx: &ReadTx<'_>) -> Result<Number, TxError> {
    let last = tx.query_one(
        "SELECT number FROM messages ORDER BY number DESC LIMIT 1",
        &[],
        |row| row.get::<Number>(0),
    )?;
    Ok(last.map_or(1, |last| last + 1))
}

/// The first number that can belong to a message received at `since` or
/// later: ids begin with their time, and theirs is an index we have.
pub(crate) fn first_since(
    tx: &ReadTx<'_>,
    since: Timestamp,
    end: Number,
) -> Result<Number, TxError> {
    let lowest = MessageId::new(since, &Lowest);
    let first = tx.query_one(
        "SELECT number FROM messages WHERE id >= ?1 ORDER BY id LIMIT 1",
        &[lowest.as_str().into()],
        |row| row.get(0),
    )?;
    Ok(first.unwrap_or(end))
}

/// Dice that make the lowest id of a millisecond.
#[derive(Debug)]
struct Lowest;

impl Dice for Lowest {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// `text` anywhere, without regard to case.
pub(crate) fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for char in text.to_lowercase().chars() {
        if matches!(char, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern.push('%');
    pattern
}
