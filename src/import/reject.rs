//! Rows that can't be understood.

use crate::address::InvalidAddress;
use crate::delimited::Dialect;
use crate::record::class::UnknownWord;
use crate::record::digest_value::InvalidDigest;
use crate::record::domain_rule::InvalidDomain;
use crate::record::timestamp::InvalidTime;
use std::fmt;
use std::io::{self, Write};

/// Why a row can't be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RejectCause {
    /// The address can't be normalised.
    Address(InvalidAddress),
    /// A required cell is empty.
    Empty(&'static str),
    /// A word of a column that has only some.
    Word(UnknownWord),
    /// A time in no known form.
    Time(&'static str, InvalidTime),
    /// A domain no rule may be for.
    Domain(InvalidDomain),
    /// A digest that could withhold nobody.
    Digest(InvalidDigest),
    /// A cell of a column that only the file names.
    Cell {
        /// The column.
        column: String,
        /// What is wrong with the cell, for a person to read.
        fault: String,
    },
    /// A list's name with a `;` in it.
    SeveralLists,
    /// Text behind the closing quote of a cell.
    TextBehindQuote {
        /// Which cell of the row, from 1.
        cell: usize,
    },
    /// A row that can't be understood as a whole.
    Row(String),
    /// Bytes that are no text.
    NotUtf8(&'static str),
    /// More or fewer cells than the header: the columns may be shifted.
    Width {
        /// Cells in the row.
        found: usize,
        /// Cells in the header.
        expected: usize,
    },
}

impl fmt::Display for RejectCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(fault) => write!(f, "email: {fault}"),
            Self::Empty(column) => write!(f, "{column}: empty"),
            Self::Word(word) => write!(f, "{word}"),
            Self::Time(column, time) => write!(f, "{column}: {time}"),
            Self::Domain(fault) => write!(f, "domain: {fault}"),
            Self::Digest(fault) => write!(f, "digest: {fault}"),
            Self::Cell { column, fault } => write!(f, "{column}: {fault}"),
            Self::SeveralLists => {
                f.write_str("list: a `;` parts several lists: write a row for each")
            }
            Self::TextBehindQuote { cell } => write!(
                f,
                "text behind the closing quote of cell {cell}: a quote before it may have opened by mistake and \
                 taken rows in"
            ),
            Self::Row(fault) => f.write_str(fault),
            Self::NotUtf8(column) => write!(f, "{column}: not UTF-8"),
            Self::Width { found, expected } => {
                write!(f, "{found} cells where the header has {expected}")
            }
        }
    }
}

impl From<UnknownWord> for RejectCause {
    fn from(word: UnknownWord) -> Self {
        Self::Word(word)
    }
}

/// A row that can't be understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reject<'a> {
    /// The line the row begins on, from 1.
    pub line: u64,
    /// Why.
    pub cause: RejectCause,
    /// The row as it stands, without its line end.
    pub row: &'a [u8],
}

/// A rejects file: a CSV of line, cause and the row itself as one cell.
#[derive(Debug)]
pub struct Rejects<W> {
    out: W,
    line: Vec<u8>,
}

impl<W: Write> Rejects<W> {
    /// Starts the file with its header.
    ///
    /// # Errors
    ///
    /// Whatever writing gives.
    pub fn new(mut out: W) -> io::Result<Self> {
        out.write_all(b"line,cause,row\n")?;
        Ok(Self { out, line: Vec::new() })
    }

    /// Adds a row, with the name of the file or archive member it is of before its cause, where there are
    /// several.
    ///
    /// # Errors
    ///
    /// Whatever writing gives.
    pub fn add(&mut self, of: Option<&str>, reject: &Reject<'_>) -> io::Result<()> {
        let cause = match of {
            Some(name) => format!("{name}: {}", reject.cause),
            None => reject.cause.to_string(),
        };
        self.line.clear();
        self.line.extend_from_slice(format!("{},", reject.line).as_bytes());
        Dialect::CSV.write_cell(cause.as_bytes(), &mut self.line);
        self.line.push(b',');
        Dialect::CSV.write_cell(reject.row, &mut self.line);
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    /// Gives the file back.
    pub fn into_inner(self) -> W {
        self.out
    }
}
