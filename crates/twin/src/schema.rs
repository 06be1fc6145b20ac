//! The twin's own tables, beside those of the mailboxes.

/// The scripts that a store for the twin is opened with, in this order.
pub(crate) const MIGRATIONS: &[&str] = &[mailward_mailbox::SCHEMA, TWIN, SENDING];

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

/// What mailboxes sent lately, and what is set for them as senders.
const SENDING: &str = "
CREATE TABLE twin_sent_minute (
    account TEXT NOT NULL,
    -- Its beginning, in milliseconds since 1970.
    minute BIGINT NOT NULL,
    recipients BIGINT NOT NULL,
    PRIMARY KEY (account, minute)
);
CREATE TABLE twin_sent_list (
    account TEXT NOT NULL,
    list TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (account, list)
);
CREATE TABLE twin_sender (
    address TEXT NOT NULL PRIMARY KEY,
    recipients_max BIGINT,
    blocked BIGINT NOT NULL
);
";
