//! The twin's own tables, beside those of the mailboxes.

use mailward_store::Schema;

/// What a store of the twin is opened with.
pub(crate) const SCHEMA: Schema = Schema {
    name: "twin",
    migrations: MIGRATIONS,
};

/// The scripts that a store for the twin is opened with, in this order.
const MIGRATIONS: &[&str] = &[
    mailward_mailbox::SCHEMA,
    TWIN,
    SENDING,
    SIGN_IN,
    KEPT,
    mailward_mailbox::KEYWORDS_SCHEMA,
    FULL_ACCESS,
    mailward_mailbox::GONE_SCHEMA,
];

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

/// What becomes of an account after it was made.
const SIGN_IN: &str = "
ALTER TABLE twin_account ADD COLUMN state TEXT NOT NULL DEFAULT 'active';
ALTER TABLE twin_account ADD COLUMN must_change BIGINT NOT NULL DEFAULT 0;
-- Milliseconds since 1970; null is unknown.
ALTER TABLE twin_account ADD COLUMN password_changed BIGINT;
ALTER TABLE twin_account ADD COLUMN wrong_passwords BIGINT NOT NULL DEFAULT 0;
-- Former passwords as a JSON list, the latest first.
ALTER TABLE twin_account ADD COLUMN former TEXT NOT NULL DEFAULT '[]';
-- The seed that the account was last made from, as JSON.
ALTER TABLE twin_account ADD COLUMN seed TEXT;
";

/// Settings and other small state, as JSON.
const KEPT: &str = "
CREATE TABLE twin_kept (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (kind, name)
);
";

/// Who may open a mailbox that is another's.
const FULL_ACCESS: &str = "
-- Addresses with a space between them.
ALTER TABLE twin_account ADD COLUMN full_access TEXT NOT NULL DEFAULT '';
";
