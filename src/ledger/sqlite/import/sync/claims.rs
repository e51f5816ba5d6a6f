//! Claims: identities that a source's last complete file named although their record is another source's.
//!
//! So a record that its own source lets go of passes to one that still names it, and goes on blocking.

use super::Job;
use super::known::both;
use super::lost::Sub;
use crate::error::Result;
use crate::ledger::sqlite::fault::damaged;
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{Connection, OptionalExtension, Rows, Statement, params};

/// The claims of one kind, as a sync reads and writes them.
pub(super) struct Claims<'s> {
    /// Those of the source at hand, in the order of their keys.
    mine: Rows<'s>,
    /// There are some of whichever source.
    are_some: bool,
}

/// Prepares the reading of a source's claims.
pub(super) fn prepare(before: &Connection) -> Result<Statement<'_>> {
    let sql = "SELECT key, sub, says FROM claim WHERE kind = ?1 AND source = ?2 ORDER BY key";
    Ok(before.prepare(sql)?)
}

impl<'s> Claims<'s> {
    pub(super) fn new(job: &Job<'_>, statement: &'s mut Statement<'_>) -> Result<Self> {
        let any = "SELECT 1 FROM claim WHERE kind = ?1 LIMIT 1";
        let are_some = job.before.prepare_cached(any)?.exists([job.kind.as_str()])?;
        let mut mine = statement.query((job.kind.as_str(), job.source))?;
        mine.advance()?;
        Ok(Self { mine, are_some })
    }

    /// The key of the next claim of the source.
    pub(super) fn key(&self) -> Result<Option<&[u8]>> {
        let Some(row) = self.mine.get() else { return Ok(None) };
        row.get_ref(0)?.as_blob().map(Some).map_err(|_| damaged("a key of a claim"))
    }

    /// Hands out the source's claims of `key`, at which it stands or which has none.
    pub(super) fn take(&mut self, key: &[u8], each: &mut dyn FnMut(Sub, i64)) -> Result<()> {
        while self.key()? == Some(key) {
            if let Some(row) = self.mine.get() {
                let sub = row.get_ref(1)?.as_blob().map_err(|_| damaged("a claim"))?;
                each(Sub::of_bytes(sub)?, row.get(2)?);
            }
            self.mine.advance()?;
        }
        Ok(())
    }

    /// What other sources that claim the record say of it together.
    pub(super) fn said_by_others(
        &self,
        job: &Job<'_>,
        key: &[u8],
        sub: &Sub,
    ) -> Result<Option<i64>> {
        if !self.are_some {
            return Ok(None);
        }
        let sql = "SELECT says FROM claim WHERE kind = ?1 AND key = ?2 AND sub = ?3 \
                   AND source <> ?4";
        let of = params![job.kind.as_str(), key, sub.to_bytes(), job.source];
        let mut statement = job.writer.connection().prepare_cached(sql)?;
        let mut rows = statement.query(of)?;
        let mut together = None;
        while let Some(row) = rows.next()? {
            let says = row.get(0)?;
            together = Some(together.map_or(says, |before| both(job.kind, before, says)));
        }
        Ok(together)
    }

    /// Another source that claims the record.
    pub(super) fn of_another(
        &self,
        job: &Job<'_>,
        key: &[u8],
        sub: &Sub,
    ) -> Result<Option<String>> {
        if !self.are_some {
            return Ok(None);
        }
        let sql = "SELECT source FROM claim WHERE kind = ?1 AND key = ?2 AND sub = ?3 \
                   AND source <> ?4 ORDER BY source LIMIT 1";
        let of = params![job.kind.as_str(), key, sub.to_bytes(), job.source];
        let mut statement = job.writer.connection().prepare_cached(sql)?;
        Ok(statement.query_row(of, |row| row.get(0)).optional()?)
    }
}

/// Claims a record for the source at hand, which says so much of it.
pub(super) fn add(job: &Job<'_>, key: &[u8], sub: &Sub, says: i64) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO claim (kind, key, sub, source, says) \
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let of = params![job.kind.as_str(), key, sub.to_bytes(), job.source, says];
    job.writer.connection().prepare_cached(sql)?.execute(of)?;
    Ok(())
}

/// Gives up the claim of a source.
pub(super) fn drop(job: &Job<'_>, key: &[u8], sub: &Sub, source: &str) -> Result<()> {
    let sql = "DELETE FROM claim WHERE kind = ?1 AND key = ?2 AND sub = ?3 AND source = ?4";
    let of = params![job.kind.as_str(), key, sub.to_bytes(), source];
    job.writer.connection().prepare_cached(sql)?.execute(of)?;
    Ok(())
}
