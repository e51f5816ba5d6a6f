//! The change feed: its rows, chained by their sums, and reading it.
//!
//! A row's `sum` is that of its columns and of the sum of the row before, so that a row that is missing, added or
//! changed shows in every sum after it. A row that says *everything* begins anew: nobody reads what is before it. The
//! last generation's row says where the feed ends, with a sum of its own over both.

use super::codes::{signed, unsigned};
use super::fault::damaged;
use super::rows::digest_of_key;
use super::sums::Sum;
use crate::error::Result;
use crate::ledger::{Change, Changes, Cursor, Position, Step, Trail};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

/// What the tables are called in their rows' sums.
const CHANGE: u8 = 7;
const GENERATION: u8 = 8;
/// The space of a row that says *everything*.
pub(super) const EVERYTHING: i64 = 255;

/// The feed's last row: its number and its sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct End {
    pub(super) seq: u64,
    pub(super) sum: i64,
}

/// A row of the feed, without its place in it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry<'e> {
    pub(super) generation: u64,
    pub(super) space: i64,
    pub(super) key: &'e [u8],
    pub(super) scope: &'e str,
    pub(super) step: Step,
}

impl Entry<'_> {
    /// The feed's end with this row behind `end`, at `seq`.
    fn after(&self, end: End, seq: u64) -> Result<End> {
        let before = if self.space == EVERYTHING { 0 } else { end.sum };
        let mut sum = Sum::default();
        sum.begin(CHANGE);
        sum.put(ValueRef::Integer(before));
        sum.put(ValueRef::Integer(signed(seq)?));
        sum.put(ValueRef::Integer(signed(self.generation)?));
        sum.put(ValueRef::Integer(self.space));
        sum.put(ValueRef::Blob(self.key));
        sum.put(ValueRef::Text(self.scope.as_bytes()));
        sum.put(self.step.to_column().map_or(ValueRef::Null, ValueRef::Integer));
        Ok(End { seq, sum: sum.finish() })
    }
}

/// Writes a row behind `end`, and gives the feed's end after it.
pub(super) fn append(connection: &Connection, end: End, entry: &Entry<'_>) -> Result<End> {
    let after = entry.after(end, end.seq + 1)?;
    let sql = "INSERT INTO change (seq, generation, space, key, scope, entry, sum) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    connection.prepare_cached(sql)?.execute(params![
        signed(after.seq)?,
        signed(entry.generation)?,
        entry.space,
        entry.key,
        entry.scope,
        entry.step.to_column(),
        after.sum,
    ])?;
    Ok(after)
}

/// The columns of [`row`].
macro_rules! columns {
    () => {
        "seq, generation, space, key, scope, entry, sum"
    };
}

/// A row of the feed: its number, what it says, and its sum.
fn row<'r>(row: &'r Row<'_>) -> Result<(u64, Entry<'r>, Option<i64>)> {
    let entry = Entry {
        generation: unsigned(row.get(1)?)?,
        space: row.get(2)?,
        key: row.get_ref(3)?.as_blob().map_err(|_| damaged("a key in the feed"))?,
        scope: row.get_ref(4)?.as_str().map_err(|_| damaged("a scope in the feed"))?,
        step: Step::from_column(row.get(5)?),
    };
    Ok((unsigned(row.get(0)?)?, entry, row.get(6)?))
}

/// The space, key and scope of a change in the feed.
pub(super) fn columns_of<'c>(change: &'c Change<'_>) -> (i64, &'c [u8], &'c str) {
    match change {
        Change::Address(key) => (0, key, ""),
        Change::Contact(id) => (1, &[], id),
        Change::ListAddress { list, key } => (2, key, list),
        Change::Domain(domain) => (3, domain, ""),
        Change::Digest { digest, list } => (4, digest.as_bytes(), list.unwrap_or_default()),
        Change::Hashed(hash) => (6, hash, ""),
    }
}

/// The change that stands in the feed as these.
pub(super) fn change_of<'c>(space: i64, key: &'c [u8], scope: &'c str) -> Result<Change<'c>> {
    Ok(match space {
        0 => Change::Address(key),
        1 => Change::Contact(scope),
        2 => Change::ListAddress { list: scope, key },
        3 => Change::Domain(key),
        4 => Change::Digest {
            digest: digest_of_key(key)?,
            list: Some(scope).filter(|list| !list.is_empty()),
        },
        6 => Change::Hashed(key.try_into().map_err(|_| damaged("a hash in the feed"))?),
        space => return Err(damaged(&format!("space {space} in the feed is unknown"))),
    })
}

/// Where the state that the connection's transaction sees stands, and the feed's end.
pub(super) fn position(connection: &Connection) -> Result<(Position, End)> {
    let sql = "SELECT seq, sum FROM change ORDER BY seq DESC LIMIT 1";
    let last: Option<(i64, Option<i64>)> = connection
        .prepare_cached(sql)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let end = match last {
        None => End::default(),
        Some((seq, sum)) => End { seq: unsigned(seq)?, sum: sum.ok_or_else(torn)? },
    };
    let sql = "SELECT id, mark, feed, at, cause, seq FROM generation ORDER BY id DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else {
        // Nothing was ever recorded.
        return if end == End::default() { Ok(Default::default()) } else { Err(torn()) };
    };
    if row.get::<_, Option<i64>>(2)? != Some(generation_sum(row, end)?) {
        return Err(torn());
    }
    let position = Position {
        generation: unsigned(row.get(0)?)?,
        cursor: Cursor::from_u64(end.seq),
        mark: row.get(1)?,
    };
    Ok((position, end))
}

/// The sum of a row of id, mark, sum, time, cause and number of the feed's last row, of which `end` is the feed's.
fn generation_sum(row: &Row<'_>, end: End) -> Result<i64> {
    let mut sum = Sum::default();
    sum.begin(GENERATION);
    for column in [0, 1, 3, 4, 5] {
        sum.put(row.get_ref(column)?);
    }
    sum.put(ValueRef::Integer(signed(end.seq)?));
    sum.put(ValueRef::Integer(end.sum));
    Ok(sum.finish())
}

/// Says in the row of a generation where the feed ends with it.
pub(super) fn close(connection: &Connection, generation: u64, end: End) -> Result<()> {
    let generation = signed(generation)?;
    let sql = "UPDATE generation SET seq = ?2 WHERE id = ?1 \
               RETURNING id, mark, feed, at, cause, seq";
    let sum = connection
        .prepare_cached(sql)?
        .query_row(params![generation, signed(end.seq)?], |row| Ok(generation_sum(row, end)))??;
    let sql = "UPDATE generation SET feed = ?2 WHERE id = ?1";
    connection.prepare_cached(sql)?.execute([generation, sum])?;
    Ok(())
}

fn torn() -> crate::error::Error {
    damaged("the change feed does not end where its last generation says")
}

fn broken(seq: u64) -> crate::error::Error {
    damaged(&format!(
        "row {seq} of table change is not as it was written, or one before it is missing"
    ))
}

/// Hands out each key touched after `cursor`, once, with what the feed says of its entry.
pub(super) fn changes_after(
    connection: &Connection,
    (position, end): (Position, End),
    cursor: Cursor,
    each: &mut dyn FnMut(Change<'_>, &Trail) -> Result<()>,
) -> Result<Changes> {
    if names_no_keys(connection, position, cursor)? || !follow(connection, cursor, end)? {
        return Ok(Changes::Everything);
    }
    let sql = "SELECT space, key, scope, entry FROM change WHERE seq > ?1 \
               ORDER BY space, key, scope, seq";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([signed(cursor.as_u64())?])?;
    let mut handed = 0;
    let mut current: Option<(i64, Vec<u8>, String, Trail)> = None;
    while let Some(row) = rows.next()? {
        let space: i64 = row.get(0)?;
        let key = row.get_ref(1)?.as_blob().map_err(|_| damaged("a key in the feed"))?;
        let scope = row.get_ref(2)?.as_str().map_err(|_| damaged("a scope in the feed"))?;
        let step = Step::from_column(row.get(3)?);
        let goes_on = current.as_ref().is_some_and(|(of_space, of_key, of_scope, _)| {
            *of_space == space && of_key == key && of_scope == scope
        });
        if !goes_on {
            if let Some((space, key, scope, trail)) = &current {
                each(change_of(*space, key, scope)?, trail)?;
            }
            current = Some((space, key.to_vec(), scope.to_owned(), Trail::new()));
            handed += 1;
        }
        if let Some((_, key, _, trail)) = &mut current
            && !trail.take(step)
        {
            let name = change_of(space, key, scope)?.redacted();
            return Err(damaged(&format!("the change feed contradicts itself about {name}")));
        }
    }
    if let Some((space, key, scope, trail)) = &current {
        each(change_of(*space, key, scope)?, trail)?;
    }
    Ok(Changes::Keys(handed))
}

/// Goes from `cursor` to the feed's end by the sums of its rows; `false` when one of them says *everything*.
fn follow(connection: &Connection, cursor: Cursor, end: End) -> Result<bool> {
    let mut at = End { seq: cursor.as_u64(), sum: 0 };
    if at.seq == end.seq {
        return Ok(true);
    }
    if at.seq > 0 {
        let sql = "SELECT sum FROM change WHERE seq = ?1";
        let mut statement = connection.prepare_cached(sql)?;
        let sum: Option<i64> =
            statement.query_row([signed(at.seq)?], |row| row.get(0)).optional()?.flatten();
        at.sum = sum.ok_or_else(|| broken(at.seq))?;
    }
    let sql = concat!("SELECT ", columns!(), " FROM change WHERE seq > ?1 ORDER BY seq");
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([signed(at.seq)?])?;
    while let Some(next) = rows.next()? {
        let (seq, entry, sum) = row(next)?;
        if entry.space == EVERYTHING {
            return Ok(false);
        }
        at = entry.after(at, seq)?;
        if sum != Some(at.sum) {
            return Err(broken(seq));
        }
    }
    if at == end { Ok(true) } else { Err(torn()) }
}

/// Gives the feed of a ledger from before there were sums its sums.
pub(super) fn seal_all(connection: &Connection) -> Result<()> {
    let sql = concat!("SELECT ", columns!(), " FROM change ORDER BY seq");
    let mut statement = connection.prepare(sql)?;
    let mut update = connection.prepare("UPDATE change SET entry = ?2, sum = ?3 WHERE seq = ?1")?;
    let mut rows = statement.query([])?;
    let mut end = End::default();
    while let Some(next) = rows.next()? {
        let (seq, entry, _) = row(next)?;
        // Blocks may have been lifted in those days; nobody wrote down which.
        let entry = Entry { step: Step::Unknown, ..entry };
        end = entry.after(end, seq)?;
        update.execute(params![signed(seq)?, entry.step.to_column(), end.sum])?;
    }
    let last: Option<i64> =
        connection.query_row("SELECT max(id) FROM generation", [], |row| row.get(0))?;
    last.map_or(Ok(()), |last| close(connection, unsigned(last)?, end))
}

/// What is wrong with the feed: that part of it which a reader may need.
pub(super) fn faults(connection: &Connection) -> Result<Vec<String>> {
    let sql = concat!("SELECT ", columns!(), " FROM change ORDER BY seq");
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut faults = Vec::new();
    let mut end = End::default();
    while let Some(next) = rows.next()? {
        let (seq, entry, sum) = row(next)?;
        if entry.space == EVERYTHING {
            // Rows before it may be gone by right, and nobody reads them.
            faults.clear();
        }
        end = entry.after(end, seq)?;
        if sum != Some(end.sum) && faults.is_empty() {
            faults.push(broken(seq).to_string());
        }
        end.sum = sum.unwrap_or_default();
    }
    if let Err(error) = position(connection) {
        faults.push(error.to_string());
    }
    Ok(faults)
}

/// Counts the feed's rows after `cursor`, up to `limit`.
pub(super) fn count_after(
    connection: &Connection,
    position: Position,
    cursor: Cursor,
    limit: u64,
) -> Result<u64> {
    if names_no_keys(connection, position, cursor)? {
        return Ok(limit);
    }
    let sql = "SELECT count(*) FROM (SELECT 1 FROM change WHERE seq > ?1 LIMIT ?2)";
    let limit = signed(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    unsigned(statement.query_row([signed(cursor.as_u64())?, limit], |row| row.get(0))?)
}

/// Says whether only a rebuild brings a reader at `cursor` up to date.
fn names_no_keys(connection: &Connection, position: Position, cursor: Cursor) -> Result<bool> {
    // A cursor beyond the end was made on another past of this ledger: it was restored since.
    if cursor.as_u64() > position.cursor.as_u64() {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM change WHERE seq > ?1 AND space = 255 LIMIT 1";
    Ok(connection.prepare_cached(sql)?.exists([signed(cursor.as_u64())?])?)
}
