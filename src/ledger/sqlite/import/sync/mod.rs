//! A sync: an import that looks at each row beside what is recorded, and then removes what the source owned and its
//! file does not name.
//!
//! Everything is one transaction. Rows and records are compared in one sorted pass, on the way of the rows into the
//! import; the records are read as they were before, on a connection of their own. What is to go is spooled by key,
//! and lifted key by key when the brakes let it.

mod claims;
mod compare;
mod contacts;
mod known;
mod lift;
mod lost;
mod plan;
mod write;

pub(super) use compare::remember;
pub(super) use plan::{BULK_EMAIL, EMAIL_ALLOWED};

use super::bulk::Table;
use super::digests::Digests;
use super::domains::Domains;
use super::preferences::Preferences;
use super::suppressions::Suppressions;
use super::unsubscribes::Unsubscribes;
use super::{File, HUGE_MIN, Import, Session, Sorters, empty_log, end, tell};
use crate::error::{Error, Result};
use crate::ledger::sort::{Sorted, Sorter};
use crate::ledger::sqlite::codes::{signed, unsigned};
use crate::ledger::sqlite::feed::position;
use crate::ledger::sqlite::resubscribe::permission;
use crate::ledger::sqlite::write::Writer;
use crate::ledger::{Brake, Limit, Removal, SyncFile, SyncRequest, Synced};
use crate::record::Kind;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Value, json};

/// What a comparison found.
#[derive(Debug, Default)]
struct Found {
    /// Identities that the source owned.
    owned: u64,
    /// Identities to remove or to weaken.
    removed: u64,
    /// Records without a source that are the source's now.
    adopted: u64,
    /// Identities that passed to another source.
    passed_on: u64,
    /// Complaints to keep.
    complaints: u64,
    /// Rows that the import was not given: they say what is recorded,
    unchanged: u64,
    /// or less, and change nothing,
    held: u64,
    /// or less, and their record follows.
    lifted: u64,
}

/// What every part of a sync needs to know of it.
#[derive(Clone, Copy)]
struct Job<'j> {
    kind: Kind,
    /// Whose complete file it is.
    source: &'j str,
    writer: &'j Writer<'j>,
    /// The state before the sync.
    before: &'j Connection,
}

/// Whose a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Ours,
    Nobodys,
    Others,
}

impl Whose {
    fn of(record: Option<&str>, source: &str) -> Self {
        match record {
            None => Self::Nobodys,
            Some(record) if record == source => Self::Ours,
            Some(_) => Self::Others,
        }
    }
}

/// Applies the rows of a session as a complete file.
pub(super) fn sync(
    session: Session<'_>,
    file: &SyncFile,
    request: &SyncRequest,
    each: &mut dyn FnMut(&Removal<'_>) -> Result<()>,
) -> Result<Synced> {
    let staged = session.staged(file.read, file.rejected)?;
    let Session { ledger, kind, source, now, mut sorters, tally, .. } = session;
    check(kind, &sorters, request)?;
    let cause = format!("sync {}", kind.as_str());
    let writer = Writer::begin_import(ledger, &cause, now)?;
    // Nobody else writes any more: so this is the state the writer began in.
    let before = ledger.pool.take()?;
    before.execute_batch("BEGIN")?;
    let generation = position(&before)?.0.generation;
    let job = Job { kind, source: &request.source, writer: &writer, before: &before };
    let imported = File {
        kind,
        source: &source,
        owner: Some(&request.source),
        read: file.read,
        rejected: file.rejected,
        sha256: &file.sha256,
    };
    let mut import = Import::begin(&writer, &imported, staged, tally)?;
    let mut lost = sorters.another();
    let found = compare(&mut import, &job, &mut sorters, &mut lost)?;
    let limit = request.limit.allows(found.owned);
    let mut synced = outcome(&found, &mut import)?;
    synced.brakes = brakes(&job, file, request, &found, limit)?;
    let apply = synced.brakes.is_empty() && !request.dry_run;
    let proof = lift::Proof { request, file, import: import.id, name: &source.name };
    if apply {
        writer.lifting();
    }
    synced.released = lift::lift(&job, lost.finish()?, apply.then_some(&proof), each)?;
    let is_told = |brake: &Brake| matches!(brake, Brake::TooMany { .. });
    if synced.released > limit && !synced.brakes.iter().any(is_told) {
        synced.brakes.push(Brake::Index { released: synced.released, limit });
    }
    synced.applied = synced.brakes.is_empty() && apply;
    if !synced.applied {
        // Dropped, the writer undoes everything.
        synced.counts.generation = generation;
        return Ok(synced);
    }
    end(&writer, import.id, &synced.counts)?;
    tell(&writer, import.id, &imported, &synced.counts, Some(told(&synced, request)))?;
    enter(&job, import.id, file)?;
    drop(import);
    synced.counts.generation = writer.commit()?.generation;
    drop(before);
    if staged >= HUGE_MIN {
        empty_log(ledger)?;
    }
    Ok(synced)
}

/// Refuses what no caller may ask for.
fn check(kind: Kind, sorters: &Sorters, request: &SyncRequest) -> Result<()> {
    if request.source.is_empty() {
        return Err(Error::usage("the name of the source is empty"));
    }
    if request.permission.is_none() && !request.dry_run {
        return Err(Error::refused("no permission, nothing was changed"));
    }
    let is_other = |(other, rows): (Kind, &Option<Sorter>)| other != kind && rows.is_some();
    if Kind::ALL.into_iter().zip(&sorters.of_kind).any(is_other) {
        return Err(Error::input(format!("the file holds other records than {kind}")).with_hint(
            "a sync compares the records of one kind: apply such a file by `quell import`",
        ));
    }
    Ok(())
}

/// Brings the rows into the ledger, past what is recorded; what the source lost is put into `lost`.
fn compare(
    import: &mut Import<'_>,
    job: &Job<'_>,
    sorters: &mut Sorters,
    lost: &mut Sorter,
) -> Result<Found> {
    let sorter = sorters.of_kind[job.kind as usize].take();
    let sorter = sorter.unwrap_or_else(|| sorters.another());
    let len = sorter.len();
    let rows = sorter.finish()?;
    match job.kind {
        Kind::Contacts => contacts::compare(import, job, (rows, len), sorters, lost),
        Kind::Unsubscribes => of_table::<Unsubscribes>(import, job, rows, lost),
        Kind::Preferences => of_table::<Preferences>(import, job, rows, lost),
        Kind::Suppressions => of_table::<Suppressions>(import, job, rows, lost),
        Kind::Domains => of_table::<Domains>(import, job, rows, lost),
        Kind::Digests => of_table::<Digests>(import, job, rows, lost),
    }
}

fn of_table<T: Table>(
    import: &mut Import<'_>,
    job: &Job<'_>,
    rows: Sorted,
    lost: &mut Sorter,
) -> Result<Found> {
    compare::compare::<T>(import, job, rows, lost)
}

/// What the sync comes to, as far as the rows say it.
fn outcome(found: &Found, import: &mut Import<'_>) -> Result<Synced> {
    import.counts.unchanged += found.unchanged;
    import.counts.held += found.held;
    // They changed a record.
    import.counts.added += found.lifted;
    if found.adopted + found.passed_on > 0 {
        import.writer.generation()?;
    }
    Ok(Synced {
        counts: import.told()?,
        lifted: found.lifted,
        removed: found.removed,
        adopted: found.adopted,
        passed_on: found.passed_on,
        complaints: found.complaints,
        owned: found.owned,
        ..Synced::default()
    })
}

/// What the history says of the sync as a whole.
fn told(synced: &Synced, request: &SyncRequest) -> Value {
    let Synced { lifted, removed, adopted, passed_on, complaints, owned, released, .. } = synced;
    json!({
        "source": request.source,
        "permission": request.permission.as_ref().map(permission),
        "owned": owned,
        "adopted": adopted,
        "passed_on": passed_on,
        "removed": removed,
        "lifted": lifted,
        "released": released,
        "complaints": complaints,
    })
}

/// What speaks against applying the file.
fn brakes(
    job: &Job<'_>,
    file: &SyncFile,
    request: &SyncRequest,
    found: &Found,
    limit: u64,
) -> Result<Vec<Brake>> {
    let mut brakes = Vec::new();
    let last = last(job)?;
    let rows = file.read - file.rejected;
    let habit = "it does not end with a line end, as the file of the sync before did";
    match &file.cut {
        Some(how) => brakes.push(Brake::Cut(how.clone())),
        None if last.is_some_and(|last| last.ended) && !file.ended && rows > 0 => {
            brakes.push(Brake::Cut(habit.to_owned()));
        }
        None => {}
    }
    if rows == 0 {
        if !(request.allow_empty && file.has_header) {
            brakes.push(Brake::NoRows);
        }
    } else if let (Limit::Usual, Some(Last { rows: before, .. })) = (request.limit, last)
        && rows.saturating_mul(2) < before
    {
        brakes.push(Brake::Shrunk { rows, before });
    }
    if found.removed > limit {
        let (removed, owned) = (found.removed, found.owned);
        brakes.push(Brake::TooMany { removed, limit, owned });
    }
    Ok(brakes)
}

/// What is remembered of the last sync of a kind and source.
#[derive(Debug, Clone, Copy)]
struct Last {
    rows: u64,
    ended: bool,
}

fn last(job: &Job<'_>) -> Result<Option<Last>> {
    let sql = "SELECT rows, ended FROM sync WHERE kind = ?1 AND source = ?2";
    let found: Option<(i64, bool)> = job
        .before
        .prepare_cached(sql)?
        .query_row((job.kind.as_str(), job.source), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    found.map(|(rows, ended)| Ok(Last { rows: unsigned(rows)?, ended })).transpose()
}

/// Enters the sync as the last of its kind and source.
fn enter(job: &Job<'_>, import: i64, file: &SyncFile) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO sync (kind, source, import_id, rows, ended) \
               VALUES (?1, ?2, ?3, ?4, ?5)";
    let rows = signed(file.read)?;
    let of = params![job.kind.as_str(), job.source, import, rows, file.ended];
    job.writer.connection().prepare_cached(sql)?.execute(of)?;
    Ok(())
}
