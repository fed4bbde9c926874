-- Other content than text, scheduling at the provider, questions about doubts, results of number checks,
-- and messages from phones.

ALTER TABLE messages ADD COLUMN octets BLOB;  -- binary content with its user data header; NULL for text
ALTER TABLE messages ADD COLUMN flash INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN protocol_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE messages ADD COLUMN send_at INTEGER NOT NULL DEFAULT 0;  -- when the provider is to send it
ALTER TABLE messages ADD COLUMN asked INTEGER NOT NULL DEFAULT 0;    -- UNCERTAIN: questions so far
ALTER TABLE messages ADD COLUMN misses INTEGER NOT NULL DEFAULT 0;   -- and "not there" in a row
ALTER TABLE messages ADD COLUMN details TEXT NOT NULL DEFAULT '';    -- what a number check found

ALTER TABLE receipts ADD COLUMN details TEXT NOT NULL DEFAULT '';
ALTER TABLE orphans ADD COLUMN details TEXT NOT NULL DEFAULT '';

-- UNCERTAIN: due_at is the next question, so the end of all questions needs an order of its own.
CREATE INDEX messages_doubts ON messages (provider, deadline) WHERE stage = 4;

-- Messages from phones: kept so that none is taken twice, and to be looked up.
CREATE TABLE inbound (
    provider    TEXT    NOT NULL,
    ref         TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    text        TEXT    NOT NULL,
    at          INTEGER NOT NULL,
    taken_at    INTEGER NOT NULL,
    accounts    TEXT    NOT NULL,  -- who got it, joined by commas; "" = no rule names anybody
    PRIMARY KEY (provider, ref)
) STRICT, WITHOUT ROWID;

CREATE INDEX inbound_taken ON inbound (taken_at);

-- One row for each deliver_sm that they still owe.
CREATE TABLE inbound_parts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again, as with receipts
    account     TEXT    NOT NULL,
    provider    TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    destination TEXT    NOT NULL,
    esm_class   INTEGER NOT NULL,
    data_coding INTEGER NOT NULL,
    octets      BLOB    NOT NULL,
    at          INTEGER NOT NULL,
    tries       INTEGER NOT NULL DEFAULT 0,
    due_at      INTEGER NOT NULL,
    taken_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX inbound_parts_due ON inbound_parts (account, due_at, id);
CREATE INDEX inbound_parts_taken ON inbound_parts (account, taken_at);
