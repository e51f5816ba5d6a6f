//! Whether erasures and what is erased fit together. That each blanked event is named by an erasure, the chain
//! checks.

use super::event_key;
use super::table::{self, Space};
use crate::error::Result;
use rusqlite::Connection;
use serde_json::Value;
use std::collections::BTreeMap;

/// What is wrong, in words; empty when it is sound.
///
/// Cost: one pass over the events.
pub(in crate::ledger::sqlite) fn faults(connection: &Connection) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    // By pseudonym: the generation of the erasure that counts now, if one does.
    let mut erased: BTreeMap<Vec<u8>, Option<i64>> = BTreeMap::new();
    let sql = "SELECT key, generation, detail FROM event WHERE kind = 'erased' ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (key, generation, detail): (Vec<u8>, i64, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let detail: Value = serde_json::from_str(&detail).unwrap_or_default();
        erased.insert(key, (detail["lifted"] != true).then_some(generation));
    }
    table::for_each(connection, &mut |row| {
        let key = event_key(&row.hash).to_vec();
        if row.space == Space::Address && erased.remove(&key) != Some(Some(row.generation)) {
            faults.push("an address is held as erased, and no event says so".to_owned());
        }
        Ok(())
    })?;
    let missing = erased.values().filter(|erasure| erasure.is_some()).count();
    if missing > 0 {
        faults.push(format!("{missing} erased addresses are missing among those held as erased"));
    }
    Ok(faults)
}
