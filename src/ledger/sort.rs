//! Sorts more rows than memory holds: sorted runs in nameless files, merged.
//!
//! Rows are (sort bytes, payload bytes) and come back in the order of their sort bytes; equal ones in
//! the order they were pushed, so that "the first of equals wins" holds across runs.

use crate::error::{Error, Result};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

/// Buffered bytes, bookkeeping included, at which a run is written.
pub(super) const RUN_BYTES: usize = 64 << 20;
/// Open runs at which they are merged into one, so that the number of open files stays bounded.
const RUNS_MAX: usize = 128;
const READ_BYTES: usize = 256 << 10;

/// Takes rows in.
pub(super) struct Sorter {
    directory: PathBuf,
    run_bytes: usize,
    runs_max: usize,
    buffer: Buffer,
    runs: Vec<File>,
    len: u64,
}

/// Hands rows out.
pub(super) struct Sorted {
    heads: BinaryHeap<Head>,
    /// The top head's row was handed out, and is replaced before the next is.
    taken: bool,
}

/// Rows in memory: one arena, and one small entry a row to sort instead of it.
#[derive(Default)]
struct Buffer {
    arena: Vec<u8>,
    rows: Vec<Row>,
}

#[derive(Clone, Copy)]
struct Row {
    /// The first eight sort bytes, big-endian and zero-padded: decides most comparisons.
    prefix: u64,
    offset: usize,
    sort: u32,
    payload: u32,
}

/// One source of the merge, and its current row.
struct Head {
    prefix: u64,
    sort: Vec<u8>,
    payload: Vec<u8>,
    /// Position among the sources: earlier runs hold earlier rows.
    order: usize,
    source: Source,
}

enum Source {
    Run(BufReader<File>),
    Memory(Buffer, usize),
}

impl Sorter {
    /// A sorter that spools to nameless files in `directory`.
    pub(super) fn new(directory: PathBuf, run_bytes: usize) -> Self {
        Self {
            directory,
            run_bytes,
            runs_max: RUNS_MAX,
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

    /// Ends the input. Memory: the last buffer and 256 KiB a run.
    pub(super) fn finish(mut self) -> Result<Sorted> {
        self.buffer.sort();
        let buffer = std::mem::take(&mut self.buffer);
        Sorted::new(std::mem::take(&mut self.runs), buffer).map_err(spool_error)
    }

    fn spill(&mut self) -> Result<()> {
        if self.buffer.rows.is_empty() {
            return Ok(());
        }
        if self.runs.len() >= self.runs_max {
            // The merged run holds the oldest rows and stands first, so arrival order is kept.
            let runs = std::mem::take(&mut self.runs);
            let mut sorted = Sorted::new(runs, Buffer::default()).map_err(spool_error)?;
            let mut merged = self.run()?;
            while let Some((sort, payload)) = sorted.next()? {
                write_row(&mut merged, sort, payload).map_err(spool_error)?;
            }
            self.runs.push(merged.into_inner().map_err(|error| spool_error(error.into()))?);
        }
        self.buffer.sort();
        let mut run = self.run()?;
        for row in &self.buffer.rows {
            let (sort, payload) = self.buffer.row(row);
            write_row(&mut run, sort, payload).map_err(spool_error)?;
        }
        self.runs.push(run.into_inner().map_err(|error| spool_error(error.into()))?);
        self.buffer.clear();
        Ok(())
    }

    fn run(&self) -> Result<BufWriter<File>> {
        let file = tempfile::tempfile_in(&self.directory).map_err(spool_error)?;
        Ok(BufWriter::with_capacity(READ_BYTES, file))
    }
}

impl Sorted {
    fn new(runs: Vec<File>, buffer: Buffer) -> io::Result<Self> {
        let mut heads = BinaryHeap::with_capacity(runs.len() + 1);
        let mut sources = Vec::with_capacity(runs.len() + 1);
        for mut run in runs {
            run.seek(SeekFrom::Start(0))?;
            sources.push(Source::Run(BufReader::with_capacity(READ_BYTES, run)));
        }
        sources.push(Source::Memory(buffer, 0));
        for (order, source) in sources.into_iter().enumerate() {
            let mut head = Head { prefix: 0, sort: Vec::new(), payload: Vec::new(), order, source };
            if head.advance()? {
                heads.push(head);
            }
        }
        Ok(Self { heads, taken: false })
    }

    /// The next row: its sort bytes and its payload.
    pub(super) fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
        if self.taken
            && let Some(mut top) = self.heads.peek_mut()
            && !top.advance().map_err(spool_error)?
        {
            PeekMut::pop(top);
        }
        self.taken = true;
        Ok(self.heads.peek().map(|head| (head.sort.as_slice(), head.payload.as_slice())))
    }
}

impl Buffer {
    fn bytes(&self) -> usize {
        self.arena.len() + self.rows.len() * size_of::<Row>()
    }

    fn push(&mut self, sort: &[u8], payload: &[u8]) -> Result<()> {
        let row = Row {
            prefix: prefix(sort),
            offset: self.arena.len(),
            sort: length(sort)?,
            payload: length(payload)?,
        };
        self.arena.extend_from_slice(sort);
        self.arena.extend_from_slice(payload);
        self.rows.push(row);
        Ok(())
    }

    fn row(&self, row: &Row) -> (&[u8], &[u8]) {
        let (sort, payload) = (row.sort as usize, row.payload as usize);
        self.arena[row.offset..row.offset + sort + payload].split_at(sort)
    }

    fn sort(&mut self) {
        let mut rows = std::mem::take(&mut self.rows);
        // The offset grows with arrival: with it as the last word, an unstable sort is stable.
        rows.sort_unstable_by(|a, b| {
            a.prefix
                .cmp(&b.prefix)
                .then_with(|| self.row(a).0.cmp(self.row(b).0))
                .then_with(|| a.offset.cmp(&b.offset))
        });
        self.rows = rows;
    }

    fn clear(&mut self) {
        self.arena.clear();
        self.rows.clear();
    }
}

impl Head {
    /// Reads the source's next row; `false` at its end.
    fn advance(&mut self) -> io::Result<bool> {
        self.sort.clear();
        self.payload.clear();
        match &mut self.source {
            Source::Memory(buffer, next) => {
                let Some(row) = buffer.rows.get(*next) else { return Ok(false) };
                *next += 1;
                let (sort, payload) = buffer.row(row);
                self.sort.extend_from_slice(sort);
                self.payload.extend_from_slice(payload);
            }
            Source::Run(run) => {
                let mut lengths = [0; 8];
                match run.read_exact(&mut lengths) {
                    Ok(()) => {}
                    Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
                    Err(error) => return Err(error),
                }
                let [a, b, c, d, e, f, g, h] = lengths;
                self.sort.resize(u32::from_le_bytes([a, b, c, d]) as usize, 0);
                self.payload.resize(u32::from_le_bytes([e, f, g, h]) as usize, 0);
                run.read_exact(&mut self.sort)?;
                run.read_exact(&mut self.payload)?;
            }
        }
        self.prefix = prefix(&self.sort);
        Ok(true)
    }
}

impl Ord for Head {
    /// Reversed: the heap's greatest is the smallest row, and of equals the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .prefix
            .cmp(&self.prefix)
            .then_with(|| other.sort.cmp(&self.sort))
            .then_with(|| other.order.cmp(&self.order))
    }
}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

fn write_row(run: &mut BufWriter<File>, sort: &[u8], payload: &[u8]) -> io::Result<()> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
    run.write_all(&length(sort)?.to_le_bytes())?;
    run.write_all(&length(payload)?.to_le_bytes())?;
    run.write_all(sort)?;
    run.write_all(payload)
}

fn prefix(sort: &[u8]) -> u64 {
    let mut bytes = [0; 8];
    let shared = sort.len().min(8);
    bytes[..shared].copy_from_slice(&sort[..shared]);
    u64::from_be_bytes(bytes)
}

fn length(bytes: &[u8]) -> Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| Error::input("a row is longer than 4 GiB"))
}

fn spool_error(error: io::Error) -> Error {
    Error::untrusted(format!("cannot spool the import: {error}"))
        .with_hint("make room in the store's directory; nothing of the file was applied")
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
        ) {
            let mut sorter = Sorter::new(std::env::temp_dir(), run_bytes);
            sorter.runs_max = 3;
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
