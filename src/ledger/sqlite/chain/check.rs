//! The chain from its first event to its head: everything recomputed.
//!
//! Three things are compared, and of each the first that is wrong is named: every event with its digests and
//! with the event before it; every generation with its first event, for by a generation's time the ledger is
//! asked how it was; every import with the event that tells of it, for by its generation it is known what it
//! added.

use super::{ID_SQL, LINKED_GENERATION, LINKED_IMPORT, meta};
use crate::error::Result;
use crate::ledger::EventKind;
use crate::ledger::chain::{ChainHead, Sealed, content};
use crate::ledger::sqlite::codes::{signed, unsigned};
use rusqlite::{Connection, OptionalExtension, Row, Rows};
use serde_json::Value;
use std::collections::BTreeMap;

/// What is wrong with the history, in words; empty when it is sound.
///
/// Cost: reads every event; memory for the numbers of imports and of blanked events.
pub(in crate::ledger::sqlite) fn check(connection: &Connection) -> Result<Vec<String>> {
    let mut checked = Checked::default();
    if let Err(fault) = events(connection, &mut checked)? {
        return Ok(vec![fault]);
    }
    let mut faults: Vec<String> = checked.unblanked().into_iter().collect();
    faults.extend(generations(connection)?);
    faults.extend(imports(connection, &checked.imports)?);
    Ok(faults)
}

/// What the events say of each other and of other tables.
#[derive(Default)]
struct Checked {
    /// The events whose content is gone, each with its key.
    blanked: BTreeMap<u64, Vec<u8>>,
    /// The events that an erasure blanked, each with the key that the erasure left it.
    erased: BTreeMap<u64, Vec<u8>>,
    /// What was told of each import.
    imports: BTreeMap<u64, Told>,
}

/// What an event tells of an import.
struct Told {
    at: i64,
    generation: u64,
    detail: Value,
}

/// An event as it stands in the file.
struct Event {
    id: u64,
    at: i64,
    generation: u64,
    kind: String,
    key: Vec<u8>,
    detail: String,
    salt: Vec<u8>,
    content: Vec<u8>,
    link: Vec<u8>,
}

/// What is wrong, or nothing.
type Sound = Result<(), String>;

impl Event {
    /// Reads a row; the fault is that a column is not what it always is.
    fn of(row: &Row<'_>) -> rusqlite::Result<Self> {
        let number = |column| -> rusqlite::Result<u64> {
            let number: i64 = row.get(column)?;
            u64::try_from(number)
                .map_err(|_| rusqlite::Error::IntegralValueOutOfRange(column, number))
        };
        Ok(Self {
            id: number(0)?,
            at: row.get(1)?,
            generation: number(2)?,
            kind: row.get(3)?,
            key: row.get(4)?,
            detail: row.get(5)?,
            salt: row.get(6)?,
            content: row.get(7)?,
            link: row.get(8)?,
        })
    }

    /// Says whether an erasure took the content away.
    fn is_blanked(&self) -> bool {
        self.detail.is_empty() && self.salt.is_empty()
    }

    /// The head after it, when it follows on `head`.
    fn follow(&self, head: &ChainHead) -> Result<ChainHead, String> {
        let Self { id, at, generation, kind, .. } = self;
        let expected = head.events + 1;
        if *id != expected {
            return Err(format!(
                "event {expected} is missing; event {id} follows on {}",
                head.events
            ));
        }
        if EventKind::from_word(kind).is_none() {
            return Err(format!("event {id} is of no known kind"));
        }
        let Ok(digest) = <[u8; 32]>::try_from(self.content.as_slice()) else {
            return Err(format!("event {id} has no digest of its content"));
        };
        if !self.is_blanked() && content(&self.salt, &self.key, &self.detail) != digest {
            return Err(format!("event {id}: its key, its detail or its salt was changed"));
        }
        let (at, generation) = (*at, *generation);
        let after = head.then(&Sealed { at, generation, kind, content: digest });
        if self.link != after.link {
            return Err(format!(
                "event {id}: its time, its generation, its kind, its content or its link was changed, \
                 or what came before it"
            ));
        }
        Ok(after)
    }
}

/// Follows the chain from its start to its end.
fn events(connection: &Connection, checked: &mut Checked) -> Result<Sound> {
    let id: Option<String> = connection.query_row(ID_SQL, [], |row| row.get(0)).optional()?;
    let Some(id) = id else {
        return Ok(Err("the ledger does not say its id, from which its history begins".into()));
    };
    let mut head = ChainHead::start(&id);
    let sql = "SELECT id, at, generation, kind, key, detail, salt, content, link FROM event \
               ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let Ok(event) = Event::of(row) else {
            return Ok(Err(format!("event {}: a column of it is damaged", head.events + 1)));
        };
        head = match event.follow(&head).and_then(|head| checked.see(event).map(|()| head)) {
            Ok(head) => head,
            Err(fault) => return Ok(Err(fault)),
        };
    }
    let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'event'";
    let written: Option<i64> = connection.query_row(sql, [], |row| row.get(0)).optional()?;
    let written = unsigned(written.unwrap_or(0))?;
    if written != head.events {
        return Ok(Err(format!(
            "event {} is missing: the last one written was {written}",
            head.events + 1
        )));
    }
    Ok(Ok(()))
}

impl Checked {
    /// Keeps what an event that is itself sound says of others.
    fn see(&mut self, event: Event) -> Sound {
        let Event { id, kind, key, detail, .. } = &event;
        if event.is_blanked() {
            self.blanked.insert(*id, event.key);
            return Ok(());
        }
        let kind = EventKind::from_word(kind);
        if !matches!(kind, Some(EventKind::Erased | EventKind::Import)) {
            return Ok(());
        }
        let Ok(detail) = serde_json::from_str::<Value>(detail) else {
            return Err(format!("event {id}: its detail is no JSON"));
        };
        if kind == Some(EventKind::Erased) {
            let blanked = detail["events"].as_array().into_iter().flatten();
            for number in blanked.filter_map(Value::as_u64).filter(|number| number < id) {
                self.erased.entry(number).or_insert_with(|| key.clone());
            }
        } else if let Some(import) = detail["import"]["id"].as_u64() {
            let Event { at, generation, .. } = event;
            self.imports.insert(import, Told { at, generation, detail });
        }
        Ok(())
    }

    /// The first event whose content is gone although no erasure took it.
    fn unblanked(&self) -> Option<String> {
        let alone = |(id, key): &(&u64, &Vec<u8>)| self.erased.get(id) != Some(key);
        let (id, _) = self.blanked.iter().find(alone)?;
        Some(format!("event {id}: its content is gone, and no erasure says that it took it"))
    }
}

/// The first generation without the event that made it. Those of before the chain may have had none.
fn generations(connection: &Connection) -> Result<Option<String>> {
    let Some(linked) = meta(connection, LINKED_GENERATION)? else {
        return Ok(Some("the ledger does not say where its chain begins".into()));
    };
    let mut made = connection.prepare("SELECT id, at FROM generation WHERE id > ?1 ORDER BY id")?;
    let mut made = made.query([signed(linked)?])?;
    // Events stand in the order of their generations: both are read once, side by side.
    let mut events = connection.prepare("SELECT generation, at FROM event ORDER BY id")?;
    let mut events = events.query([])?;
    let mut event = pair(&mut events)?;
    while let Some((id, at)) = pair(&mut made)? {
        while event.is_some_and(|(generation, _)| generation < id) {
            event = pair(&mut events)?;
        }
        match event {
            Some((generation, told)) if generation == id && told == at => {}
            Some((generation, _)) if generation == id => {
                return Ok(Some(format!("generation {id}: its events are of another time")));
            }
            _ => return Ok(Some(format!("generation {id} has no event"))),
        }
    }
    let sql = "SELECT max(generation) FROM event";
    let last: Option<i64> = connection.query_row(sql, [], |row| row.get(0))?;
    let sql = "SELECT max(id) FROM generation";
    let newest: Option<i64> = connection.query_row(sql, [], |row| row.get(0))?;
    Ok((last.unwrap_or(0) > newest.unwrap_or(0))
        .then(|| format!("generation {} is missing: it has events", last.unwrap_or(0))))
}

fn pair(rows: &mut Rows<'_>) -> Result<Option<(i64, i64)>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((row.get(0)?, row.get(1)?)))
}

/// The first import that is not what its event says. Those of before the chain have none.
fn imports(connection: &Connection, told: &BTreeMap<u64, Told>) -> Result<Option<String>> {
    let linked = meta(connection, LINKED_IMPORT)?.unwrap_or(0);
    let sql = "SELECT id, at, generation, kind, name, format, sha256, read, added, unchanged, held, \
               rejected FROM import WHERE id > ?1 ORDER BY id";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([signed(linked)?])?;
    let mut seen = 0;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        if !told.get(&unsigned(id)?).is_some_and(|told| told.is_of(row).unwrap_or_default()) {
            return Ok(Some(format!("import {id} is not what its event says, or has none")));
        }
        seen += 1;
    }
    let events = told.keys().filter(|id| **id > linked).count();
    Ok((seen < events).then(|| "an import is missing of which an event tells".to_owned()))
}

impl Told {
    /// Says whether a row of imports is what the event tells.
    fn is_of(&self, row: &Row<'_>) -> rusqlite::Result<bool> {
        let number = |column| -> rusqlite::Result<i64> { row.get(column) };
        let mut is_so = number(1)? == self.at && u64::try_from(number(2)?) == Ok(self.generation);
        for (column, name) in (3..).zip(["kind", "name", "format", "sha256"]) {
            let text: String = row.get(column)?;
            is_so &= self.detail["import"][name] == text;
        }
        for (column, name) in (7..).zip(["read", "added", "unchanged", "held", "rejected"]) {
            is_so &= self.detail["counts"][name] == number(column)?;
        }
        Ok(is_so)
    }
}
