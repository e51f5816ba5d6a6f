//! Sorted rows on their way from the merge to whoever applies them.

/// Bytes at which a block is full.
const BLOCK_BYTES: usize = 256 << 10;

/// Some rows in their order, in one allocation.
#[derive(Debug, Default)]
pub(in crate::ledger) struct Block {
    bytes: Vec<u8>,
    rows: Vec<Place>,
}

/// Where a row stands in its block.
#[derive(Debug, Clone, Copy)]
struct Place {
    start: usize,
    payload: usize,
    end: usize,
}

impl Block {
    pub(in crate::ledger) fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() >= BLOCK_BYTES
    }

    pub(in crate::ledger) fn push(&mut self, sort: &[u8], payload: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(sort);
        let middle = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        self.rows.push(Place { start, payload: middle, end: self.bytes.len() });
    }

    pub(in crate::ledger) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(in crate::ledger) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The sort bytes and the payload of a row.
    pub(super) fn row(&self, place: usize) -> Option<(&[u8], &[u8])> {
        let Place { start, payload, end } = *self.rows.get(place)?;
        Some((&self.bytes[start..payload], &self.bytes[payload..end]))
    }

    /// The rows in their order: sort bytes and payload.
    pub(in crate::ledger) fn rows(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        (0..self.rows.len()).filter_map(|place| self.row(place))
    }
}
