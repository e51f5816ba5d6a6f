//! Rows of a table, inserted many at a time.
//!
//! One statement inserts [`ROWS`] rows: its cursor stays on the page where a sorted import goes on, which
//! is most of what a row costs. Which of them the ledger had already is asked only when it had some.

use super::staged::part_of;
use super::sync::remember;
use super::{Blocks, Import, Outcome};
use crate::error::Result;
use crate::ledger::sort::Block;
use crate::ledger::sqlite::sums::{Sum, table_number};
use crate::record::Kind;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Params, Statement, ToSql};

/// Rows a statement inserts: more gain nothing that can be measured.
const ROWS: usize = 32;
/// Rows of one key that are compared with each other; those after them go in one by one.
const GROUP_ROWS: usize = 64;

/// A table as an import fills it; [`Table::Row`] is a spooled row without its key.
pub(super) trait Table {
    type Row<'p>;

    const KIND: Kind;
    /// `INSERT INTO … (import_id, key, …, sum) VALUES`, up to the rows: the columns in the order that their sum
    /// has them, and the sum.
    const INSERT: &'static str;
    /// The columns a row binds: those of [`Table::INSERT`] without `import_id` and `sum`.
    const COLUMNS: usize;

    fn decode(payload: &[u8]) -> Result<Self::Row<'_>>;

    /// Binds the columns in the order of [`Table::INSERT`].
    fn bind(key: &[u8], row: &Self::Row<'_>, to: &mut Binder<'_, '_>) -> rusqlite::Result<()>;

    /// Whether two rows of one key are one record.
    fn is_same(one: &Self::Row<'_>, other: &Self::Row<'_>) -> bool;

    /// The import that the ledger has this record from.
    fn import_of(connection: &Connection, key: &[u8], row: &Self::Row<'_>) -> Result<Option<i64>>;

    /// Sees to what follows from a record that was added.
    fn added(import: &Import<'_>, key: &[u8], row: &Self::Row<'_>) -> Result<()>;

    /// Brings the row together with the record that is there.
    fn merge(import: &Import<'_>, key: &[u8], row: &Self::Row<'_>) -> Result<Outcome>;
}

/// Binds values one after the other, and the sum of each row behind them.
pub(super) struct Binder<'s, 'c> {
    statement: &'s mut Statement<'c>,
    sum: &'s mut Sum,
    next: usize,
}

impl Binder<'_, '_> {
    pub(super) fn put<'v>(&mut self, value: impl Column<'v>) -> rusqlite::Result<()> {
        self.sum.put(value.as_value());
        self.bind(value)
    }

    fn bind(&mut self, value: impl ToSql) -> rusqlite::Result<()> {
        self.next += 1;
        self.statement.raw_bind_parameter(self.next - 1, value)
    }

    /// Ends a row: its import and no time of its own are what the sum has beside the columns put.
    fn end_row(&mut self, import: i64) -> rusqlite::Result<()> {
        self.sum.put(ValueRef::Integer(import));
        self.sum.put(ValueRef::Null);
        self.bind(self.sum.finish())
    }
}

/// A value of a column, as SQLite has it.
pub(super) trait Column<'v>: ToSql + Copy {
    fn as_value(self) -> ValueRef<'v>;
}

impl<'v> Column<'v> for &'v [u8] {
    fn as_value(self) -> ValueRef<'v> {
        ValueRef::Blob(self)
    }
}

impl<'v> Column<'v> for &'v str {
    fn as_value(self) -> ValueRef<'v> {
        ValueRef::Text(self.as_bytes())
    }
}

impl Column<'_> for i64 {
    fn as_value(self) -> ValueRef<'static> {
        ValueRef::Integer(self)
    }
}

impl Column<'_> for u8 {
    fn as_value(self) -> ValueRef<'static> {
        ValueRef::Integer(i64::from(self))
    }
}

impl Column<'_> for bool {
    fn as_value(self) -> ValueRef<'static> {
        ValueRef::Integer(i64::from(self))
    }
}

impl<'v, T: Column<'v>> Column<'v> for Option<T> {
    fn as_value(self) -> ValueRef<'v> {
        self.map_or(ValueRef::Null, Column::as_value)
    }
}

/// The statements that insert into a table.
pub(super) struct Inserter<'c> {
    one: Statement<'c>,
    many: Statement<'c>,
    sums: Sums,
}

/// What the sums of rows are made with.
struct Sums {
    table: u8,
    import: i64,
    sum: Sum,
}

impl<'c> Inserter<'c> {
    /// Prepares them: `insert` up to the rows of so many columns, and `then` what follows the rows.
    pub(super) fn new(
        import: &Import<'c>,
        kind: Kind,
        insert: &str,
        columns: usize,
        then: &str,
    ) -> Result<Self> {
        let prepare = |rows| -> Result<Statement<'c>> {
            // One more for the sum.
            let sql = statement(insert, columns + 1, rows, then);
            let mut statement = import.writer.connection().prepare(&sql)?;
            statement.raw_bind_parameter(1, import.id)?;
            Ok(statement)
        };
        let sums = Sums { table: table_number(kind), import: import.id, sum: Sum::default() };
        Ok(Self { one: prepare(1)?, many: prepare(ROWS)?, sums })
    }

    /// Inserts rows, [`ROWS`] or one, that `bind` binds one after the other; says how many were new.
    pub(super) fn insert<R>(
        &mut self,
        rows: &[R],
        mut bind: impl FnMut(&R, &mut Binder<'_, 'c>) -> rusqlite::Result<()>,
    ) -> Result<usize> {
        let mut inserted = 0;
        let (many, rest) = rows.split_at(rows.len() - rows.len() % ROWS);
        for rows in many.chunks(ROWS) {
            inserted += run(&mut self.many, &mut self.sums, rows, &mut bind)?;
        }
        for row in rest {
            inserted += run(&mut self.one, &mut self.sums, std::slice::from_ref(row), &mut bind)?;
        }
        Ok(inserted)
    }
}

fn run<'c, R>(
    statement: &mut Statement<'c>,
    sums: &mut Sums,
    rows: &[R],
    bind: &mut impl FnMut(&R, &mut Binder<'_, 'c>) -> rusqlite::Result<()>,
) -> Result<usize> {
    let mut binder = Binder { statement, sum: &mut sums.sum, next: 2 };
    for row in rows {
        binder.sum.begin(sums.table);
        bind(row, &mut binder)?;
        binder.end_row(sums.import)?;
    }
    Ok(statement.raw_execute()?)
}

fn statement(insert: &str, columns: usize, rows: usize, then: &str) -> String {
    let mut sql = insert.to_owned();
    let mut parameter = 1;
    for row in 0..rows {
        sql.push_str(if row == 0 { " (?1" } else { ", (?1" });
        for _ in 0..columns {
            parameter += 1;
            sql.push_str(&format!(", ?{parameter}"));
        }
        sql.push(')');
    }
    sql.push_str(then);
    sql
}

/// A row and its key.
struct Keyed<'b, R> {
    key: &'b [u8],
    row: R,
    /// No row before it, of this import, is the same record.
    is_first: bool,
    /// The row of several records that it is of.
    part: Option<u32>,
    payload: &'b [u8],
}

/// Applies the rows of a table, which come sorted by key.
pub(super) fn apply<T: Table>(import: &mut Import<'_>, mut rows: impl Blocks) -> Result<()> {
    let writer = import.writer;
    let then = " ON CONFLICT DO NOTHING";
    let mut inserter = Inserter::new(import, T::KIND, T::INSERT, T::COLUMNS, then)?;
    let mut last_key = Vec::new();
    let mut added = 0;
    while let Some(block) = rows.next_block()? {
        let rows = decode::<T>(import, block, &last_key)?;
        let mut rest = rows.as_slice();
        while !rest.is_empty() {
            // Rows that may say a record again are told apart by going in after it, alone.
            let many = rest.iter().take(ROWS).take_while(|row| row.is_first).count();
            let length = if many == ROWS { ROWS } else { 1 };
            let (now, later) = rest.split_at(length);
            let fresh = inserter.insert(now, |row, to| T::bind(row.key, &row.row, to))?;
            if fresh == length {
                for row in now {
                    import.count(row.part, Outcome::Added)?;
                    T::added(import, row.key, &row.row)?;
                }
            } else {
                settle::<T>(import, now, fresh)?;
            }
            added += fresh;
            rest = later;
        }
        if let Some(last) = rows.last() {
            last_key.clear();
            last_key.extend_from_slice(last.key);
        }
    }
    import.write_parked()?;
    if added > 0 {
        writer.count(T::KIND, i64::try_from(added).unwrap_or(i64::MAX))?;
    }
    Ok(())
}

/// Sees to rows of which only some were new.
fn settle<T: Table>(
    import: &mut Import<'_>,
    rows: &[Keyed<'_, T::Row<'_>>],
    fresh: usize,
) -> Result<()> {
    let connection = import.writer.connection();
    for Keyed { key, row, part, payload, .. } in rows {
        // Of rows that are first, exactly the new ones are there with the number of this import.
        let is_new = fresh > 0 && T::import_of(connection, key, row)? == Some(import.id);
        let outcome = if is_new {
            T::added(import, key, row)?;
            Outcome::Added
        } else {
            let outcome = T::merge(import, key, row)?;
            if import.remembers {
                remember(connection, T::KIND, key, payload)?;
            }
            outcome
        };
        import.count(*part, outcome)?;
    }
    Ok(())
}

/// The rows of a block, without those whose address is erased: these are done with then.
fn decode<'b, T: Table>(
    import: &mut Import<'_>,
    block: &'b Block,
    last_key: &[u8],
) -> Result<Vec<Keyed<'b, T::Row<'b>>>> {
    let mut rows: Vec<Keyed<'b, T::Row<'b>>> = Vec::with_capacity(block.len());
    let mut group = 0;
    for (key, payload) in block.rows() {
        if let Some(erased) = import.erased(T::KIND, key) {
            import.park(T::KIND, &erased, payload)?;
            import.count(part_of(payload)?, Outcome::Unchanged)?;
            continue;
        }
        let row = T::decode(payload)?;
        if rows.last().is_none_or(|before| before.key != key) {
            group = rows.len();
        }
        let before = &rows[group..];
        let is_first = key != last_key
            && before.len() < GROUP_ROWS
            && !before.iter().any(|before| T::is_same(&before.row, &row));
        rows.push(Keyed { key, row, is_first, part: part_of(payload)?, payload });
    }
    Ok(rows)
}

/// The number of an import, by the columns that name a record.
pub(super) fn import_of(
    connection: &Connection,
    sql: &str,
    of: impl Params,
) -> Result<Option<i64>> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row(of, |row| row.get(0)).optional()?.flatten())
}
