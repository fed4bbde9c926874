-- What providers tell of messages besides their statuses.

ALTER TABLE messages ADD COLUMN price INTEGER NOT NULL DEFAULT 0;  -- in millionths of the currency, 0: not told
ALTER TABLE messages ADD COLUMN currency TEXT NOT NULL DEFAULT '';
ALTER TABLE messages ADD COLUMN parts INTEGER NOT NULL DEFAULT 0;  -- SMS that the provider counts, 0: not told
ALTER TABLE messages ADD COLUMN operator TEXT NOT NULL DEFAULT '';  -- of the phone

ALTER TABLE orphans ADD COLUMN reason TEXT NOT NULL DEFAULT '';
ALTER TABLE orphans ADD COLUMN price INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orphans ADD COLUMN currency TEXT NOT NULL DEFAULT '';
ALTER TABLE orphans ADD COLUMN parts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE orphans ADD COLUMN operator TEXT NOT NULL DEFAULT '';
