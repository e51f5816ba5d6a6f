//! A chunk → its lines, decoded.

use super::super::judge::ChunkFault;
use super::LineFault;
use crate::delimited::{Limits, Record};
use memchr::memchr;

/// The lines of a chunk that are not blank.
pub(super) struct Lines<'a> {
    bytes: &'a [u8],
    /// The bytes up to the first that is no UTF-8.
    text: &'a str,
    /// Where `text` begins in the bytes.
    from: usize,
    at: usize,
    limit: usize,
}

impl<'a> Lines<'a> {
    /// The lines of `bytes` from `from` on; the bytes end where a line ends or where the input does.
    pub fn new(bytes: &'a [u8], from: usize, limits: Limits) -> Self {
        let rest = bytes.get(from..).unwrap_or_default();
        let text = match std::str::from_utf8(rest) {
            Ok(text) => text,
            Err(error) => rest
                .get(..error.valid_up_to())
                .and_then(|valid| std::str::from_utf8(valid).ok())
                .unwrap_or_default(),
        };
        Self { bytes, text, from, at: from, limit: limits.record_bytes_max }
    }

    /// The next line that holds more than white space, and where it stands.
    ///
    /// # Errors
    ///
    /// A line over the limit, or one that is no UTF-8.
    pub fn next_line(&mut self) -> Result<Option<(Record, &'a str)>, ChunkFault> {
        loop {
            let start = self.at;
            let rest = self.bytes.get(start..).unwrap_or_default();
            if rest.is_empty() {
                return Ok(None);
            }
            let (mut length, end) = match memchr(b'\n', rest) {
                Some(feed) => (feed, start + feed + 1),
                None => (rest.len(), self.bytes.len()),
            };
            // A return before the line feed is part of the line's end.
            if end > start + length && rest[..length].ends_with(b"\r") {
                length -= 1;
            }
            self.at = end;
            if rest[..length].iter().all(|byte| matches!(byte, b' ' | b'\t' | b'\r')) {
                continue;
            }
            if length > self.limit {
                let fault = LineFault::TooLong(self.limit);
                return Err(ChunkFault::Line { at: start, fault });
            }
            let content_end = start + length;
            let Some(line) = self.text.get(start - self.from..content_end - self.from) else {
                let at = self.from + self.text.len();
                return Err(ChunkFault::Line { at, fault: LineFault::NotUtf8 });
            };
            return Ok(Some((Record { start, content_end, end }, line)));
        }
    }
}
