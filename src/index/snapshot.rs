//! Look-ups: of each key the newest state.

use std::fmt;
use std::sync::Arc;

use super::dictionary::recorded;
use super::{Overlay, Position, fault};
use crate::error::Result;
use crate::record::{Blocks, Timestamp};
use crate::segment::{Hash, Segment};
use crate::storage::Blob;

/// How many hashes of a batch are looked up together: while the lines of one group are read, those of the
/// next are on their way.
///
/// Of 16, 32, 64 and 128 this was the fastest at 10 million entries, and as fast as any at 100 million
/// (docs/performance.md). A group's answers must fit into the bits of [`Group`].
const GROUP: usize = 16;

/// One bit for each hash of a group.
type Group = u32;

/// An unchanging view of the whole index: an overlay over segments.
///
/// A clone costs one atomic increment and a snapshot is shared freely between threads. It stays valid
/// whatever happens to the files.
#[derive(Clone)]
pub struct Snapshot(Arc<Inner>);

struct Inner {
    overlay: Overlay,
    /// Newest first: the order they are asked in.
    levels: Vec<Arc<Segment>>,
    at: Position,
}

/// What is known of an exact key, as opposed to its hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirmed {
    /// The key is held, with these bits as stored: those that expire are not among them, only
    /// [`Blocks::EXPIRING`].
    Present(Blocks),
    /// The key is not held, or only its tombstone is.
    Absent,
    /// Can't be told: a segment that would decide carries no addresses.
    Unknown,
}

impl Snapshot {
    pub(super) fn new(levels: Vec<Arc<Segment>>, overlay: Overlay, at: Position) -> Self {
        Self(Arc::new(Inner { overlay, levels, at }))
    }

    /// The number of this state; every answer names it.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.0.at.generation
    }

    /// Generation, cursor and mark together.
    #[must_use]
    pub fn position(&self) -> Position {
        self.0.at
    }

    /// How many states its overlay holds.
    #[must_use]
    pub fn overlay_len(&self) -> usize {
        self.0.overlay.len()
    }

    /// Says whether the two are one, not only alike.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The same view with newer states on top, current to `at`.
    ///
    /// Cost: a copy of the overlay.
    #[must_use]
    pub fn with_newer(&self, newer: Overlay, at: Position) -> Self {
        let mut overlay = self.0.overlay.clone();
        overlay.extend(newer);
        Self::new(self.0.levels.clone(), overlay, at)
    }

    /// The ledger position this state is current to.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.0.at.cursor
    }

    /// What withholds mail to the key of `hash` at `now`: the state of the newest level that holds the
    /// hash, and of its bits that expire those that still count.
    ///
    /// Cost: at most one probe a level; no allocation, no system call beyond page faults. A held hash is
    /// always found; an absent one is mistaken for a held one with a probability below 2^-60 a segment.
    #[inline(always)]
    #[must_use]
    pub fn get(&self, hash: Hash, now: Timestamp) -> Blocks {
        self.0.get(hash, now)
    }

    /// [`Snapshot::get`] for many hashes, of which only those are told that something withholds: `hits` is
    /// cleared and gets the position in `hashes` and the answer of each, in ascending order of position.
    /// Every other answer is [`Blocks::NONE`].
    ///
    /// Cost: as `get`, but the cache misses of neighbours overlap, and a miss costs no more than one look
    /// at its cache line: 16 ns a hash at 10 million entries, 33 at 100 million, with 8 % hits
    /// (docs/performance.md). Allocates only when `hits` is too small, so a caller that keeps it pays once.
    #[inline(always)]
    pub fn look_up_hits(&self, hashes: &[Hash], now: Timestamp, hits: &mut Vec<(usize, Blocks)>) {
        hits.clear();
        self.0.for_each_hit(hashes, now, |position, blocks| hits.push((position, blocks)));
    }

    /// [`Snapshot::get`] for many hashes: `out` is cleared and gets one answer for each, in order.
    ///
    /// Cost: as [`Snapshot::look_up_hits`], and two bytes written a hash.
    pub fn look_up(&self, hashes: &[Hash], now: Timestamp, out: &mut Vec<Blocks>) {
        out.clear();
        out.resize(hashes.len(), Blocks::NONE);
        self.0.for_each_hit(hashes, now, |position, blocks| {
            if let Some(answer) = out.get_mut(position) {
                *answer = blocks;
            }
        });
    }

    /// What is known of the exact `key` of an address, through the dictionaries: newest first, the first
    /// that holds the key decides.
    ///
    /// Cost: 1 to 2 µs a segment; the first call reads each dictionary whole for its checksum.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Untrusted`] when a dictionary is damaged.
    pub fn confirm(&self, key: &[u8]) -> Result<Confirmed> {
        let found = |recorded: Option<Blocks>| match recorded {
            None | Some(Blocks::NONE) => Confirmed::Absent,
            Some(blocks) => Confirmed::Present(blocks),
        };
        if let Some(&blocks) = self.0.overlay.addresses().get(key) {
            return Ok(found(blocks));
        }
        for segment in &self.0.levels {
            let Some(dictionary) = segment.dictionary()? else { return Ok(Confirmed::Unknown) };
            if let Some(state) = dictionary.get(key) {
                return Ok(found(recorded(state)));
            }
        }
        Ok(Confirmed::Absent)
    }

    /// Says whether every segment has a dictionary, so that [`Snapshot::search`] can answer.
    #[must_use]
    pub fn has_dictionary(&self) -> bool {
        self.0.levels.iter().all(|segment| segment.has_dictionary())
    }

    pub(super) fn overlay(&self) -> &Overlay {
        &self.0.overlay
    }

    /// The dictionaries of all levels, newest first.
    pub(super) fn dictionaries(&self) -> Result<Vec<fst::Map<Blob>>> {
        let of = |segment: &Arc<Segment>| segment.dictionary()?.ok_or_else(fault::no_dictionary);
        self.0.levels.iter().map(of).collect()
    }
}

impl Inner {
    /// Calls `found` for every hash whose answer is not [`Blocks::NONE`], by ascending position.
    #[inline(always)]
    fn for_each_hit(&self, hashes: &[Hash], now: Timestamp, mut found: impl FnMut(usize, Blocks)) {
        let mut groups = hashes.chunks(GROUP);
        let mut next = groups.next().unwrap_or_default();
        self.prefetch(next);
        // A candidate in seven goes on to a second line, so it waits for one group more.
        let (mut waiting, mut candidates, mut start): (&[Hash], Group, usize) = (&[], 0, 0);
        while !next.is_empty() || candidates != 0 {
            let group = next;
            next = groups.next().unwrap_or_default();
            self.prefetch(next);
            let new = self.candidates(group);
            for at in bits(new) {
                self.prefetch_second(group[at]);
            }
            for at in bits(candidates) {
                let blocks = self.get(waiting[at], now);
                if blocks != Blocks::NONE {
                    found(start + at, blocks);
                }
            }
            start += waiting.len();
            (waiting, candidates) = (group, new);
        }
    }

    #[inline(always)]
    fn prefetch_second(&self, hash: Hash) {
        for segment in &self.levels {
            segment.prefetch_second(hash);
        }
    }

    #[inline(always)]
    fn prefetch(&self, group: &[Hash]) {
        for segment in &self.levels {
            segment.prefetch(group);
        }
    }

    /// The hashes of the group that any level may hold: each other one's answer is `NONE`.
    #[inline(always)]
    fn candidates(&self, group: &[Hash]) -> Group {
        let mut candidates = 0;
        for segment in &self.levels {
            candidates |= segment.candidates(group);
        }
        if !self.overlay.is_empty() {
            for (at, &hash) in group.iter().enumerate() {
                candidates |= Group::from(self.overlay.get(hash).is_some()) << at;
            }
        }
        candidates
    }

    #[inline(always)]
    fn get(&self, hash: Hash, now: Timestamp) -> Blocks {
        if !self.overlay.is_empty()
            && let Some(state) = self.overlay.get(hash)
        {
            return state.at(now);
        }
        for segment in &self.levels {
            if let Some(state) = segment.get(hash) {
                let blocks = Blocks::from_bits(state);
                if blocks.contains(Blocks::EXPIRING) {
                    return with_unexpired(segment, hash, blocks, now);
                }
                return blocks;
            }
        }
        Blocks::NONE
    }
}

/// The positions of the bits set, ascending.
#[inline(always)]
fn bits(mut set: Group) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = set.trailing_zeros() as usize;
        set = set.checked_sub(1).map(|below| set & below)?;
        Some(at)
    })
}

/// Adds the bits whose instant is still to come, of the same segment that gave `blocks`: an older one's
/// instants belong to a state that no longer holds.
#[cold]
fn with_unexpired(segment: &Segment, hash: Hash, blocks: Blocks, now: Timestamp) -> Blocks {
    segment
        .expiring(hash)
        .filter(|row| now.as_micros() < row.at)
        .fold(blocks, |blocks, row| blocks.union(Blocks::from_bits(row.bits)))
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot")
            .field("generation", &self.0.at.generation)
            .field("cursor", &self.0.at.cursor)
            .field("segments", &self.0.levels.len())
            .field("overlay", &self.0.overlay.len())
            .finish()
    }
}

#[cfg(test)]
mod tests;
