//! The rows of a chunk → the reasons that withhold each.

use super::columns::Columns;
use super::ndjson::{self, LineFault, Members};
use super::options::{OnInvalid, Options};
use crate::address::{InvalidAddress, KeyBuffer, Policy};
use crate::delimited::{Cell, ChunkBuffer, Fault, OneCell, Record, WantedCells};
use crate::index::{KeyHasher, Snapshot};
use crate::record::{Blocks, Reason, ReasonSet};
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
    fn new(record: Record, reasons: ReasonSet) -> Self {
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

/// Something that was looked up for a row.
#[derive(Debug, Clone, Copy)]
struct Probe {
    row: u32,
    start: u32,
    end: u32,
    quoted: bool,
}

impl Probe {
    #[inline(always)]
    fn new(row: usize, cell: Cell) -> Self {
        let Cell { start, end, quoted } = cell;
        Self { row: narrow(row), start: narrow(start), end: narrow(end), quoted }
    }

    fn row(&self) -> usize {
        self.row as usize
    }

    fn cell(&self) -> Cell {
        Cell { start: self.start as usize, end: self.end as usize, quoted: self.quoted }
    }
}

/// A place in a chunk. No chunk comes near 4 GiB: see [`crate::delimited::Limits`].
#[inline(always)]
fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

/// Why a chunk could not be judged.
#[derive(Debug)]
pub(super) enum ChunkFault {
    /// The text is no delimited text.
    Text(Fault),
    /// A row's address is unusable and the run is to fail on one.
    Address { at: usize, fault: InvalidAddress },
    /// A row's list or contact cell is no UTF-8: it would match no record, whatever is recorded.
    NotUtf8 { at: usize, what: &'static str },
    /// A line is no JSON object, or can't be told whom it is for.
    Line { at: usize, fault: LineFault },
}

/// The working memory of one chunk, reused from chunk to chunk.
#[derive(Debug)]
pub(super) struct Judged {
    pub rows: Vec<Row>,
    /// List opt-outs behind a row's `opted_out`, by ascending row; filled only when they are reported.
    pub opted_out: Vec<(usize, String)>,
    addresses: Vec<Probe>,
    hashes: Vec<Hash>,
    contacts: Vec<usize>,
    contact_hashes: Vec<Hash>,
    list_cells: Vec<Option<Cell>>,
    hits: Vec<(usize, Blocks)>,
    key: KeyBuffer,
    text: Vec<u8>,
    /// What the cells of lines stand in.
    pub decoded: ndjson::Decoded,
}

/// The cells of a row that are looked up, in whatever text they stand.
#[derive(Debug, Clone, Copy)]
pub(super) struct RowCells<'a> {
    /// The address cells; one that is missing is an empty one.
    pub emails: &'a [Cell],
    pub contact: Option<Cell>,
    /// The row's own lists, `a;b`.
    pub list: Option<Cell>,
}

/// Judges chunks; shared by the workers.
pub(super) struct Judge<'a> {
    pub snapshot: &'a Snapshot,
    pub hasher: &'a KeyHasher,
    pub policy: Policy,
    pub options: &'a Options,
    pub columns: &'a Columns,
    /// The members to be read, when the chunks are lines of JSON.
    pub members: Option<&'a Members>,
    /// Whether the lists behind `opted_out` are to be named.
    pub names_lists: bool,
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
            decoded: ndjson::Decoded::default(),
        }
    }

    /// The hashes of each row's addresses, in the order of the rows.
    pub fn address_hashes(&self) -> impl Iterator<Item = (usize, Hash)> + '_ {
        self.addresses.iter().zip(&self.hashes).map(|(probe, hash)| (probe.row(), *hash))
    }

    /// Forgets the rows of the text before.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.opted_out.clear();
        self.addresses.clear();
        self.hashes.clear();
        self.contacts.clear();
        self.contact_hashes.clear();
        self.list_cells.clear();
    }
}

impl Judge<'_> {
    /// Finds the reasons of every row of `chunk`.
    ///
    /// Cost: one normalisation, one hash and one batched look-up an address; a look-up more for each
    /// list asked about, only for addresses that have opt-outs of some list.
    #[inline(always)]
    pub fn judge(&self, chunk: &ChunkBuffer, judged: &mut Judged) -> Result<(), ChunkFault> {
        judged.clear();
        if let Some(members) = self.members {
            return ndjson::judge(self, members, chunk, judged);
        }
        self.split(chunk, judged)?;
        self.look_up(chunk.bytes(), judged);
        Ok(())
    }

    /// Looks up what was gathered of rows whose cells stand in `text`, and gives the rows their reasons.
    #[inline(always)]
    pub fn look_up(&self, text: &[u8], judged: &mut Judged) {
        let now = self.options.now;
        let mut hits = std::mem::take(&mut judged.hits);
        self.snapshot.look_up_hits(&judged.hashes, now, &mut hits);
        // Most hits of a batch are alike.
        let mut known = (Blocks::NONE, ReasonSet::NONE);
        for &(at, found) in &hits {
            if found != known.0 {
                known = (found, found.reasons(self.options.class));
            }
            self.apply_address(text, judged, at, known);
        }
        self.snapshot.look_up_hits(&judged.contact_hashes, now, &mut hits);
        for &(at, found) in &hits {
            let row = &mut judged.rows[judged.contacts[at]];
            row.reasons = row.reasons.union(found.reasons(self.options.class));
        }
        judged.hits = hits;
    }

    /// Splits the chunk, and gathers what is to be looked up.
    #[inline(always)]
    fn split(&self, chunk: &ChunkBuffer, judged: &mut Judged) -> Result<(), ChunkFault> {
        match (self.columns.emails.as_slice(), self.columns.contact, self.columns.list) {
            (&[email], None, None) => self.split_addresses(email, chunk, judged),
            _ => self.split_cells(chunk, judged),
        }
    }

    /// [`Judge::split`] for the common file, of which one column is read: the hot loop.
    #[inline(always)]
    fn split_addresses(
        &self,
        email: usize,
        chunk: &ChunkBuffer,
        judged: &mut Judged,
    ) -> Result<(), ChunkFault> {
        let mut records = chunk.records(self.options.dialect, self.options.limits);
        let mut cells = OneCell::new(email);
        while let Some(record) = records.next_record(&mut cells).map_err(ChunkFault::Text)? {
            let cell = cells.get().unwrap_or_default();
            let reasons = self.gather(chunk.bytes(), record, cell, judged)?;
            judged.rows.push(Row::new(record, reasons));
        }
        Ok(())
    }

    /// [`Judge::split`] for any columns.
    fn split_cells(&self, chunk: &ChunkBuffer, judged: &mut Judged) -> Result<(), ChunkFault> {
        let bytes = chunk.bytes();
        let mut cells = WantedCells::new(self.columns.all());
        let places: Vec<_> =
            self.columns.emails.iter().map(|column| cells.place(*column)).collect();
        let contact = self.columns.contact.and_then(|column| cells.place(column));
        let list = self.columns.list.and_then(|column| cells.place(column));
        let mut records = chunk.records(self.options.dialect, self.options.limits);
        let mut emails = Vec::with_capacity(places.len());
        while let Some(record) = records.next_record(&mut cells).map_err(ChunkFault::Text)? {
            emails.clear();
            emails
                .extend(places.iter().map(|at| at.and_then(|at| cells.at(at)).unwrap_or_default()));
            let contact = contact.and_then(|place| cells.at(place));
            let list = list.and_then(|place| cells.at(place));
            self.add_row(bytes, record, RowCells { emails: &emails, contact, list }, judged)?;
        }
        Ok(())
    }

    /// Gathers what is to be looked up of one more row, whose cells stand in `text`, for
    /// [`Judge::look_up`]. A row without any address cell is judged by what else it has.
    pub fn add_row(
        &self,
        text: &[u8],
        record: Record,
        cells: RowCells<'_>,
        judged: &mut Judged,
    ) -> Result<(), ChunkFault> {
        let mut reasons = ReasonSet::NONE;
        for cell in cells.emails {
            reasons = reasons.union(self.gather(text, record, *cell, judged)?);
        }
        if let Some(cell) = cells.contact {
            let id = trimmed(cell.text(text, &mut judged.text), record.start, "contact")?;
            if !id.is_empty() {
                judged.contact_hashes.push(self.hasher.contact(id.as_bytes()));
                judged.contacts.push(judged.rows.len());
            }
        }
        if let Some(cell) = cells.list {
            trimmed(cell.text(text, &mut judged.text), record.start, "list")?;
        }
        if self.columns.list.is_some() {
            judged.list_cells.push(cells.list);
        }
        judged.rows.push(Row::new(record, reasons));
        Ok(())
    }

    /// Normalises and hashes the address in `cell` of the row about to be pushed, to be looked up; gives
    /// what withholds the row when there is none.
    #[inline(always)]
    fn gather(
        &self,
        bytes: &[u8],
        record: Record,
        cell: Cell,
        judged: &mut Judged,
    ) -> Result<ReasonSet, ChunkFault> {
        let key = match cell.borrowed(bytes) {
            Some(text) => self.policy.key_in(bytes, text, &mut judged.key),
            None => self.policy.key(cell.text(bytes, &mut judged.text), &mut judged.key),
        };
        match key {
            Ok(key) => {
                let (room, length) = key.in_room();
                judged.hashes.push(self.hasher.address_in(room, length));
                judged.addresses.push(Probe::new(judged.rows.len(), cell));
                Ok(ReasonSet::NONE)
            }
            Err(fault) => self.unusable(record, fault),
        }
    }

    /// What a row without a usable address gets.
    #[cold]
    fn unusable(&self, record: Record, fault: InvalidAddress) -> Result<ReasonSet, ChunkFault> {
        match self.options.invalid {
            OnInvalid::Withhold => {
                let mut reasons = ReasonSet::NONE;
                reasons.insert(Reason::InvalidAddress);
                Ok(reasons)
            }
            OnInvalid::Keep => Ok(ReasonSet::NONE),
            OnInvalid::Fail => Err(ChunkFault::Address { at: record.start, fault }),
        }
    }

    /// Adds to a row what withholds its address number `at` of the chunk.
    fn apply_address(
        &self,
        bytes: &[u8],
        judged: &mut Judged,
        at: usize,
        (found, mut reasons): (Blocks, ReasonSet),
    ) {
        let probe = judged.addresses[at];
        if found.contains(Blocks::HAS_LISTS) {
            let row_lists = judged.list_cells.get(probe.row()).copied().flatten();
            let row_lists = row_lists.map(|cell| {
                String::from_utf8_lossy(cell.text(bytes, &mut judged.text)).into_owned()
            });
            let row_lists = row_lists.iter().flat_map(|lists| lists.split(';')).map(str::trim);
            let lists = self.options.lists.iter().map(String::as_str).chain(row_lists);
            // Rare (an address with opt-outs, in a batch that names lists), so normalised again
            // rather than kept for every row.
            let text = probe.cell().text(bytes, &mut judged.text);
            let Ok(key) = self.policy.key(text, &mut judged.key) else { return };
            for list in lists.filter(|list| !list.is_empty()) {
                let hash = self.hasher.list(list.as_bytes(), key.as_bytes());
                let more = self.snapshot.get(hash, self.options.now).reasons(self.options.class);
                if self.names_lists && more.contains(Reason::OptedOut) {
                    name_list(&mut judged.opted_out, probe.row(), list);
                }
                reasons = reasons.union(more);
            }
        }
        let row = &mut judged.rows[probe.row()];
        row.reasons = row.reasons.union(reasons);
    }
}

/// A cell's text without surrounding white space, as an import keeps it.
fn trimmed<'t>(cell: &'t [u8], at: usize, what: &'static str) -> Result<&'t str, ChunkFault> {
    let text = std::str::from_utf8(cell).map_err(|_| ChunkFault::NotUtf8 { at, what })?;
    Ok(text.trim())
}

/// Adds a list to those of `row`, once; rows come in ascending order, so only the last are looked at.
fn name_list(opted_out: &mut Vec<(usize, String)>, row: usize, list: &str) {
    let mut of_row = opted_out.iter().rev().take_while(|(other, _)| *other == row);
    if !of_row.any(|(_, named)| named == list) {
        opted_out.push((row, list.to_owned()));
    }
}
