//! Reading everything to see that it is sound.

use super::fault::damaged;
use super::read::counts;
use super::sums::{TABLES, unsound};
use super::{chain, erase, feed};
use crate::error::Result;
use rusqlite::Connection;

/// How many rows of a table are named that are not as they were written; the rest are counted.
const ROWS_TOLD: usize = 10;

/// What is wrong with the ledger, in words; empty when it is sound. What can't be read is a fault like any other.
pub(super) fn integrity_check(connection: &Connection) -> Vec<String> {
    let mut faults = Vec::new();
    let parts = [pages, rows, numbers, current_contacts, feed::faults, history];
    for part in parts {
        match part(connection) {
            Ok(mut found) => faults.append(&mut found),
            Err(error) => faults.push(error.to_string()),
        }
    }
    faults.dedup();
    faults
}

/// What SQLite finds wrong with its file.
fn pages(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    let mut faults: Vec<String> = rows.collect::<Result<_, _>>()?;
    faults.retain(|fault| fault != "ok");
    Ok(faults)
}

/// Rows that are not as they were written.
fn rows(connection: &Connection) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for (kind, table, unsound_rows) in TABLES {
        let mut statement = connection.prepare(unsound_rows)?;
        let mut rows = statement.query([])?;
        let mut found = 0;
        while let Some(row) = rows.next()? {
            let key = row.get_ref(0)?.as_bytes().map_err(|_| damaged("a key"))?;
            found += 1;
            if found <= ROWS_TOLD {
                faults.push(unsound(kind, key));
            }
        }
        if found > ROWS_TOLD {
            faults.push(format!("{found} rows of table {table} are not as they were written"));
        }
    }
    Ok(faults)
}

/// Kinds of which there are more or fewer records than counted.
fn numbers(connection: &Connection) -> Result<Vec<String>> {
    let counts = counts(connection)?;
    let mut faults = Vec::new();
    for (kind, table, _) in TABLES {
        let sql = format!("SELECT count(*) FROM {table}");
        let held: i64 = connection.query_row(&sql, [], |row| row.get(0))?;
        let said = counts.of(kind);
        if i64::try_from(said) != Ok(held) {
            faults.push(format!("table {table} holds {held} rows, its count says {said}"));
        }
    }
    Ok(faults)
}

/// Contacts with several current rows.
fn current_contacts(connection: &Connection) -> Result<Vec<String>> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM contact WHERE former = 0 GROUP BY contact_id \
               HAVING count(*) > 1)";
    let torn: i64 = connection.query_row(sql, [], |row| row.get(0))?;
    let told = format!("{torn} contacts have several current addresses");
    Ok(if torn > 0 { vec![told] } else { Vec::new() })
}

/// What is wrong with events, and with erasures only when events are what they were: else a fault would be told
/// twice.
fn history(connection: &Connection) -> Result<Vec<String>> {
    let faults = chain::check(connection)?;
    if faults.is_empty() { erase::faults(connection) } else { Ok(faults) }
}
