//! What is known of a chunk while it is judged.

use super::digests::Digests;
use super::domains::DomainMemo;
use super::ndjson;
use crate::address::KeyBuffer;
use crate::delimited::{Cell, Record};
use crate::record::{Blocks, ReasonSet};
use crate::segment::Hash;
use std::ops::Range;

/// One row of a chunk. Places are 32 bits wide, because a chunk's rows and probes should stay in the
/// processor's cache; a chunk is some megabytes at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    start: u32,
    content_end: u32,
    end: u32,
    pub reasons: ReasonSet,
}

impl Row {
    #[inline(always)]
    pub fn new(record: Record, reasons: ReasonSet) -> Self {
        let Record { start, content_end, end } = record;
        Self { start: narrow(start), content_end: narrow(content_end), end: narrow(end), reasons }
    }

    /// The row without its line end.
    pub fn content(&self) -> Range<usize> {
        self.start as usize..self.content_end as usize
    }

    /// The row's line end.
    pub fn line_end(&self) -> Range<usize> {
        self.content_end as usize..self.end as usize
    }
}

/// Something that was looked up for a row, and where it stands.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Probe {
    row: u32,
    start: u32,
    end: u32,
    kind: Kind,
}

/// What stands where a probe says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Kind {
    /// A cell without quotes around it.
    #[default]
    Plain,
    /// A cell that begins with a quote.
    Quoted,
    /// One of several addresses of a cell, among the parts of the chunk.
    Part,
}

impl Probe {
    #[inline(always)]
    pub fn new(row: usize, cell: Cell) -> Self {
        let Cell { start, end, quoted } = cell;
        let kind = if quoted { Kind::Quoted } else { Kind::Plain };
        Self { row: narrow(row), start: narrow(start), end: narrow(end), kind }
    }

    pub fn part(row: usize, Range { start, end }: Range<usize>) -> Self {
        Self { row: narrow(row), start: narrow(start), end: narrow(end), kind: Kind::Part }
    }

    pub fn row(&self) -> usize {
        self.row as usize
    }

    /// What was looked up: of a cell in `text`, or of `parts`; `scratch` as for [`Cell::text`].
    pub fn text<'t>(&self, text: &'t [u8], parts: &'t [u8], scratch: &'t mut Vec<u8>) -> &'t [u8] {
        let (start, end) = (self.start as usize, self.end as usize);
        match self.kind {
            Kind::Part => parts.get(start..end).unwrap_or_default(),
            kind => Cell { start, end, quoted: kind == Kind::Quoted }.text(text, scratch),
        }
    }
}

/// A place in a chunk. No chunk comes near 4 GiB: see [`crate::delimited::Limits`].
#[inline(always)]
fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// The working memory of one chunk, reused from chunk to chunk.
#[derive(Debug)]
pub(super) struct Judged {
    pub rows: Vec<Row>,
    /// List opt-outs behind a row's `opted_out`, by ascending row; filled only when they are reported.
    pub opted_out: Vec<(usize, String)>,
    pub addresses: Vec<Probe>,
    pub hashes: Vec<Hash>,
    pub contacts: Vec<usize>,
    pub contact_hashes: Vec<Hash>,
    pub list_cells: Vec<Option<Cell>>,
    pub hits: Vec<(usize, Blocks)>,
    pub key: KeyBuffer,
    pub text: Vec<u8>,
    /// The addresses of cells that hold several, one after the other.
    pub parts: Vec<u8>,
    pub domains: DomainMemo,
    /// Large, and a chunk on its way is moved about.
    pub digests: Box<Digests<Probe>>,
    /// What the cells of lines stand in.
    pub decoded: ndjson::Decoded,
}

impl Judged {
    pub fn new() -> Self {
        Self {
            rows: Vec::new(),
            opted_out: Vec::new(),
            addresses: Vec::new(),
            hashes: Vec::new(),
            contacts: Vec::new(),
            contact_hashes: Vec::new(),
            list_cells: Vec::new(),
            hits: Vec::new(),
            key: KeyBuffer::default(),
            text: Vec::new(),
            parts: Vec::new(),
            domains: DomainMemo::default(),
            digests: Box::new(Digests::new()),
            decoded: ndjson::Decoded::default(),
        }
    }

    /// The hashes of each row's addresses, in the order of the rows.
    pub fn address_hashes(&self) -> impl Iterator<Item = (usize, Hash)> + '_ {
        self.addresses.iter().zip(&self.hashes).map(|(probe, hash)| (probe.row(), *hash))
    }

    /// The text of the lists of row number `row`, if there are any.
    pub fn row_lists(&mut self, bytes: &[u8], row: usize) -> Option<String> {
        let cell = self.list_cells.get(row).copied().flatten()?;
        Some(String::from_utf8_lossy(cell.text(bytes, &mut self.text)).into_owned())
    }

    pub fn clear(&mut self) {
        self.rows.clear();
        self.opted_out.clear();
        self.addresses.clear();
        self.hashes.clear();
        self.contacts.clear();
        self.contact_hashes.clear();
        self.list_cells.clear();
        self.parts.clear();
        self.digests.clear();
    }
}

/// Adds a list to those of `row`, once; rows come in ascending order, so only the last are looked at.
pub(super) fn name_list(opted_out: &mut Vec<(usize, String)>, row: usize, list: &str) {
    let mut of_row = opted_out.iter().rev().take_while(|(other, _)| *other == row);
    if !of_row.any(|(_, named)| named == list) {
        opted_out.push((row, list.to_owned()));
    }
}
