//! The first bytes of an input, looked at before it is read.

use std::io::{self, Read};

/// How many first bytes are looked at: enough for a header and hundreds of rows.
pub const START_BYTES: usize = 64 << 10;

/// An input whose first bytes are known: reading it gives them again, and then the rest.
#[derive(Debug)]
pub struct Start<R> {
    bytes: Vec<u8>,
    at: usize,
    whole: bool,
    rest: R,
}

impl<R: Read> Start<R> {
    /// Reads the first `wanted` bytes of `input`, or all if it has fewer.
    ///
    /// # Errors
    ///
    /// Whatever reading gives.
    pub fn read(mut input: R, wanted: usize) -> io::Result<Self> {
        let mut bytes = Vec::with_capacity(wanted);
        let count = (&mut input).take(wanted as u64).read_to_end(&mut bytes)?;
        Ok(Self { bytes, at: 0, whole: count < wanted, rest: input })
    }
}

impl<R> Start<R> {
    /// The first bytes.
    #[must_use]
    pub fn first_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Says whether they are all there is.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.whole
    }

    /// Leaves out the next `count` of the first bytes.
    pub(super) fn skip(&mut self, count: usize) {
        self.at = (self.at + count).min(self.bytes.len());
    }

    /// The first bytes, whether they are all, and the input behind them.
    #[must_use]
    pub fn into_parts(self) -> (Vec<u8>, bool, R) {
        (self.bytes, self.whole, self.rest)
    }
}

impl<R: Read> Read for Start<R> {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.bytes.len() {
            return self.rest.read(buffer);
        }
        let mut left = &self.bytes[self.at..];
        let count = left.read(buffer)?;
        self.at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reading_gives_everything_once() {
        for wanted in [1, 3, 6, 7, 100] {
            let mut start = Start::read(&b"email\n"[..], wanted).unwrap();
            assert_eq!(start.first_bytes(), &b"email\n"[..wanted.min(6)]);
            assert_eq!(start.is_whole(), wanted > 6);
            let mut all = String::new();
            start.read_to_string(&mut all).unwrap();
            assert_eq!(all, "email\n");
        }
    }
}
