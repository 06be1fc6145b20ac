-- What keeps mail waiting that is nobody's message: an account whose day is
-- used up, a route that takes no password, a service that is away. Few rows:
-- at most one for each route, each account and each lane.
CREATE TABLE pauses (
    -- Empty for every route.
    route TEXT NOT NULL,
    -- Empty for every account.
    account TEXT NOT NULL,
    cause TEXT NOT NULL,
    since INTEGER NOT NULL,
    -- Then one message tries; the row stays until it got through.
    until INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    reply TEXT NOT NULL,
    PRIMARY KEY (route, account)
) WITHOUT ROWID;

-- Who ended a pause or closed a breaker, and why.
CREATE TABLE resumptions (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    what TEXT NOT NULL,
    by TEXT NOT NULL,
    why TEXT NOT NULL
);

-- Refusals that are tried a few times before they count, of this recipient.
ALTER TABLE recipients ADD COLUMN refusals INTEGER NOT NULL DEFAULT 0;

-- Replies that were decided by their code alone, without names or addresses.
CREATE TABLE unknown_replies (
    stage TEXT NOT NULL,
    code INTEGER NOT NULL,
    status TEXT NOT NULL,
    words TEXT NOT NULL,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    PRIMARY KEY (stage, code, status, words)
) WITHOUT ROWID;
