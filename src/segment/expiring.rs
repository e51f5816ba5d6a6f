//! The side section of instants: when a state will change by time alone.
//!
//! Rows are sorted by hash, then instant; few keys have any, so a look-up reads the section only when
//! the state says so, and the common row pays nothing for it.

use super::format::EXPIRING_LEN;
use super::{Expiring, Hash};

/// The rows of `hash` in the section `bytes`. Cost: one binary search, no allocation.
pub(super) fn rows_of(bytes: &[u8], hash: Hash) -> impl Iterator<Item = Expiring> {
    let rows = bytes.as_chunks::<EXPIRING_LEN>().0;
    let first = rows.partition_point(|row| Expiring::decode(row).hash < hash);
    let rest = rows.get(first..).unwrap_or_default();
    rest.iter().map(Expiring::decode).take_while(move |row| row.hash == hash)
}

/// All rows of the section `bytes`, in order.
pub(super) fn rows(bytes: &[u8]) -> impl Iterator<Item = Expiring> {
    bytes.as_chunks::<EXPIRING_LEN>().0.iter().map(Expiring::decode)
}

/// The section's bytes.
pub(super) fn encode(rows: &[Expiring]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(rows.len() * EXPIRING_LEN);
    for row in rows {
        row.encode(&mut bytes);
    }
    bytes
}
