//! Records and cells from a text's structure: no byte of a cell is looked at again.

use super::masks::BLOCK_BYTES;
use super::{Cell, Cells, Dialect, Fault, FaultKind, Limits, QUOTE, Record, Splitter, Structure};

/// The records of a text whose [`Structure`] is known: the same as [`Splitter`] gives, in a fraction of
/// the time.
///
/// Cost: a few dozen instructions a record and for each cell up to the last wanted one, as long as a
/// record has at most 128 bytes; a few more for each 128 bytes beyond.
#[derive(Debug)]
pub struct Records<'a> {
    text: &'a [u8],
    structure: &'a Structure,
    dialect: Dialect,
    limits: Limits,
    at: usize,
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
        Self { text, structure, dialect, limits, at }
    }

    /// The next record, with its wanted cells in `cells`; `None` at the end of the text.
    ///
    /// # Errors
    ///
    /// As [`Splitter::next_record`].
    #[inline(always)]
    pub fn next_record(&mut self, cells: &mut impl Cells) -> Result<Option<Record>, Fault> {
        let content_end = loop {
            if self.at >= self.text.len() {
                return Ok(None);
            }
            let end = Bits::from(self.structure.line_ends(), self.at).first(self.text.len());
            if end != self.at {
                break end;
            }
            // A line end where a record would begin is a blank line.
            self.at += 1;
        };
        let start = self.at;
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

    #[inline(always)]
    fn cells(&self, start: usize, content_end: usize, last: usize, cells: &mut impl Cells) {
        let mut delimiters = Bits::from(self.structure.delimiters(), start);
        let mut at = start;
        for column in 0..=last {
            let end = delimiters.first(content_end);
            if cells.wants(column) {
                let quoted = at < end && self.text.get(at) == Some(&QUOTE);
                cells.push(column, Cell { start: at, end, quoted });
            }
            if end == content_end {
                break;
            }
            delimiters.take_first();
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

/// The bits of a structure from one byte of the text on, 128 at a time.
///
/// The window begins at the byte asked for and not at a word, so that a usual record and its cells are in
/// it whole. Walking from word to word instead would branch on where the ends of words happen to lie,
/// which no processor guesses.
struct Bits<'a> {
    words: &'a [u64],
    /// The byte that the lowest bit of `low` stands for.
    at: usize,
    low: u64,
    high: u64,
}

impl<'a> Bits<'a> {
    #[inline(always)]
    fn from(words: &'a [u64], at: usize) -> Self {
        let (word, shift) = (at / BLOCK_BYTES, at % BLOCK_BYTES);
        // The structure keeps words of zeros behind its last one.
        let Some(&[first, second, third]) = words.get(word..).and_then(<[u64]>::first_chunk) else {
            return Self { words, at, low: 0, high: 0 };
        };
        // In two steps, because a shift by 64 is none.
        let join = |low: u64, high: u64| low >> shift | (high << 1) << (BLOCK_BYTES - 1 - shift);
        Self { words, at, low: join(first, second), high: join(second, third) }
    }

    /// Where the first bit is, or `end` if it is not before that.
    #[inline(always)]
    fn first(&mut self, end: usize) -> usize {
        if self.low | self.high == 0 {
            self.advance(end);
        }
        let zeros = self.low.trailing_zeros();
        // Chosen without a branch: a record of about 64 bytes has its end on either side.
        let zeros = if zeros == 64 { 64 + self.high.trailing_zeros() } else { zeros };
        (self.at + zeros as usize).min(end)
    }

    /// Drops the first bit.
    #[inline(always)]
    fn take_first(&mut self) {
        let bits = u128::from(self.high) << 64 | u128::from(self.low);
        let [low, high] = halves(bits & bits.wrapping_sub(1));
        (self.low, self.high) = (low, high);
    }

    /// Moves the window on until it has a bit, or is behind `end`.
    #[cold]
    fn advance(&mut self, end: usize) {
        while self.low | self.high == 0 && self.at < end {
            *self = Self::from(self.words, self.at + 2 * BLOCK_BYTES);
        }
    }
}

#[inline(always)]
fn halves(bits: u128) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = bits.to_le_bytes();
    [u64::from_le_bytes([a, b, c, d, e, f, g, h]), u64::from_le_bytes(rest)]
}
