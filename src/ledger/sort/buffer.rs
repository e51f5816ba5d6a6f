//! Rows in memory, to be sorted.

use crate::error::{Error, Result};
use rayon::prelude::*;
use std::cmp::Ordering;
use std::io::{self, Write};

/// Rows from which sorting and writing them is shared out among the cores.
const SHARED_ROWS: usize = 1 << 14;

/// Rows in memory: one arena, and one small entry a row to sort instead of it.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Buffer {
    arena: Vec<u8>,
    rows: Vec<Row>,
}

/// An entry of sixteen bytes, for sorting moves them about.
#[derive(Debug, Clone, Copy)]
struct Row {
    /// The first eight sort bytes, big-endian and zero-padded: decides most comparisons.
    prefix: u64,
    /// Where the row stands in the arena; grows with arrival.
    offset: u32,
}

/// Bytes in front of a row: the lengths of its two parts, four bytes each (little-endian).
pub(super) const LENGTHS: usize = 8;

impl Buffer {
    pub(super) fn bytes(&self) -> usize {
        self.arena.len() + self.rows.len() * size_of::<Row>()
    }

    pub(in crate::ledger) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(in crate::ledger) fn push(&mut self, sort: &[u8], payload: &[u8]) -> Result<()> {
        let row = Row { prefix: prefix(sort), offset: offset(self.arena.len())? };
        self.arena.extend_from_slice(&length(sort)?.to_le_bytes());
        self.arena.extend_from_slice(&length(payload)?.to_le_bytes());
        self.arena.extend_from_slice(sort);
        self.arena.extend_from_slice(payload);
        self.rows.push(row);
        Ok(())
    }

    /// Adds the rows of `other`, which arrived later.
    pub(super) fn append(&mut self, other: &Self) -> Result<()> {
        let before = offset(self.arena.len())?;
        let _ = offset(self.arena.len() + other.arena.len())?;
        self.arena.extend_from_slice(&other.arena);
        let moved = |row: &Row| Row { offset: row.offset + before, ..*row };
        self.rows.extend(other.rows.iter().map(moved));
        Ok(())
    }

    /// The bytes of a row by its place: lengths, sort bytes, payload.
    pub(super) fn bytes_of(&self, place: usize) -> Option<&[u8]> {
        self.rows.get(place).map(|row| self.encoded(row))
    }

    fn encoded(&self, row: &Row) -> &[u8] {
        let from = &self.arena[row.offset as usize..];
        let (sort, payload) = lengths(from);
        &from[..LENGTHS + sort + payload]
    }

    fn sort_bytes(&self, row: &Row) -> &[u8] {
        let from = &self.arena[row.offset as usize..];
        &from[LENGTHS..LENGTHS + lengths(from).0]
    }

    pub(super) fn sort(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        // With the offset as the last word, an unstable sort is stable.
        let order = |a: &Row, b: &Row| {
            a.prefix.cmp(&b.prefix).then_with(|| match self.sort_bytes(a).cmp(self.sort_bytes(b)) {
                Ordering::Equal => a.offset.cmp(&b.offset),
                unequal => unequal,
            })
        };
        if rows.len() < SHARED_ROWS {
            rows.sort_unstable_by(order);
        } else {
            rows.par_sort_unstable_by(order);
        }
        self.rows = rows;
    }

    /// Writes the rows in the order they stand in.
    pub(super) fn write(&self, run: &mut impl Write) -> io::Result<()> {
        // Sorted rows lie all over the arena: fetching them is what takes time, so all cores do it.
        for rows in self.rows.chunks(SHARED_ROWS * 8) {
            let gather = |rows: &[Row]| {
                let mut bytes = Vec::new();
                for row in rows {
                    bytes.extend_from_slice(self.encoded(row));
                }
                bytes
            };
            let parts: Vec<Vec<u8>> = rows.par_chunks(SHARED_ROWS).map(gather).collect();
            for part in parts {
                run.write_all(&part)?;
            }
        }
        Ok(())
    }

    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.rows.clear();
    }
}

/// The lengths of the sort bytes and of the payload of the row that `from` begins with.
pub(super) fn lengths(from: &[u8]) -> (usize, usize) {
    match from.first_chunk::<LENGTHS>() {
        Some(&[a, b, c, d, e, f, g, h]) => {
            let number = |bytes| u32::from_le_bytes(bytes) as usize;
            (number([a, b, c, d]), number([e, f, g, h]))
        }
        None => (0, 0),
    }
}

pub(super) fn prefix(sort: &[u8]) -> u64 {
    if let Some(bytes) = sort.first_chunk::<8>() {
        return u64::from_be_bytes(*bytes);
    }
    let mut bytes = [0; 8];
    bytes[..sort.len()].copy_from_slice(sort);
    u64::from_be_bytes(bytes)
}

fn length(bytes: &[u8]) -> Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| Error::input("a row is longer than 4 GiB"))
}

fn offset(at: usize) -> Result<u32> {
    u32::try_from(at).map_err(|_| Error::input("rows of more than 4 GiB at once"))
}
