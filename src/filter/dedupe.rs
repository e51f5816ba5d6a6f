//! A key already kept withholds later rows.

use super::judge::Judged;
use crate::record::Reason;
use crate::segment::Hash;
use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

/// The keys kept so far, as their keyed 128-bit hashes.
///
/// Memory: 17 bytes a slot, so 20 to 40 bytes a kept key.
#[derive(Debug, Default)]
pub(super) struct Kept(HashSet<Hash, BuildHasherDefault<AlreadyHashed>>);

/// The key is a keyed hash already; its first word is as good as any hash of it.
#[derive(Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _bytes: &[u8]) {}

    fn write_u64(&mut self, word: u64) {
        self.0 ^= word;
    }
}

impl Kept {
    /// Marks the rows of one chunk whose key was kept before; chunks must come in input order.
    pub fn mark_duplicates(&mut self, judged: &mut Judged) {
        let probes: Vec<(usize, Hash)> = judged.address_hashes().collect();
        for of_row in probes.chunk_by(|one, other| one.0 == other.0) {
            let Some((row, _)) = of_row.first() else { continue };
            let row = &mut judged.rows[*row];
            if !row.reasons.is_empty() {
                continue;
            }
            if of_row.iter().any(|(_, hash)| self.0.contains(hash)) {
                row.reasons.insert(Reason::Duplicate);
            } else {
                self.0.extend(of_row.iter().map(|(_, hash)| *hash));
            }
        }
    }
}
