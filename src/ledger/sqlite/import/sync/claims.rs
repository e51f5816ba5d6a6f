//! The claims of a kind, in the order of their keys: those of the source at hand, and those of nobody.

use super::Job;
use super::lost::sub_of;
use crate::error::Result;
use crate::ledger::sqlite::claims::{Claim, NOBODY, Sub, both};
use crate::ledger::sqlite::fault::damaged;
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{Connection, OptionalExtension, Rows, Statement, params};

/// The claims of one kind, as a sync reads them.
pub(super) struct Claims<'s> {
    rows: Rows<'s>,
    /// There are some of whichever source.
    are_some: bool,
}

/// What was claimed of a record.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Claimed {
    /// By the source at hand.
    pub(super) by_us: Option<i64>,
    /// By nobody.
    pub(super) by_nobody: Option<i64>,
}

/// Prepares the reading of the claims.
pub(super) fn prepare(before: &Connection) -> Result<Statement<'_>> {
    let sql = "SELECT key, sub, says, source FROM claim WHERE kind = ?1 AND source IN (?2, ?3) \
               ORDER BY key";
    Ok(before.prepare(sql)?)
}

impl<'s> Claims<'s> {
    pub(super) fn new(job: &Job<'_>, statement: &'s mut Statement<'_>) -> Result<Self> {
        let any = "SELECT 1 FROM claim WHERE kind = ?1 LIMIT 1";
        let are_some = job.before.prepare_cached(any)?.exists([job.kind.as_str()])?;
        let mut rows = statement.query((job.kind.as_str(), job.source, NOBODY))?;
        rows.advance()?;
        Ok(Self { rows, are_some })
    }

    /// The key of the next claim.
    pub(super) fn key(&self) -> Result<Option<&[u8]>> {
        let Some(row) = self.rows.get() else { return Ok(None) };
        row.get_ref(0)?.as_blob().map(Some).map_err(|_| damaged("a key of a claim"))
    }

    /// Hands out the claims on records of `key`, at which it stands or which has none.
    pub(super) fn take(
        &mut self,
        key: &[u8],
        mut of: impl FnMut(Sub, &mut dyn FnMut(&mut Claimed)),
    ) -> Result<()> {
        while self.key()? == Some(key) {
            if let Some(row) = self.rows.get() {
                let sub = row.get_ref(1)?.as_blob().map_err(|_| damaged("a claim"))?;
                let source = row.get_ref(3)?.as_str().map_err(|_| damaged("a claim"))?;
                let (says, is_nobodys) = (row.get(2)?, source == NOBODY);
                of(sub_of(sub)?, &mut |claimed| {
                    let by = if is_nobodys { &mut claimed.by_nobody } else { &mut claimed.by_us };
                    *by = Some(says);
                });
            }
            self.rows.advance()?;
        }
        Ok(())
    }

    /// What others that claim the record say of it together.
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

    /// Who else claims the record: a source before nobody.
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
                   AND source <> ?4 ORDER BY source DESC LIMIT 1";
        let of = params![job.kind.as_str(), key, sub.to_bytes(), job.source];
        let mut statement = job.writer.connection().prepare_cached(sql)?;
        Ok(statement.query_row(of, |row| row.get(0)).optional()?)
    }
}

/// Sees to it that the source at hand claims a record by `says`, or does not claim it; and that nobody does, when
/// the source took over what is nobody's.
pub(super) fn settle(
    job: &Job<'_>,
    key: &[u8],
    sub: &Sub,
    claimed: Claimed,
    says: Option<i64>,
    takes_over: bool,
) -> Result<()> {
    let connection = job.writer.connection();
    let claim = |source| Claim { kind: job.kind, key, sub, source };
    match (claimed.by_us, says) {
        (Some(_), None) => claim(job.source).drop(connection)?,
        (before, Some(says)) if before != Some(says) => claim(job.source).put(connection, says)?,
        _ => {}
    }
    if takes_over && claimed.by_nobody.is_some() {
        claim(NOBODY).drop(connection)?;
    }
    Ok(())
}
