//! The history of a key: its events, and the additions that imports wrote no event for.

use super::codes::{signed, unsigned};
use super::fault::damaged;
use crate::error::Result;
use crate::ledger::{EventKind, HistoryEntry, StoredRecord};
use crate::record::Timestamp;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Everything that happened to `key`, whose present records are `records`, oldest first.
pub(super) fn history(
    connection: &Connection,
    records: &[StoredRecord],
    key: &[u8],
) -> Result<Vec<HistoryEntry>> {
    let events = events(connection, key)?;
    let mut additions = Additions::default();
    // What an event says a record was before is older than what the tables say it is: the first
    // content seen of a record is the one it was added with.
    for event in &events {
        for change in array(&event.detail, "changed") {
            additions.see(&change["was"]);
        }
        for deleted in array(&event.detail, "deleted") {
            additions.see(deleted);
        }
    }
    for stored in records {
        additions.see(&stored.to_json());
    }
    let mut entries = additions.entries(connection)?;
    entries.extend(events);
    // By generation rather than by time, for clocks go back. An import's additions precede its
    // changes; the sort is stable, and events come in order.
    entries.sort_by_key(|entry| (entry.generation, entry.kind != EventKind::Imported));
    Ok(entries)
}

/// The events under a key, oldest first; one that was blanked by an erasure has no detail.
pub(super) fn events(connection: &Connection, key: &[u8]) -> Result<Vec<HistoryEntry>> {
    let sql = "SELECT at, generation, kind, detail FROM event WHERE key = ?1 ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([key])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let kind: String = row.get(2)?;
        let detail: String = row.get(3)?;
        events.push(HistoryEntry {
            at: Timestamp::from_micros(row.get(0)?),
            generation: unsigned(row.get(1)?)?,
            kind: EventKind::from_word(&kind)
                .ok_or_else(|| damaged("an event of no known kind"))?,
            detail: match detail.as_str() {
                "" => Value::Null,
                detail => {
                    serde_json::from_str(detail).map_err(|_| damaged("an event's content"))?
                }
            },
        });
    }
    Ok(events)
}

/// Records as imports added them, by import and identity.
#[derive(Default)]
struct Additions(BTreeMap<(u64, String), Value>);

impl Additions {
    /// Takes a record with its provenance. Records of no import have an event of their own.
    fn see(&mut self, record: &Value) {
        if let Some(import) = record["import"].as_u64() {
            self.0.entry((import, identity(record))).or_insert_with(|| record.clone());
        }
    }

    fn entries(self, connection: &Connection) -> Result<Vec<HistoryEntry>> {
        let mut entries = Vec::with_capacity(self.0.len());
        for ((import, _), record) in self.0 {
            let (at, generation, import) = describe(connection, import)?;
            let detail = json!({"record": record, "import": import});
            entries.push(HistoryEntry { at, generation, kind: EventKind::Imported, detail });
        }
        Ok(entries)
    }
}

/// What tells a record of one key from its others, as the primary keys of the tables do.
fn identity(record: &Value) -> String {
    let kind = &record["kind"];
    match kind.as_str() {
        Some("contact") => json!([kind, record["contact_id"]]),
        Some("unsubscribe") => {
            json!([kind, record["list"], record["address"], record["state"], record["class"]])
        }
        Some("preference") => json!([kind, record["list"]]),
        // The only one of its domain.
        Some("domain") => json!([kind]),
        Some("digest") => json!([kind, record["list"]]),
        _ => json!([kind, record["reason"], record["class"]]),
    }
    .to_string()
}

/// When an import was, its generation, and what a reader wants to know of it.
fn describe(connection: &Connection, import: u64) -> Result<(Timestamp, u64, Value)> {
    let sql = "SELECT at, generation, name, format, sha256 FROM import WHERE id = ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let found = statement
        .query_row([signed(import)?], |row| {
            let (name, format): (String, String) = (row.get(2)?, row.get(3)?);
            let sha256: String = row.get(4)?;
            let about = json!({"id": import, "name": name, "format": format, "sha256": sha256});
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, about))
        })
        .optional()?;
    let (at, generation, about) = found.ok_or_else(|| damaged("a record of an unknown import"))?;
    Ok((Timestamp::from_micros(at), unsigned(generation)?, about))
}

fn array<'v>(detail: &'v Value, name: &str) -> &'v [Value] {
    detail[name].as_array().map_or(&[], Vec::as_slice)
}
