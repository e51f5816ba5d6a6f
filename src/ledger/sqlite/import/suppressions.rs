//! Suppressions of an import: an expiry is only ever put off.

use super::staged::StagedSuppression;
use super::{Import, Outcome};
use crate::error::Result;
use crate::ledger::sort::Sorted;
use crate::ledger::sqlite::codes::{Coded, instant};
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::rows::of_key;
use crate::ledger::{Change, EventKind, Record, StoredRecord};
use crate::record::{Kind, Suppression};
use rusqlite::params;
use serde_json::json;

pub(super) fn apply(import: &mut Import<'_>, mut rows: Sorted) -> Result<()> {
    let sql = "INSERT INTO suppression (key, reason, class, address, at, expires_at, source, \
               import_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
    let writer = import.writer;
    let mut insert = writer.connection().prepare_cached(sql)?;
    let mut added = 0;
    while let Some((key, payload)) = rows.next()? {
        let row = StagedSuppression::decode(payload)?;
        let inserted = insert.execute(params![
            key,
            row.reason,
            row.class,
            row.address,
            row.at,
            row.expires_at,
            row.source,
            import.id,
        ])?;
        if inserted == 0 {
            let outcome = merge(import, key, &row)?;
            import.count(outcome);
            continue;
        }
        added += 1;
        import.count(Outcome::Added);
        writer.touch(Change::Address(key))?;
    }
    if added > 0 {
        writer.count(Kind::Suppressions, added)?;
    }
    Ok(())
}

/// A row for a suppression that is there.
fn merge(import: &Import<'_>, key: &[u8], row: &StagedSuppression<'_>) -> Result<Outcome> {
    let (was, stored) = stored(import, key, row)?;
    let expires_at = instant(row.expires_at);
    match (was.expires_at, expires_at) {
        (was, now) if was == now => return Ok(Outcome::Unchanged),
        (None, Some(_)) => return Ok(Outcome::Held),
        (Some(was), Some(now)) if now < was => return Ok(Outcome::Held),
        _ => {}
    }
    let sql =
        "UPDATE suppression SET expires_at = ?4 WHERE key = ?1 AND reason = ?2 AND class = ?3";
    let writer = import.writer;
    writer.connection().prepare_cached(sql)?.execute(params![
        key,
        row.reason,
        row.class,
        row.expires_at
    ])?;
    writer.touch(Change::Address(key))?;
    let now = Record::Suppression(Suppression { expires_at, ..was });
    let change = json!({"was": stored.to_json(), "now": now.to_json()});
    let detail = json!({"changed": [change], "cause": import.cause()});
    writer.event(EventKind::Changed, key, &detail)?;
    Ok(Outcome::Added)
}

fn stored(
    import: &Import<'_>,
    key: &[u8],
    row: &StagedSuppression<'_>,
) -> Result<(Suppression, StoredRecord)> {
    for stored in of_key(import.writer.connection(), Kind::Suppressions, key)? {
        if let Record::Suppression(record) = &stored.record
            && record.reason.code() == row.reason
            && record.class.code() == row.class
        {
            return Ok((record.clone(), stored));
        }
    }
    Err(damaged("a suppression that is there and is not"))
}
