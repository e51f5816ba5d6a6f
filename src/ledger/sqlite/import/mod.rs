//! An import: rows are spooled in key order, then applied in one transaction.

mod bulk;
mod contacts;
mod digests;
mod domains;
mod encoding;
mod erased;
mod moves;
mod preferences;
mod staged;
mod suppressions;
mod sync;
mod unsubscribes;

use super::SqliteLedger;
use super::claims::is_any_synced;
use super::codes::signed;
use super::read::counts;
use super::write::Writer;
use crate::error::{Error, Result};
use crate::ledger::sort::{Block, Sorted};
use crate::ledger::sort::{RUN_BYTES, Sorter};
use crate::ledger::{
    EventKind, ImportCounts, ImportSession, ImportSource, Removal, SyncFile, SyncRequest, Synced,
};
use crate::record::{Kind, NativeRecord, Timestamp};
use digests::Digests;
use domains::Domains;
use encoding::damaged;
use erased::Erased;
use preferences::Preferences;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
pub use staged::StagedRows;
use staged::Tally;
use std::path::PathBuf;
use std::time::Duration;
use suppressions::Suppressions;
use unsubscribes::Unsubscribes;

/// Touched keys, and rows, from which an import may be huge.
const HUGE_MIN: u64 = 200_000;
/// It is when they are also at least one in this many of the records that were there: then one pass
/// over everything is cheaper than a look-up of each.
const HUGE_SHARE: u64 = 10;
/// How long a finished import waits for readers before it leaves its log to be emptied later.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(1);
/// An import being gathered.
pub(super) struct Session<'l> {
    ledger: &'l SqliteLedger,
    kind: Kind,
    source: ImportSource,
    now: Timestamp,
    sorters: Sorters,
    /// Rows of the file that are not one record each.
    tally: Tally,
    /// The row at hand, encoded; one buffer for all.
    payload: Vec<u8>,
}

/// One sorter a kind, made when its first row comes.
struct Sorters {
    directory: PathBuf,
    run_bytes: usize,
    of_kind: [Option<Sorter>; Kind::ALL.len()],
}

/// What became of a record, and so of its row; of a row of several records the last of these that became
/// of any.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Unchanged,
    Held,
    Added,
}

/// The sorted rows of a file, one by one: as they were sorted, or looked at on their way.
trait Rows {
    /// The next row: its sort bytes and its payload.
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>>;
}

/// The sorted rows of a file, many at once: as they were sorted, or looked at on their way.
trait Blocks {
    /// The next rows; `None` at the end.
    fn next_block(&mut self) -> Result<Option<&Block>>;
}

impl Rows for Sorted {
    fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        self.next()
    }
}

impl Blocks for Sorted {
    fn next_block(&mut self) -> Result<Option<&Block>> {
        self.next_block()
    }
}

/// What an import needs to know about itself while it is applied.
struct Import<'w> {
    writer: &'w Writer<'w>,
    id: i64,
    /// For the events it writes.
    source: &'w ImportSource,
    /// What of its rows is not to be written.
    erased: Erased<'w>,
    /// Whose complete file it is, if it is one: the contacts it adds are of that source.
    owner: Option<&'w str>,
    /// What its rows say of records that are there is to be remembered, for some source was synced. A sync sees to
    /// that itself.
    remembers: bool,
    /// So many rows that indexes are better made anew.
    is_huge: bool,
    counts: ImportCounts,
    /// What became of each row of several records, by its number: 0 for nothing yet, else 1 and its
    /// [`Outcome`].
    several: Vec<u8>,
}

impl Sorters {
    fn of(&mut self, kind: Kind) -> &mut Sorter {
        let Self { directory, run_bytes, of_kind } = self;
        of_kind[kind as usize].get_or_insert_with(|| Sorter::new(directory.clone(), *run_bytes))
    }

    /// A further sorter that spools where these do.
    fn another(&self) -> Sorter {
        Sorter::new(self.directory.clone(), self.run_bytes)
    }

    fn len(&self) -> u64 {
        self.of_kind.iter().flatten().map(Sorter::len).sum()
    }
}

impl<'l> Session<'l> {
    pub(super) fn new(
        ledger: &'l SqliteLedger,
        kind: Kind,
        source: ImportSource,
        now: Timestamp,
    ) -> Self {
        let directory = ledger.spool_directory();
        let sorters = Sorters { directory, run_bytes: RUN_BYTES, of_kind: Default::default() };
        let tally = Tally::default();
        Self { ledger, kind, source, now, sorters, tally, payload: Vec::new() }
    }
}

impl ImportSession for Session<'_> {
    fn push(&mut self, key: &[u8], record: &NativeRecord) -> Result<()> {
        self.payload.clear();
        let row = record.as_row();
        let sort = staged::encode(key, &row, &mut self.payload)?;
        staged::put_part(&mut self.payload, None);
        self.sorters.of(record.kind()).push(sort, &self.payload)
    }

    fn take(&mut self, rows: &StagedRows) -> Result<()> {
        for (kind, rows) in rows.kinds() {
            self.sorters.of(kind).append(rows)?;
        }
        let Tally { without, several, parts } = rows.tally();
        self.tally.without += without;
        self.tally.several += several;
        self.tally.parts += parts;
        Ok(())
    }

    fn apply(self: Box<Self>, read: u64, rejected: u64, sha256: &str) -> Result<ImportCounts> {
        let staged = self.staged(read, rejected)?;
        let Self { ledger, kind, source, now, mut sorters, tally, .. } = *self;
        let cause = format!("import {}", kind.as_str());
        let writer = Writer::begin_import(ledger, &cause, now)?;
        let file = File { kind, source: &source, owner: None, read, rejected, sha256 };
        let mut import = Import::begin(&writer, &file, staged, tally)?;
        import.apply(&mut sorters)?;
        let mut counts = import.told()?;
        end(&writer, import.id, &counts)?;
        tell(&writer, import.id, &file, &counts, None)?;
        counts.generation = writer.commit()?.generation;
        if staged >= HUGE_MIN {
            empty_log(ledger)?;
        }
        Ok(counts)
    }

    fn sync(
        self: Box<Self>,
        file: &SyncFile,
        request: &SyncRequest,
        each: &mut dyn FnMut(&Removal<'_>) -> Result<()>,
    ) -> Result<Synced> {
        sync::sync(*self, file, request, each)
    }

    fn abandon(self: Box<Self>) {}
}

impl Session<'_> {
    /// How many records are staged; every row that was read must have become of something.
    fn staged(&self, read: u64, rejected: u64) -> Result<u64> {
        let (staged, tally) = (self.sorters.len(), self.tally);
        let held = staged + tally.several + tally.without - tally.parts;
        if held + rejected != read {
            return Err(Error::untrusted(format!(
                "the import read {read} rows, but holds {held} and rejected {rejected}"
            )));
        }
        Ok(staged)
    }
}

/// Empties the log, which is as long as the import, so that no later reader searches it.
fn empty_log(ledger: &SqliteLedger) -> Result<()> {
    let connection = ledger.pool.take()?;
    connection.busy_timeout(CHECKPOINT_TIMEOUT)?;
    // While somebody reads the log it stays: no failure, for the import is committed.
    let _ = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    connection.busy_timeout(ledger.pool.settings().busy_timeout)?;
    Ok(())
}

/// Enters the import, so that its records can name it while it goes on.
fn begin(writer: &Writer<'_>, kind: Kind, source: &ImportSource, sha256: &str) -> Result<i64> {
    let sql = "INSERT INTO import (kind, format, name, sha256, at, read, added, unchanged, held, \
               rejected, generation) VALUES (?1, ?2, ?3, ?4, ?5, 0, 0, 0, 0, 0, 0)";
    let connection: &Connection = writer.connection();
    let at = writer.now().as_micros();
    connection.execute(sql, params![kind.as_str(), source.format, source.name, sha256, at])?;
    Ok(connection.last_insert_rowid())
}

/// Enters what the import came to.
fn end(writer: &Writer<'_>, id: i64, counts: &ImportCounts) -> Result<()> {
    let sql = "UPDATE import SET read = ?2, added = ?3, unchanged = ?4, held = ?5, rejected = ?6, \
               generation = ?7 WHERE id = ?1";
    writer.connection().execute(
        sql,
        params![
            id,
            signed(counts.read)?,
            signed(counts.added)?,
            signed(counts.unchanged)?,
            signed(counts.held)?,
            signed(counts.rejected)?,
            signed(writer.last_generation())?,
        ],
    )?;
    Ok(())
}

/// Enters the import into the history, under no key: which file it was, and what became of its rows. `sync` says
/// what else became of records, when the file was a source's complete one.
fn tell(
    writer: &Writer<'_>,
    id: i64,
    file: &File<'_>,
    counts: &ImportCounts,
    sync: Option<Value>,
) -> Result<()> {
    let File { kind, source: ImportSource { name, format }, sha256, .. } = file;
    let ImportCounts { read, added, unchanged, held, rejected, .. } = counts;
    let mut detail = json!({
        "import": {
            "id": id, "kind": kind.as_str(), "name": name, "format": format, "sha256": sha256,
        },
        "counts": {
            "read": read, "added": added, "unchanged": unchanged, "held": held, "rejected": rejected,
        },
    });
    if let Some(sync) = sync {
        detail["sync"] = sync;
    }
    writer.event(EventKind::Import, b"", &detail)
}

impl ImportCounts {
    fn count(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Added => self.added += 1,
            Outcome::Unchanged => self.unchanged += 1,
            Outcome::Held => self.held += 1,
        }
    }
}

/// A file that is being applied.
struct File<'w> {
    kind: Kind,
    source: &'w ImportSource,
    /// Whose complete file it is, if it is one.
    owner: Option<&'w str>,
    read: u64,
    rejected: u64,
    sha256: &'w str,
}

impl<'w> Import<'w> {
    /// Enters the import of a file, so that its records can name it.
    fn begin(writer: &'w Writer<'w>, file: &File<'w>, staged: u64, tally: Tally) -> Result<Self> {
        let there = counts(writer.connection())?.total();
        let huge = HUGE_MIN.max(there / HUGE_SHARE);
        let &File { kind, source, owner, read, rejected, sha256 } = file;
        // By the keys it touches rather than by its rows: a daily export of everything may be ten
        // million rows that change a hundred. Into a far smaller ledger, most rows must be new.
        writer.limit_feed(if staged >= huge && staged / 2 > there { 0 } else { huge });
        let unchanged = tally.without;
        Ok(Self {
            id: begin(writer, kind, source, sha256)?,
            writer,
            source,
            owner,
            remembers: owner.is_none() && is_any_synced(writer.connection())?,
            erased: Erased::load(writer)?,
            is_huge: staged >= huge,
            counts: ImportCounts { read, rejected, unchanged, ..ImportCounts::default() },
            several: vec![0; usize::try_from(tally.several).map_err(|_| damaged())?],
        })
    }

    /// What it came to, once every row was counted.
    fn told(&mut self) -> Result<ImportCounts> {
        self.count_several();
        let ImportCounts { read, added, unchanged, held, rejected, .. } = self.counts;
        let told = added + unchanged + held + rejected;
        if told != read {
            return Err(Error::untrusted(format!(
                "the import read {read} rows, and tells what became of {told}"
            )));
        }
        Ok(self.counts)
    }
}

impl Import<'_> {
    fn apply(&mut self, sorters: &mut Sorters) -> Result<()> {
        for kind in Kind::ALL {
            let Some(sorter) = sorters.of_kind[kind as usize].take() else { continue };
            let rows = sorter.len();
            let sorted = sorter.finish()?;
            match kind {
                Kind::Contacts => {
                    contacts::apply(self, sorted, rows, sorters.another())?;
                }
                Kind::Unsubscribes => bulk::apply::<Unsubscribes>(self, sorted)?,
                Kind::Preferences => bulk::apply::<Preferences>(self, sorted)?,
                Kind::Suppressions => bulk::apply::<Suppressions>(self, sorted)?,
                Kind::Domains => bulk::apply::<Domains>(self, sorted)?,
                Kind::Digests => bulk::apply::<Digests>(self, sorted)?,
            }
        }
        Ok(())
    }

    /// Counts what became of a record: at once when it is its row, else by the number of its row.
    fn count(&mut self, part: Option<u32>, outcome: Outcome) -> Result<()> {
        if let Some(number) = part {
            let row = self.several.get_mut(number as usize).ok_or_else(damaged)?;
            *row = (*row).max(1 + outcome as u8);
            return Ok(());
        }
        self.counts.count(outcome);
        Ok(())
    }

    /// Counts the rows of several records.
    fn count_several(&mut self) {
        for row in std::mem::take(&mut self.several) {
            // One of which nothing was told is not counted, and missed in the sum.
            match row {
                1 => self.counts.count(Outcome::Unchanged),
                2 => self.counts.count(Outcome::Held),
                3 => self.counts.count(Outcome::Added),
                _ => {}
            }
        }
    }

    /// What events say of the import.
    fn cause(&self) -> serde_json::Value {
        json!({"kind": "import", "import": self.id, "name": self.source.name})
    }
}
