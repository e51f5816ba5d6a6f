//! Erasure in SQLite: the records of an address are deleted, its events blanked, and a row under its pseudonym
//! stands for all of them.
//!
//! | file | does |
//! | --- | --- |
//! | `table` | the rows of the table `erased` |
//! | `parked` | the blocks in such a row |
//! | `contacts` | contacts whose address is erased |
//! | `later` | what is said of an erased address afterwards |
//! | `lift` | an erasure taken back, with permission |
//! | `check` | that blanked events, erasures and rows fit together |

mod check;
pub(super) mod contacts;
mod later;
mod lift;
pub(super) mod parked;
pub(super) mod table;

pub(super) use check::faults;
pub(super) use later::{park, unsubscribe};
pub(super) use lift::lift;

use super::claims::forget_key;
use super::codes::{signed, unsigned};
use super::flags::Flags;
use super::rows::of_key;
use super::write::Writer;
use crate::error::{Error, Result};
use crate::ledger::erase::{EraseRequest, Erased, ErasedEntry, Erasure, Pseudonym, Pseudonyms};
use crate::ledger::{EventKind, HistoryEntry, Record, StoredRecord};
use crate::record::{Kind, Timestamp};
use parked::Parked;
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use table::{ErasedRow, Space};

/// Tells what is erased, in one transaction.
#[derive(Debug, Clone, Copy)]
pub(super) struct Erasures<'l> {
    pseudonyms: Option<&'l dyn Pseudonyms>,
    are_any: bool,
}

impl<'l> Erasures<'l> {
    /// What tells it in the connection's transaction.
    pub(super) fn of(
        connection: &Connection,
        pseudonyms: Option<&'l dyn Pseudonyms>,
    ) -> Result<Self> {
        Ok(Self { pseudonyms, are_any: table::are_any(connection)? })
    }

    /// What tells it in the transaction of another connection.
    pub(super) fn at(&self, connection: &Connection) -> Result<Self> {
        Self::of(connection, self.pseudonyms)
    }

    /// Says whether anything is erased.
    pub(super) fn are_any(&self) -> bool {
        self.are_any
    }

    /// What makes pseudonyms. Without it nobody could tell an erased address from a clear one.
    pub(super) fn pseudonyms(&self) -> Result<&'l dyn Pseudonyms> {
        self.pseudonyms.ok_or_else(|| {
            Error::untrusted("the ledger was opened without what tells erased addresses")
        })
    }

    /// The erasure of an address. Cost: nothing while nothing is erased, else one look-up.
    pub(super) fn of_address(
        &self,
        connection: &Connection,
        key: &[u8],
    ) -> Result<Option<ErasedRow>> {
        if !self.are_any {
            return Ok(None);
        }
        table::get(connection, Space::Address, &self.pseudonyms()?.of_address(key))
    }

    /// What is kept of a contact whose address is erased. Cost: as [`Erasures::of_address`].
    pub(super) fn of_contact(
        &self,
        connection: &Connection,
        id: &str,
    ) -> Result<Option<ErasedRow>> {
        if !self.are_any {
            return Ok(None);
        }
        table::get(connection, Space::Contact, &self.pseudonyms()?.of_contact(id))
    }

    /// Every erasure that an address ever had, oldest first.
    pub(super) fn history(&self, connection: &Connection, key: &[u8]) -> Result<Vec<Erasure>> {
        let mut erasures: Vec<Erasure> = Vec::new();
        for entry in self.events(connection, key)? {
            if entry.kind != EventKind::Erased {
                continue;
            }
            if entry.detail["lifted"] != true {
                let HistoryEntry { at, generation, .. } = entry;
                erasures.push(Erasure { at, generation, lifted: None });
            } else if let Some(last) = erasures.last_mut() {
                last.lifted = Some(entry.generation);
            }
        }
        Ok(erasures)
    }

    /// The events that stand under the pseudonym of an address: its erasures, and those they blanked.
    pub(super) fn events(&self, connection: &Connection, key: &[u8]) -> Result<Vec<HistoryEntry>> {
        let Some(pseudonyms) = self.pseudonyms else { return Ok(Vec::new()) };
        super::history::events(connection, &event_key(&pseudonyms.of_address(key)))
    }
}

/// What is known of an index entry by its pseudonym. No address and no contact have the same one.
pub(super) fn entry(connection: &Connection, hash: &Pseudonym) -> Result<Option<ErasedEntry>> {
    let row = match table::get(connection, Space::Address, hash)? {
        Some(row) => Some(row),
        None => table::get(connection, Space::Contact, hash)?,
    };
    Ok(row.map(|row| row.entry()))
}

/// What events of an erased address stand under: no address is like it, for none begins with a zero byte.
pub(super) fn event_key(hash: &Pseudonym) -> [u8; 17] {
    let mut key = [0; 17];
    key[1..].copy_from_slice(hash);
    key
}

/// Erases an address, in one transaction; `address` is how it was given.
pub(super) fn erase(
    writer: &Writer<'_>,
    key: &[u8],
    address: &str,
    request: &EraseRequest,
) -> Result<Erased> {
    let pseudonyms = writer.erasures().pseudonyms()?;
    let connection = writer.connection();
    let hash = pseudonyms.of_address(key);
    if let Some(row) = table::get(connection, Space::Address, &hash)? {
        return Ok(Erased {
            at: Timestamp::from_micros(row.at),
            generation: unsigned(row.generation)?,
            is_new: false,
            records: 0,
            events: 0,
            spellings: Vec::new(),
        });
    }
    let mut records = Vec::new();
    for kind in Kind::OF_ADDRESSES {
        records.append(&mut of_key(connection, kind, key)?);
    }
    let spellings = spellings(key, address, &records);
    refuse_text(key, &spellings, request)?;
    let row = ErasedRow {
        space: Space::Address,
        hash,
        at: writer.now().as_micros(),
        generation: signed(writer.generation()?)?,
        flags: Flags::ALLOW,
        home: None,
        blocks: park_all(writer, &records, &hash, pseudonyms)?,
    };
    let deleted = delete_all(writer, key)?;
    let events = blank(connection, key, &hash)?;
    table::put(connection, &row)?;
    writer.forget_feed()?;
    let detail = json!({
        "by": request.by(),
        "reason": request.reason(),
        "records": deleted,
        "events": events,
    });
    writer.event(EventKind::Erased, &event_key(&hash), &detail)?;
    Ok(Erased {
        at: writer.now(),
        generation: unsigned(row.generation)?,
        is_new: true,
        records: records.len() as u64,
        events: events.len() as u64,
        spellings,
    })
}

/// How the address is written in its records and was given, each spelling once, without the key.
fn spellings(key: &[u8], address: &str, records: &[StoredRecord]) -> Vec<String> {
    let of_records = records.iter().filter_map(|stored| match &stored.record {
        Record::Contact(record) => Some(&record.address),
        Record::Unsubscribe(record) => Some(&record.address),
        Record::Preference(record) => Some(&record.address),
        Record::Suppression(record) => Some(&record.address),
        Record::Domain(_) | Record::Digest(_) => None,
    });
    let mut spellings: Vec<String> = of_records.cloned().collect();
    spellings.push(address.trim().to_owned());
    spellings.sort();
    spellings.dedup();
    spellings.retain(|spelling| spelling.as_bytes() != key);
    spellings
}

/// Fails when who and why would keep what the erasure is to remove.
fn refuse_text(key: &[u8], spellings: &[String], request: &EraseRequest) -> Result<()> {
    let key = String::from_utf8_lossy(key);
    let words = [request.by().to_lowercase(), request.reason().to_lowercase()];
    let mut all = spellings.iter().map(|spelling| spelling.to_lowercase());
    let names_it = |text: &str| words.iter().any(|words| words.contains(text));
    if names_it(&key) || all.any(|spelling| names_it(&spelling)) {
        return Err(Error::refused(
            "--by or --reason holds the address itself, which would be kept; nothing was changed",
        )
        .with_hint("name a reference instead, such as the number of the request"));
    }
    Ok(())
}

/// Parks the blocks of records, and keeps what the contacts among them withhold.
fn park_all(
    writer: &Writer<'_>,
    records: &[StoredRecord],
    home: &Pseudonym,
    pseudonyms: &dyn Pseudonyms,
) -> Result<Vec<Parked>> {
    let pseudonym = |id: &str| contacts::of_alias(id).unwrap_or_else(|| pseudonyms.of_contact(id));
    let mut blocks = Vec::new();
    for stored in records {
        if let Some(block) = Parked::of(stored, pseudonym) {
            parked::add(&mut blocks, block)?;
        }
        if let Record::Contact(row) = &stored.record
            && !row.former
        {
            contacts::keep(writer, &pseudonym(&row.contact_id), home, Flags::of(row))?;
        }
    }
    Ok(blocks)
}

/// Deletes every record of a key; says how many of each kind there were.
fn delete_all(writer: &Writer<'_>, key: &[u8]) -> Result<Value> {
    forget_key(writer.connection(), key)?;
    let mut deleted = serde_json::Map::new();
    for (kind, sql) in [
        (Kind::Contacts, "DELETE FROM contact WHERE key = ?1"),
        (Kind::Unsubscribes, "DELETE FROM unsubscribe WHERE key = ?1"),
        (Kind::Preferences, "DELETE FROM preference WHERE key = ?1"),
        (Kind::Suppressions, "DELETE FROM suppression WHERE key = ?1"),
    ] {
        let rows = writer.connection().prepare_cached(sql)?.execute([key])?;
        let rows = i64::try_from(rows).map_err(|_| Error::untrusted("too many records"))?;
        writer.count(kind, -rows)?;
        deleted.insert(kind.as_str().to_owned(), json!(rows));
    }
    Ok(Value::Object(deleted))
}

/// Takes key, content and salt from every event of a key; gives the events' numbers.
fn blank(connection: &Connection, key: &[u8], hash: &Pseudonym) -> Result<Vec<i64>> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM event WHERE key = ?1 ORDER BY id")?;
    let ids = statement.query_map([key], |row| row.get(0))?;
    let ids: Vec<i64> = ids.collect::<Result<_, _>>()?;
    let sql = "UPDATE event SET key = ?2, detail = '', salt = x'' WHERE key = ?1";
    connection.prepare_cached(sql)?.execute(params![key, event_key(hash)])?;
    Ok(ids)
}
