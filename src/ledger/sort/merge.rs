//! Sorted runs, merged into one stream.

use super::buffer::{Buffer, prefix};
use super::{READ_BYTES, spool_error};
use crate::error::Result;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};

/// Hands rows out.
pub(in crate::ledger) struct Sorted {
    heads: BinaryHeap<Head>,
    /// The top head's row was handed out, and is replaced before the next is.
    taken: bool,
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

impl Sorted {
    pub(super) fn new(runs: Vec<File>, buffer: Buffer) -> io::Result<Self> {
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
    pub(in crate::ledger) fn next(&mut self) -> Result<Option<(&[u8], &[u8])>> {
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

/// A run is rows, each two lengths of four bytes (little-endian) and its bytes.
pub(super) fn write_row(run: &mut BufWriter<File>, sort: &[u8], payload: &[u8]) -> io::Result<()> {
    let length = |bytes: &[u8]| u32::try_from(bytes.len()).map_err(io::Error::other);
    run.write_all(&length(sort)?.to_le_bytes())?;
    run.write_all(&length(payload)?.to_le_bytes())?;
    run.write_all(sort)?;
    run.write_all(payload)
}
