//! Our types in columns. A row that can not be read back is damage, and says
//! which column holds what.

use std::fmt::Display;
use std::str::FromStr;

use mailward_mail::Timestamp;
use mailward_store::{Row, TxError, Value};

pub(crate) fn time(moment: Timestamp) -> Value<'static> {
    Value::Integer(moment.as_millis())
}

pub(crate) fn optional_time(moment: Option<Timestamp>) -> Value<'static> {
    moment.map_or(Value::Null, time)
}

pub(crate) fn get_time(row: &Row<'_>, index: usize) -> Result<Timestamp, TxError> {
    Ok(Timestamp::from_millis(row.get(index)?))
}

pub(crate) fn get_optional_time(row: &Row<'_>, index: usize) -> Result<Option<Timestamp>, TxError> {
    Ok(row.get::<Option<i64>>(index)?.map(Timestamp::from_millis))
}

/// A column that holds a word or name of ours.
pub(crate) fn get_parsed<T: FromStr<Err: Display>>(
    row: &Row<'_>,
    index: usize,
) -> Result<T, TxError> {
    let text: String = row.get(index)?;
    text.parse().map_err(|error| unreadable(index, error))
}

/// A column that holds JSON.
pub(crate) fn get_json<T: serde::de::DeserializeOwned>(
    row: &Row<'_>,
    index: usize,
) -> Result<T, TxError> {
    let text: String = row.get(index)?;
    serde_json::from_str(&text).map_err(|error| unreadable(index, error))
}

pub(crate) fn unreadable(index: usize, error: impl Display) -> TxError {
    TxError::Sql(format!("column {index}: {error}"))
}

/// JSON of a value whose keys are all strings, which can not fail.
pub(crate) fn to_json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("a value with string keys serialises")
}
