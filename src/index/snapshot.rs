//! Look-ups: of each key the newest state.

use std::fmt;
use std::sync::Arc;

use super::dictionary::recorded;
use super::{Overlay, Position, fault};
use crate::error::Result;
use crate::record::{Blocks, Timestamp};
use crate::segment::{Hash, Segment};
use crate::storage::Blob;

/// How many look-ups ahead a cache line is asked for: enough for a miss to memory (some 100 ns) to
/// pass, few enough that the line is still cached when its turn comes. Of 8, 16 and 32 this was the fastest
/// at a million entries (benches/look_up.rs), on a machine with other work.
const PREFETCH_AHEAD: usize = 16;

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
    #[inline]
    #[must_use]
    pub fn get(&self, hash: Hash, now: Timestamp) -> Blocks {
        self.0.get(hash, now)
    }

    /// [`Snapshot::get`] for many hashes: `out` is cleared and gets one answer for each, in order.
    ///
    /// Cost: as `get`, but the cache misses of neighbours overlap: some 20 to 50 ns each at a million
    /// entries, where `get` takes 60 to 130. Allocates only when `out` is too
    /// small, so a caller that keeps it pays once.
    pub fn look_up(&self, hashes: &[Hash], now: Timestamp, out: &mut Vec<Blocks>) {
        let inner = &*self.0;
        for &hash in hashes.iter().take(PREFETCH_AHEAD) {
            inner.prefetch(hash);
        }
        out.clear();
        out.extend(hashes.iter().enumerate().map(|(at, &hash)| {
            if let Some(&ahead) = hashes.get(at + PREFETCH_AHEAD) {
                inner.prefetch(ahead);
            }
            inner.get(hash, now)
        }));
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
    #[inline]
    fn prefetch(&self, hash: Hash) {
        for segment in &self.levels {
            segment.prefetch(hash);
        }
    }

    #[inline]
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
