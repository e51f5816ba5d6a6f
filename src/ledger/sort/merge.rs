//! Sorted runs, merged into one stream.

use super::block::Block;
use super::buffer::{Buffer, LENGTHS, lengths, prefix};
use super::{READ_BYTES, damaged_run};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

/// Merges runs and rows in memory.
pub(super) struct Merge {
    heads: BinaryHeap<Top>,
}

/// A source at its current row: what decides most comparisons, and where the rest is.
struct Top {
    prefix: u64,
    head: Box<Head>,
}

/// One source of the merge, and its current row.
struct Head {
    /// Position among the sources: earlier runs hold earlier rows.
    order: usize,
    source: Source,
}

enum Source {
    Run(Run),
    /// Sorted rows, and which of them is at hand.
    Memory(Buffer, usize),
}

/// A run that is read block by block.
struct Run {
    file: File,
    bytes: Vec<u8>,
    /// Where the row at hand begins, and the next one.
    at: usize,
    next: usize,
    filled: usize,
}

impl Merge {
    /// Earlier runs first, then the rows in memory, which are sorted.
    pub(super) fn new(runs: Vec<File>, buffer: Buffer) -> io::Result<Self> {
        let mut sources = Vec::with_capacity(runs.len() + 1);
        for mut file in runs {
            file.seek(SeekFrom::Start(0))?;
            let bytes = vec![0; READ_BYTES];
            let mut run = Run { file, bytes, at: 0, next: 0, filled: 0 };
            if run.advance()? {
                sources.push(Source::Run(run));
            }
        }
        if buffer.len() > 0 {
            sources.push(Source::Memory(buffer, 0));
        }
        let top = |(order, source)| {
            let head = Box::new(Head { order, source });
            Top { prefix: prefix(head.sort()), head }
        };
        Ok(Self { heads: sources.into_iter().enumerate().map(top).collect() })
    }

    /// Fills a block with the next rows; it stays empty at the end.
    pub(super) fn fill(&mut self, block: &mut Block) -> io::Result<()> {
        block.clear();
        while !block.is_full() {
            let Some(mut top) = self.heads.peek_mut() else { break };
            let (sort, payload) = top.head.row();
            block.push(sort, payload);
            if top.head.advance()? {
                top.prefix = prefix(top.head.sort());
            } else {
                PeekMut::pop(top);
            }
        }
        Ok(())
    }
}

impl Head {
    /// The row at hand, encoded.
    fn bytes(&self) -> &[u8] {
        match &self.source {
            Source::Memory(buffer, place) => buffer.bytes_of(*place).unwrap_or_default(),
            Source::Run(run) => &run.bytes[run.at..run.next],
        }
    }

    fn row(&self) -> (&[u8], &[u8]) {
        let bytes = self.bytes();
        bytes[LENGTHS..].split_at(lengths(bytes).0)
    }

    fn sort(&self) -> &[u8] {
        self.row().0
    }

    /// Goes to the source's next row; `false` at its end.
    fn advance(&mut self) -> io::Result<bool> {
        match &mut self.source {
            Source::Memory(buffer, place) => {
                *place += 1;
                Ok(*place < buffer.len())
            }
            Source::Run(run) => run.advance(),
        }
    }
}

impl Run {
    fn advance(&mut self) -> io::Result<bool> {
        self.at = self.next;
        if !self.have(LENGTHS)? {
            return if self.at == self.filled { Ok(false) } else { Err(damaged_run()) };
        }
        let (sort, payload) = lengths(&self.bytes[self.at..]);
        let length = LENGTHS + sort + payload;
        if !self.have(length)? {
            return Err(damaged_run());
        }
        self.next = self.at + length;
        Ok(true)
    }

    /// Sees to it that so many bytes stand from the row at hand on; `false` when the run has fewer.
    fn have(&mut self, length: usize) -> io::Result<bool> {
        if self.at + length <= self.filled {
            return Ok(true);
        }
        self.bytes.copy_within(self.at..self.filled, 0);
        self.filled -= self.at;
        self.next -= self.at;
        self.at = 0;
        if self.bytes.len() < length {
            self.bytes.resize(length, 0);
        }
        while self.filled < length {
            match self.file.read(&mut self.bytes[self.filled..]) {
                Ok(0) => return Ok(false),
                Ok(count) => self.filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}

impl Ord for Top {
    /// Reversed: the heap's greatest is the smallest row, and of equals the earliest.
    fn cmp(&self, other: &Self) -> Ordering {
        other
            .prefix
            .cmp(&self.prefix)
            .then_with(|| other.head.sort().cmp(self.head.sort()))
            .then_with(|| other.head.order.cmp(&self.head.order))
    }
}

impl PartialOrd for Top {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Top {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Top {}
