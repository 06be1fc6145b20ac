//! Parameters and columns, without the database's own types.

use std::borrow::Cow;

use rusqlite::types::{ToSqlOutput, ValueRef};

use crate::body::BodyRef;
use crate::error::TxError;

/// A parameter of a statement: `&[id.into(), "active".into(), Value::Null]`.
///
/// Times, booleans and numbers are integers, as both databases agree on them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    Null,
    Integer(i64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

impl From<i32> for Value<'_> {
    fn from(number: i32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u32> for Value<'_> {
    fn from(number: u32) -> Self {
        Self::Integer(number.into())
    }
}

impl From<u16> for Value<'_> {
    fn from(number: u16) -> Self {
        Self::Integer(number.into())
    }
}

impl From<bool> for Value<'_> {
    fn from(truth: bool) -> Self {
        Self::Integer(truth.into())
    }
}

/// Numbers beyond the databases' 63 bits are held at their largest.
impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// As for `u64`.
impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Integer(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(octets: &'a [u8]) -> Self {
        Self::Blob(Cow::Borrowed(octets))
    }
}

impl From<Vec<u8>> for Value<'_> {
    fn from(octets: Vec<u8>) -> Self {
        Self::Blob(Cow::Owned(octets))
    }
}

impl From<BodyRef> for Value<'_> {
    fn from(body: BodyRef) -> Self {
        Self::Text(Cow::Owned(body.to_text()))
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

/// Binds a [`Value`] without showing the database's traits to callers.
pub(crate) struct Parameter<'a>(pub(crate) &'a Value<'a>);

impl rusqlite::ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(number) => ValueRef::Integer(*number),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(octets) => ValueRef::Blob(octets),
        }))
    }
}

/// One row of a result.
#[derive(Debug)]
pub struct Row<'a>(&'a rusqlite::Row<'a>);

impl<'a> Row<'a> {
    pub(crate) fn new(row: &'a rusqlite::Row<'a>) -> Self {
        Self(row)
    }

    /// The column at `index`, counted from zero in the order of the SELECT.
    pub fn get<T: FromColumn>(&self, index: usize) -> Result<T, TxError> {
        let column = match self.0.get_ref(index)? {
            ValueRef::Null => Column::Null,
            ValueRef::Integer(number) => Column::Integer(number),
            ValueRef::Real(_) => Column::Real,
            ValueRef::Text(text) => Column::Text(text),
            ValueRef::Blob(octets) => Column::Blob(octets),
        };
        T::from_column(column).map_err(|reason| TxError::Sql(format!("column {index}: {reason}")))
    }
}

/// A column as the database holds it.
#[derive(Clone, Copy, Debug)]
pub enum Column<'a> {
    Null,
    Integer(i64),
    /// No schema of ours has floating-point columns.
    Real,
    Text(&'a [u8]),
    Blob(&'a [u8]),
}

impl Column<'_> {
    fn name(self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Integer(_) => "an integer",
            Self::Real => "a floating-point number",
            Self::Text(_) => "text",
            Self::Blob(_) => "a blob",
        }
    }
}

/// What [`Row::get`] can give. Implement it for types of your own that are
/// kept as text or numbers.
pub trait FromColumn: Sized {
    fn from_column(column: Column<'_>) -> Result<Self, String>;
}

impl FromColumn for i64 {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        match column {
            Column::Integer(number) => Ok(number),
            other => Err(format!("{} where an integer was expected", other.name())),
        }
    }
}

macro_rules! narrow_integers {
    ($($narrow:ty),*) => {$(
        impl FromColumn for $narrow {
            fn from_column(column: Column<'_>) -> Result<Self, String> {
                let number = i64::from_column(column)?;
                Self::try_from(number)
                    .map_err(|_| format!("{number} does not fit {}", stringify!($narrow)))
            }
        }
    )*};
}

narrow_integers!(u8, u16, u32, u64, usize, i32);

impl FromColumn for bool {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        Ok(i64::from_column(column)? != 0)
    }
}

impl FromColumn for String {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        match column {
            Column::Text(text) => std::str::from_utf8(text)
                .map(str::to_owned)
                .map_err(|_| "text that is not UTF-8".to_owned()),
            other => Err(format!("{} where text was expected", other.name())),
        }
    }
}

impl FromColumn for Vec<u8> {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        match column {
            Column::Blob(octets) => Ok(octets.to_vec()),
            other => Err(format!("{} where a blob was expected", other.name())),
        }
    }
}

impl FromColumn for BodyRef {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        let text = String::from_column(column)?;
        Self::parse(&text).ok_or_else(|| format!("{text:?} names no body"))
    }
}

impl<T: FromColumn> FromColumn for Option<T> {
    fn from_column(column: Column<'_>) -> Result<Self, String> {
        match column {
            Column::Null => Ok(None),
            other => T::from_column(other).map(Some),
        }
    }
}
