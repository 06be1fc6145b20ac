-- The ledger. Statements elsewhere keep to what SQLite and PostgreSQL share;
-- only this file is an engine's own. All integers are 64 bits wide, all times
-- milliseconds since 1970 in UTC.

-- What shares a rate limit. Few rows, held in memory too.
CREATE TABLE lanes (
    number INTEGER PRIMARY KEY,
    route TEXT NOT NULL,
    account TEXT NOT NULL,
    UNIQUE (route, account)
);

-- One row for each accepted message; `number` is the order of acceptance.
CREATE TABLE messages (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    application TEXT NOT NULL,
    lane INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    deadline_at INTEGER NOT NULL,
    message_class TEXT NOT NULL,
    data_class TEXT NOT NULL,
    -- Empty for the null path.
    reverse_path TEXT NOT NULL,
    -- JSON: BODY, SMTPUTF8, RET, ENVID.
    options TEXT NOT NULL,
    message_id TEXT,
    -- Shown on the console to those who may see it; never in a log.
    subject TEXT,
    size_octets INTEGER NOT NULL,
    -- The store's reference; null once the body is released.
    body TEXT,
    sequence_key TEXT,
    wants_callback INTEGER NOT NULL,
    -- When the last recipient reached its end.
    ended_at INTEGER
);
CREATE UNIQUE INDEX messages_by_id ON messages (id);
CREATE INDEX messages_by_application ON messages (application, number);
CREATE INDEX messages_open_by_deadline ON messages (deadline_at) WHERE ended_at IS NULL;
CREATE INDEX messages_open_in_sequence ON messages (application, sequence_key, number)
    WHERE sequence_key IS NOT NULL AND ended_at IS NULL;

CREATE TABLE recipients (
    message INTEGER NOT NULL,
    -- Counted from 1, in the order of RCPT TO.
    n INTEGER NOT NULL,
    forward_path TEXT NOT NULL,
    notify TEXT,
    orcpt TEXT,
    lane INTEGER NOT NULL,
    state TEXT NOT NULL,
    attempts INTEGER NOT NULL,
    -- The attempt under way or in doubt.
    attempt INTEGER,
    -- Set while the recipient is incoming or deferred and no earlier message
    -- of its sequence is open: the scheduler's index holds nothing else.
    due_at INTEGER,
    hold_reason TEXT,
    last_reply TEXT,
    outcome_at INTEGER,
    PRIMARY KEY (message, n)
);
CREATE INDEX recipients_due ON recipients (lane, due_at, message) WHERE due_at IS NOT NULL;
CREATE INDEX recipients_by_state ON recipients (state, message);

CREATE TABLE attempts (
    number INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    started_at INTEGER NOT NULL,
    -- Empty while the attempt is under way.
    stage_reached TEXT NOT NULL,
    final_dot_at INTEGER,
    ended_at INTEGER,
    reply TEXT,
    tls TEXT,
    peer TEXT
);
CREATE INDEX attempts_by_message ON attempts (message);
CREATE INDEX attempts_by_end ON attempts (lane, ended_at);
CREATE INDEX attempts_under_way ON attempts (started_at) WHERE ended_at IS NULL;

-- The timeline. `detail` is the event as JSON, its kind inside.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    recipient INTEGER,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX events_by_message ON events (message);

-- What somebody has still to be told; written with the outcome itself.
CREATE TABLE notices (
    number INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    kind TEXT NOT NULL,
    outcome TEXT NOT NULL,
    -- JSON: the recipients' numbers.
    recipients TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    last_error TEXT,
    done_at INTEGER
);
CREATE INDEX notices_due ON notices (next_at) WHERE done_at IS NULL;
CREATE INDEX notices_open ON notices (message, kind) WHERE done_at IS NULL;

-- Open while `closed_at` is null: this credential is not tried.
CREATE TABLE breakers (
    account TEXT NOT NULL,
    credential TEXT NOT NULL,
    version TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    reply TEXT NOT NULL,
    closed_at INTEGER,
    closed_by TEXT,
    PRIMARY KEY (account, credential, version)
);

CREATE TABLE idempotency (
    application TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    message INTEGER NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (application, key)
);
CREATE INDEX idempotency_by_age ON idempotency (at);
