//! Preference records of an import: *Out* over *In* changes a record, *In* over *Out* never does.

use super::staged::StagedPreference;
use super::{Import, Outcome};
use crate::error::Result;
use crate::ledger::sort::Sorted;
use crate::ledger::sqlite::codes::{Coded, address_of, instant};
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::rows::of_key;
use crate::ledger::{EventKind, Record, StoredRecord};
use crate::record::{Choice, Kind, Preference};
use rusqlite::params;
use serde_json::json;

pub(super) fn apply(import: &mut Import<'_>, mut rows: Sorted) -> Result<()> {
    let sql = "INSERT INTO preference (key, list, address, choice, at, source, import_id) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
    let writer = import.writer;
    let mut insert = writer.connection().prepare_cached(sql)?;
    let mut added = 0;
    while let Some((key, payload)) = rows.next()? {
        let row = StagedPreference::decode(payload)?;
        let inserted = insert.execute(params![
            key,
            row.list,
            row.address,
            row.choice,
            row.at,
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
        writer.name_list(row.list)?;
        writer.touch_list(key, row.list)?;
    }
    if added > 0 {
        writer.count(Kind::Preferences, added)?;
    }
    Ok(())
}

/// A row for a list that the key has a preference for.
fn merge(import: &Import<'_>, key: &[u8], row: &StagedPreference<'_>) -> Result<Outcome> {
    let (was, stored) = stored(import, key, row.list)?;
    let choice = Choice::from_code(row.choice)?;
    match (was.choice, choice) {
        (Choice::Out, Choice::In) => return Ok(Outcome::Held),
        (Choice::In, Choice::Out) => {}
        _ => return Ok(Outcome::Unchanged),
    }
    let sql = "UPDATE preference SET choice = ?3, address = ?4, at = ?5, source = ?6 \
               WHERE key = ?1 AND list = ?2";
    let writer = import.writer;
    writer.connection().prepare_cached(sql)?.execute(params![
        key,
        row.list,
        row.choice,
        row.address,
        row.at,
        row.source
    ])?;
    writer.touch_list(key, row.list)?;
    let now = Preference {
        address: address_of(key, row.address)?,
        list: row.list.to_owned(),
        choice,
        at: instant(row.at),
        source: row.source.map(str::to_owned),
    };
    let change = json!({"was": stored.to_json(), "now": Record::Preference(now).to_json()});
    let detail = json!({"changed": [change], "cause": import.cause()});
    writer.event(EventKind::Changed, key, &detail)?;
    Ok(Outcome::Added)
}

fn stored(import: &Import<'_>, key: &[u8], list: &str) -> Result<(Preference, StoredRecord)> {
    for stored in of_key(import.writer.connection(), Kind::Preferences, key)? {
        if let Record::Preference(record) = &stored.record
            && record.list == list
        {
            return Ok((record.clone(), stored));
        }
    }
    Err(damaged("a preference that is there and is not"))
}
