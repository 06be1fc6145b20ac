-- What the service's replies taught about a mailbox's limits: one row for each
-- mailbox that is allowed less than is configured, or was asked to wait.
CREATE TABLE learnt_limits (
    -- The budget's name.
    mailbox TEXT PRIMARY KEY,
    connections_most INTEGER NOT NULL,
    connections_allowed INTEGER NOT NULL,
    -- Thousandths of a step.
    connections_credit INTEGER NOT NULL,
    -- Null without a limit on messages.
    messages_most INTEGER,
    messages_allowed INTEGER,
    messages_credit INTEGER,
    -- Refusals without a good reply between them.
    refusals INTEGER NOT NULL,
    low_since INTEGER,
    rest_until INTEGER,
    reply TEXT NOT NULL,
    changed_at INTEGER NOT NULL
) WITHOUT ROWID;

-- Recipients that are distribution lists and wait for their turn; `turn_at` is
-- the recipient's `due_at`.
CREATE TABLE list_waits (
    -- The address, lower case.
    list TEXT NOT NULL,
    turn_at INTEGER NOT NULL,
    message INTEGER NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (list, turn_at, message, n)
) WITHOUT ROWID;
CREATE UNIQUE INDEX list_waits_of ON list_waits (message, n);
