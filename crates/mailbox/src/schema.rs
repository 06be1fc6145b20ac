//! The tables of this crate.

/// One migration for [`mailward_store::Schema`]: whoever opens the store lists
/// it beside the scripts of the other crates that keep their rows there.
///
/// `change_seq` numbers the changes of one folder without gaps.
/// `recent_uid` is the first UID that no session has been told of yet.
pub const SCHEMA: &str = "
CREATE TABLE mailbox_counter (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
CREATE TABLE mailbox (
    id BIGINT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL UNIQUE,
    quota_octets BIGINT,
    octets BIGINT NOT NULL,
    items BIGINT NOT NULL
);
CREATE TABLE mailbox_folder (
    id BIGINT NOT NULL PRIMARY KEY,
    mailbox BIGINT NOT NULL,
    name TEXT NOT NULL,
    permanent BIGINT NOT NULL,
    selectable BIGINT NOT NULL,
    uid_validity BIGINT NOT NULL,
    uid_next BIGINT NOT NULL,
    recent_uid BIGINT NOT NULL,
    change_seq BIGINT NOT NULL,
    items BIGINT NOT NULL,
    unseen BIGINT NOT NULL,
    octets BIGINT NOT NULL,
    UNIQUE (mailbox, name)
);
CREATE TABLE mailbox_subscription (
    mailbox BIGINT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (mailbox, name)
);
CREATE TABLE mailbox_item (
    folder BIGINT NOT NULL,
    uid BIGINT NOT NULL,
    body TEXT NOT NULL,
    octets BIGINT NOT NULL,
    flags BIGINT NOT NULL,
    internal_date BIGINT NOT NULL,
    change_seq BIGINT NOT NULL,
    message_id TEXT NOT NULL,
    from_field TEXT NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (folder, uid)
);
CREATE INDEX mailbox_item_message_id ON mailbox_item (message_id, folder);
";

/// The migration after [`SCHEMA`], which holds keywords; further scripts may
/// stand between them.
pub const KEYWORDS_SCHEMA: &str = "
CREATE TABLE mailbox_keyword (
    mailbox BIGINT NOT NULL,
    place BIGINT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (mailbox, place)
);
";

/// The migration after [`KEYWORDS_SCHEMA`], which holds the UIDs that went,
/// as ranges. What went before it came is below the floor: not known.
pub const GONE_SCHEMA: &str = "
ALTER TABLE mailbox_folder ADD COLUMN gone_floor BIGINT NOT NULL DEFAULT 0;
ALTER TABLE mailbox_folder ADD COLUMN gone_ranges BIGINT NOT NULL DEFAULT 0;
UPDATE mailbox_folder SET gone_floor = change_seq;
CREATE TABLE mailbox_gone (
    folder BIGINT NOT NULL,
    change_seq BIGINT NOT NULL,
    first_uid BIGINT NOT NULL,
    last_uid BIGINT NOT NULL,
    PRIMARY KEY (folder, change_seq, first_uid)
);
";
