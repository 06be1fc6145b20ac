-- One row for each attempt whose final dot was sent and whose reply was lost,
-- while any of its recipients is in doubt. Few rows, of which each names the
-- moment at which something is done about it.
CREATE TABLE doubts (
    attempt INTEGER PRIMARY KEY,
    message INTEGER NOT NULL,
    lane INTEGER NOT NULL,
    dot_at INTEGER NOT NULL,
    -- Looks into sent mail that the folder could be read at.
    looks INTEGER NOT NULL,
    -- Null where nobody can look: the class's policy settles it.
    next_look_at INTEGER,
    -- From then on it is settled by the class's policy.
    give_up_at INTEGER NOT NULL,
    -- Milliseconds for which it may stay without a look.
    patience INTEGER NOT NULL,
    last_look_at INTEGER,
    -- What the last look, or trying to, came to.
    last_words TEXT
);
CREATE INDEX doubts_due ON doubts (next_look_at);
CREATE INDEX doubts_by_end ON doubts (give_up_at);

-- What an earlier version left in doubt is settled by its class's policy.
INSERT INTO doubts (attempt, message, lane, dot_at, looks, give_up_at, patience)
    SELECT attempts.number, attempts.message, attempts.lane,
        coalesce(attempts.final_dot_at, attempts.started_at), 0, 0, 0
    FROM recipients JOIN attempts ON attempts.number = recipients.attempt
    WHERE recipients.state = 'in_doubt' GROUP BY attempts.number;

-- Where a message that was surely sent has been found among sent mail, the
-- last time.
CREATE TABLE sent_items (
    lane INTEGER PRIMARY KEY,
    found_at INTEGER NOT NULL,
    evidence TEXT NOT NULL
);
