//! Records and cells from a text's structure: no byte of a cell is looked at again.

use super::masks::BLOCK_BYTES;
use super::{Cell, Cells, Dialect, Fault, FaultKind, Limits, QUOTE, Record, Splitter, Structure};

/// The records of a text whose [`Structure`] is known: the same as [`Splitter`] gives, in a fraction of
/// the time.
///
/// Cost: some 10 instructions a record, and for each cell up to the last wanted one.
#[derive(Debug)]
pub struct Records<'a> {
    text: &'a [u8],
    structure: &'a Structure,
    dialect: Dialect,
    limits: Limits,
    at: usize,
    /// The word of line ends that is being taken apart, and what is left of it.
    word: usize,
    line_ends: u64,
}

impl<'a> Records<'a> {
    /// The records of `text` from byte `at`, which begins a record. `structure` is that of `text`, or of
    /// a longer text that begins with it and has a record end there.
    #[must_use]
    pub fn new(
        text: &'a [u8],
        at: usize,
        structure: &'a Structure,
        dialect: Dialect,
        limits: Limits,
    ) -> Self {
        let word = at / BLOCK_BYTES;
        let line_ends = structure.line_ends().get(word).copied().unwrap_or(0);
        let line_ends = line_ends & (u64::MAX << (at % BLOCK_BYTES));
        Self { text, structure, dialect, limits, at, word, line_ends }
    }

    /// The next record, with its wanted cells in `cells`; `None` at the end of the text.
    ///
    /// # Errors
    ///
    /// As [`Splitter::next_record`].
    #[inline]
    pub fn next_record(&mut self, cells: &mut impl Cells) -> Result<Option<Record>, Fault> {
        let content_end = self.line_end();
        let start = self.at;
        if start >= self.text.len() {
            return Ok(None);
        }
        let end = match self.text.get(content_end..) {
            Some([b'\r', b'\n', ..]) => content_end + 2,
            Some([_, ..]) => content_end + 1,
            _ if self.structure.ends_inside_quotes() => return Err(self.unclosed()),
            _ => content_end,
        };
        if content_end - start > self.limits.record_bytes_max {
            let kind = FaultKind::RecordTooLong { limit: self.limits.record_bytes_max };
            return Err(Fault { kind, at: start });
        }
        cells.clear();
        if let Some(last) = cells.last_wanted() {
            self.cells(start, content_end, last, cells);
        }
        self.at = end;
        Ok(Some(Record { start, content_end, end }))
    }

    /// Moves over blank lines, and gives the first line end behind them; the text's end if there is none.
    #[inline]
    fn line_end(&mut self) -> usize {
        loop {
            while self.line_ends == 0 {
                self.word += 1;
                match self.structure.line_ends().get(self.word) {
                    Some(&bits) if self.word * BLOCK_BYTES < self.text.len() => {
                        self.line_ends = bits;
                    }
                    _ => return self.text.len(),
                }
            }
            let end = self.word * BLOCK_BYTES + self.line_ends.trailing_zeros() as usize;
            self.line_ends &= self.line_ends - 1;
            if end > self.at {
                return end.min(self.text.len());
            }
            // A line end where a record would begin is a blank line; one before that is the line feed of
            // the record before.
            self.at = self.at.max(end + 1);
        }
    }

    #[inline]
    fn cells(&self, start: usize, content_end: usize, last: usize, cells: &mut impl Cells) {
        let words = self.structure.delimiters();
        let mut word = start / BLOCK_BYTES;
        let mut bits = words.get(word).copied().unwrap_or(0) & (u64::MAX << (start % BLOCK_BYTES));
        let mut at = start;
        for column in 0..=last {
            while bits == 0 && (word + 1) * BLOCK_BYTES < content_end {
                word += 1;
                bits = words.get(word).copied().unwrap_or(0);
            }
            let delimiter = word * BLOCK_BYTES + bits.trailing_zeros() as usize;
            let end = if bits == 0 { content_end } else { delimiter.min(content_end) };
            if cells.wants(column) {
                let quoted = at < end && self.text.get(at) == Some(&QUOTE);
                cells.push(column, Cell { start: at, end, quoted });
            }
            if end == content_end {
                break;
            }
            bits &= bits - 1;
            at = end + 1;
        }
    }

    /// The fault of a record that ends inside quotes, by the plain way.
    #[cold]
    fn unclosed(&self) -> Fault {
        let mut splitter = Splitter::new(self.text, self.at, self.dialect, self.limits);
        let found = splitter.next_record(&mut super::AllCells::default());
        // The two never disagree. If they did, a record given from here would be given for ever.
        found.err().unwrap_or(Fault { kind: FaultKind::UnclosedQuote, at: self.at })
    }
}
