//! The ledger in one SQLite file.
//!
//! Write-ahead log, synchronised at every commit; views are read transactions on connections of their
//! own, so a long export holds up no writer. The schema is in `migrations/`, with its codes explained.

mod access;
mod chain;
mod check;
mod claims;
mod codes;
mod connection;
mod delete;
mod entry;
mod erase;
mod fault;
mod feed;
mod flags;
mod history;
mod import;
mod outside;
mod permissions;
mod read;
mod resubscribe;
mod rows;
mod scan;
mod schema;
mod search;
mod sums;
mod tallies;
#[cfg(test)]
mod tests;
mod unsubscribe;
mod write;

use super::erase::{EraseRequest, Erased, Pseudonyms};
use super::{
    Applied, Identity, ImportSession, ImportSource, Kind, Ledger, ResubscribeRequest, Resubscribed,
    View,
};
use crate::error::{Error, Result};
use crate::record::{Timestamp, Unsubscribe};
use connection::{BUSY_TIMEOUT, Pool, Settings};
use import::Session;
pub use import::StagedRows;
use read::SqliteView;
use schema::Meta;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use tempfile::{NamedTempFile, TempDir};
use write::Writer;

/// A [`Ledger`] in one SQLite file (and the log beside it while it is open).
#[derive(Debug)]
pub struct SqliteLedger {
    // Before `temporary`: connections close before their directory goes.
    pool: Pool,
    /// Whose turn it is to write among the threads of this process; SQLite settles the processes.
    turn: Mutex<()>,
    meta: Meta,
    temporary: Option<TempDir>,
    /// What tells which addresses are erased.
    pseudonyms: Option<Arc<dyn Pseudonyms>>,
}

impl SqliteLedger {
    /// Creates a ledger at `path` and opens it. It appears there complete or not at all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Refused`](crate::ErrorKind::Refused) when something is there already, which stays
    /// as it is; [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when it can't be written.
    pub fn create(path: &Path, identity: &Identity, now: Timestamp) -> Result<Self> {
        let taken = || {
            Error::refused(format!("`{}` is there already", path.display()))
                .with_hint("use the store as it is, or choose another directory")
        };
        if path.exists() {
            return Err(taken());
        }
        let path = &connection::absolute(path)?;
        let directory = directory_of(path);
        let draft =
            NamedTempFile::new_in(&directory).map_err(|error| Error::writing(path, error))?;
        schema::create(draft.path(), identity, now)?;
        draft.as_file().sync_all().map_err(|error| Error::writing(path, error))?;
        draft.persist_noclobber(path).map_err(|failed| match failed.error.kind() {
            io::ErrorKind::AlreadyExists => taken(),
            _ => Error::writing(path, failed.error),
        })?;
        // The name is durable only when its directory is.
        File::open(&directory)
            .and_then(|directory| directory.sync_all())
            .map_err(|error| Error::writing(path, error))?;
        Self::open(path)
    }

    /// Opens the ledger at `path`. A current one is only read, on a read-only disk too; one of an
    /// older schema is migrated.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted), with the cure, when there is none, or it
    /// is damaged, or its schema is newer than this build.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_with(path, Settings { busy_timeout: BUSY_TIMEOUT, durable: true }, None)
    }

    /// A ledger in a directory of its own that goes with it, for tests. It survives no crash.
    ///
    /// A file rather than memory, because a ledger in memory could not be viewed and written at once.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when the directory can't be written.
    pub fn temporary(identity: &Identity, now: Timestamp) -> Result<Self> {
        let directory =
            TempDir::new().map_err(|error| Error::writing(&std::env::temp_dir(), error))?;
        let path = connection::absolute(&directory.path().join("ledger.db"))?;
        schema::create(&path, identity, now)?;
        Self::open_with(
            &path,
            Settings { busy_timeout: BUSY_TIMEOUT, durable: false },
            Some(directory),
        )
    }

    /// The same ledger with what tells which addresses are erased. Without it nothing can be erased, and once
    /// something is, most questions and changes are errors.
    #[must_use]
    pub fn with_pseudonyms(self, pseudonyms: Arc<dyn Pseudonyms>) -> Self {
        Self { pseudonyms: Some(pseudonyms), ..self }
    }

    /// Moves everything from the log into the file and empties the log, so that nothing of the past stays in it.
    ///
    /// Cost: what the log holds; waits up to a minute for those that read it.
    ///
    /// # Errors
    ///
    /// Untrusted when it is still being read then, or can't be written.
    pub fn empty_log(&self) -> Result<()> {
        let connection = self.pool.take()?;
        let busy: bool =
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
        if !busy {
            return Ok(());
        }
        Err(Error::untrusted("the ledger's log could not be emptied: another process reads it")
            .with_hint("do it again when the running commands have ended"))
    }

    /// Writes the file anew, without anything that was ever deleted from it, and [empties the log](Self::empty_log).
    ///
    /// Cost: reading and writing the whole file twice; for a while, twice its size on the disk, half of it in
    /// SQLite's directory for temporary files.
    ///
    /// # Errors
    ///
    /// As [`SqliteLedger::empty_log`].
    pub fn rewrite(&self) -> Result<()> {
        self.pool.take()?.execute_batch("VACUUM")?;
        self.empty_log()
    }

    fn pseudonyms(&self) -> Option<&dyn Pseudonyms> {
        self.pseudonyms.as_deref()
    }

    fn open_with(path: &Path, settings: Settings, temporary: Option<TempDir>) -> Result<Self> {
        let path = &connection::absolute(path)?;
        connection::require(path)?;
        let pool = Pool::new(path, settings);
        let meta = schema::open(&*pool.take()?, path)?;
        Ok(Self { pool, turn: Mutex::default(), meta, temporary, pseudonyms: None })
    }

    /// The directory for spooled imports: the store's own, where there is room for their records.
    fn spool_directory(&self) -> PathBuf {
        match &self.temporary {
            Some(directory) => directory.path().to_owned(),
            None => directory_of(self.pool.path()),
        }
    }
}

impl Ledger for SqliteLedger {
    fn identity(&self) -> &Identity {
        &self.meta.identity
    }

    fn ledger_id(&self) -> &str {
        &self.meta.ledger_id
    }

    fn created_at(&self) -> Timestamp {
        self.meta.created_at
    }

    fn view(&self) -> Result<Box<dyn View + '_>> {
        Ok(Box::new(SqliteView::begin(self.pool.take()?, self.pseudonyms())?))
    }

    fn unsubscribe(
        &self,
        key: &[u8],
        record: &Unsubscribe,
        now: Timestamp,
        by: Option<&str>,
    ) -> Result<Applied> {
        self.unsubscribe_all(&[(key, record)], now, by)
    }

    fn unsubscribe_all(
        &self,
        changes: &[(&[u8], &Unsubscribe)],
        now: Timestamp,
        by: Option<&str>,
    ) -> Result<Applied> {
        let writer = Writer::begin(self, "unsubscribe", now)?;
        for (key, record) in changes {
            unsubscribe::unsubscribe(&writer, key, record, by)?;
        }
        writer.commit()
    }

    fn resubscribe(
        &self,
        key: &[u8],
        address: &str,
        request: &ResubscribeRequest,
        now: Timestamp,
    ) -> Result<Resubscribed> {
        let writer = Writer::begin(self, "resubscribe", now)?;
        let resubscribed = resubscribe::resubscribe(&writer, key, address, request)?;
        Ok(Resubscribed { generation: writer.commit()?.generation, ..resubscribed })
    }

    fn resubscribe_if(
        &self,
        basis: &str,
        key: &[u8],
        address: &str,
        request: &ResubscribeRequest,
        now: Timestamp,
    ) -> Result<Option<Resubscribed>> {
        let writer = Writer::begin(self, "resubscribe", now)?;
        if resubscribe::basis_of(&writer, key)? != basis {
            return Ok(None);
        }
        let resubscribed = resubscribe::resubscribe(&writer, key, address, request)?;
        Ok(Some(Resubscribed { generation: writer.commit()?.generation, ..resubscribed }))
    }

    fn erase(
        &self,
        key: &[u8],
        address: &str,
        request: &EraseRequest,
        now: Timestamp,
    ) -> Result<Erased> {
        let writer = Writer::begin(self, "erase", now)?;
        let erased = erase::erase(&writer, key, address, request)?;
        writer.commit()?;
        Ok(erased)
    }

    fn import_session(
        &self,
        kind: Kind,
        source: ImportSource,
        now: Timestamp,
    ) -> Result<Box<dyn ImportSession + '_>> {
        Ok(Box::new(Session::new(self, kind, source, now)))
    }
}

fn directory_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
