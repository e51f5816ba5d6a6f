//! A chunk of a file → its records, gathered, and its rejects.

use super::columns::{Cells, Column, Columns};
use super::native::{self, DomainRules, Scratch};
use super::reader::{Gather, Understand};
use super::reject::RejectCause;
use crate::address::{KeyBuffer, Policy};
use crate::delimited::{AllCells, Cell, ChunkBuffer, Dialect, Fault, Limits, Splitter};
use crate::error::{Error, Result};
use crate::record::{Kind, NativeRow};
use std::ops::Range;

/// Understands the chunks of one file.
pub(super) struct Parser {
    pub columns: Columns,
    pub kind: Kind,
    pub policy: Policy,
    pub domain_rules: DomainRules,
    pub dialect: Dialect,
    pub limits: Limits,
}

/// What a chunk came to.
pub(super) struct Parsed<G> {
    pub chunk: ChunkBuffer,
    pub gathered: G,
    pub rejects: Vec<RejectedRow>,
    pub rows: u64,
    /// Line ends in it.
    pub lines: usize,
    /// What ended it early.
    pub failure: Option<Failure>,
}

/// A row that can't be understood.
pub(super) struct RejectedRow {
    /// Line ends of the chunk before it.
    pub lines_before: usize,
    pub cause: RejectCause,
    /// Where it stands in the chunk, without its line end.
    pub row: Range<usize>,
}

/// Why a chunk ends early.
pub(super) enum Failure {
    NotCsv(Fault),
    Error(Error),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::NotCsv(fault)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Memory that serves every row of a chunk.
#[derive(Default)]
struct Memory {
    key: KeyBuffer,
    email: Vec<u8>,
    native: Scratch,
}

/// How many lines end in a text: with a line feed, a carriage return, or both.
pub(super) fn line_ends(text: &[u8]) -> usize {
    let feeds = memchr::memchr_iter(b'\n', text).count();
    let alone = |at: &usize| text.get(at + 1) != Some(&b'\n');
    feeds + memchr::memchr_iter(b'\r', text).filter(alone).count()
}

impl<G> Parsed<G> {
    /// Goes through the rows of a chunk; `row` gathers one, or says why it can't be understood.
    pub fn of_rows(
        chunk: ChunkBuffer,
        gathered: G,
        (dialect, limits): (Dialect, Limits),
        row: impl FnMut(&[u8], &AllCells, &mut G) -> Result<Result<(), RejectCause>>,
    ) -> Self {
        let lines = line_ends(chunk.bytes());
        let (rejects, failure) = (Vec::new(), None);
        let mut parsed = Self { chunk, gathered, rejects, rows: 0, lines, failure };
        parsed.failure = parsed.go_through(dialect, limits, row).err();
        parsed
    }

    fn go_through(
        &mut self,
        dialect: Dialect,
        limits: Limits,
        mut row: impl FnMut(&[u8], &AllCells, &mut G) -> Result<Result<(), RejectCause>>,
    ) -> Result<(), Failure> {
        let text = self.chunk.bytes();
        let mut splitter = Splitter::new(text, self.chunk.from, dialect, limits);
        let mut cells = AllCells::default();
        // Counted on from the reject before: counting from the chunk's start would be quadratic.
        let (mut counted, mut lines_before) = (0, 0);
        while let Some(record) = splitter.next_record(&mut cells)? {
            self.rows += 1;
            if let Err(cause) = row(text, &cells, &mut self.gathered)? {
                lines_before += line_ends(&text[counted..record.start]);
                counted = record.start;
                let row = record.start..record.content_end;
                self.rejects.push(RejectedRow { lines_before, cause, row });
            }
        }
        Ok(())
    }
}

impl Understand for Parser {
    fn parse<G: Gather>(&self, chunk: ChunkBuffer, gather: G) -> Parsed<G> {
        let mut memory = Memory::default();
        Parsed::of_rows(chunk, gather, (self.dialect, self.limits), |text, cells, gathered| {
            let cells = Cells { columns: &self.columns, text, cells };
            self.row(cells, &mut memory, gathered)
        })
    }
}

impl Parser {
    /// Gathers a row, or says why it can't be understood.
    fn row<G: Gather>(
        &self,
        cells: Cells<'_>,
        memory: &mut Memory,
        gathered: &mut G,
    ) -> Result<Result<(), RejectCause>> {
        let (found, expected) = (cells.cells.as_slice().len(), self.columns.width());
        if found != expected {
            return Ok(Err(RejectCause::Width { found, expected }));
        }
        if let Err(cause) = all_close(cells.text, cells.cells.as_slice()) {
            return Ok(Err(cause));
        }
        match self.kind {
            Kind::Domains => {
                let rules = self.domain_rules;
                return match native::domain_row(rules, cells, &mut memory.native) {
                    Ok((row, None)) => own_key(Ok(row), gathered),
                    Ok((row, Some(alias))) => {
                        let keyed = [row, alias];
                        let keyed =
                            keyed.map(|row| (row.own_key().unwrap_or_default().into(), row));
                        gathered.add_several(&keyed).map(Ok)
                    }
                    Err(cause) => Ok(Err(cause)),
                };
            }
            Kind::Digests => {
                return own_key(native::digest_row(cells, &mut memory.native), gathered);
            }
            Kind::Contacts | Kind::Unsubscribes | Kind::Preferences | Kind::Suppressions => {}
        }
        let raw = cells.bytes(Column::Email, &mut memory.email);
        let key = match self.policy.key(raw, &mut memory.key) {
            Ok(key) => key,
            Err(fault) => return Ok(Err(RejectCause::Address(fault))),
        };
        // A key exists, so the bytes are UTF-8.
        let Ok(address) = std::str::from_utf8(raw) else {
            return Ok(Err(RejectCause::NotUtf8(Column::Email.name())));
        };
        match native::row(self.kind, address.trim(), cells, &mut memory.native) {
            Ok(row) => Ok(Ok(gathered.add(key.as_bytes(), &row)?)),
            Err(cause) => Ok(Err(cause)),
        }
    }
}

/// Refuses a row with text behind a closing quote: the quote before may have opened by mistake and taken whole
/// rows into its cell. A row of one cell has nothing to take in, and may be `"Ann" <ann@example.com>`.
pub(super) fn all_close(text: &[u8], cells: &[Cell]) -> Result<(), RejectCause> {
    let [_, _, ..] = cells else { return Ok(()) };
    match cells.iter().position(|cell| !cell.closes(text)) {
        Some(at) => Err(RejectCause::TextBehindQuote { cell: at + 1 }),
        None => Ok(()),
    }
}

/// Gathers a row that is of no address, under no key but its own.
fn own_key<G: Gather>(
    row: Result<NativeRow<'_>, RejectCause>,
    gathered: &mut G,
) -> Result<Result<(), RejectCause>> {
    match row {
        Ok(row) => Ok(Ok(gathered.add(row.own_key().unwrap_or_default(), &row)?)),
        Err(cause) => Ok(Err(cause)),
    }
}
