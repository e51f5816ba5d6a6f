//! The table of what is erased. Each row carries a checksum in its JSON: a damaged one is an error, and never taken
//! for another block than it was.

use super::parked::Parked;
use crate::error::Result;
use crate::ledger::erase::{ErasedEntry, Pseudonym, from_hex, hex};
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::flags::Flags;
use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// What a pseudonym is of: its code in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ledger::sqlite) enum Space {
    /// An address that is erased.
    Address = 0,
    /// A contact whose current row was at an erased address.
    Contact = 1,
}

/// A row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::ledger::sqlite) struct ErasedRow {
    pub(in crate::ledger::sqlite) space: Space,
    pub(in crate::ledger::sqlite) hash: Pseudonym,
    /// When it was erased.
    pub(in crate::ledger::sqlite) at: i64,
    pub(in crate::ledger::sqlite) generation: i64,
    /// Of a contact, its flags.
    pub(in crate::ledger::sqlite) flags: Flags,
    /// Of a contact, the address that its current row was at.
    pub(in crate::ledger::sqlite) home: Option<Pseudonym>,
    /// Of an address, its blocks.
    pub(in crate::ledger::sqlite) blocks: Vec<Parked>,
}

/// The column `parked`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Column {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    home: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    blocks: Vec<Parked>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    sum: Option<String>,
}

impl ErasedRow {
    /// The index entry that the row stands for.
    pub(in crate::ledger::sqlite) fn entry(&self) -> ErasedEntry {
        match self.space {
            Space::Address => ErasedEntry::Address,
            Space::Contact => ErasedEntry::Contact(self.flags.blocks()),
        }
    }

    fn column(&self) -> Result<String> {
        let unwritable = |_| damaged("a block that can't be written down");
        let home = self.home.as_ref().map(hex);
        let mut column = Column { home, blocks: self.blocks.clone(), sum: None };
        let text = serde_json::to_string(&column).map_err(unwritable)?;
        column.sum = Some(self.sum(&text));
        serde_json::to_string(&column).map_err(unwritable)
    }

    /// The checksum over every column, where `parked` is the JSON without it.
    fn sum(&self, parked: &str) -> String {
        let Self { space, hash, at, generation, flags, .. } = self;
        let (space, hash, flags) = (*space as i64, hex(hash), flags.bits());
        let row = format!("{space} {hash} {at} {generation} {flags} {parked}");
        format!("{:016x}", xxh3_64(row.as_bytes()))
    }

    /// A row of one of the statements below.
    fn of(row: &Row<'_>) -> Result<Self> {
        let space = match row.get(0)? {
            0_i64 => Space::Address,
            1 => Space::Contact,
            _ => return Err(damaged("an erasure of no known space")),
        };
        let hash: Vec<u8> = row.get(1)?;
        let text: String = row.get(5)?;
        let column: Column =
            serde_json::from_str(&text).map_err(|_| damaged("what is parked of an erasure"))?;
        let home = column.home.as_deref().map(from_hex);
        let found = Self {
            space,
            hash: hash.try_into().map_err(|_| damaged("the hash of an erasure"))?,
            at: row.get(2)?,
            generation: row.get(3)?,
            flags: Flags::of_bits(row.get(4)?)?,
            home: home.map(|home| home.ok_or_else(|| damaged("an erased contact"))).transpose()?,
            blocks: column.blocks,
        };
        if found.column()? != text {
            return Err(damaged("the checksum of an erasure"));
        }
        Ok(found)
    }
}

/// Says whether anything is erased.
pub(super) fn are_any(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM erased LIMIT 1")?.exists([])?)
}

/// How many addresses are erased.
pub(in crate::ledger::sqlite) fn count(connection: &Connection) -> Result<i64> {
    let sql = "SELECT count(*) FROM erased WHERE space = 0";
    Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
}

/// The row of a pseudonym.
pub(in crate::ledger::sqlite) fn get(
    connection: &Connection,
    space: Space,
    hash: &Pseudonym,
) -> Result<Option<ErasedRow>> {
    let sql = "SELECT space, hash, at, generation, flags, parked FROM erased \
               WHERE space = ?1 AND hash = ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![space as i64, hash])?;
    rows.next()?.map(ErasedRow::of).transpose()
}

/// Writes a row, in place of the one that its pseudonym has.
pub(in crate::ledger::sqlite) fn put(connection: &Connection, row: &ErasedRow) -> Result<()> {
    let sql = "INSERT OR REPLACE INTO erased (space, hash, at, generation, flags, parked) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
    connection.prepare_cached(sql)?.execute(params![
        row.space as i64,
        row.hash,
        row.at,
        row.generation,
        row.flags.bits(),
        row.column()?
    ])?;
    Ok(())
}

/// Deletes a row. Whoever does tells the feed of the entry by its name.
pub(super) fn delete(connection: &Connection, row: &ErasedRow) -> Result<()> {
    let sql = "DELETE FROM erased WHERE space = ?1 AND hash = ?2";
    connection.prepare_cached(sql)?.execute(params![row.space as i64, row.hash])?;
    Ok(())
}

/// Hands out every row, addresses first.
pub(in crate::ledger::sqlite) fn for_each(
    connection: &Connection,
    each: &mut dyn FnMut(ErasedRow) -> Result<()>,
) -> Result<()> {
    let sql = "SELECT space, hash, at, generation, flags, parked FROM erased ORDER BY space, hash";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(ErasedRow::of(row)?)?;
    }
    Ok(())
}
