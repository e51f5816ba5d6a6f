//! The bucketed hash table: from a hash to a state with one cache line, as a rule.
//!
//! An entry lies in its home bucket. When that is full, the bucket remembers it in one of 16 filter
//! bits, and the entry goes on by a step of 1 to 16 buckets that its fingerprint chooses, wrapping,
//! until a bucket has a free slot. A look-up that does not find its fingerprint takes the same way,
//! but only while its filter bit is set. So an entry is found at any load, and since nothing ever
//! clears a bit, removing an entry hides no other.
//!
//! The step differs between the entries of one full bucket, so full buckets don't grow into runs. With a
//! step of 1 for all a miss reads 1.32 lines instead of 1.07, and 3.5 instead of 1.16 at 92 %; at most
//! 16 lines keep the way in one page, as a rule.
//!
//! | slots in use | bytes an entry | lines a hit reads | lines a miss reads | misses that read a second |
//! | --- | --- | --- | --- | --- |
//! | 84 %, as built | 12.7 | 1.20 | 1.07 | 6 % |
//! | 92 %, the most after updates in place | 11.6 | 1.38 | 1.16 | 12 % |
//!
//! (`the_figures_hold` shows them.) The number of a home bucket grows with the hash, so a
//! build from sorted entries writes the table from front to back.

use super::format::{self, BUCKET_LEN, Bucket, Probe, SLOTS, STEP_MAX, Slots};
use super::{Entry, Hash};

/// A table in place gets no fuller than this, in percent of its slots.
const FULL_PERCENT: u64 = 92;
/// A table is updated in place only while at most one filter bit in this many is set.
///
/// Bits are never cleared, so years of updates would otherwise send ever more misses to a second and
/// third line. At one in four a miss reads 4/3 lines on average.
const FILTER_BITS_PER_SET: u64 = 4;

/// How many of what a table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    /// Slots in use, tombstones among them.
    pub(super) entries: u64,
    /// Slots with state 0.
    pub(super) tombstones: u64,
    /// Filter bits set.
    pub(super) filter_bits: u64,
}

/// A table being built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    buckets: Vec<Bucket>,
}

/// The number of buckets for `entries`: 100 buckets hold 504 entries, 84 % of their slots.
///
/// That is 12.7 bytes an entry. Never 0, so a look-up always has a home bucket.
fn bucket_count(entries: usize) -> usize {
    round_up(entries.saturating_mul(100).div_ceil(504))
}

/// The next number of buckets that has no divisor in common with any step, so that each entry's way
/// leads through every bucket and the last slot of a table can be used. At most 21 away.
fn round_up(buckets: usize) -> usize {
    let divided = |count: usize| (2..=STEP_MAX).any(|divisor| count.is_multiple_of(divisor));
    (buckets.max(1)..).find(|&count| !divided(count)).unwrap_or(buckets)
}

impl Table {
    /// An empty table with room for `entries`.
    pub(super) fn for_entries(entries: usize) -> Self {
        Self::with_buckets(bucket_count(entries))
    }

    fn with_buckets(buckets: usize) -> Self {
        Self { buckets: vec![[0; BUCKET_LEN]; buckets] }
    }

    /// A copy of the table in `bytes`, to be changed.
    pub(super) fn copy_of(bytes: &[u8]) -> Self {
        Self { buckets: bytes.as_chunks::<BUCKET_LEN>().0.to_vec() }
    }

    /// The table's bytes as they go into the file.
    pub(super) fn bytes(&self) -> &[u8] {
        self.buckets.as_flattened()
    }

    /// Adds an entry whose hash is not there yet. `false`, when every slot is taken.
    #[must_use]
    pub(super) fn insert(&mut self, entry: Entry) -> bool {
        let class = format::class(entry.hash.hi);
        let mut at = home(entry.hash, self.buckets.len());
        for _ in 0..self.buckets.len() {
            let Some(bucket) = self.buckets.get_mut(at) else { return false };
            let mut slots = Slots::decode(bucket);
            let slot = usize::from(slots.count);
            if slot < SLOTS {
                slots.fingerprints[slot] = entry.hash.hi;
                slots.states[slot] = entry.state;
                slots.count += 1;
                slots.encode(bucket);
                return true;
            }
            slots.filter |= class;
            slots.encode(bucket);
            at = next(at, entry.hash, self.buckets.len());
        }
        false
    }

    /// Sets the state of an entry that is there. `false`, when it is not.
    #[must_use]
    pub(super) fn overwrite(&mut self, entry: Entry) -> bool {
        self.change(entry.hash, |slots, slot| slots.states[slot] = entry.state)
    }

    /// Takes an entry out, if it is there. Its filter bits stay: others may need them.
    pub(super) fn remove(&mut self, hash: Hash) {
        self.change(hash, take_out);
    }

    /// Takes every tombstone out.
    pub(super) fn remove_tombstones(&mut self) {
        for bucket in &mut self.buckets {
            let mut slots = Slots::decode(bucket);
            let mut slot = 0;
            while slot < usize::from(slots.count).min(SLOTS) {
                if slots.states[slot] == 0 {
                    take_out(&mut slots, slot);
                } else {
                    slot += 1;
                }
            }
            slots.encode(bucket);
        }
    }

    /// Whether a table with these counts and `more` entries may still be updated in place.
    pub(super) fn has_room(&self, counts: Counts, more: usize) -> bool {
        let buckets = self.buckets.len() as u64;
        (counts.entries + more as u64) * 100 <= buckets * SLOTS as u64 * FULL_PERCENT
            && counts.filter_bits * FILTER_BITS_PER_SET <= buckets * 16
    }

    /// Whether `hash` is there.
    pub(super) fn contains(&self, hash: Hash) -> bool {
        find(&self.buckets, hash).is_some()
    }

    /// What the table holds now.
    pub(super) fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for slots in self.buckets.iter().map(Slots::decode) {
            let states = slots.states.iter().take(usize::from(slots.count));
            counts.entries += u64::from(slots.count);
            counts.tombstones += states.filter(|&&state| state == 0).count() as u64;
            counts.filter_bits += u64::from(slots.filter.count_ones());
        }
        counts
    }

    fn change(&mut self, hash: Hash, change: impl FnOnce(&mut Slots, usize)) -> bool {
        let Some((at, probe)) = find(&self.buckets, hash) else { return false };
        let Some(bucket) = self.buckets.get_mut(at) else { return false };
        let mut slots = Slots::decode(bucket);
        change(&mut slots, probe.hits.trailing_zeros() as usize);
        slots.encode(bucket);
        true
    }
}

/// Frees `slot`. The last slot in use moves into the gap, and what it leaves is zero, so that equal
/// contents stay equal bytes.
fn take_out(slots: &mut Slots, slot: usize) {
    // `min`: on damaged bytes the count may be anything.
    slots.count = slots.count.min(6).saturating_sub(1);
    let last = usize::from(slots.count);
    slots.fingerprints.swap(slot, last);
    slots.states.swap(slot, last);
    slots.fingerprints[last] = 0;
    slots.states[last] = 0;
}

/// The state of `hash` in the table in `bytes`; `None` when it is not there.
///
/// Any bytes are safe to look up in; damaged ones give a wrong answer after at most one round.
#[inline]
pub(super) fn get(bytes: &[u8], hash: Hash) -> Option<u16> {
    find(bytes.as_chunks::<BUCKET_LEN>().0, hash).map(|(_, probe)| probe.state())
}

/// Which of at most 32 hashes the table in `bytes` may hold, one bit each: of every other, [`get`] is
/// `None`, because its home bucket neither has its fingerprint nor leads on.
#[inline(always)]
pub(super) fn candidates(bytes: &[u8], hashes: &[Hash]) -> u32 {
    let buckets = bytes.as_chunks::<BUCKET_LEN>().0;
    let mut candidates = 0;
    for (at, &hash) in hashes.iter().take(32).enumerate() {
        let Some(bucket) = buckets.get(home(hash, buckets.len())) else { continue };
        candidates |= u32::from(format::concerns(bucket, hash.hi)) << at;
    }
    candidates
}

/// Where the home bucket of `hash` begins in the table in `bytes`.
#[inline(always)]
pub(super) fn home_offset(bytes: &[u8], hash: Hash) -> usize {
    home(hash, bytes.len() / BUCKET_LEN) * BUCKET_LEN
}

/// Where the bucket begins to which the way of `hash` leads from its home.
#[inline(always)]
pub(super) fn second_offset(bytes: &[u8], hash: Hash) -> usize {
    let buckets = bytes.len() / BUCKET_LEN;
    next(home(hash, buckets), hash, buckets) * BUCKET_LEN
}

/// The bucket that holds `hash`, and what was seen in it.
#[inline]
fn find(buckets: &[Bucket], hash: Hash) -> Option<(usize, Probe)> {
    let mut at = home(hash, buckets.len());
    // Bounded: damaged filters could otherwise lead round for ever.
    for _ in 0..buckets.len() {
        let probe = Probe::new(buckets.get(at)?, hash.hi);
        if probe.hits != 0 {
            return Some((at, probe));
        }
        if !probe.goes_on(format::class(hash.hi)) {
            return None;
        }
        at = next(at, hash, buckets.len());
    }
    None
}

/// The home bucket: `lo` as a fraction of 2^64, times the number of buckets. Monotone in `lo`.
#[inline(always)]
fn home(hash: Hash, buckets: usize) -> usize {
    let home = (u128::from(hash.lo) * buckets as u128) >> 64;
    // Never fails: `home` is below `buckets`.
    usize::try_from(home).unwrap_or(0)
}

/// Where the way of `hash` leads from a full bucket. `buckets` is not 0, or there were none to be full.
#[inline(always)]
fn next(at: usize, hash: Hash, buckets: usize) -> usize {
    (at + format::step(hash.hi)).checked_rem(buckets).unwrap_or(0)
}

#[cfg(test)]
mod tests;
