//! What is erased: entries of the index that are made of hashes alone.
//!
//! The ledger's pseudonyms are the index's own hashes of the same keys, so a look-up finds such an entry as any other.

use crate::error::Result;
use crate::index::KeyHasher;
use crate::ledger::{ErasedEntry, Pseudonym, Pseudonyms, View};
use crate::record::Blocks;
use crate::record::state::EntryState;
use crate::segment::Hash;
use std::collections::HashMap;

impl Pseudonyms for KeyHasher {
    fn of_address(&self, key: &[u8]) -> Pseudonym {
        pseudonym(self.address(key))
    }

    fn of_contact(&self, contact_id: &str) -> Pseudonym {
        pseudonym(self.contact(contact_id.as_bytes()))
    }
}

/// The two halves, each in little-endian bytes.
fn pseudonym(hash: Hash) -> Pseudonym {
    (u128::from(hash.hi) << 64 | u128::from(hash.lo)).to_le_bytes()
}

/// The hash that a pseudonym is.
#[must_use]
pub fn hash(pseudonym: &Pseudonym) -> Hash {
    let (halves, _) = pseudonym.as_chunks::<8>();
    let half = |at: usize| halves.get(at).map_or(0, |half| u64::from_le_bytes(*half));
    Hash { lo: half(0), hi: half(1) }
}

/// The state of the entry that an erasure left. Nothing of it expires.
#[must_use]
pub fn state(entry: ErasedEntry) -> EntryState {
    EntryState { blocks: entry.blocks(), expiries: Vec::new() }
}

/// Everything that is erased, by hash.
pub(super) fn all(view: &dyn View) -> Result<HashMap<Hash, Blocks>> {
    let mut all = HashMap::new();
    view.for_each_erased(&mut |pseudonym, entry| {
        all.insert(hash(pseudonym), entry.blocks());
        Ok(())
    })?;
    Ok(all)
}

#[cfg(test)]
mod tests;
