//! Bytes → records and cells, without copying.

use super::cell::{Cell, Cells};
use super::dialect::Dialect;
use super::fault::{Fault, FaultKind};
use super::{Limits, QUOTE};
use memchr::{memchr, memchr2, memchr3};

/// One record: where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// The first byte.
    pub start: usize,
    /// One past the last byte before the line end.
    pub content_end: usize,
    /// One past the line end, if the record has one.
    pub end: usize,
}

/// The length of a UTF-8 byte-order mark at the start of a text, or 0.
#[must_use]
pub fn skip_byte_order_mark(text: &[u8]) -> usize {
    if text.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 }
}

/// Splits whole records off a text.
///
/// Cost: without quotes, one search for the line end and one for each delimiter up to the last wanted
/// column; with quotes, one or two searches a cell. No allocation.
#[derive(Debug)]
pub struct Splitter<'a> {
    text: &'a [u8],
    at: usize,
    delimiter: u8,
    record_bytes_max: usize,
    // Searched for once, so that the common text, without either, pays nothing for them.
    has_quote: bool,
    has_return: bool,
}

impl<'a> Splitter<'a> {
    /// Splits `text` from byte `at`, which begins a record; `text` ends where a record ends or where
    /// the input does.
    #[must_use]
    pub fn new(text: &'a [u8], at: usize, dialect: Dialect, limits: Limits) -> Self {
        Self {
            text,
            at,
            delimiter: dialect.delimiter(),
            record_bytes_max: limits.record_bytes_max,
            has_quote: memchr(QUOTE, text).is_some(),
            has_return: memchr(b'\r', text).is_some(),
        }
    }

    /// Where the next record is looked for.
    #[must_use]
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next record, with its wanted cells in `cells`; `None` at the end of the text.
    ///
    /// # Errors
    ///
    /// A [`Fault`] for a quote that is never closed or a record over the limit; the splitter must not
    /// be asked again after one.
    #[inline]
    pub fn next_record(&mut self, cells: &mut impl Cells) -> Result<Option<Record>, Fault> {
        while matches!(self.text.get(self.at), Some(b'\n' | b'\r')) {
            self.at += 1;
        }
        let rest = &self.text[self.at..];
        if rest.is_empty() {
            return Ok(None);
        }
        // One scan says both where the line ends and whether a quote stands before that.
        let found = if self.has_quote { memchr2(QUOTE, b'\n', rest) } else { memchr(b'\n', rest) };
        cells.clear();
        let record = match found {
            Some(at) if rest[at] == QUOTE => self.quoted_record(cells)?,
            Some(at) => self.plain_record(at, cells),
            None => self.plain_record(rest.len(), cells),
        };
        if record.content_end - record.start > self.record_bytes_max {
            let kind = FaultKind::RecordTooLong { limit: self.record_bytes_max };
            return Err(Fault { kind, at: record.start });
        }
        self.at = record.end;
        Ok(Some(record))
    }

    /// A record without any quote, in a line of `line_length` bytes.
    #[inline]
    fn plain_record(&self, line_length: usize, cells: &mut impl Cells) -> Record {
        let start = self.at;
        let line_end = start + line_length;
        let mut content_end = line_end;
        let mut end = (line_end + 1).min(self.text.len());
        if self.has_return
            && let Some(at) = memchr(b'\r', &self.text[start..line_end])
        {
            content_end = start + at;
            // A lone return ends the record; one right before the line feed belongs to it.
            if content_end + 1 != line_end {
                end = content_end + 1;
            }
        }
        if let Some(last) = cells.last_wanted() {
            let mut at = start;
            for column in 0..=last {
                let rest = &self.text[at..content_end];
                let found = memchr(self.delimiter, rest);
                let cell_end = found.map_or(content_end, |length| at + length);
                cells.push(column, Cell { start: at, end: cell_end, quoted: false });
                if found.is_none() {
                    break;
                }
                at = cell_end + 1;
            }
        }
        Record { start, content_end, end }
    }

    /// A record in which some cell may be quoted.
    fn quoted_record(&self, cells: &mut impl Cells) -> Result<Record, Fault> {
        let text = self.text;
        let last = cells.last_wanted();
        let mut at = self.at;
        let mut column = 0;
        loop {
            let quoted = text.get(at) == Some(&QUOTE);
            let after_quotes = if quoted { closing_quote(text, at)? + 1 } else { at };
            let cell_end = memchr3(self.delimiter, b'\n', b'\r', &text[after_quotes..])
                .map_or(text.len(), |length| after_quotes + length);
            if last.is_some() {
                cells.push(column, Cell { start: at, end: cell_end, quoted });
            }
            if last.is_some_and(|last| column < last) && text.get(cell_end) == Some(&self.delimiter)
            {
                at = cell_end + 1;
                column += 1;
                continue;
            }
            let content_end = self.content_end_after(cell_end)?;
            let end = match text.get(content_end) {
                None => content_end,
                Some(b'\r') if text.get(content_end + 1) == Some(&b'\n') => content_end + 2,
                Some(_) => content_end + 1,
            };
            return Ok(Record { start: self.at, content_end, end });
        }
    }

    /// Where the record's content ends, from the end of one of its cells: nobody wants the cells after it,
    /// so only quotes that open and line ends are looked for.
    fn content_end_after(&self, cell_end: usize) -> Result<usize, Fault> {
        let text = self.text;
        let mut at = cell_end;
        while let Some(length) = memchr3(QUOTE, b'\n', b'\r', text.get(at..).unwrap_or_default()) {
            let found = at + length;
            if text[found] != QUOTE {
                return Ok(found);
            }
            // Only a cell's first byte opens; the cell before ended at or after `cell_end`.
            let opens = text[found - 1] == self.delimiter;
            at = if opens { closing_quote(text, found)? + 1 } else { found + 1 };
        }
        Ok(text.len())
    }
}

/// The closing quote of the cell whose opening quote stands at `open`.
fn closing_quote(text: &[u8], open: usize) -> Result<usize, Fault> {
    let unclosed = Fault { kind: FaultKind::UnclosedQuote, at: open };
    let mut at = open + 1;
    loop {
        let quote = at + memchr(QUOTE, text.get(at..).unwrap_or_default()).ok_or(unclosed)?;
        if text.get(quote + 1) != Some(&QUOTE) {
            return Ok(quote);
        }
        at = quote + 2;
    }
}
