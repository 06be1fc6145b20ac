-- When the clock was found to have been set, and by how much: what was written
-- up to `last_event` has been put right.
CREATE TABLE clock_steps (
    number INTEGER PRIMARY KEY,
    -- By the clock as it was set.
    at INTEGER NOT NULL,
    millis INTEGER NOT NULL,
    last_event INTEGER NOT NULL
);
