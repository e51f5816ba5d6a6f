-- The ledger, schema 4: whose complete files were applied. Never edit an applied migration: see V1.
--
-- Codes as in V1. A record is of one source; where another source's complete file names it too, that is a claim.
-- When the record's own source lets go of it, it passes to who claims it, and goes on blocking.

-- key is the record's, for a contact its id; sub tells the records of a key apart: a code (of an unsubscribe its
-- class, of a suppression 3 * reason + class) and the list. says is how much the file says: a choice, the end of a
-- block (the greatest number for none), 1 for subdomains, the bits of a digest's classes, those of denied flags.
CREATE TABLE claim (
    kind   TEXT    NOT NULL,
    key    BLOB    NOT NULL,
    sub    BLOB    NOT NULL,
    source TEXT    NOT NULL,
    says   INTEGER NOT NULL,
    PRIMARY KEY (kind, key, sub, source)
) STRICT, WITHOUT ROWID;

-- The last sync of each kind and source. ended: whether its file ended with a line end.
CREATE TABLE sync (
    kind      TEXT    NOT NULL,
    source    TEXT    NOT NULL,
    import_id INTEGER NOT NULL,
    rows      INTEGER NOT NULL,
    ended     INTEGER NOT NULL,
    PRIMARY KEY (kind, source)
) STRICT, WITHOUT ROWID;
