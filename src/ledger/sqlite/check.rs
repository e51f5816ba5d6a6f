//! Reading everything to see that it is sound.

use super::chain;
use super::erase;
use super::read::counts;
use crate::error::Result;
use rusqlite::Connection;

/// What is wrong with the ledger, in words; empty when it is sound.
pub(super) fn integrity_check(connection: &Connection) -> Result<Vec<String>> {
    let mut statement = connection.prepare("PRAGMA integrity_check")?;
    let rows = statement.query_map([], |row| row.get(0))?;
    let mut faults: Vec<String> = rows.collect::<Result<_, _>>()?;
    faults.retain(|fault| fault != "ok");
    let counts = counts(connection)?;
    for (table, said) in [
        ("contact", counts.contacts),
        ("unsubscribe", counts.unsubscribes),
        ("preference", counts.preferences),
        ("suppression", counts.suppressions),
        ("domain_rule", counts.domains),
        ("digest", counts.digests),
    ] {
        let counted: i64 =
            connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?;
        if i64::try_from(said) != Ok(counted) {
            faults.push(format!("table {table} holds {counted} rows, its count says {said}"));
        }
    }
    let torn: i64 = connection.query_row(
        "SELECT count(*) FROM (SELECT 1 FROM contact WHERE former = 0 GROUP BY contact_id \
         HAVING count(*) > 1)",
        [],
        |row| row.get(0),
    )?;
    if torn > 0 {
        faults.push(format!("{torn} contacts have several current addresses"));
    }
    let mut of_history = chain::check(connection)?;
    if of_history.is_empty() {
        // Read only when events are what they were: else their fault would be told twice.
        of_history = erase::faults(connection)?;
    }
    faults.append(&mut of_history);
    Ok(faults)
}
