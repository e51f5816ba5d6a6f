//! Domain rules: whether one covers an address, remembered from row to row.

use crate::index::{KeyHasher, Snapshot};

/// How many domains are remembered at a time.
const SLOTS: usize = 1024;
/// Bytes of the longest domain that is remembered. Few are longer, and a slot is this large for all.
const BYTES_MAX: usize = 62;

/// What a snapshot's domain rules say of the domains asked about last.
///
/// Memory: 64 KiB once anything was asked, whatever the number of domains. Of one snapshot: a memo is never
/// taken from one run to another.
#[derive(Debug, Default)]
pub(super) struct DomainMemo {
    slots: Vec<Slot>,
}

/// A domain and its answer. The empty domain, which no key has, marks a slot without any.
#[derive(Debug, Clone, Copy)]
struct Slot {
    length: u8,
    covered: bool,
    domain: [u8; BYTES_MAX],
}

impl Slot {
    const EMPTY: Self = Self { length: 0, covered: false, domain: [0; BYTES_MAX] };

    #[inline(always)]
    fn domain(&self) -> &[u8] {
        self.domain.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl DomainMemo {
    /// Says whether a rule covers addresses at `domain`, a key's.
    ///
    /// Cost: some 100 instructions for a domain that was asked about lately. For another one a hash and a
    /// look-up for it and for each of its parents, so for as many as it has labels (at most 127).
    #[inline(always)]
    pub fn covers(&mut self, snapshot: &Snapshot, hasher: &KeyHasher, domain: &[u8]) -> bool {
        let at = place(domain);
        match self.slots.get(at) {
            Some(slot) if slot.domain() == domain => slot.covered,
            _ => self.covers_elsewhere(snapshot, hasher, domain, at),
        }
    }

    /// [`DomainMemo::covers`] of a domain that is not in its first slot: in its second one, or looked up.
    #[inline(never)]
    fn covers_elsewhere(
        &mut self,
        snapshot: &Snapshot,
        hasher: &KeyHasher,
        domain: &[u8],
        at: usize,
    ) -> bool {
        let second = at ^ 1;
        if let Some(slot) = self.slots.get(second)
            && slot.domain() == domain
        {
            return slot.covered;
        }
        let covered = snapshot.covers_domain(hasher, domain);
        if self.slots.is_empty() {
            self.slots = vec![Slot::EMPTY; SLOTS];
        }
        // Two common domains that meet in one slot are both remembered, and the older one makes room.
        self.slots.swap(at, second);
        if let Some(slot) = self.slots.get_mut(at)
            && let Some(room) = slot.domain.get_mut(..domain.len())
            && let Ok(length) = u8::try_from(domain.len())
        {
            room.copy_from_slice(domain);
            (slot.length, slot.covered) = (length, covered);
        }
        covered
    }
}

/// The slot of a domain. Of its first and last bytes: a file made so that all its domains meet in one slot
/// is looked up row by row, and answered the same.
#[inline(always)]
fn place(domain: &[u8]) -> usize {
    let word = |bytes: Option<&[u8; 8]>| bytes.map(|bytes| u64::from_le_bytes(*bytes));
    let first = word(domain.first_chunk()).unwrap_or_else(|| short_word(domain));
    let last = word(domain.last_chunk()).unwrap_or_default();
    let mixed =
        (first ^ last.rotate_left(29) ^ domain.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    // The upper bits depend on all of the product's bits below.
    usize::try_from(mixed >> (u64::BITS - SLOTS.trailing_zeros())).unwrap_or_default()
}

/// The bytes of a domain of less than eight, as a number.
fn short_word(domain: &[u8]) -> u64 {
    domain.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
}
