-- Messages that equipment cut into several submit_sm, and finding what is to be cancelled or replaced.

-- All destinations of one submit_multi have its message_id.
DROP INDEX messages_wire;
CREATE INDEX messages_wire ON messages (account, wire_id);

-- WAITING and QUEUED, by what cancel_sm (without a message_id) and replace_if_present_flag name. Recipients come
-- in no order, so each message would write a page of its own: only those of accounts that ask for it are here.
ALTER TABLE messages ADD COLUMN addressed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_pending ON messages (account, recipient, source_addr, service_type, id)
    WHERE stage IN (1, 2) AND addressed = 1;

CREATE TABLE addressed (account TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

ALTER TABLE messages ADD COLUMN segments INTEGER NOT NULL DEFAULT 1;  -- submit_sm that this message was joined of

-- One row for each long message while its parts come in, and some time longer, so that a part that comes
-- again is known. Each part has a row of its own in messages, COLLECTING.
CREATE TABLE joins (
    head        INTEGER PRIMARY KEY,  -- message id of the part that came first: the one that will carry the text
    account     TEXT    NOT NULL,
    recipient   TEXT    NOT NULL,
    source_addr TEXT    NOT NULL,
    reference   INTEGER NOT NULL,
    width       INTEGER NOT NULL,     -- of the reference: 8 or 16 bits, 0 = sar_msg_ref_num
    total       INTEGER NOT NULL,
    missing     INTEGER NOT NULL,     -- parts that have not come yet
    open        INTEGER NOT NULL,     -- 0: another message has taken the reference over
    made        INTEGER NOT NULL,     -- 1: its parts have been joined, or given up
    due_at      INTEGER NOT NULL      -- until when parts are waited for
) STRICT;

CREATE UNIQUE INDEX joins_open ON joins (account, recipient, source_addr, reference, width, total) WHERE open;
CREATE INDEX joins_ready ON joins (head) WHERE missing = 0 AND made = 0;
CREATE INDEX joins_due ON joins (made, due_at);

CREATE TABLE joined (
    head       INTEGER NOT NULL,
    number     INTEGER NOT NULL,  -- of the part, from 1
    message_id INTEGER NOT NULL,
    octets     BLOB    NOT NULL,  -- user data header and text as they came; empty once nobody needs them any more
    PRIMARY KEY (head, number)
) STRICT, WITHOUT ROWID;

CREATE INDEX joined_message ON joined (message_id);

-- Messages whose sender wants to hear when the phone, which they did not reach, can be reached again.
CREATE TABLE alerts (
    message_id  INTEGER PRIMARY KEY,
    account     TEXT    NOT NULL,
    recipient   TEXT    NOT NULL,
    source_addr TEXT    NOT NULL,
    at          INTEGER NOT NULL,  -- when the message ended
    due_at      INTEGER            -- NULL: the phone was not reached since
) STRICT;

CREATE UNIQUE INDEX alerts_watch ON alerts (account, recipient, source_addr) WHERE due_at IS NULL;
CREATE INDEX alerts_due ON alerts (account, due_at) WHERE due_at IS NOT NULL;
CREATE INDEX alerts_at ON alerts (account, at);
