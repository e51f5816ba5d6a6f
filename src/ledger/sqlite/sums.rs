//! What shows that a row is not as it was written: the column `sum` of every table of records.
//!
//! **Who writes a row of records sets its sum, and forgets it at no risk:** a row without its sum, or with
//! another row's, can't be read; the reader says that the ledger is damaged. There are two ways to set it:
//!
//! - An `INSERT` that leaves `sum` out, or an `UPDATE` that sets `sum = NULL` beside what it changes, and then
//!   [`seal`] of the key: for single changes.
//! - [`sum_of!`] in the statement itself, or a [`Sum`] that is bound, for many rows. `sum_of!` takes the columns
//!   by name, so in an `UPDATE` it would see them as they were before.
//!
//! Who reads rows of records selects [`is_sound!`] with them and checks it by [`check`].
//!
//! A sum is XXH3, 64 bits, of: the table's number, a byte; then each column in the order of `sum_of!`, as a tag
//! and its bytes. Tag 0 is NULL; 1 an integer, eight bytes little-endian; 2 a text and 3 a blob, each with its
//! length, four bytes little-endian, before it. docs/ledger.md has the same.

use super::codes::algorithm_code;
use super::fault::damaged;
use crate::error::Result;
use crate::record::Kind;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{FromSql, ValueRef};
use rusqlite::{Connection, Params, Row, params};
use std::cell::RefCell;
use xxhash_rust::xxh3::xxh3_64;

/// The sum of a row of the table as SQL, over its columns as they are.
macro_rules! sum_of {
    (contact) => {
        "quell_sum(1, key, contact_id, former, address, bulk_email, email_allowed, at, source, \
         import_id, recorded_at)"
    };
    (unsubscribe) => {
        "quell_sum(2, key, list, address, state, class, at, source, import_id, recorded_at)"
    };
    (preference) => {
        "quell_sum(3, key, list, address, choice, at, source, import_id, recorded_at)"
    };
    (suppression) => {
        "quell_sum(4, key, reason, class, address, at, expires_at, source, import_id, recorded_at)"
    };
    (domain_rule) => {
        "quell_sum(5, key, subdomains, at, source, import_id, recorded_at)"
    };
    (digest) => {
        "quell_sum(6, algorithm, key, list, class, source, import_id, recorded_at)"
    };
}
pub(super) use sum_of;

/// Whether a row of the table is as it was written, as SQL: 1, or else 0.
macro_rules! is_sound {
    ($table:ident) => {
        concat!("(sum IS ", $crate::ledger::sqlite::sums::sum_of!($table), ")")
    };
}
pub(super) use is_sound;

/// The tables of records: kind, name, and the statement that finds the keys of rows that are not as they were written.
macro_rules! tables {
    ($($kind:ident $table:ident),*) => {
        [$((
            Kind::$kind,
            stringify!($table),
            concat!("SELECT key FROM ", stringify!($table), " WHERE NOT ", is_sound!($table)),
        )),*]
    };
}
pub(super) const TABLES: [(Kind, &str, &str); 6] = tables!(
    Contacts contact, Unsubscribes unsubscribe, Preferences preference, Suppressions suppression,
    Domains domain_rule, Digests digest
);

/// The statement that gives a sum to every row of a table without one.
fn sealing(kind: Kind) -> &'static str {
    macro_rules! sealing {
        ($table:ident) => {
            concat!(
                "UPDATE ",
                stringify!($table),
                " SET sum = ",
                sum_of!($table),
                " WHERE sum IS NULL"
            )
        };
    }
    match kind {
        Kind::Contacts => sealing!(contact),
        Kind::Unsubscribes => sealing!(unsubscribe),
        Kind::Preferences => sealing!(preference),
        Kind::Suppressions => sealing!(suppression),
        Kind::Domains => sealing!(domain_rule),
        Kind::Digests => sealing!(digest),
    }
}

/// The number that stands for the table of `kind` in its rows' sums.
pub(super) fn table_number(kind: Kind) -> u8 {
    // As in `sum_of!`: a kind's place, from 1.
    kind as u8 + 1
}

/// The name of the table of `kind`.
pub(super) fn table_name(kind: Kind) -> &'static str {
    TABLES[kind as usize].1
}

/// Gives every row under `key` that has no sum its sum: after an `INSERT` without one, or an `UPDATE` that set it
/// to NULL. Cost: one look-up, and one write a row.
pub(super) fn seal(connection: &Connection, kind: Kind, key: &[u8]) -> Result<()> {
    let sql = |of_key| format!("{} AND {of_key}", sealing(kind));
    if kind == Kind::Digests {
        let mut statement = connection.prepare_cached(&sql("algorithm = ?1 AND key = ?2"))?;
        statement.execute(params![algorithm_code(key), key])?;
    } else {
        connection.prepare_cached(&sql("key = ?1"))?.execute([key])?;
    }
    Ok(())
}

/// Gives every row without a sum its sum: of a ledger from before there were sums.
pub(super) fn seal_all(connection: &Connection) -> Result<()> {
    for kind in Kind::ALL {
        connection.execute(sealing(kind), [])?;
    }
    Ok(())
}

/// Fails unless the column, an [`is_sound!`], says that the row is; `key` is for the message.
pub(super) fn check(row: &Row<'_>, column: usize, kind: Kind, key: &[u8]) -> Result<()> {
    match row.get_ref(column)? {
        ValueRef::Integer(1) => Ok(()),
        _ => Err(damaged(&unsound(kind, key))),
    }
}

/// The first column of the one row that `sql` finds, if it finds one; the second is its [`is_sound!`].
pub(super) fn value_of<T: FromSql>(
    connection: &Connection,
    sql: &str,
    of: impl Params,
    kind: Kind,
    key: &[u8],
) -> Result<Option<T>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(of)?;
    let Some(row) = rows.next()? else { return Ok(None) };
    check(row, 1, kind, key)?;
    Ok(Some(row.get(0)?))
}

/// What is said of a row that is not as it was written.
pub(super) fn unsound(kind: Kind, key: &[u8]) -> String {
    let name = match kind {
        Kind::Domains => "a rule".to_owned(),
        Kind::Digests => "a digest".to_owned(),
        _ => crate::address::redact(&String::from_utf8_lossy(key)),
    };
    format!("a row of table {} ({name}) is not as it was written", table_name(kind))
}

/// A sum being made of one value after the other.
#[derive(Debug, Default)]
pub(super) struct Sum(Vec<u8>);

impl Sum {
    /// Begins the sum of a row of a table.
    pub(super) fn begin(&mut self, table: u8) {
        self.0.clear();
        self.0.push(table);
    }

    /// Adds a column.
    pub(super) fn put(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => self.0.push(0),
            ValueRef::Integer(number) => {
                self.0.push(1);
                self.0.extend_from_slice(&number.to_le_bytes());
            }
            ValueRef::Text(text) => self.put_bytes(2, text),
            ValueRef::Blob(bytes) => self.put_bytes(3, bytes),
            // No column is one; a damaged row may say so.
            ValueRef::Real(number) => {
                self.0.push(4);
                self.0.extend_from_slice(&number.to_bits().to_le_bytes());
            }
        }
    }

    fn put_bytes(&mut self, tag: u8, bytes: &[u8]) {
        // SQLite's values are far shorter than 4 GiB.
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        self.0.push(tag);
        self.0.extend_from_slice(&length.to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// The sum of what was put since it began.
    pub(super) fn finish(&self) -> i64 {
        xxh3_64(&self.0).cast_signed()
    }
}

/// Makes `quell_sum` known to a connection. Every connection that reads or writes records needs it.
pub(super) fn register(connection: &Connection) -> rusqlite::Result<()> {
    let buffer = RefCell::new(Sum::default());
    let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DETERMINISTIC;
    connection.create_scalar_function("quell_sum", -1, flags, move |values: &Context<'_>| {
        let mut sum = buffer.borrow_mut();
        let table = values.get::<u8>(0)?;
        sum.begin(table);
        for column in 1..values.len() {
            sum.put(values.get_raw(column));
        }
        Ok(sum.finish())
    })
}
