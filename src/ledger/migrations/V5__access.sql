-- The ledger, schema 5: who may ask a service. Never edit an applied migration: see V1.

-- digest: SHA-256 of the token, which is random and stored nowhere. role: `decide`, `write`, `operator`, `admin`.
CREATE TABLE access_token (
    name       TEXT    NOT NULL PRIMARY KEY,
    role       TEXT    NOT NULL,
    digest     BLOB    NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
