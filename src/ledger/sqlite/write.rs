//! One writing transaction: its records, feed rows, events and generation go in together or not at all.

use super::SqliteLedger;
use super::chain::{self, NewEvent};
use super::codes::{signed, unsigned};
use super::connection::{Pool, Pooled};
use super::entry::withheld;
use super::erase::Erasures;
use super::feed::{self, EVERYTHING, End, Entry, change_of, columns_of};
use crate::error::Result;
use crate::ledger::{Applied, ChainHead, Change, EventKind, Position, Step};
use crate::record::{DigestValue, Kind, Timestamp};
use rusqlite::{Connection, params};
use serde_json::Value;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashSet};
use std::sync::{MutexGuard, PoisonError};

/// Touched keys of which the feed says what became of each: some 30 µs a key.
const STEPS_MAX: usize = 20_000;

/// A transaction that writes. Dropped without [`Writer::commit`], it never happened.
pub(super) struct Writer<'l> {
    // Dropped first: the transaction ends before the next writer of this process may begin.
    connection: Pooled<'l>,
    _turn: MutexGuard<'l, ()>,
    now: Timestamp,
    cause: &'l str,
    before: Position,
    erasures: Erasures<'l>,
    generation: Cell<Option<u64>>,
    pool: &'l Pool,
    feed: Cell<Feed>,
    /// The feed's end, this transaction's rows included.
    end: Cell<End>,
    /// Keys that wait for the feed to say what became of them: space, key and scope.
    steps: RefCell<BTreeSet<(i64, Vec<u8>, String)>>,
    /// Rows the feed may still take before it says "everything" instead.
    feed_left: Cell<u64>,
    tally: [Cell<i64>; Kind::ALL.len()],
    lists: RefCell<HashSet<String>>,
    /// The head of the chain of events, once one was written.
    head: Cell<Option<ChainHead>>,
}

/// What the transaction tells the feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Feed {
    /// One row a touched key, written at the end, which says what became of its entry.
    Steps,
    /// One row a touched key, written at once. Blocks are only added.
    Keys,
    /// One row for everything.
    Everything,
}

impl<'l> Writer<'l> {
    /// Begins, after every writer before it: those of this process in turn, those of others within
    /// the busy timeout.
    pub(super) fn begin(ledger: &'l SqliteLedger, cause: &'l str, now: Timestamp) -> Result<Self> {
        let turn = ledger.turn.lock().unwrap_or_else(PoisonError::into_inner);
        Self::on(ledger, ledger.pool.take()?, turn, cause, now)
    }

    /// Begins likewise, with memory for many rows, to add blocks and tighten them; [`Writer::lifting`] before
    /// any is lifted.
    pub(super) fn begin_import(
        ledger: &'l SqliteLedger,
        cause: &'l str,
        now: Timestamp,
    ) -> Result<Self> {
        let turn = ledger.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let writer = Self::on(ledger, ledger.pool.take_for_import()?, turn, cause, now)?;
        writer.feed.set(Feed::Keys);
        Ok(writer)
    }

    fn on(
        ledger: &'l SqliteLedger,
        connection: Pooled<'l>,
        turn: MutexGuard<'l, ()>,
        cause: &'l str,
        now: Timestamp,
    ) -> Result<Self> {
        // IMMEDIATE: a transaction that reads first and writes later can't wait for another writer.
        connection.execute_batch("BEGIN IMMEDIATE")?;
        let (before, end) = feed::position(&connection)?;
        Ok(Self {
            before,
            erasures: Erasures::of(&connection, ledger.pseudonyms())?,
            connection,
            pool: &ledger.pool,
            _turn: turn,
            now,
            cause,
            generation: Cell::new(None),
            feed: Cell::new(Feed::Steps),
            end: Cell::new(end),
            steps: RefCell::default(),
            feed_left: Cell::new(u64::MAX),
            tally: Default::default(),
            lists: RefCell::default(),
            head: Cell::new(None),
        })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn now(&self) -> Timestamp {
        self.now
    }

    /// What tells which addresses are erased.
    pub(super) fn erasures(&self) -> Erasures<'l> {
        self.erasures
    }

    /// This transaction's generation; the first call, made by the first change, creates it.
    pub(super) fn generation(&self) -> Result<u64> {
        if let Some(generation) = self.generation.get() {
            return Ok(generation);
        }
        let mut statement = self
            .connection
            .prepare_cached("INSERT INTO generation (at, cause) VALUES (?1, ?2) RETURNING id")?;
        let id: i64 =
            statement.query_row(params![self.now.as_micros(), self.cause], |row| row.get(0))?;
        let generation = unsigned(id)?;
        self.generation.set(Some(generation));
        Ok(generation)
    }

    /// The generation that holds what was done so far: this transaction's, or the last one.
    pub(super) fn last_generation(&self) -> u64 {
        self.generation.get().unwrap_or(self.before.generation)
    }

    /// Counts records of `kind` in, or out. A change, so there is a generation.
    pub(super) fn count(&self, kind: Kind, records: i64) -> Result<()> {
        self.generation()?;
        let tally = &self.tally[kind as usize];
        tally.set(tally.get() + records);
        Ok(())
    }

    /// Remembers that a record named `list`.
    pub(super) fn name_list(&self, list: &str) -> Result<()> {
        let mut lists = self.lists.borrow_mut();
        if list.is_empty() || lists.contains(list) {
            return Ok(());
        }
        let sql = "INSERT INTO list (name) VALUES (?1) ON CONFLICT DO NOTHING";
        self.connection.prepare_cached(sql)?.execute([list])?;
        lists.insert(list.to_owned());
        Ok(())
    }

    /// From now on the feed names at most so many keys; one more, and it says "everything" instead.
    pub(super) fn limit_feed(&self, rows: u64) {
        self.feed_left.set(rows);
    }

    /// From now on blocks may be lifted as well: the feed says what became of each key touched from here on.
    /// Without it a reader takes a block that goes for damage.
    pub(super) fn lifting(&self) {
        if self.feed.get() == Feed::Keys {
            self.feed.set(Feed::Steps);
        }
    }

    /// Says that the whole index is to be read anew, instead of naming each key.
    fn touch_everything(&self, generation: u64) -> Result<()> {
        let sql = "DELETE FROM change WHERE seq > ?1";
        let before = signed(self.before.cursor.as_u64())?;
        self.connection.prepare_cached(sql)?.execute([before])?;
        self.feed.set(Feed::Everything);
        self.steps.borrow_mut().clear();
        self.write_change(generation, (EVERYTHING, &[], ""), Step::Unknown)
    }

    /// Takes every row out of the feed and says that the whole index is to be read anew, so that the feed names
    /// nobody any more.
    pub(super) fn forget_feed(&self) -> Result<()> {
        let generation = self.generation()?;
        self.touch_everything(generation)?;
        let sql = "DELETE FROM change WHERE seq < (SELECT max(seq) FROM change)";
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// Says that a key's state changed.
    pub(super) fn touch(&self, change: Change<'_>) -> Result<()> {
        let is_open = matches!(change, Change::Hashed(_));
        self.touch_as(change, is_open)
    }

    /// Says that a key's state changed, and that no reader can tell from the feed what it was or is: an entry that
    /// the feed named in another way before, by its hash or by its key.
    pub(super) fn touch_openly(&self, change: Change<'_>) -> Result<()> {
        self.touch_as(change, true)
    }

    fn touch_as(&self, change: Change<'_>, is_open: bool) -> Result<()> {
        let generation = self.generation()?;
        if self.feed.get() == Feed::Everything {
            return Ok(());
        }
        let Some(left) = self.feed_left.get().checked_sub(1) else {
            return self.touch_everything(generation);
        };
        self.feed_left.set(left);
        let columns = columns_of(&change);
        if is_open {
            return self.write_change(generation, columns, Step::Unknown);
        }
        if self.feed.get() == Feed::Steps {
            let (space, key, scope) = columns;
            self.steps.borrow_mut().insert((space, key.to_vec(), scope.to_owned()));
            return Ok(());
        }
        self.write_change(generation, columns, Step::Tightened)
    }

    /// Says that a record of `key` for `list` changed; '' is everywhere.
    ///
    /// The address entry says whether there are list opt-outs at all, so it is touched as well.
    pub(super) fn touch_list(&self, key: &[u8], list: &str) -> Result<()> {
        if !list.is_empty() {
            self.touch(Change::ListAddress { list, key })?;
        }
        self.touch(Change::Address(key))
    }

    /// Says that a record of a digest for `list` changed; '' is everywhere. As [`Writer::touch_list`].
    pub(super) fn touch_digest(&self, digest: DigestValue, list: &str) -> Result<()> {
        if !list.is_empty() {
            self.touch(Change::Digest { digest, list: Some(list) })?;
        }
        self.touch(Change::Digest { digest, list: None })
    }

    fn write_change(
        &self,
        generation: u64,
        (space, key, scope): (i64, &[u8], &str),
        step: Step,
    ) -> Result<()> {
        let entry = Entry { generation, space, key, scope, step };
        self.end.set(feed::append(&self.connection, self.end.get(), &entry)?);
        Ok(())
    }

    /// Writes the rows of the keys that wait, each with what became of its entry.
    fn write_steps(&self, generation: u64) -> Result<()> {
        let steps = self.steps.take();
        if steps.is_empty() {
            return Ok(());
        }
        // Another connection sees the state before: nobody else writes meanwhile.
        let before = self.pool.take()?;
        before.execute_batch("BEGIN")?;
        let erasures = self.erasures.at(&before)?;
        let are_told = steps.len() <= STEPS_MAX;
        for (space, key, scope) in &steps {
            let mut step = Step::Unknown;
            if are_told {
                let change = change_of(*space, key, scope)?;
                let was = withheld(&before, &erasures, &change)?;
                let is = withheld(&self.connection, &self.erasures, &change)?;
                if let Some((before, after)) = was.zip(is) {
                    step = Step::Became { before, after };
                }
            }
            self.write_change(generation, (*space, key, scope), step)?;
        }
        Ok(())
    }

    /// Adds to the history of `key`, under this transaction's generation or, when nothing has
    /// changed, the last one.
    pub(super) fn event(&self, kind: EventKind, key: &[u8], detail: &Value) -> Result<()> {
        let head = match self.head.get() {
            Some(head) => head,
            None => chain::head(&self.connection)?,
        };
        let event = NewEvent {
            at: self.now.as_micros(),
            generation: self.last_generation(),
            kind: kind.as_str(),
            key,
            detail: &detail.to_string(),
        };
        self.head.set(Some(chain::append(&self.connection, &head, &event)?));
        Ok(())
    }

    /// Ends the transaction; durable when this returns.
    pub(super) fn commit(self) -> Result<Applied> {
        let changed = self.generation.get();
        if let Some(generation) = changed {
            self.write_steps(generation)?;
            feed::close(&self.connection, generation, self.end.get())?;
            let sql = "UPDATE tally SET records = records + ?2 WHERE kind = ?1";
            for kind in Kind::ALL {
                let records = self.tally[kind as usize].get();
                if records != 0 {
                    let mut statement = self.connection.prepare_cached(sql)?;
                    statement.execute(params![kind.as_str(), records])?;
                }
            }
        }
        self.connection.execute_batch("COMMIT")?;
        Ok(Applied { generation: self.last_generation(), changed: changed.is_some() })
    }
}
