//! Compressed bytes on their way into a decoder, counted.

use std::io::{self, BufRead, Read};

const BUFFER_BYTES: usize = 128 << 10;

/// A buffered reader that knows how many bytes its user took, and whether reading itself failed.
#[derive(Debug)]
pub(super) struct Counted<R> {
    inner: R,
    buffer: Box<[u8]>,
    at: usize,
    filled: usize,
    position: u64,
    failed: bool,
}

impl<R> Counted<R> {
    pub(super) fn new(inner: R) -> Self {
        let buffer = vec![0; BUFFER_BYTES].into_boxed_slice();
        Self { inner, buffer, at: 0, filled: 0, position: 0, failed: false }
    }

    /// How many bytes were taken.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether the input could not be read, which says nothing of what it holds.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    pub(super) fn into_inner(self) -> R {
        self.inner
    }
}

impl<R: Read> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.at == self.filled {
            match self.inner.read(&mut self.buffer) {
                Ok(count) => {
                    (self.at, self.filled) = (0, count);
                    break;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    self.failed = true;
                    return Err(error);
                }
            }
        }
        Ok(&self.buffer[self.at..self.filled])
    }

    fn consume(&mut self, count: usize) {
        self.at = (self.at + count).min(self.filled);
        self.position += count as u64;
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut waiting = self.fill_buf()?;
        let count = waiting.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}
