//! An input as chunks that hold whole records, in constant memory.

use super::dialect::Dialect;
use super::splitter::skip_byte_order_mark;
use super::{Records, Structure};
use memchr::memrchr;
use std::io::{self, Read};

/// How much is held at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes a chunk aims at.
    pub chunk_bytes: usize,
    /// How long one record may be, without its line end.
    pub record_bytes_max: usize,
}

impl Default for Limits {
    /// Chunks of 256 KiB, which stay in a core's own cache with all that is made of them, and records of
    /// at most 1 MiB: an unclosed quote is an error with a position, not the rest of the file in memory.
    fn default() -> Self {
        Self { chunk_bytes: 256 << 10, record_bytes_max: 1 << 20 }
    }
}

/// A reusable buffer with one chunk in it.
#[derive(Debug, Default)]
pub struct ChunkBuffer {
    // Always at its full length: growing a Vec would zero or fault in fresh pages for every chunk.
    bytes: Vec<u8>,
    length: usize,
    structure: Structure,
    /// Bytes of the input before this chunk.
    pub offset: u64,
    /// Where the first record begins: after a byte-order mark in the first chunk, else 0.
    pub from: usize,
    /// Whether the input ends with this chunk.
    pub last: bool,
}

impl ChunkBuffer {
    /// The chunk.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The chunk's records, from [`ChunkBuffer::from`] on.
    ///
    /// Only before [`ChunkBuffer::bytes_mut`] has changed anything.
    #[must_use]
    #[inline(always)]
    pub fn records(&self, dialect: Dialect, limits: Limits) -> Records<'_> {
        Records::new(self.bytes(), self.from, &self.structure, dialect, limits)
    }

    /// The chunk, to be compacted in place.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(..self.length).unwrap_or_default()
    }
}

/// Where a record ends.
#[derive(Debug, Clone, Copy)]
enum Framing {
    /// At a line end outside of quotes.
    Delimited(Dialect),
    /// At any line feed.
    Lines,
}

/// Reads an input chunk by chunk.
#[derive(Debug)]
pub struct Chunks<R> {
    input: R,
    framing: Framing,
    limits: Limits,
    carry: Vec<u8>,
    offset: u64,
    started: bool,
    ended: bool,
}

impl<R: Read> Chunks<R> {
    /// Chunks of `input`.
    pub fn new(input: R, dialect: Dialect, limits: Limits) -> Self {
        Self::framed(input, Framing::Delimited(dialect), limits)
    }

    /// Chunks of an `input` whose records are lines, whatever stands in them: they have no
    /// [`records`](ChunkBuffer::records).
    pub fn of_lines(input: R, limits: Limits) -> Self {
        Self::framed(input, Framing::Lines, limits)
    }

    fn framed(input: R, framing: Framing, limits: Limits) -> Self {
        Self { input, framing, limits, carry: Vec::new(), offset: 0, started: false, ended: false }
    }

    /// Fills `buffer` with the next chunk; `false` at the end of the input. The first chunk is given
    /// even when the input is empty.
    ///
    /// A chunk ends where a record ends, unless it is the last, or one record is over the limit: then
    /// the chunk is marked as the last one and splitting it gives the fault.
    ///
    /// # Errors
    ///
    /// Whatever reading the input gives.
    #[inline(always)]
    pub fn next_chunk(&mut self, buffer: &mut ChunkBuffer) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        let wanted = self.limits.chunk_bytes.max(self.carry.len() + 1);
        if buffer.bytes.len() < wanted {
            buffer.bytes.resize(wanted, 0);
        }
        buffer.bytes[..self.carry.len()].copy_from_slice(&self.carry);
        let mut length = self.carry.len();
        self.carry.clear();
        buffer.offset = self.offset;
        buffer.from = 0;
        loop {
            let filled = self.read_full(&mut buffer.bytes[length..])?;
            length += filled;
            if !self.started && length >= 3 || filled == 0 {
                buffer.from =
                    if self.started { 0 } else { skip_byte_order_mark(&buffer.bytes[..length]) };
            }
            let text = &buffer.bytes[..length];
            let from = buffer.from.min(length);
            if let Framing::Delimited(dialect) = self.framing {
                buffer.structure.scan(text, from, dialect.delimiter());
            }
            if length < buffer.bytes.len() {
                self.ended = true;
                break;
            }
            let end = match self.framing {
                Framing::Delimited(_) => buffer.structure.last_record_end(text),
                Framing::Lines => memrchr(b'\n', text).map(|feed| feed + 1),
            };
            if let Some(end) = end {
                self.carry.extend_from_slice(&text[end..]);
                length = end;
                break;
            }
            // Two bytes for a line end that may stand behind a record of exactly the limit.
            if length - from > self.limits.record_bytes_max + 2 {
                self.ended = true;
                break;
            }
            buffer.bytes.resize(length * 2, 0);
        }
        self.started = true;
        self.offset += length as u64;
        buffer.length = length;
        buffer.last = self.ended;
        Ok(true)
    }

    /// Gives the input back.
    pub fn into_inner(self) -> R {
        self.input
    }

    /// Reads until `into` is full or the input ends.
    fn read_full(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while filled < into.len() {
            match self.input.read(&mut into[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(filled)
    }
}
