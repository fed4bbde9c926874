-- What goes on as it came (optional parameters, messages from phones), references in several notations, and
-- messages that a provider got in parts.

ALTER TABLE messages ADD COLUMN tlvs BLOB;  -- NULL: none besides the text

ALTER TABLE inbound ADD COLUMN octets BLOB;  -- binary content, or a part with its header; NULL for text
ALTER TABLE inbound ADD COLUMN data_coding INTEGER NOT NULL DEFAULT 0;  -- of octets
ALTER TABLE inbound ADD COLUMN esm_class INTEGER NOT NULL DEFAULT 0;    -- of octets

-- A provider may tell a reference in another notation than the one it gave. Which one it is shows only when
-- the message is there, so such a status waits under each of them. Its rows lie together, and all rows in
-- order of time, so that no other index is needed to forget a status or what has become old.
ALTER TABLE orphans RENAME TO orphans_before;
DROP INDEX orphans_at;

CREATE TABLE orphans (
    id           INTEGER PRIMARY KEY,
    provider     TEXT    NOT NULL,
    provider_ref TEXT    NOT NULL,
    recipient    TEXT    NOT NULL,  -- the phone that it is about, '' where nobody said
    place        INTEGER NOT NULL,  -- 0: the reference as it is stored; 1, 2, ...: other notations, likeliest first
    told         INTEGER NOT NULL,  -- the status: id of its first row,
    notations    INTEGER NOT NULL,  -- and how many rows it came with
    state        INTEGER NOT NULL,
    final        INTEGER NOT NULL,
    err          INTEGER NOT NULL,
    code         TEXT    NOT NULL,
    at           INTEGER NOT NULL,
    details      TEXT    NOT NULL,
    UNIQUE (provider, provider_ref, recipient, place)
) STRICT;

INSERT INTO orphans (
    id, provider, provider_ref, recipient, place, told, notations, state, final, err, code, at, details)
SELECT number, provider, provider_ref, '', 0, number, 1, state, final, err, code, at, details
FROM (SELECT row_number() OVER (ORDER BY at) AS number, * FROM orphans_before);
DROP TABLE orphans_before;

-- Only of messages that went out in several parts, each with a status of its own: a row for each reference,
-- that of the message itself (the first part's) among them. A status for one of these is one for the part,
-- never for the message as a whole; messages.provider_ref stays as it is, for looking it up.
CREATE TABLE message_parts (
    provider     TEXT    NOT NULL,
    provider_ref TEXT    NOT NULL,
    message_id   INTEGER NOT NULL,
    state        INTEGER NOT NULL DEFAULT 0,  -- the last one known, 0 before the first
    final        INTEGER NOT NULL DEFAULT 0,
    err          INTEGER NOT NULL DEFAULT 0,
    code         TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (provider, provider_ref, message_id)  -- a provider may count anew: the latest message is meant
) STRICT, WITHOUT ROWID;

CREATE INDEX message_parts_message ON message_parts (message_id);
