-- What would have to be counted, kept with each move instead; and the way to
-- what has ended, so that it can leave again.

-- Recipients in each state, by message class.
CREATE TABLE tallies (
    message_class TEXT NOT NULL,
    state TEXT NOT NULL,
    recipients INTEGER NOT NULL,
    PRIMARY KEY (message_class, state)
) WITHOUT ROWID;
INSERT INTO tallies SELECT messages.message_class, recipients.state, count(*)
    FROM recipients JOIN messages ON messages.number = recipients.message GROUP BY 1, 2;

CREATE INDEX messages_by_end ON messages (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX notices_by_message ON notices (message);
