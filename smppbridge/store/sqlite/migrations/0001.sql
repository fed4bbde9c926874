-- The first schema. Every index costs each message about 2 microseconds, so there are only those that a
-- query on the way of a message needs. Numbers in conditions are model.message.Stage; a query must repeat
-- them literally, or SQLite cannot prove that the partial index holds its rows.

PRAGMA application_id = 0x534D5042;  -- "SMPB": tells our files from those of other programs

CREATE TABLE messages (
    id                     INTEGER PRIMARY KEY,  -- given by the caller, in order of time
    account                TEXT    NOT NULL,
    wire_id                TEXT    NOT NULL,
    origin                 INTEGER NOT NULL,
    source_addr_ton        INTEGER NOT NULL,
    source_addr_npi        INTEGER NOT NULL,
    source_addr            TEXT    NOT NULL,
    dest_addr_ton          INTEGER NOT NULL,
    dest_addr_npi          INTEGER NOT NULL,
    destination_addr       TEXT    NOT NULL,
    recipient              TEXT    NOT NULL,
    sender                 TEXT    NOT NULL,
    text                   TEXT    NOT NULL,
    data_coding            INTEGER NOT NULL,
    registered_delivery    INTEGER NOT NULL,
    priority               INTEGER NOT NULL,
    service_type           TEXT    NOT NULL,
    user_message_reference INTEGER,
    route                  TEXT    NOT NULL,
    provider               TEXT    NOT NULL,
    stage                  INTEGER NOT NULL,
    submitted_at           INTEGER NOT NULL,
    due_at                 INTEGER,           -- when this stage is to be looked at again; NULL when FINAL
    deadline               INTEGER NOT NULL,  -- SENT: when to stop asking for the status
    attempt                INTEGER NOT NULL DEFAULT 0,
    tries                  INTEGER NOT NULL DEFAULT 0,
    state                  INTEGER NOT NULL DEFAULT 0,  -- the last one known, 0 before the first
    seen                   INTEGER NOT NULL DEFAULT 0,  -- 1 << state of every status that was not final
    err                    INTEGER NOT NULL DEFAULT 0,
    code                   TEXT    NOT NULL DEFAULT '',
    provider_ref           TEXT,                        -- NULL until SENT
    packet_ref             TEXT    NOT NULL DEFAULT '',
    sent_at                INTEGER NOT NULL DEFAULT 0,
    done_at                INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE UNIQUE INDEX messages_wire ON messages (account, wire_id);

-- The deadline is here so that a claim passes over expired rows without visiting each of them.
CREATE INDEX messages_queue ON messages (provider, account, priority DESC, id, deadline) WHERE stage = 2;

-- By due_at, not by stage: beside `stage = ?` a condition `stage < 6` would make the planner scan all stages.
CREATE INDEX messages_due ON messages (provider, stage, due_at) WHERE due_at IS NOT NULL;

-- SENT: due_at is the next question, so the end of all questions needs an order of its own.
CREATE INDEX messages_deadline ON messages (provider, deadline) WHERE stage = 5;

-- Kept for FINAL messages too: late and repeated statuses are recognised by it.
CREATE INDEX messages_ref ON messages (provider, provider_ref) WHERE provider_ref IS NOT NULL;

-- Only attempts that did not end SENT; the last one is in the message itself.
CREATE TABLE attempts (
    message_id INTEGER NOT NULL,
    number     INTEGER NOT NULL,
    provider   TEXT    NOT NULL,
    result     TEXT    NOT NULL,
    code       TEXT    NOT NULL,
    reason     TEXT    NOT NULL,
    at         INTEGER NOT NULL
) STRICT;

CREATE INDEX attempts_message ON attempts (message_id);

CREATE TABLE receipts (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given again: a late answer names its own receipt
    account    TEXT    NOT NULL,
    origin     INTEGER NOT NULL,  -- 0: any bind of the account
    message_id INTEGER NOT NULL,
    state      INTEGER NOT NULL,
    final      INTEGER NOT NULL,
    err        INTEGER NOT NULL,
    code       TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    due_at     INTEGER NOT NULL,
    tries      INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE INDEX receipts_due ON receipts (account, origin, due_at, id);

-- For the end of their retention; all others are found by the time they are due.
CREATE INDEX receipts_deferred ON receipts (account, at) WHERE tries > 0;

-- A message whose receipt is still owed is not purged.
CREATE INDEX receipts_message ON receipts (message_id);

-- Statuses for references that no message has yet.
CREATE TABLE orphans (
    provider     TEXT    NOT NULL,
    provider_ref TEXT    NOT NULL,
    state        INTEGER NOT NULL,
    final        INTEGER NOT NULL,
    err          INTEGER NOT NULL,
    code         TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    PRIMARY KEY (provider, provider_ref)
) STRICT, WITHOUT ROWID;

CREATE INDEX orphans_at ON orphans (at);

CREATE TABLE counters (
    name  TEXT    PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
