//! The schema's version, its migrations, and what a ledger knows of itself.

use super::chain;
use super::fault::damaged;
use crate::error::{Error, Result};
use crate::ledger::Identity;
use crate::record::Timestamp;
use refinery::{Migration, Runner};
use rusqlite::{Connection, OptionalExtension};
use std::path::Path;

/// The schema this build writes: the number of its last migration.
pub(super) const SCHEMA_VERSION: i64 = 5;

/// Every migration, oldest first. An applied one is never edited: its checksum is in the store.
const MIGRATIONS: [(&str, &str); 5] = [
    ("V1__ledger", include_str!("../migrations/V1__ledger.sql")),
    ("V2__domains_digests", include_str!("../migrations/V2__domains_digests.sql")),
    ("V3__proof", include_str!("../migrations/V3__proof.sql")),
    ("V4__sync", include_str!("../migrations/V4__sync.sql")),
    ("V5__access", include_str!("../migrations/V5__access.sql")),
];

/// What the `meta` table says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    pub(super) ledger_id: String,
    pub(super) identity: Identity,
    pub(super) created_at: Timestamp,
}

/// Writes a complete new ledger to the empty file at `path`.
pub(super) fn create(path: &Path, identity: &Identity, now: Timestamp) -> Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    migrate(&mut connection, MIGRATIONS.len())?;
    fill_in(&connection, identity, now)?;
    // None yet, but the first link is made of the ledger's id, which is there by now.
    chain::link_events(&mut connection)?;
    // Closing empties the log into the file, so that the file alone is the ledger.
    connection.close().map_err(|(_, error)| error.into())
}

/// Writes what a new ledger knows of itself.
fn fill_in(connection: &Connection, identity: &Identity, now: Timestamp) -> Result<()> {
    let mut id = [0; 16];
    getrandom::fill(&mut id)
        .map_err(|error| Error::untrusted(format!("no random numbers: {error}")))?;
    let id: String = id.iter().map(|byte| format!("{byte:02x}")).collect();
    let created_at = now.as_micros().to_string();
    let values = [
        ("ledger_id", id.as_str()),
        ("policy", &identity.policy),
        ("key_id", &identity.key_id),
        ("created_at", &created_at),
    ];
    for value in values {
        connection.execute("INSERT INTO meta (name, value) VALUES (?1, ?2)", value)?;
    }
    Ok(())
}

/// Writes a ledger of an earlier schema, the first `version` migrations of it, to the empty file at `path`.
#[cfg(test)]
pub(super) fn create_earlier(path: &Path, version: usize, identity: &Identity) -> Result<()> {
    let mut connection = Connection::open(path)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    migrate(&mut connection, version)?;
    fill_in(&connection, identity, Timestamp::from_micros(0))
}

/// The schema of a ledger: that of its last migration, or what a later version says in SQLite's own place
/// for it.
fn version(connection: &Connection) -> Result<i64> {
    let newest = "SELECT coalesce(max(version), 0) FROM refinery_schema_history";
    let migrated: i64 = connection.query_row(newest, [], |row| row.get(0))?;
    let user: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(migrated.max(user))
}

/// Reads what a ledger knows of itself, after the migrations it lacks. A current one is only read.
pub(super) fn open(connection: &Connection, path: &Path) -> Result<Meta> {
    let tables = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'meta'";
    if connection.query_row(tables, [], |_| Ok(())).optional()?.is_none() {
        return Err(damaged("the file is a database, but not a ledger"));
    }
    let version = version(connection)?;
    if version > SCHEMA_VERSION {
        return Err(Error::untrusted(format!(
            "ledger schema {version}, this build reads up to {SCHEMA_VERSION}"
        ))
        .with_hint("upgrade quell"));
    }
    if version < SCHEMA_VERSION {
        let migrated = migrate(&mut Connection::open(path)?, MIGRATIONS.len());
        // Another command may have been quicker: its migration is as good as ours.
        if migrated.is_err() && self::version(connection)? < SCHEMA_VERSION {
            migrated?;
        }
    }
    if chain::is_unlinked(connection)? {
        chain::link_events(&mut Connection::open(path)?)?;
    }
    Ok(Meta {
        ledger_id: text(connection, "ledger_id")?,
        identity: Identity {
            policy: text(connection, "policy")?,
            key_id: text(connection, "key_id")?,
        },
        created_at: Timestamp::from_micros(number(connection, "created_at")?),
    })
}

/// Applies the first `count` migrations, as far as they are not, and says so in the ledger: in one transaction,
/// or a crash in between would leave changes that the next try can't make once more.
fn migrate(connection: &mut Connection, count: usize) -> Result<()> {
    let failed = |error: refinery::Error| {
        Error::untrusted(format!("the ledger can't be migrated: {error}"))
            .with_hint("it may be damaged: restore the store from the backup (docs/operations.md)")
            .with_source(error)
    };
    let migrations: Vec<Migration> = MIGRATIONS
        .iter()
        .take(count)
        .map(|(name, sql)| Migration::unapplied(name, sql))
        .collect::<Result<_, _>>()
        .map_err(failed)?;
    Runner::new(&migrations).set_grouped(true).run(connection).map_err(failed)?;
    Ok(())
}

fn text(connection: &Connection, name: &str) -> Result<String> {
    connection
        .query_row("SELECT value FROM meta WHERE name = ?1", [name], |row| row.get(0))
        .optional()?
        .ok_or_else(|| damaged(&format!("it does not say its {name}")))
}

fn number(connection: &Connection, name: &str) -> Result<i64> {
    text(connection, name)?.parse().map_err(|_| damaged(&format!("its {name} is not a number")))
}
