//! What a look-up need not read: every byte checked, and the entries counted as one view.

use super::Index;
use crate::error::Result;

impl Index {
    /// Reads every byte of every segment, the dictionaries included, and checks what must hold.
    ///
    /// Cost: one pass over the index, and one over the keys of the dictionaries.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Untrusted`] for the first fault.
    pub fn verify(&self) -> Result<()> {
        self.levels.iter().try_for_each(|segment| segment.verify())
    }

    /// How many keys have a state, the newest of each counted and tombstones not: what the ledger must
    /// have too. `None` when it can't be told before a rebuild, because a newer segment stores no full
    /// hashes.
    ///
    /// Cost: one probe in each segment for every entry of the newer segments; the oldest is not read.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Untrusted`] when a segment's full hashes are damaged.
    pub fn live_entries(&self) -> Result<Option<u64>> {
        let Some((oldest, newer)) = self.levels.split_first() else { return Ok(Some(0)) };
        let mut live = oldest.meta().entries.saturating_sub(oldest.meta().tombstones);
        for (at, segment) in newer.iter().enumerate() {
            let newest = newer.get(at + 1..).unwrap_or_default();
            let Some(entries) = segment.entries()? else { return Ok(None) };
            for entry in entries {
                if newest.iter().any(|segment| segment.get(entry.hash).is_some()) {
                    continue;
                }
                let before = oldest.get(entry.hash).is_some_and(|state| state != 0);
                match (before, entry.state != 0) {
                    (false, true) => live += 1,
                    (true, false) => live = live.saturating_sub(1),
                    _ => {}
                }
            }
        }
        Ok(Some(live))
    }
}
