//! What can go wrong, sorted by what the caller does next.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why a store did not open. Each text is one a person can act upon.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("{} is in use by another process ({holder}); stop it or choose another folder", .dir.display())]
    Locked { dir: PathBuf, holder: String },

    /// Something that was acknowledged is not there, or not as it was written.
    #[error("{0}")]
    Damaged(Damage),

    #[error("cannot use {}: {source}", .path.display())]
    Folder { path: PathBuf, source: io::Error },

    #[error(
        "{} was written by a newer version ({applied} schema steps, this version knows {known}); \
         start the newer version", .dir.display()
    )]
    Newer {
        dir: PathBuf,
        applied: usize,
        known: usize,
    },

    #[error(
        "{} was written by a newer version (format {found}, this version knows {known}); \
         start the newer version", .dir.display()
    )]
    NewerFormat {
        dir: PathBuf,
        found: i64,
        known: i64,
    },

    /// A store, but of something else.
    #[error(
        "{} is the store of a {found}, not of a {expected}; name the folder of a {expected}",
        .dir.display()
    )]
    OtherStore {
        dir: PathBuf,
        found: String,
        expected: String,
    },

    /// No store at all, and nothing of it was touched.
    #[error("{} is no store of ours: {what}; choose another folder", .path.display())]
    Foreign { path: PathBuf, what: String },

    #[error("schema step {step} of {} failed: {reason}", .dir.display())]
    Schema {
        dir: PathBuf,
        step: usize,
        reason: String,
    },

    /// The database refused for a reason that is no damage.
    #[error("cannot open {}: {reason}", .path.display())]
    Rows { path: PathBuf, reason: String },
}

/// One damaged thing: where it is and what is wrong with it.
///
/// Shown as `store damaged: DIR/segments/00000001.seg, octet 4120, record 17:
/// the content does not match its checksum; ...`, followed by the commands
/// that check and rescue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub dir: PathBuf,
    pub file: PathBuf,
    /// Where in the file, in octets from its start.
    pub offset: Option<u64>,
    /// The body's number, as the rows know it.
    pub record: Option<u64>,
    pub what: String,
}

impl Damage {
    pub(crate) fn new(dir: &Path, file: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self {
            dir: dir.to_owned(),
            file: file.into(),
            offset: None,
            record: None,
            what: what.into(),
        }
    }

    pub(crate) fn at(mut self, offset: u64) -> Self {
        self.offset = Some(offset);
        self
    }

    pub(crate) fn record(mut self, record: u64) -> Self {
        self.record = Some(record);
        self
    }

    /// Place and fault on one line, without the advice.
    pub fn summary(&self) -> String {
        let mut text = self.file.display().to_string();
        if let Some(offset) = self.offset {
            text.push_str(&format!(", octet {offset}"));
        }
        if let Some(record) = self.record {
            text.push_str(&format!(", record {record}"));
        }
        format!("{text}: {}", self.what)
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dir = self.dir.display();
        write!(
            f,
            "store damaged: {}; see all of it with `mailward store check --dir {dir}`, \
             mend what can be mended with `mailward store repair --dir {dir}`, \
             rescue what is readable with `mailward store export --dir {dir} --to FOLDER`",
            self.summary()
        )
    }
}

/// Why a body or a change was not stored. Nothing of it remains.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The disk is full, over quota or read-only. It may pass: answer 452.
    #[error("no room in the store: {0}")]
    Full(String),

    /// A sync or commit failed once, so nothing more can be promised until a
    /// restart has looked at what is really there.
    #[error("the store no longer accepts writes: {0}")]
    Poisoned(String),

    /// The change itself said no ([`TxError::Abort`]).
    #[error("{0}")]
    Aborted(String),

    /// A UNIQUE, NOT NULL, CHECK or FOREIGN KEY constraint said no.
    #[error("conflict: {0}")]
    Conflict(String),

    /// The change's SQL or its use of a column is wrong: our own mistake.
    #[error("{0}")]
    Sql(String),

    #[error("a body may have {octets_max} octets at most")]
    TooLarge { octets_max: u64 },

    /// A body's own file could not be written; the store itself is sound.
    #[error("{0}")]
    Disk(String),

    #[error("the store is closed")]
    Closed,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The body is not in the store: it was released, or never committed.
    #[error("there is no body {0}")]
    Missing(u64),

    #[error("{0}")]
    Damaged(Damage),

    /// The query itself said no ([`TxError::Abort`]).
    #[error("{0}")]
    Aborted(String),

    #[error("the body has {octets} octets, more than the {octets_max} wanted at once")]
    TooLarge { octets: u64, octets_max: u64 },

    #[error("{0}")]
    Sql(String),

    #[error("{0}")]
    Disk(String),

    #[error("the store is closed")]
    Closed,
}

/// Why a statement within a change or a query failed. Return it to roll the
/// change back, or handle it: a failed statement alone leaves no trace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TxError {
    /// The caller's own refusal.
    #[error("{0}")]
    Abort(String),

    /// A constraint was violated.
    #[error("conflict: {0}")]
    Conflict(String),

    /// The statement, its parameters or the type of a column are wrong.
    #[error("{0}")]
    Sql(String),

    /// There is no such body to hold or to release.
    #[error("there is no body {0}")]
    NoBody(u64),

    /// The disk is full.
    #[error("no room in the store: {0}")]
    Full(String),

    /// The database could not read or write its files.
    #[error("{0}")]
    Disk(String),
}

impl TxError {
    pub fn abort(reason: impl Into<String>) -> Self {
        Self::Abort(reason.into())
    }
}

impl From<rusqlite::Error> for TxError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode as Code;
        let text = error.to_string();
        match error.sqlite_error_code() {
            Some(Code::ConstraintViolation) => Self::Conflict(text),
            Some(Code::DiskFull) => Self::Full(text),
            Some(
                Code::SystemIoFailure
                | Code::DatabaseCorrupt
                | Code::NotADatabase
                | Code::ReadOnly
                | Code::CannotOpen
                | Code::OutOfMemory,
            ) => Self::Disk(text),
            _ => Self::Sql(text),
        }
    }
}

impl From<TxError> for WriteError {
    fn from(error: TxError) -> Self {
        match error {
            TxError::Abort(reason) => Self::Aborted(reason),
            TxError::Conflict(reason) => Self::Conflict(reason),
            TxError::Sql(reason) => Self::Sql(reason),
            TxError::NoBody(number) => Self::Sql(format!("there is no body {number}")),
            TxError::Full(reason) => Self::Full(reason),
            TxError::Disk(reason) => Self::Disk(reason),
        }
    }
}

impl From<TxError> for ReadError {
    fn from(error: TxError) -> Self {
        match error {
            TxError::Abort(reason) => Self::Aborted(reason),
            TxError::NoBody(number) => Self::Missing(number),
            TxError::Sql(reason) | TxError::Conflict(reason) => Self::Sql(reason),
            TxError::Full(reason) | TxError::Disk(reason) => Self::Disk(reason),
        }
    }
}

/// True for the errors that mean "no room": they may pass by themselves.
pub(crate) fn is_full(error: &io::Error) -> bool {
    use io::ErrorKind as Kind;
    matches!(
        error.kind(),
        Kind::StorageFull | Kind::QuotaExceeded | Kind::ReadOnlyFilesystem
    )
}
