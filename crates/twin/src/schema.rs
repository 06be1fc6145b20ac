//! The twin's own tables, beside those of the mailboxes.

/// The scripts that a store for the twin is opened with, in this order.
pub(crate) const MIGRATIONS: &[&str] = &[mailward_mailbox::SCHEMA, TWIN];

const TWIN: &str = "
CREATE TABLE twin_account (
    address TEXT NOT NULL PRIMARY KEY,
    written TEXT NOT NULL,
    kind TEXT NOT NULL,
    password TEXT NOT NULL,
    display_name TEXT NOT NULL,
    protocols TEXT NOT NULL,
    quota_mb BIGINT,
    culture TEXT NOT NULL,
    -- The order of making, for lists that people read.
    made BIGINT NOT NULL
);
CREATE TABLE twin_list (
    address TEXT NOT NULL PRIMARY KEY,
    written TEXT NOT NULL,
    members TEXT NOT NULL
);
";
