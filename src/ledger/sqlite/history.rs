//! The history of a key, and its past: its events undone, and the additions that imports wrote no event for.

use super::codes::{Coded, address_column, list_column, signed, unsigned};
use super::fault::damaged;
use super::rows::{current_of, of_key};
use crate::error::{Error, Result};
use crate::ledger::history::name_of;
use crate::ledger::history::undo::Past;
use crate::ledger::{EventKind, HistoryEntry, RecentEvent, Record, StoredRecord};
use crate::record::{Contact, Kind, Timestamp};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::{Value, json};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// The last generation that was made at `at` or before; 0 when none was.
///
/// Generations count, not their times: of clocks that go back, what came before a generation belongs to it.
pub(super) fn generation_at(connection: &Connection, at: Timestamp) -> Result<u64> {
    let sql = "SELECT id FROM generation WHERE at <= ?1 ORDER BY id DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let id: Option<i64> = statement.query_row([at.as_micros()], |row| row.get(0)).optional()?;
    unsigned(id.unwrap_or(0))
}

/// The records that `key`, whose present ones are `records`, had at a generation; in the order of the tables.
pub(super) fn records_at(
    connection: &Connection,
    records: Vec<StoredRecord>,
    key: &[u8],
    generation: u64,
) -> Result<Vec<StoredRecord>> {
    let mut past = Past::of(records);
    let events = events(connection, key)?;
    for event in events.iter().rev().take_while(|event| event.generation > generation) {
        past.undo(&event.detail).ok_or_else(|| contradiction(event))?;
    }
    let mut imports = Imports::default();
    let mut then = Vec::new();
    for stored in past.into_records() {
        let added = match stored.import {
            Some(import) => imports.of(connection, import)?.generation,
            // Its event is not undone, so it is as old.
            None => 0,
        };
        if added <= generation {
            then.push(stored);
        }
    }
    then.sort_by_cached_key(|stored| place(key, &stored.record));
    Ok(then)
}

/// The contact that had an id at a generation, where it was then.
///
/// Cost: every event since.
pub(super) fn contact_at(
    connection: &Connection,
    contact_id: &str,
    generation: u64,
) -> Result<Option<Contact>> {
    for key in keys_since(connection, contact_id, generation)? {
        let records = of_address(connection, &key)?;
        for stored in records_at(connection, records, &key, generation)? {
            if let Record::Contact(contact) = stored.record
                && contact.contact_id == contact_id
                && !contact.former
            {
                return Ok(Some(contact));
            }
        }
    }
    Ok(None)
}

/// Every record of an address key.
pub(super) fn of_address(connection: &Connection, key: &[u8]) -> Result<Vec<StoredRecord>> {
    let mut records = Vec::new();
    for kind in Kind::OF_ADDRESSES {
        records.append(&mut of_key(connection, kind, key)?);
    }
    Ok(records)
}

/// Says whether a contact is there now, or anything happened to it after a generation.
pub(super) fn is_seen_since(
    connection: &Connection,
    contact_id: &str,
    generation: u64,
) -> Result<bool> {
    Ok(!keys_since(connection, contact_id, generation)?.is_empty())
}

/// The generation of the last erasure, or of the last that was lifted; none when nothing was ever erased.
///
/// Cost: reads events from the newest back to it.
pub(super) fn last_erasure(connection: &Connection) -> Result<Option<u64>> {
    let sql = "SELECT generation FROM event WHERE kind = ?1 ORDER BY id DESC LIMIT 1";
    let mut statement = connection.prepare_cached(sql)?;
    let kind = EventKind::Erased.as_str();
    let generation: Option<i64> = statement.query_row([kind], |row| row.get(0)).optional()?;
    generation.map(unsigned).transpose()
}

/// The keys at which a contact is, or something happened to it after a generation. Where it was then, it is
/// still, or an event of that key says that it left.
fn keys_since(
    connection: &Connection,
    contact_id: &str,
    generation: u64,
) -> Result<BTreeSet<Vec<u8>>> {
    let named = format!("\"contact_id\":{}", Value::from(contact_id));
    let sql = "SELECT generation, key, instr(detail, ?1) > 0 FROM event ORDER BY id DESC";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([named])?;
    let mut keys = BTreeSet::new();
    while let Some(row) = rows.next()? {
        if unsigned(row.get(0)?)? <= generation {
            break;
        }
        if row.get(2)? {
            keys.insert(row.get(1)?);
        }
    }
    keys.extend(current_of(connection, contact_id)?.map(|row| row.key));
    Ok(keys)
}

/// Everything that happened to `key`, whose present records are `records`, oldest first.
pub(super) fn history(
    connection: &Connection,
    records: Vec<StoredRecord>,
    key: &[u8],
) -> Result<Vec<HistoryEntry>> {
    let events = events(connection, key)?;
    let mut past = Past::of(records);
    for event in events.iter().rev() {
        past.undo(&event.detail).ok_or_else(|| contradiction(event))?;
    }
    let mut additions = past.into_additions();
    additions.sort_by_cached_key(|stored| (stored.import, place(key, &stored.record)));
    let mut imports = Imports::default();
    let mut entries = Vec::with_capacity(additions.len() + events.len());
    for stored in additions {
        // What was recorded by itself has an event of its own.
        let Some(import) = stored.import else { continue };
        let Import { at, generation, about } = imports.of(connection, import)?;
        let (at, generation) = (*at, *generation);
        let detail = json!({"record": stored.to_json(), "import": about});
        entries.push(HistoryEntry { at, generation, kind: EventKind::Imported, detail });
    }
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
        events.push(event(row)?);
    }
    Ok(events)
}

/// The last events of all keys, newest first; of those before a number if one is given.
pub(super) fn recent(
    connection: &Connection,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<RecentEvent>> {
    let sql = "SELECT at, generation, kind, detail, key, id FROM event WHERE id < ?1 \
               ORDER BY id DESC LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let most = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let limit = most(limit.try_into().unwrap_or(u64::MAX));
    let mut rows = statement.query([most(before.unwrap_or(u64::MAX)), limit])?;
    let mut events = Vec::new();
    while let Some(row) = rows.next()? {
        let key = row.get_ref(4)?.as_blob().map_err(|_| damaged("the key of an event"))?;
        let (about, number) = (name_of(key), unsigned(row.get(5)?)?);
        events.push(RecentEvent { number, about, entry: event(row)? });
    }
    Ok(events)
}

/// The event in a row that begins with its time, generation, kind and detail.
fn event(row: &Row<'_>) -> Result<HistoryEntry> {
    let kind: String = row.get(2)?;
    let detail: String = row.get(3)?;
    Ok(HistoryEntry {
        at: Timestamp::from_micros(row.get(0)?),
        generation: unsigned(row.get(1)?)?,
        kind: EventKind::from_word(&kind).ok_or_else(|| damaged("an event of no known kind"))?,
        detail: match detail.as_str() {
            "" => Value::Null,
            detail => serde_json::from_str(detail).map_err(|_| damaged("an event's content"))?,
        },
    })
}

fn contradiction(event: &HistoryEntry) -> Error {
    let (kind, generation) = (event.kind.as_str(), event.generation);
    damaged(&format!(
        "an event ({kind}, generation {generation}) tells of records that were not there"
    ))
}

/// Where a record of `key` stands: by its kind, then as the primary keys of the tables order them.
fn place(key: &[u8], record: &Record) -> (Kind, String, String, i64, i64) {
    let text = str::to_owned;
    match record {
        Record::Contact(contact) => {
            let former = i64::from(contact.former);
            (Kind::Contacts, text(&contact.contact_id), text(""), former, 0)
        }
        Record::Unsubscribe(record) => {
            let (list, address) = (list_column(record.list.as_deref()), &record.address);
            let address = text(address_column(key, address));
            (Kind::Unsubscribes, text(list), address, record.state.code(), record.class.code())
        }
        Record::Preference(record) => (Kind::Preferences, text(&record.list), text(""), 0, 0),
        Record::Suppression(record) => {
            let (reason, class) = (record.reason.code(), record.class.code());
            (Kind::Suppressions, text(""), text(""), reason, class)
        }
        Record::Domain(_) => (Kind::Domains, text(""), text(""), 0, 0),
        Record::Digest(record) => {
            (Kind::Digests, text(list_column(record.list.as_deref())), text(""), 0, 0)
        }
    }
}

/// An import as a reader of a history wants to know it.
struct Import {
    at: Timestamp,
    generation: u64,
    about: Value,
}

/// The imports that were asked for.
#[derive(Default)]
struct Imports(BTreeMap<u64, Import>);

impl Imports {
    fn of(&mut self, connection: &Connection, import: u64) -> Result<&Import> {
        match self.0.entry(import) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => Ok(new.insert(describe(connection, import)?)),
        }
    }
}

/// When an import was, its generation, and what a reader wants to know of it.
fn describe(connection: &Connection, import: u64) -> Result<Import> {
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
    Ok(Import { at: Timestamp::from_micros(at), generation: unsigned(generation)?, about })
}
