//! Cells as byte ranges, and which of a record's cells are wanted.

use super::QUOTE;
use memchr::memchr;
use std::ops::Range;

/// One cell: where its raw bytes stand, quotes included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cell {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Whether the cell begins with a quote.
    pub quoted: bool,
}

impl Cell {
    /// The cell's raw bytes.
    #[must_use]
    pub fn raw<'a>(&self, bytes: &'a [u8]) -> &'a [u8] {
        bytes.get(self.start..self.end).unwrap_or_default()
    }

    /// Where the cell's text stands, without its quotes; `None` when it does not stand anywhere as it is,
    /// because a quote is escaped or text follows the closing quote.
    #[inline(always)]
    #[must_use]
    pub fn borrowed(&self, bytes: &[u8]) -> Option<Range<usize>> {
        if !self.quoted {
            return Some(self.start..self.end);
        }
        let inner = self.raw(bytes).get(1..)?;
        let close = memchr(QUOTE, inner)?;
        (close + 1 == inner.len()).then(|| self.start + 1..self.start + 1 + close)
    }

    /// Says whether nothing but white space follows the closing quote, or there are no quotes around the cell.
    ///
    /// What follows a closing quote belongs to the cell, as most readers have it. Where that matters it is
    /// rather a quote that stands for itself, and opened a cell that swallowed the rows behind it.
    #[must_use]
    pub fn closes(&self, bytes: &[u8]) -> bool {
        if !self.quoted {
            return true;
        }
        let mut rest = self.raw(bytes).get(1..).unwrap_or_default();
        while let Some(quote) = memchr(QUOTE, rest) {
            rest = rest.get(quote + 1..).unwrap_or_default();
            match rest.split_first() {
                Some((&QUOTE, behind)) => rest = behind,
                _ => return rest.trim_ascii().is_empty(),
            }
        }
        true
    }

    /// The cell's text, without its quotes; `scratch` is used only when it can't be
    /// [borrowed](Cell::borrowed).
    #[must_use]
    pub fn text<'a>(&self, bytes: &'a [u8], scratch: &'a mut Vec<u8>) -> &'a [u8] {
        if let Some(text) = self.borrowed(bytes) {
            return bytes.get(text).unwrap_or_default();
        }
        let inner = self.raw(bytes).get(1..).unwrap_or_default();
        scratch.clear();
        let mut rest = inner;
        while let Some(quote) = memchr(QUOTE, rest) {
            scratch.extend_from_slice(&rest[..quote]);
            rest = &rest[quote + 1..];
            if rest.first() == Some(&QUOTE) {
                scratch.push(QUOTE);
                rest = &rest[1..];
            } else {
                break;
            }
        }
        scratch.extend_from_slice(rest);
        scratch
    }
}

/// Takes a record's cells as they are found.
pub trait Cells {
    /// The last column wanted; columns after it are not even looked for. `None` when no column is.
    fn last_wanted(&self) -> Option<usize>;

    /// Forgets the cells of the record before.
    fn clear(&mut self);

    /// Says whether [`push`](Self::push) would keep the cell of `column`, the next one of the record.
    fn wants(&self, column: usize) -> bool;

    /// Takes the cell of `column`; called in ascending order of columns.
    fn push(&mut self, column: usize, cell: Cell);
}

/// Every cell of a record.
#[derive(Debug, Clone, Default)]
pub struct AllCells(Vec<Cell>);

impl AllCells {
    /// The cells, in order.
    #[must_use]
    pub fn as_slice(&self) -> &[Cell] {
        &self.0
    }
}

impl Cells for AllCells {
    fn last_wanted(&self) -> Option<usize> {
        Some(usize::MAX)
    }

    fn clear(&mut self) {
        self.0.clear();
    }

    fn wants(&self, _column: usize) -> bool {
        true
    }

    fn push(&mut self, _column: usize, cell: Cell) {
        self.0.push(cell);
    }
}

/// The cells of some columns; a column the record does not have is `None`.
#[derive(Debug, Clone, Default)]
pub struct WantedCells {
    columns: Vec<usize>,
    cells: Vec<Option<Cell>>,
    next: usize,
}

impl WantedCells {
    /// Wants `columns`, in any order, each once or more.
    #[must_use]
    pub fn new(columns: impl IntoIterator<Item = usize>) -> Self {
        let mut columns: Vec<usize> = columns.into_iter().collect();
        columns.sort_unstable();
        columns.dedup();
        let cells = vec![None; columns.len()];
        Self { columns, cells, next: 0 }
    }

    /// The place of `column` among the wanted ones, for [`WantedCells::at`].
    #[must_use]
    pub fn place(&self, column: usize) -> Option<usize> {
        self.columns.binary_search(&column).ok()
    }

    /// The cell at a place, if the record has it.
    #[must_use]
    pub fn at(&self, place: usize) -> Option<Cell> {
        self.cells.get(place).copied().flatten()
    }
}

impl Cells for WantedCells {
    fn last_wanted(&self) -> Option<usize> {
        self.columns.last().copied()
    }

    fn clear(&mut self) {
        self.cells.fill(None);
        self.next = 0;
    }

    #[inline]
    fn wants(&self, column: usize) -> bool {
        self.columns.get(self.next) == Some(&column)
    }

    #[inline]
    fn push(&mut self, column: usize, cell: Cell) {
        if self.wants(column) {
            self.cells[self.next] = Some(cell);
            self.next += 1;
        }
    }
}

/// The cell of one column, in a register: most files are read for one.
#[derive(Debug, Clone, Copy)]
pub struct OneCell {
    column: usize,
    cell: Option<Cell>,
}

impl OneCell {
    /// Wants `column`.
    #[must_use]
    pub fn new(column: usize) -> Self {
        Self { column, cell: None }
    }

    /// The cell, if the record has it.
    #[inline]
    #[must_use]
    pub fn get(&self) -> Option<Cell> {
        self.cell
    }
}

impl Cells for OneCell {
    #[inline(always)]
    fn last_wanted(&self) -> Option<usize> {
        Some(self.column)
    }

    #[inline(always)]
    fn clear(&mut self) {
        self.cell = None;
    }

    #[inline(always)]
    fn wants(&self, column: usize) -> bool {
        column == self.column
    }

    #[inline(always)]
    fn push(&mut self, column: usize, cell: Cell) {
        if column == self.column {
            self.cell = Some(cell);
        }
    }
}
