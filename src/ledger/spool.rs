//! Sorting more rows than memory holds, for whoever writes sorted files.

use super::sort::{RUN_BYTES, Sorter};
use crate::error::Result;
use std::path::PathBuf;

/// Rows on their way to be sorted. Memory: 64 MiB; the rest goes to nameless files.
pub struct Spool(Sorter);

impl Spool {
    /// A spool whose files are in `directory`.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self(Sorter::new(directory, RUN_BYTES))
    }

    /// Takes a row in: what it is sorted by, and what goes with it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when a file can't be written.
    pub fn push(&mut self, sort: &[u8], payload: &[u8]) -> Result<()> {
        self.0.push(sort, payload)
    }

    /// Hands the rows out in order, equal ones in the order they came.
    ///
    /// # Errors
    ///
    /// As [`Spool::push`], and whatever `each` gives.
    pub fn for_each(self, mut each: impl FnMut(&[u8], &[u8]) -> Result<()>) -> Result<()> {
        let mut sorted = self.0.finish()?;
        while let Some((sort, payload)) = sorted.next()? {
            each(sort, payload)?;
        }
        Ok(())
    }
}
