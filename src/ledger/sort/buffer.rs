//! Rows in memory, to be sorted.

use crate::error::{Error, Result};

/// Rows in memory: one arena, and one small entry a row to sort instead of it.
#[derive(Default)]
pub(super) struct Buffer {
    arena: Vec<u8>,
    pub(super) rows: Vec<Row>,
}

#[derive(Clone, Copy)]
pub(super) struct Row {
    /// The first eight sort bytes, big-endian and zero-padded: decides most comparisons.
    prefix: u64,
    offset: usize,
    sort: u32,
    payload: u32,
}

impl Buffer {
    pub(super) fn bytes(&self) -> usize {
        self.arena.len() + self.rows.len() * size_of::<Row>()
    }

    pub(super) fn push(&mut self, sort: &[u8], payload: &[u8]) -> Result<()> {
        let row = Row {
            prefix: prefix(sort),
            offset: self.arena.len(),
            sort: length(sort)?,
            payload: length(payload)?,
        };
        self.arena.extend_from_slice(sort);
        self.arena.extend_from_slice(payload);
        self.rows.push(row);
        Ok(())
    }

    pub(super) fn row(&self, row: &Row) -> (&[u8], &[u8]) {
        let (sort, payload) = (row.sort as usize, row.payload as usize);
        self.arena[row.offset..row.offset + sort + payload].split_at(sort)
    }

    pub(super) fn sort(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        // The offset grows with arrival: with it as the last word, an unstable sort is stable.
        rows.sort_unstable_by(|a, b| {
            a.prefix
                .cmp(&b.prefix)
                .then_with(|| self.row(a).0.cmp(self.row(b).0))
                .then_with(|| a.offset.cmp(&b.offset))
        });
        self.rows = rows;
    }

    pub(super) fn clear(&mut self) {
        self.arena.clear();
        self.rows.clear();
    }
}

pub(super) fn prefix(sort: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let shared = sort.len().min(8);
    bytes[..shared].copy_from_slice(&sort[..shared]);
    u64::from_be_bytes(bytes)
}

fn length(bytes: &[u8]) -> Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| Error::input("a row is longer than 4 GiB"))
}
