-- The ledger, schema 3: what shows damage and tampering, erasures, and whose contacts are whose. Never edit an
-- applied migration: see V1.
--
-- The feed has one more space: 6 an entry of the index by its hash alone (key is the hash).

-- A checksum of each row over its other columns, so that a row that was damaged where it lies says so.
ALTER TABLE contact     ADD COLUMN sum INTEGER;
ALTER TABLE unsubscribe ADD COLUMN sum INTEGER;
ALTER TABLE preference  ADD COLUMN sum INTEGER;
ALTER TABLE suppression ADD COLUMN sum INTEGER;
ALTER TABLE domain_rule ADD COLUMN sum INTEGER;
ALTER TABLE digest      ADD COLUMN sum INTEGER;

-- The sync that a contact is of; the other records have their source already.
ALTER TABLE contact ADD COLUMN source TEXT;

-- A checksum that runs on from the row before it, and what the key's entry became, where that was known.
ALTER TABLE change ADD COLUMN entry INTEGER;
ALTER TABLE change ADD COLUMN sum   INTEGER;
-- Where the feed ended with the generation: its last row, and that row's checksum.
ALTER TABLE generation ADD COLUMN seq  INTEGER;
ALTER TABLE generation ADD COLUMN feed INTEGER;

-- What happened, for ever, as a chain: `content` is the SHA-256 of salt, key and detail; `link` is that of the
-- link before it and of everything else of the event (docs/proof.md). An erasure takes key, detail and salt
-- away and leaves the digests, so the chain still holds.
DROP TRIGGER event_is_never_updated;
DROP TRIGGER event_is_never_deleted;
DROP INDEX event_by_key;
ALTER TABLE event RENAME TO event_before;
CREATE TABLE event (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    key        BLOB    NOT NULL,
    detail     TEXT    NOT NULL,
    salt       BLOB    NOT NULL,
    content    BLOB    NOT NULL,
    link       BLOB    NOT NULL
) STRICT;
CREATE INDEX event_by_key ON event (key, id);
CREATE TRIGGER event_is_never_updated BEFORE UPDATE ON event
WHEN NOT (NEW.id = OLD.id AND NEW.at = OLD.at AND NEW.generation = OLD.generation AND NEW.kind = OLD.kind
          AND NEW.content = OLD.content AND NEW.link = OLD.link AND NEW.detail = '' AND NEW.salt = x'')
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

-- What stays of an erased address (space 0) or of a contact that had it (space 1): the keyed hash that the
-- index has for it. flags: bit 0 Bulk Email, bit 1 Email is Do Not Allow, of a contact. parked: its blocks as
-- JSON, without any text of the person; they come back when the erasure is lifted.
CREATE TABLE erased (
    space      INTEGER NOT NULL,
    hash       BLOB    NOT NULL,
    at         INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    flags      INTEGER NOT NULL,
    parked     TEXT    NOT NULL,
    PRIMARY KEY (space, hash)
) STRICT, WITHOUT ROWID;
