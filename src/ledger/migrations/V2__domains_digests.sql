-- The ledger, schema 2: domain rules and digests. Never edit an applied migration: see V1.
--
-- Codes as in V1. The key of a domain rule is the domain's bytes as they stand in an address key; that of a digest
-- is the digest's bytes. Algorithm 1 MD5, 2 SHA-1, 3 SHA-256, 4 SHA-512. A recorded_at of NULL is the time of the
-- row's import. Both tables are clustered, so that a sorted import appends and a look-up reads one place.
--
-- The feed has two more spaces: 3 a domain's rules (key is the domain), 4 a digest (key is the digest, scope the
-- list or '').

CREATE TABLE domain_rule (
    key         BLOB    NOT NULL PRIMARY KEY,
    subdomains  INTEGER NOT NULL,
    at          INTEGER,
    source      TEXT,
    import_id   INTEGER,
    recorded_at INTEGER
) STRICT, WITHOUT ROWID;

-- list '' is everywhere. The algorithm comes first, so that whether there is any of it is one look-up.
CREATE TABLE digest (
    algorithm   INTEGER NOT NULL,
    key         BLOB    NOT NULL,
    list        TEXT    NOT NULL,
    class       INTEGER NOT NULL,
    source      TEXT,
    import_id   INTEGER,
    recorded_at INTEGER,
    PRIMARY KEY (algorithm, key, list)
) STRICT, WITHOUT ROWID;

INSERT INTO tally (kind, records)
VALUES ('domains', 0), ('digests', 0);
