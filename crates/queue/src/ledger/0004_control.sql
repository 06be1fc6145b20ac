-- Whose turn it is, when, until when; and what people stop and move.

-- 9 for the highest within its class, -9 for the lowest.
ALTER TABLE messages ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
-- Not to be sent earlier; null for at once.
ALTER TABLE messages ADD COLUMN not_before INTEGER;
-- When the watchdog looks at its deadline next: first some time before it,
-- to warn, then when it passes.
ALTER TABLE messages ADD COLUMN check_at INTEGER NOT NULL DEFAULT 0;
-- When it was warned of.
ALTER TABLE messages ADD COLUMN warned_at INTEGER;
UPDATE messages SET check_at = deadline_at;
DROP INDEX messages_open_by_deadline;
CREATE INDEX messages_open_by_check ON messages (check_at) WHERE ended_at IS NULL;
CREATE INDEX messages_open_by_class ON messages (message_class, number) WHERE ended_at IS NULL;
CREATE INDEX messages_near_deadline ON messages (message_class, deadline_at)
    WHERE warned_at IS NOT NULL AND ended_at IS NULL;

-- Applications have numbers too, so that the scheduler can pass one by
-- without reading what it has.
CREATE TABLE sources (
    number INTEGER PRIMARY KEY,
    application TEXT NOT NULL UNIQUE
);
INSERT INTO sources (application) SELECT DISTINCT application FROM messages;

-- The smaller goes first: made of class and priority.
ALTER TABLE recipients ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
ALTER TABLE recipients ADD COLUMN source INTEGER NOT NULL DEFAULT 0;
UPDATE recipients SET
    turn = (SELECT CASE message_class WHEN 'urgent' THEN 9 WHEN 'routine' THEN 29 ELSE 49 END
        FROM messages WHERE number = recipients.message),
    source = (SELECT sources.number FROM messages
        JOIN sources ON sources.application = messages.application
        WHERE messages.number = recipients.message);
DROP INDEX recipients_due;
CREATE INDEX recipients_due ON recipients (lane, turn, source, due_at, message)
    WHERE due_at IS NOT NULL;
-- What waits without a moment: behind an earlier message of its sequence, or
-- by a mistake that the watchdog mends.
CREATE INDEX recipients_blocked ON recipients (message, n)
    WHERE due_at IS NULL AND attempt IS NULL AND hold_reason IS NULL AND outcome_at IS NULL;

-- What sends nothing until it is resumed: one row, whatever waits.
CREATE TABLE suspensions (
    -- application, account or route.
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    since INTEGER NOT NULL,
    by_whom TEXT NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (scope, name)
) WITHOUT ROWID;

-- Every act of a person: who, why, on what, and how far it has come.
CREATE TABLE acts (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    act TEXT NOT NULL,
    -- message, application, account or route.
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    why TEXT NOT NULL,
    -- Where to, of a re-route.
    to_route TEXT,
    -- It concerns messages accepted before this one.
    before INTEGER NOT NULL,
    -- Messages up to this one, in this class, are done.
    done_class TEXT NOT NULL,
    done_number INTEGER NOT NULL,
    moved INTEGER NOT NULL,
    refused INTEGER NOT NULL,
    -- Why the first that was refused was.
    refusal TEXT,
    -- Null while there is more to do.
    ended_at INTEGER
);
CREATE INDEX acts_open ON acts (number) WHERE ended_at IS NULL;
