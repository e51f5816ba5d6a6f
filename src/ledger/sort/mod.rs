//! Sorts more rows than memory holds: sorted runs in nameless files, merged.
//!
//! Rows are (sort bytes, payload bytes) and come back in the order of their sort bytes; equal ones in
//! the order they were pushed, so that "the first of equals wins" holds across runs.

mod block;
mod buffer;
mod merge;
mod sorted;

use crate::error::{Error, Result};
pub(super) use block::Block;
pub(super) use buffer::Buffer;
use merge::Merge;
pub(super) use sorted::Sorted;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::PathBuf;

/// Buffered bytes, bookkeeping included, at which a run is written.
pub(super) const RUN_BYTES: usize = 64 << 20;
/// Open runs at which they are merged into one, so that the number of open files stays bounded.
const RUNS_MAX: usize = 128;
const READ_BYTES: usize = 256 << 10;
/// Rows from which merging goes on beside their use.
const AHEAD_ROWS: u64 = 50_000;

/// Takes rows in.
pub(super) struct Sorter {
    directory: PathBuf,
    run_bytes: usize,
    runs_max: usize,
    ahead_rows: u64,
    buffer: Buffer,
    runs: Vec<File>,
    len: u64,
}

impl Sorter {
    /// A sorter that spools to nameless files in `directory`.
    pub(super) fn new(directory: PathBuf, run_bytes: usize) -> Self {
        Self {
            directory,
            run_bytes,
            runs_max: RUNS_MAX,
            ahead_rows: AHEAD_ROWS,
            buffer: Buffer::default(),
            runs: Vec::new(),
            len: 0,
        }
    }

    /// How many rows were pushed.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    pub(super) fn push(&mut self, sort: &[u8], payload: &[u8]) -> Result<()> {
        if self.buffer.bytes() + sort.len() + payload.len() > self.run_bytes {
            self.spill()?;
        }
        self.buffer.push(sort, payload)?;
        self.len += 1;
        Ok(())
    }

    /// Takes rows in that were gathered elsewhere, as if each were pushed.
    pub(super) fn append(&mut self, rows: &Buffer) -> Result<()> {
        if self.buffer.bytes() + rows.bytes() > self.run_bytes {
            self.spill()?;
        }
        self.buffer.append(rows)?;
        self.len += rows.len() as u64;
        Ok(())
    }

    /// Ends the input. Memory: the last buffer, 256 KiB a run, and six blocks of 256 KiB.
    pub(super) fn finish(mut self) -> Result<Sorted> {
        self.buffer.sort();
        let buffer = std::mem::take(&mut self.buffer);
        Merge::new(std::mem::take(&mut self.runs), buffer)
            .and_then(|merge| Sorted::new(merge, self.len >= self.ahead_rows))
            .map_err(spool_error)
    }

    fn spill(&mut self) -> Result<()> {
        if self.buffer.len() == 0 {
            return Ok(());
        }
        if self.runs.len() >= self.runs_max {
            // The merged run holds the oldest rows and stands first, so arrival order is kept.
            let runs = std::mem::take(&mut self.runs);
            let merged = self.merged(runs)?;
            self.runs.push(merged);
        }
        self.buffer.sort();
        let mut run = self.file()?;
        self.buffer.write(&mut run).map_err(spool_error)?;
        self.runs.push(run);
        self.buffer.clear();
        Ok(())
    }

    fn merged(&self, runs: Vec<File>) -> Result<File> {
        let merge = Merge::new(runs, Buffer::default()).map_err(spool_error)?;
        let mut sorted = Sorted::new(merge, false).map_err(spool_error)?;
        let mut run = BufWriter::with_capacity(READ_BYTES, self.file()?);
        let mut rows = Buffer::default();
        while let Some(block) = sorted.next_block()? {
            rows.clear();
            for (sort, payload) in block.rows() {
                rows.push(sort, payload)?;
            }
            rows.write(&mut run).map_err(spool_error)?;
        }
        run.flush().map_err(spool_error)?;
        run.into_inner().map_err(|error| spool_error(error.into()))
    }

    fn file(&self) -> Result<File> {
        tempfile::tempfile_in(&self.directory).map_err(spool_error)
    }
}

fn damaged_run() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "a spooled run ends within a row")
}

fn spool_error(error: io::Error) -> Error {
    Error::untrusted(format!("cannot spool the rows to sort: {error}"))
        .with_hint("make room in the store's directory; nothing was changed")
        .with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn rows_come_back_sorted_and_equal_ones_in_order_of_arrival(
            rows in proptest::collection::vec(proptest::collection::vec(0_u8..3, 0..12), 0..300),
            run_bytes in 1_usize..4_000,
            ahead: bool,
        ) {
            let mut sorter = Sorter::new(std::env::temp_dir(), run_bytes);
            sorter.runs_max = 3;
            sorter.ahead_rows = if ahead { 0 } else { u64::MAX };
            let mut want = Vec::new();
            for (arrival, sort) in rows.into_iter().enumerate() {
                let payload = arrival.to_le_bytes().to_vec();
                sorter.push(&sort, &payload).unwrap();
                want.push((sort, payload));
            }
            prop_assert_eq!(sorter.len(), want.len() as u64);
            want.sort_by(|a, b| a.0.cmp(&b.0));
            let mut sorted = sorter.finish().unwrap();
            let mut got = Vec::new();
            while let Some((sort, payload)) = sorted.next().unwrap() {
                got.push((sort.to_vec(), payload.to_vec()));
            }
            prop_assert_eq!(got, want);
        }
    }
}
