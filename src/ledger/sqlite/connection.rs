//! Connections to the file: how one is opened, and the few that are kept open.

use super::fault::damaged;
use super::sums;
use crate::error::{Error, Result};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a writer waits for another one.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(60);
/// Statements a connection keeps prepared: more than this layer has.
const STATEMENTS_MAX: usize = 96;
/// SQLite's page cache for an import, in KiB, negative as its pragma wants it.
const IMPORT_CACHE: i64 = -(64 << 10);
/// Idle connections kept; each costs a few hundred KiB.
const IDLE_MAX: usize = 8;

/// How connections behave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Settings {
    /// How long to wait for a lock.
    pub(super) busy_timeout: Duration,
    /// Whether a commit reaches the disk before it returns. Only tests do without.
    pub(super) durable: bool,
}

/// The connections of one ledger.
#[derive(Debug)]
pub(super) struct Pool {
    path: PathBuf,
    settings: Settings,
    idle: Mutex<Vec<Connection>>,
}

/// A connection on loan. Whatever transaction it is in ends, undone, when the loan does.
#[derive(Debug)]
pub(super) struct Pooled<'p> {
    pool: &'p Pool,
    connection: Option<Connection>,
    keep: bool,
}

impl Pool {
    pub(super) fn new(path: &Path, settings: Settings) -> Self {
        Self { path: path.to_owned(), settings, idle: Mutex::default() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn settings(&self) -> Settings {
        self.settings
    }

    /// A connection outside any transaction. Cost: nothing if one is idle, else an `open`.
    pub(super) fn take(&self) -> Result<Pooled<'_>> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(connection) = idle {
            return Ok(Pooled { pool: self, connection: Some(connection), keep: true });
        }
        self.open()
    }

    /// A connection with a large page cache, which goes when the loan does.
    pub(super) fn take_for_import(&self) -> Result<Pooled<'_>> {
        let mut loan = self.open()?;
        loan.keep = false;
        loan.pragma_update(None, "cache_size", IMPORT_CACHE)?;
        Ok(loan)
    }

    fn open(&self) -> Result<Pooled<'_>> {
        let (connection, keep) = match open(&self.path, self.settings) {
            Ok(connection) => (connection, true),
            // Read as immutable, SQLite looks for no later writes: good for one look, not to keep.
            Err(error)
                if may_be_read_only(&error) && !is_writable(&self.path) && !has_log(&self.path) =>
            {
                (open_immutable(&self.path, self.settings)?, false)
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Pooled { pool: self, connection: Some(connection), keep })
    }
}

impl Deref for Pooled<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        match &self.connection {
            Some(connection) => connection,
            None => unreachable!("only drop takes the connection"),
        }
    }
}

impl Drop for Pooled<'_> {
    fn drop(&mut self) {
        let Some(connection) = self.connection.take() else { return };
        let ended = connection.is_autocommit() || connection.execute_batch("ROLLBACK").is_ok();
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if ended && self.keep && idle.len() < IDLE_MAX {
            idle.push(connection);
        }
    }
}

/// Opens the file for reading and writing, or for reading if that is all there is, and reads its
/// first page, because SQLite opens nothing before it must.
fn open(path: &Path, settings: Settings) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    prepare(Connection::open_with_flags(path, flags)?, settings)
}

/// Opens a file that nobody can write, without the shared memory that SQLite can't make beside it.
fn open_immutable(path: &Path, settings: Settings) -> Result<Connection> {
    let Some(text) = path.to_str() else {
        return Err(Error::untrusted("the path of a read-only ledger must be UTF-8"));
    };
    let mut uri = String::from("file:");
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(byte));
            }
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri.push_str("?immutable=1");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    Ok(prepare(Connection::open_with_flags(uri, flags)?, settings)?)
}

fn prepare(connection: Connection, settings: Settings) -> rusqlite::Result<Connection> {
    connection.busy_timeout(settings.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    sums::register(&connection)?;
    // FULL: in WAL mode the log is synchronised at each commit, so a change is durable when its call
    // returns. A schema that someone tampered with may run no function with side effects.
    connection.pragma_update(None, "synchronous", if settings.durable { "FULL" } else { "OFF" })?;
    connection.pragma_update(None, "trusted_schema", "OFF")?;
    // What is deleted is overwritten, as far as SQLite knows where it was.
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

fn may_be_read_only(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied)
    )
}

/// Says whether this process may write the file and its directory, so that an error of opening it has
/// another cause: without descriptors left, say, a ledger that others write to must not be taken for one
/// that nobody can.
fn is_writable(path: &Path) -> bool {
    #[cfg(target_os = "linux")]
    {
        use rustix::fs::{Access, access};
        let may = |path: &Path| access(path, Access::WRITE_OK).is_ok();
        may(path) && path.parent().is_none_or(may)
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = path;
        false
    }
}

/// Says whether the log beside the file may hold commits that the file does not.
fn has_log(path: &Path) -> bool {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    match std::fs::metadata(log) {
        Ok(metadata) => metadata.len() > 0,
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    }
}

/// The path from the root: SQLite would read one that begins with `file:` as a URI with options.
pub(super) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|error| {
        Error::untrusted(format!("cannot open `{}`: {error}", path.display())).with_source(error)
    })
}

/// Says that there is a ledger to open, with the cure when there is none.
pub(super) fn require(path: &Path) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(metadata) if metadata.len() == 0 => Err(damaged("it is empty")),
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            Err(Error::untrusted(format!("there is no ledger at `{}`", path.display()))
                .with_hint("create a store with `quell init`"))
        }
        Err(error) => Err(Error::untrusted(format!("cannot open `{}`: {error}", path.display()))
            .with_source(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    const SETTINGS: Settings = Settings { busy_timeout: BUSY_TIMEOUT, durable: false };

    #[test]
    fn a_file_on_a_read_only_disk_is_read_without_shared_memory() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("led ger?.db");
        let writer = Connection::open(&path).unwrap();
        writer
            .execute_batch(
                "PRAGMA journal_mode = WAL; CREATE TABLE t (x); INSERT INTO t VALUES (7)",
            )
            .unwrap();
        drop(writer);
        assert!(!has_log(&path), "the last connection empties the log");
        let connection = open_immutable(&path, SETTINGS).unwrap();
        let found: i64 = connection.query_row("SELECT x FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(found, 7);
        assert!(connection.execute("INSERT INTO t VALUES (8)", []).is_err());
    }

    #[test]
    fn a_missing_ledger_names_the_cure() {
        let error = require(Path::new("/nowhere/ledger.db")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Untrusted);
        assert_eq!(error.hint(), Some("create a store with `quell init`"));
    }
}
