//! The newest states, in memory: what the ledger says that no segment holds yet.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hash as StdHash, Hasher};

use crate::record::Blocks;
use crate::record::state::EntryState;
use crate::segment::Hash;

/// States newer than every segment, by hash; the empty state is a tombstone.
///
/// Cost: one probe of a hash map a look-up; memory of about 100 bytes an entry, and the address's bytes
/// once more. Catch-up writes it out as a segment before it grows large.
///
/// # Example
///
/// ```
/// use quell::index::{KeyHasher, Overlay, SecretKey};
/// use quell::record::{Blocks, Reason, state::EntryState};
///
/// let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
/// let mut overlay = Overlay::new();
/// let blocks = Blocks::of(Reason::Bounce, None);
/// let key = b"ann@example.com";
/// overlay.insert_address(hasher.address(key), key, EntryState { blocks, expiries: vec![] }, true);
/// assert_eq!(overlay.len(), 1);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Overlay {
    states: HashMap<Slot, EntryState, BuildHasherDefault<TakeLow>>,
    addresses: BTreeMap<Vec<u8>, Option<Blocks>>,
}

impl Overlay {
    /// An overlay that changes nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the whole state of a contact, a list opt-out or a digest. The last one wins.
    pub fn insert(&mut self, hash: Hash, state: EntryState) {
        self.states.insert(Slot(hash), state);
    }

    /// Sets the whole state of an address, by its hash and its key; `recorded` when there is any record
    /// of it, also one that withholds nothing. The last one wins.
    pub fn insert_address(&mut self, hash: Hash, key: &[u8], state: EntryState, recorded: bool) {
        self.addresses.insert(key.to_vec(), recorded.then_some(state.blocks));
        self.insert(hash, state);
    }

    /// Lays newer states over these.
    pub fn extend(&mut self, newer: Self) {
        self.states.extend(newer.states);
        self.addresses.extend(newer.addresses);
    }

    /// How many hashes have a state here, tombstones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.states.len()
    }

    /// Says whether nothing is here.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    #[inline]
    pub(super) fn get(&self, hash: Hash) -> Option<&EntryState> {
        self.states.get(&Slot(hash))
    }

    /// Addresses and their stored bits, by key; `None` for one that nothing is recorded of any more.
    pub(super) fn addresses(&self) -> &BTreeMap<Vec<u8>, Option<Blocks>> {
        &self.addresses
    }
}

/// A hash as a key of a map that does not hash again: it is keyed already, so nobody can craft
/// collisions, and its low half is as good as random.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Slot(Hash);

impl StdHash for Slot {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.lo);
    }
}

#[derive(Debug, Clone, Default)]
struct TakeLow(u64);

impl Hasher for TakeLow {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // `Slot` never comes here; any function is right.
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    fn write_u64(&mut self, low: u64) {
        self.0 = low;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Reason;

    #[test]
    fn the_last_state_of_a_hash_wins_and_hashes_differ_in_either_half() {
        let state = |reason| EntryState { blocks: Blocks::of(reason, None), expiries: vec![] };
        let mut overlay = Overlay::new();
        assert!(overlay.is_empty());
        overlay.insert(Hash { lo: 1, hi: 1 }, state(Reason::Bounce));
        overlay.insert(Hash { lo: 1, hi: 2 }, state(Reason::Manual));
        overlay.insert(Hash { lo: 2, hi: 1 }, EntryState::default());
        overlay.insert(Hash { lo: 1, hi: 1 }, state(Reason::Complaint));
        assert_eq!(overlay.len(), 3);
        assert_eq!(overlay.get(Hash { lo: 1, hi: 1 }), Some(&state(Reason::Complaint)));
        assert_eq!(overlay.get(Hash { lo: 1, hi: 2 }), Some(&state(Reason::Manual)));
        assert_eq!(overlay.get(Hash { lo: 2, hi: 1 }), Some(&EntryState::default()));
        assert_eq!(overlay.get(Hash { lo: 2, hi: 2 }), None);
    }
}
