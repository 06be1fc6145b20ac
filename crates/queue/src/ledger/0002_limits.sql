-- What the service counts over time, so that no restart forgets it. Nothing
-- here grows with the mail that is stored: old rows leave as new ones come.

-- Recipients of the lane that wait to be sent: incoming, deferred, on hold.
ALTER TABLE lanes ADD COLUMN waiting INTEGER NOT NULL DEFAULT 0;
UPDATE lanes SET waiting = (SELECT count(*) FROM recipients
    WHERE recipients.lane = lanes.number AND state IN ('incoming', 'deferred', 'hold'));

-- Which limit put `due_at` where it is; null when none did.
ALTER TABLE recipients ADD COLUMN waits_for TEXT;

-- Recipients that an account sent to, by five minutes; kept for a day.
CREATE TABLE sent_recipients (
    account TEXT NOT NULL,
    -- Five minutes since 1970.
    period INTEGER NOT NULL,
    recipients INTEGER NOT NULL,
    PRIMARY KEY (account, period)
) WITHOUT ROWID;

-- The last message to each distribution list, whatever account sent it.
CREATE TABLE list_sends (
    -- The address, lower case.
    list TEXT PRIMARY KEY,
    sent_at INTEGER NOT NULL,
    -- The attempt that took the turn, and what `sent_at` was before: an attempt
    -- that surely sent nothing gives its turn back.
    attempt INTEGER NOT NULL,
    sent_before INTEGER
) WITHOUT ROWID;

-- Who was addressed with one text of one application within a window. Two
-- kinds of rows, side by side so that a message touches one page:
-- a person: `entry` is a digest of the address, 0 or more, `figure` the hour
-- of the last time; an hour: `entry` is minus the hour since 1970, `figure` the
-- number of people whose last time was then.
CREATE TABLE same_text (
    -- A digest of application and text.
    text INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    figure INTEGER NOT NULL,
    PRIMARY KEY (text, entry)
) WITHOUT ROWID;
