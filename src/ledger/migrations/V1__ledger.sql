-- The ledger, schema 1. Never edit an applied migration: add the next one and raise SCHEMA_VERSION.
--
-- Codes: flag 0 Allow, 1 Do Not Allow; state 0 active, 1 inactive; class 0 bulk, 1 transactional,
-- 2 all; choice 0 In, 1 Out; reason 0 bounce, 1 complaint, 2 invalid, 3 manual. Times are
-- microseconds since 1970 (UTC). An address of '' is byte-equal to its key. A recorded_at of NULL is
-- the time of the row's import. Records are clustered by key, so that a sorted import appends and a
-- look-up of one key reads one place.

CREATE TABLE meta (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- A contact_id has at most one current row (former 0). When its address changes, that row becomes a former
-- one (former 1): a block never leaves an address by itself. Its flags are frozen as they were; they tell of
-- the key, no longer of the contact. A contact that moved back has both rows under one key.
CREATE TABLE contact (
    key           BLOB    NOT NULL,
    contact_id    TEXT    NOT NULL,
    former        INTEGER NOT NULL,
    address       TEXT    NOT NULL,
    bulk_email    INTEGER NOT NULL,
    email_allowed INTEGER NOT NULL,
    at            INTEGER,
    import_id     INTEGER,
    recorded_at   INTEGER,
    PRIMARY KEY (key, contact_id, former)
) STRICT, WITHOUT ROWID;
-- The flags are in the index, so that a contact's flags and the scan of all contacts read nothing else.
-- Former rows are looked up by key.
CREATE INDEX contact_by_id ON contact (contact_id, bulk_email, email_allowed) WHERE former = 0;

-- list '' is everywhere.
CREATE TABLE unsubscribe (
    key         BLOB    NOT NULL,
    list        TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    state       INTEGER NOT NULL,
    class       INTEGER NOT NULL,
    at          INTEGER,
    source      TEXT,
    import_id   INTEGER,
    recorded_at INTEGER,
    PRIMARY KEY (key, list, address, state, class)
) STRICT, WITHOUT ROWID;

CREATE TABLE preference (
    key         BLOB    NOT NULL,
    list        TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    choice      INTEGER NOT NULL,
    at          INTEGER,
    source      TEXT,
    import_id   INTEGER,
    recorded_at INTEGER,
    PRIMARY KEY (key, list)
) STRICT, WITHOUT ROWID;

CREATE TABLE suppression (
    key         BLOB    NOT NULL,
    reason      INTEGER NOT NULL,
    class       INTEGER NOT NULL,
    address     TEXT    NOT NULL,
    at          INTEGER,
    expires_at  INTEGER,
    source      TEXT,
    import_id   INTEGER,
    recorded_at INTEGER,
    PRIMARY KEY (key, reason, class)
) STRICT, WITHOUT ROWID;

-- How many records of each kind, kept in the same transaction: counting ten million rows takes seconds.
CREATE TABLE tally (
    kind    TEXT    NOT NULL PRIMARY KEY,
    records INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO tally (kind, records)
VALUES ('contacts', 0), ('unsubscribes', 0), ('preferences', 0), ('suppressions', 0);

-- Every list a record ever named, so that a misspelled list is found without a scan.
CREATE TABLE list (
    name TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

CREATE TABLE import (
    id         INTEGER NOT NULL PRIMARY KEY,
    kind       TEXT    NOT NULL,
    format     TEXT    NOT NULL,
    name       TEXT    NOT NULL,
    sha256     TEXT    NOT NULL,
    at         INTEGER NOT NULL,
    read       INTEGER NOT NULL,
    added      INTEGER NOT NULL,
    unchanged  INTEGER NOT NULL,
    held       INTEGER NOT NULL,
    rejected   INTEGER NOT NULL,
    generation INTEGER NOT NULL
) STRICT;

-- One per committed transaction that changed something. The mark tells this past from another one of the
-- same length, which a ledger has that was restored from a backup and written to since.
CREATE TABLE generation (
    id    INTEGER PRIMARY KEY AUTOINCREMENT,
    at    INTEGER NOT NULL,
    cause TEXT    NOT NULL,
    mark  INTEGER NOT NULL DEFAULT (random())
) STRICT;

-- What happened, for ever.
CREATE TABLE event (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    at         INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    key        BLOB    NOT NULL,
    detail     TEXT    NOT NULL
) STRICT;
CREATE INDEX event_by_key ON event (key, id);
CREATE TRIGGER event_is_never_updated BEFORE UPDATE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;
CREATE TRIGGER event_is_never_deleted BEFORE DELETE ON event
BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

-- The feed: one row a touched index key. space 0 address (key), 1 contact (scope is its id),
-- 2 list and address (scope is the list), 255 everything: rebuild.
CREATE TABLE change (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    generation INTEGER NOT NULL,
    space      INTEGER NOT NULL,
    key        BLOB    NOT NULL,
    scope      TEXT    NOT NULL
) STRICT;
CREATE INDEX change_of_everything ON change (seq) WHERE space = 255;
