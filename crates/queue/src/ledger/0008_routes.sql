-- Mail that takes another route than its own for a while, and what is told of
-- routes once. Few rows: at most one for each account on each route.
CREATE TABLE diversions (
    route TEXT NOT NULL,
    account TEXT NOT NULL,
    to_route TEXT NOT NULL,
    -- down, refused, retired, sign_in or limits.
    cause TEXT NOT NULL,
    since INTEGER NOT NULL,
    why TEXT NOT NULL,
    -- Since when the own route is well again; null while it is not.
    good_since INTEGER,
    PRIMARY KEY (route, account)
) WITHOUT ROWID;

-- Minutes of an hour in which an account had used up a limit; kept for a week.
CREATE TABLE limit_hits (
    account TEXT NOT NULL,
    -- minute or day.
    what TEXT NOT NULL,
    -- Hours since 1970.
    hour INTEGER NOT NULL,
    hits INTEGER NOT NULL,
    PRIMARY KEY (account, what, hour)
) WITHOUT ROWID;

-- What was told once and is not told again, over restarts.
CREATE TABLE told (
    what TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) WITHOUT ROWID;
