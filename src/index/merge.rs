//! When to merge segments, and which.
//!
//! Every segment costs a look-up one more probe, and every merge writes its segments once more. So the
//! newest segments are merged when there are too many, with older ones as long as those are no more than
//! twice as large: an entry is then written again about once for each doubling. When the newer segments
//! together outgrow a quarter of the oldest, all are merged, and tombstones dropped.

use std::ops::Range;
use std::sync::Arc;

use super::Index;
use super::manifest::Manifest;
use crate::error::Result;
use crate::segment::{self, Merged, Meta, Segment};
use crate::storage::Lock;

/// How many segments an index has at most after [`Index::merge_if_needed`], when they can be merged.
pub const SEGMENTS_MAX: usize = 8;

/// The part of the oldest segment, as its divisor, that the newer ones may reach together.
const DELTAS_DIVISOR: u64 = 4;

/// What [`Index::merge_if_needed`] did or asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a rebuild may be due"]
pub enum Upkeep {
    /// Nothing was to do.
    Nothing,
    /// Segments were merged.
    Merged,
    /// Segments should be merged but can't be: build the index anew with [`Index::replace_all`]. Until
    /// then answers are right and slower.
    RebuildDue,
}

impl Index {
    /// Merges segments when there are more than [`SEGMENTS_MAX`], or when the newer ones together are
    /// larger than a quarter of the oldest. Answers, generation and cursor stay the same.
    ///
    /// Cost: nothing when nothing is due; else reading and writing the merged segments. The lock is held
    /// meanwhile: writers wait, readers do not.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Untrusted`] when a segment is damaged or the result can't be written.
    pub fn merge_if_needed(&mut self) -> Result<Upkeep> {
        if due(&self.sizes()).is_none() {
            return Ok(Upkeep::Nothing);
        }
        let lock = self.lock()?;
        self.reload()?;
        let Some(run) = due(&self.sizes()) else { return Ok(Upkeep::Nothing) };
        if self.merge(&lock, run.clone())? {
            return Ok(Upkeep::Merged);
        }
        // The oldest can't take part. The others still can, and must when they are too many.
        if run.start == 0 && self.levels.len() > SEGMENTS_MAX {
            self.merge(&lock, 1..self.levels.len())?;
        }
        Ok(Upkeep::RebuildDue)
    }

    fn sizes(&self) -> Vec<u64> {
        self.manifest.segments.iter().map(|segment| segment.entries).collect()
    }

    /// Puts one segment in place of those of `run`; `false` when they can't be merged.
    fn merge(&mut self, lock: &Lock, run: Range<usize>) -> Result<bool> {
        let levels = self.levels.get(run.clone()).unwrap_or_default();
        let segments: Vec<&Segment> = levels.iter().map(Arc::as_ref).collect();
        // A tombstone hides an older entry; without an older segment there is none to hide.
        let drop_tombstones = run.start == 0;
        let (directory, identity) = (&*self.directory, &self.identity.segment);
        let meta: Option<Meta> = match segment::merge(&segments, drop_tombstones)? {
            Merged::NeedsRebuild => return Ok(false),
            Merged::Contents(contents) if contents.entries.is_empty() => None,
            Merged::Contents(contents) => Some(segment::write(directory, identity, contents)?),
            Merged::Updated(updated) => Some(segment::write_updated(directory, identity, updated)?),
        };
        let mut manifest: Manifest = self.manifest.clone();
        manifest.segments.splice(run, meta);
        self.publish(lock, manifest, &self.levels.clone())?;
        self.sweep_under(lock);
        Ok(true)
    }
}

/// Which segments to merge, by their entries, oldest first; always up to the newest.
fn due(sizes: &[u64]) -> Option<Range<usize>> {
    let (&oldest, newer) = sizes.split_first()?;
    let count = sizes.len();
    if newer.iter().sum::<u64>() > oldest / DELTAS_DIVISOR {
        return Some(0..count);
    }
    if count <= SEGMENTS_MAX {
        return None;
    }
    let (mut start, mut sum) = (count, 0_u64);
    while start > 1 {
        let size = sizes.get(start - 1).copied().unwrap_or_default();
        // What is merged becomes one, so `start` segments stay besides it.
        let enough = start < SEGMENTS_MAX && start < count;
        if enough && size > sum.saturating_mul(2) {
            break;
        }
        sum += size;
        start -= 1;
    }
    Some(start..count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_due_for_few_small_segments() {
        assert_eq!(due(&[]), None);
        assert_eq!(due(&[0]), None);
        assert_eq!(due(&[100, 5, 5, 5, 5, 3, 1, 1]), None);
    }

    #[test]
    fn all_are_merged_when_the_newer_outgrow_a_quarter_of_the_oldest() {
        assert_eq!(due(&[100, 25]), None);
        assert_eq!(due(&[100, 20, 6]), Some(0..3));
        assert_eq!(due(&[0, 1]), Some(0..2));
    }

    #[test]
    fn the_small_newest_are_merged_and_large_ones_left() {
        assert_eq!(due(&[10_000, 900, 800, 1, 1, 1, 1, 1, 1]), Some(3..9));
        assert_eq!(due(&[10_000, 1, 1, 1, 1, 1, 1, 1, 1]), Some(1..9));
        // Each more than twice as large as all after it: the fewest possible.
        assert_eq!(due(&[100_000, 2187, 729, 243, 81, 27, 9, 3, 1]), Some(7..9));
    }

    /// The claim of the head of this file: few segments always, and few rewrites of an entry.
    #[test]
    fn segments_stay_few_and_rewrites_logarithmic() {
        let (mut sizes, mut written) = (vec![1_000_000], 0);
        for _ in 0..10_000 {
            sizes.push(10);
            if let Some(run) = due(&sizes) {
                let sum = sizes[run.clone()].iter().sum();
                written += sum;
                sizes.splice(run, [sum]);
            }
            assert!(sizes.len() <= SEGMENTS_MAX, "{sizes:?}");
        }
        assert!(written < 10 * 100_000, "{written} entries written again for 100,000 committed");
    }
}
