//! Removing files that are no part of the index any more.

use super::{Index, fault};
use crate::error::Result;
use crate::storage::Lock;

impl Index {
    /// Removes the segments no manifest names, and what crashed writers left half-written; gives the
    /// names. Every commit does so too. Readers that have a segment open keep it.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Untrusted`] when the index can't be trusted or a file can't be removed.
    pub fn sweep(&mut self) -> Result<Vec<String>> {
        let lock = self.lock()?;
        self.reload()?;
        let swept = self.try_sweep(&lock)?;
        // Not for safety: a file that comes back after a power cut is swept again.
        self.directory.sync().map_err(|error| fault::writing("sync its directory", error))?;
        Ok(swept)
    }

    /// Sweeps after a commit, which is durable by now: a file that can't be removed today is no reason to
    /// call it failed.
    pub(super) fn sweep_under(&self, lock: &Lock) {
        let _ = self.try_sweep(lock);
    }

    fn try_sweep(&self, _: &Lock) -> Result<Vec<String>> {
        let mut swept = Vec::new();
        let names =
            self.directory.list().map_err(|error| fault::writing("list its directory", error))?;
        for name in names {
            let listed = self.manifest.segments.iter().any(|segment| segment.name == name);
            if !listed && is_ours(&name) {
                self.directory
                    .remove(&name)
                    .map_err(|error| fault::writing("sweep its directory", error))?;
                swept.push(name);
            }
        }
        Ok(swept)
    }
}

/// A segment, or a file that was never finished. Others are somebody else's, and stay.
fn is_ours(name: &str) -> bool {
    name.ends_with(".seg") || name.contains(".tmp")
}
