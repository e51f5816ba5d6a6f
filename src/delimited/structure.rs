//! A whole text → where its cells and records end, one bit a byte: the one pass over all bytes.
//!
//! A quote toggles between inside and outside of a quoted cell, so the prefix XOR of the quotes' bits
//! says for each byte whether it is quoted, 64 bytes in a dozen instructions. That is right as long as
//! each quote that opens may open: right after a delimiter, a line end or the start of the text, or
//! right after a closing quote, when the two are an escaped one. A quote that may not open is a plain
//! byte; it is taken out, and its block is done again. Everything before it was right already, so what
//! comes out is exactly what the state machine of RFC 4180 readers gives.

use super::masks::{BLOCK_BYTES, Masks};

/// Words of zeros behind the last one, so that a window of bits that begins in it can be read whole.
const SPARE_WORDS: usize = 2;

/// Where the cells and records of a text end. Reused from text to text, as its memory is an eighth of
/// the text twice over.
#[derive(Debug, Default)]
pub struct Structure {
    /// Bit *b* of word *w*: byte 64 *w* + *b* is a line feed or carriage return outside of quotes.
    line_ends: Vec<u64>,
    /// The same for delimiters.
    delimiters: Vec<u64>,
    bytes: usize,
    open: bool,
}

impl Structure {
    /// Finds the structure of `text`, whose first record begins at `from`.
    ///
    /// Cost: about 110 instructions for 64 bytes, with quotes a dozen more; no allocation once it has
    /// seen a text of the size.
    #[inline(always)]
    pub fn scan(&mut self, text: &[u8], from: usize, delimiter: u8) {
        let words = text.len().div_ceil(BLOCK_BYTES);
        if self.line_ends.len() < words + SPARE_WORDS {
            self.line_ends.resize(words + SPARE_WORDS, 0);
            self.delimiters.resize(words + SPARE_WORDS, 0);
        }
        self.line_ends[words..words + SPARE_WORDS].fill(0);
        self.delimiters[words..words + SPARE_WORDS].fill(0);
        self.bytes = text.len();
        let first = (from / BLOCK_BYTES).min(words);
        self.line_ends[..first].fill(0);
        self.delimiters[..first].fill(0);
        let mut out = self.line_ends[first..words].iter_mut().zip(&mut self.delimiters[first..]);
        let mut state = State { inside: 0, may_open: 0 };
        let (blocks, rest) = text.get(first * BLOCK_BYTES..).unwrap_or_default().as_chunks();
        // The first block and the last one are not whole: their other bits are masked off.
        let skipped = from % BLOCK_BYTES;
        let mut begin = Some((u64::MAX << skipped, 1 << skipped));
        for block in blocks {
            let Some((line_ends, delimiters)) = out.next() else { break };
            let masks = Masks::of(block, delimiter);
            let ends = match begin.take() {
                Some((keep, may_open)) => state.quoted(masks.and(keep), may_open),
                None => state.next(masks),
            };
            (*line_ends, *delimiters) = ends;
        }
        if let Some((line_ends, delimiters)) = out.next() {
            let mut block = [0; BLOCK_BYTES];
            block[..rest.len()].copy_from_slice(rest);
            // A delimiter may be the zero byte.
            let inside = u64::MAX >> (BLOCK_BYTES - rest.len()).min(63);
            let (keep, may_open) = begin.unwrap_or((u64::MAX, 0));
            let masks = Masks::of(&block, delimiter).and(inside & keep);
            (*line_ends, *delimiters) = state.quoted(masks, may_open);
        }
        self.open = state.inside != 0;
    }

    /// Says whether the text ends inside a quoted cell.
    #[must_use]
    pub fn ends_inside_quotes(&self) -> bool {
        self.open
    }

    /// One past the last record end that what follows the text can't change, if there is one: a `\r` as
    /// the very last byte does not count, because a `\n` may follow it.
    #[must_use]
    pub fn last_record_end(&self, text: &[u8]) -> Option<usize> {
        let words = self.bytes.div_ceil(BLOCK_BYTES);
        let mut ends =
            self.line_ends[..words].iter().enumerate().rev().flat_map(|(word, &bits)| {
                let highest = |bits: u64| bits.checked_ilog2().map(|bit| bit as usize);
                // At most two of a word are asked for: the last, and the one before it.
                let last = highest(bits);
                let before = last.and_then(|last| highest(bits & !(1 << last)));
                [last, before].into_iter().flatten().map(move |bit| word * BLOCK_BYTES + bit)
            });
        ends.find(|&at| at + 1 < self.bytes || text.get(at) == Some(&b'\n')).map(|at| at + 1)
    }

    /// The words of line ends.
    #[inline(always)]
    pub(super) fn line_ends(&self) -> &[u64] {
        &self.line_ends
    }

    /// The words of delimiters.
    #[inline(always)]
    pub(super) fn delimiters(&self) -> &[u64] {
        &self.delimiters
    }
}

/// What a block needs to know of those before it.
struct State {
    /// All ones inside of a quoted cell, else 0.
    inside: u64,
    /// 1 when the next byte, were it a quote, would open.
    may_open: u64,
}

impl State {
    /// The line ends and delimiters of the next block that are outside of quotes.
    #[inline(always)]
    fn next(&mut self, masks: Masks) -> (u64, u64) {
        if (masks.quotes | self.inside) != 0 {
            return self.quoted(masks, 0);
        }
        self.may_open = (masks.line_ends | masks.delimiters) >> 63;
        (masks.line_ends, masks.delimiters)
    }

    /// [`State::next`] for a block with quotes, or inside of them; quotes at the bits of `may_open` open
    /// besides those that do anyway.
    #[inline(always)]
    fn quoted(&mut self, masks: Masks, may_open: u64) -> (u64, u64) {
        let mut quotes = masks.quotes;
        loop {
            // An opening quote is inside by this count, a closing one outside.
            let inside = prefix_xor(quotes) ^ self.inside;
            let line_ends = masks.line_ends & !inside;
            let delimiters = masks.delimiters & !inside;
            let before_opening = line_ends | delimiters | (quotes & !inside);
            let may_open = before_opening << 1 | self.may_open | may_open;
            let stray = quotes & inside & !may_open;
            if stray == 0 {
                self.inside = 0_u64.wrapping_sub(inside >> 63);
                self.may_open = before_opening >> 63;
                return (line_ends, delimiters);
            }
            // The first one only: what it did to those behind it is now undone.
            quotes &= !(stray & stray.wrapping_neg());
        }
    }
}

/// Bit *b* of the result is the XOR of bits 0 to *b*.
#[inline(always)]
fn prefix_xor(mut bits: u64) -> u64 {
    for shift in [1, 2, 4, 8, 16, 32] {
        bits ^= bits << shift;
    }
    bits
}
