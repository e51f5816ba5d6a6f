//! A reader of JSON that knows where it is.

use std::cell::RefCell;
use std::io::{self, BufRead, Read};

/// Where a reader of JSON is.
pub(super) struct Tracked<R> {
    input: R,
    pub(super) bytes: u64,
    pub(super) line: u64,
    last: u8,
    /// What was read since a row began.
    pub(super) row: Option<Vec<u8>>,
    row_max: usize,
    /// Whether the last document with rows says that there are more.
    pub(super) more_pages: bool,
    /// Rows so far, and the most that a document says there are in all.
    pub(super) rows: u64,
    pub(super) total: u64,
}

/// The same reader, for the parser: it asks for one byte at a time, so what was given to it is what it
/// has understood.
pub(super) struct Tap<'t, R>(pub(super) &'t RefCell<Tracked<R>>);

impl<R: BufRead> Read for Tap<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.0.borrow_mut().read(into)
    }
}

impl<R> Tracked<R> {
    /// A reader at the start of `input`, whose rows may be so long.
    pub(super) fn new(input: R, row_max: usize) -> Self {
        Self {
            input,
            bytes: 0,
            line: 1,
            last: 0,
            row: None,
            row_max,
            more_pages: false,
            rows: 0,
            total: 0,
        }
    }

    /// Begins to record, with the byte that the parser has looked at already; returns its line.
    pub(super) fn record(&mut self) -> u64 {
        self.row = Some(vec![self.last]);
        self.line
    }

    /// Ends recording: what was recorded, and how many bytes were read by now.
    pub(super) fn recorded(&mut self) -> (Vec<u8>, u64) {
        (self.row.take().unwrap_or_default(), self.bytes)
    }
}

impl<R> Tracked<R> {
    /// Says whether the list goes on after the last document.
    pub(super) fn is_cut(&self) -> bool {
        self.more_pages || self.rows < self.total
    }
}

impl<R: BufRead> Tracked<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Some(to) = into.first_mut() else { return Ok(0) };
        let Some(byte) = self.input.fill_buf()?.first().copied() else { return Ok(0) };
        self.input.consume(1);
        *to = byte;
        self.bytes += 1;
        self.line += u64::from(byte == b'\n');
        self.last = byte;
        if let Some(row) = &mut self.row {
            row.push(byte);
            if row.len() > self.row_max {
                return Err(io::Error::other(format!("a row over {} bytes", self.row_max)));
            }
        }
        Ok(1)
    }

    /// Goes on to the next document; false at the end.
    pub(super) fn skip_space(&mut self) -> io::Result<bool> {
        loop {
            match self.input.fill_buf()?.first() {
                None => return Ok(false),
                Some(byte) if byte.is_ascii_whitespace() => {
                    self.read(&mut [0])?;
                }
                // A byte-order mark, which only the start of a file has.
                Some(0xef) if self.bytes == 0 => {
                    for _ in 0..3 {
                        self.read(&mut [0])?;
                    }
                }
                Some(_) => return Ok(true),
            }
        }
    }
}
