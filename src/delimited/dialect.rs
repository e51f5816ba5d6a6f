//! What separates the cells of a record.

use super::QUOTE;

/// The delimiter of a file; the quote is always `"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Dialect {
    delimiter: u8,
}

impl Dialect {
    /// Comma.
    pub const CSV: Self = Self { delimiter: b',' };
    /// Tab.
    pub const TSV: Self = Self { delimiter: b'\t' };

    /// A dialect of its own delimiter, or `None` for a byte that means something else already: the
    /// quote, a line end, or part of a multi-byte character.
    #[must_use]
    pub const fn new(delimiter: u8) -> Option<Self> {
        match delimiter {
            QUOTE | b'\r' | b'\n' => None,
            _ if !delimiter.is_ascii() => None,
            _ => Some(Self { delimiter }),
        }
    }

    /// The delimiter.
    #[must_use]
    pub const fn delimiter(self) -> u8 {
        self.delimiter
    }

    /// Appends `text` as one cell, quoted when it has to be.
    pub fn write_cell(self, text: &[u8], out: &mut Vec<u8>) {
        let special = |byte: &u8| *byte == self.delimiter || matches!(*byte, QUOTE | b'\r' | b'\n');
        if !text.iter().any(special) {
            out.extend_from_slice(text);
            return;
        }
        out.push(QUOTE);
        for byte in text {
            if *byte == QUOTE {
                out.push(QUOTE);
            }
            out.push(*byte);
        }
        out.push(QUOTE);
    }

    /// Appends a record of these cells, with its line feed.
    pub fn write_record(self, cells: &[impl AsRef<[u8]>], out: &mut Vec<u8>) {
        for (at, cell) in cells.iter().enumerate() {
            if at > 0 {
                out.push(self.delimiter);
            }
            self.write_cell(cell.as_ref(), out);
        }
        out.push(b'\n');
    }
}
