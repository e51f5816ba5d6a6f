//! The names of a file's columns.

use super::{AllCells, Dialect, Fault, Limits, Record, Splitter};
use std::fmt;

/// A file's first record, as names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    names: Vec<String>,
    record: Record,
}

/// Why a column was not found by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoColumn {
    /// No column has the name.
    Missing,
    /// Several columns have it: their numbers, from 1.
    Several(Vec<usize>),
}

impl Header {
    /// Reads the first record of `text` as names; `None` when there is no record.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the first record is none.
    pub fn read(
        text: &[u8],
        from: usize,
        dialect: Dialect,
        limits: Limits,
    ) -> Result<Option<Self>, Fault> {
        let mut cells = AllCells::default();
        let Some(record) = Splitter::new(text, from, dialect, limits).next_record(&mut cells)?
        else {
            return Ok(None);
        };
        let mut scratch = Vec::new();
        let name = |cell: &super::Cell| {
            String::from_utf8_lossy(cell.text(text, &mut scratch)).trim().to_owned()
        };
        let names = cells.as_slice().iter().map(name).collect();
        Ok(Some(Self { names, record }))
    }

    /// The names, surrounding space removed.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Where the header stands in the text it was read from.
    #[must_use]
    pub fn record(&self) -> Record {
        self.record
    }

    /// The columns, from 0, whose name is `name`; case is ignored.
    pub fn columns_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = usize> + 'a {
        let same = move |(at, other): (usize, &String)| {
            (other.to_lowercase() == name.trim().to_lowercase()).then_some(at)
        };
        self.names.iter().enumerate().filter_map(same)
    }

    /// The one column, from 0, whose name is `name`: to the letter if there is one, else with case
    /// ignored.
    ///
    /// # Errors
    ///
    /// [`NoColumn`] when there is none, or no single one.
    pub fn column(&self, name: &str) -> Result<usize, NoColumn> {
        let exact: Vec<usize> =
            (0..self.names.len()).filter(|at| self.names[*at] == name.trim()).collect();
        let found = if exact.is_empty() { self.columns_named(name).collect() } else { exact };
        match found.as_slice() {
            [] => Err(NoColumn::Missing),
            [column] => Ok(*column),
            several => Err(NoColumn::Several(several.iter().map(|at| at + 1).collect())),
        }
    }
}

impl fmt::Display for Header {
    /// The names, quoted, for a message; long headers are cut.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 12;
        for (at, name) in self.names.iter().take(SHOWN).enumerate() {
            let short: String = name.chars().take(40).collect();
            write!(f, "{}`{}`", if at == 0 { "" } else { ", " }, short.escape_debug())?;
        }
        match self.names.len().checked_sub(SHOWN) {
            Some(more) if more > 0 => write!(f, " and {more} more"),
            _ => Ok(()),
        }
    }
}
