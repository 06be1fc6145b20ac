-- How far the wall clock was ahead of steady time when that was last looked at:
-- all moments in the ledger are by this clock. One row.
CREATE TABLE known_clock (
    number INTEGER PRIMARY KEY CHECK (number = 1),
    -- What steady time counted from; null where that ended with the program.
    boot_id TEXT,
    ahead_millis INTEGER NOT NULL
);
