//! The rows of a chunk → the reasons that withhold each.

use super::columns::Columns;
use super::digests::{Digests, Wanted};
use super::domains::DomainMemo;
pub(super) use super::judged::{Judged, Row};
use super::judged::{Probe, name_list};
use super::ndjson::{self, LineFault, Members};
use super::options::{OnInvalid, Options};
use super::run::Filter;
use crate::address::{InvalidAddress, Key, Policy, several};
use crate::delimited::{Cell, ChunkBuffer, Fault, OneCell, Record, WantedCells};
use crate::index::{KeyHasher, Present, Snapshot};
use crate::record::{Blocks, Reason, ReasonSet};
use std::ops::Range;

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
    /// What the snapshot holds besides addresses, contacts and lists.
    pub present: Present,
}

impl<'a> Judge<'a> {
    /// What judges the chunks of one run of `filter`.
    pub fn new(filter: &Filter<'a>, columns: &'a Columns, names_lists: bool) -> Self {
        let Filter { snapshot, hasher, policy, options } = *filter;
        let present = Present::of(snapshot, hasher);
        let members = None;
        Self { snapshot, hasher, policy, options, columns, members, names_lists, present }
    }
}

impl Judge<'_> {
    /// Finds the reasons of every row of `chunk`. `MORE` unless the snapshot holds [nothing
    /// more](Present::is_nothing): the loop without it is the faster for it.
    ///
    /// Cost: one normalisation, one hash and one batched look-up an address; a look-up more for each
    /// list asked about, only for addresses that have opt-outs of some list; what `domains` and `digests`
    /// say of theirs.
    #[inline(always)]
    pub fn judge<const MORE: bool>(
        &self,
        chunk: &ChunkBuffer,
        judged: &mut Judged,
    ) -> Result<(), ChunkFault> {
        judged.clear();
        if let Some(members) = self.members {
            return ndjson::judge(self, members, chunk, judged);
        }
        self.split::<MORE>(chunk, judged)?;
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
        if self.present.holds_digests() {
            self.look_up_digests(text, judged);
        }
    }

    /// Splits the chunk, and gathers what is to be looked up.
    #[inline(always)]
    fn split<const MORE: bool>(
        &self,
        chunk: &ChunkBuffer,
        judged: &mut Judged,
    ) -> Result<(), ChunkFault> {
        match (self.columns.emails.as_slice(), self.columns.contact, self.columns.list) {
            (&[email], None, None) => self.split_addresses::<MORE>(email, chunk, judged),
            _ => self.split_cells::<MORE>(chunk, judged),
        }
    }

    /// [`Judge::split`] for the common file, of which one column is read: the hot loop.
    #[inline(always)]
    fn split_addresses<const MORE: bool>(
        &self,
        email: usize,
        chunk: &ChunkBuffer,
        judged: &mut Judged,
    ) -> Result<(), ChunkFault> {
        let mut records = chunk.records(self.options.dialect, self.options.limits);
        let mut cells = OneCell::new(email);
        while let Some(record) = records.next_record(&mut cells).map_err(ChunkFault::Text)? {
            let cell = cells.get().unwrap_or_default();
            let reasons = self.gather::<MORE>(chunk.bytes(), record, cell, judged)?;
            judged.rows.push(Row::new(record, reasons));
        }
        Ok(())
    }

    /// [`Judge::split`] for any columns.
    fn split_cells<const MORE: bool>(
        &self,
        chunk: &ChunkBuffer,
        judged: &mut Judged,
    ) -> Result<(), ChunkFault> {
        let bytes = chunk.bytes();
        let mut cells = WantedCells::new(self.columns.all());
        let places: Vec<_> =
            self.columns.emails.iter().map(|column| cells.place(*column)).collect();
        let contact = self.columns.contact.and_then(|column| cells.place(column));
        let list = self.columns.list.and_then(|column| cells.place(column));
        let mut records = chunk.records(self.options.dialect, self.options.limits);
        while let Some(record) = records.next_record(&mut cells).map_err(ChunkFault::Text)? {
            let emails = places.iter().map(|at| at.and_then(|at| cells.at(at)).unwrap_or_default());
            let contact = contact.and_then(|place| cells.at(place));
            let list = list.and_then(|place| cells.at(place));
            self.add_cells::<MORE>(bytes, record, emails, (contact, list), judged)?;
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
        let (emails, rest) = (cells.emails.iter().copied(), (cells.contact, cells.list));
        if self.present.is_nothing() {
            self.add_cells::<false>(text, record, emails, rest, judged)
        } else {
            self.add_cells::<true>(text, record, emails, rest, judged)
        }
    }

    #[inline(always)]
    fn add_cells<const MORE: bool>(
        &self,
        text: &[u8],
        record: Record,
        emails: impl Iterator<Item = Cell>,
        (contact, list): (Option<Cell>, Option<Cell>),
        judged: &mut Judged,
    ) -> Result<(), ChunkFault> {
        let mut reasons = ReasonSet::NONE;
        for cell in emails {
            reasons = reasons.union(self.gather::<MORE>(text, record, cell, judged)?);
        }
        if let Some(cell) = contact {
            let id = trimmed(cell.text(text, &mut judged.text), record.start, "contact")?;
            if !id.is_empty() {
                judged.contact_hashes.push(self.hasher.contact(id.as_bytes()));
                judged.contacts.push(judged.rows.len());
            }
        }
        if self.columns.list.is_some() {
            if let Some(cell) = list {
                trimmed(cell.text(text, &mut judged.text), record.start, "list")?;
            }
            judged.list_cells.push(list);
        }
        judged.rows.push(Row::new(record, reasons));
        Ok(())
    }

    /// Normalises and hashes the address in `cell` of the row about to be pushed, to be looked up; gives
    /// what withholds the row already.
    #[inline(always)]
    fn gather<const MORE: bool>(
        &self,
        bytes: &[u8],
        record: Record,
        cell: Cell,
        judged: &mut Judged,
    ) -> Result<ReasonSet, ChunkFault> {
        let stands = cell.borrowed(bytes);
        let key = match stands.clone() {
            Some(text) => self.policy.key_in(bytes, text, &mut judged.key),
            None => self.policy.key(cell.text(bytes, &mut judged.text), &mut judged.key),
        };
        match key {
            Ok(key) => {
                let (room, length) = key.in_room();
                judged.hashes.push(self.hasher.address_in(room, length));
                judged.addresses.push(Probe::new(judged.rows.len(), cell));
                if !MORE {
                    return Ok(ReasonSet::NONE);
                }
                let probe = Probe::new(judged.rows.len(), cell);
                let text = match &stands {
                    Some(at) => (bytes.get(at.start..).unwrap_or_default(), at.end - at.start),
                    None => (judged.text.as_slice(), judged.text.len()),
                };
                Ok(self.gather_more(probe, text, key, &mut judged.domains, &mut judged.digests))
            }
            Err(fault) => self.without_key(bytes, record, cell, fault, judged),
        }
    }

    /// Adds what is looked up of an address besides itself; gives what withholds the row already. The cell's
    /// text is the first `length` bytes of `text`.
    #[inline(always)]
    fn gather_more(
        &self,
        probe: Probe,
        (text, length): (&[u8], usize),
        key: Key<'_>,
        domains: &mut DomainMemo,
        digests: &mut Digests<Probe>,
    ) -> ReasonSet {
        if self.present.holds_digests() {
            digests.add(self.wanted(), probe, text, length, key);
        }
        if self.present.domain_rules && domains.covers(self.snapshot, self.hasher, key.domain()) {
            return ReasonSet::NONE.with(Reason::Domain);
        }
        ReasonSet::NONE
    }

    /// Which digests are compared.
    pub(super) fn wanted(&self) -> Wanted<'_> {
        Wanted { present: self.present, hasher: self.hasher }
    }

    /// What a row gets for a cell that holds no address, or several.
    #[cold]
    fn without_key(
        &self,
        bytes: &[u8],
        record: Record,
        cell: Cell,
        fault: InvalidAddress,
        judged: &mut Judged,
    ) -> Result<ReasonSet, ChunkFault> {
        let text = cell.text(bytes, &mut judged.text);
        if fault == InvalidAddress::SeveralAddresses {
            let first = judged.parts.len();
            let mut parts: Vec<Range<usize>> = Vec::new();
            for part in several(text) {
                let start = judged.parts.len();
                judged.parts.extend_from_slice(part);
                parts.push(start..judged.parts.len());
            }
            if !parts.is_empty() {
                return self.gather_parts(record, &parts, judged);
            }
            judged.parts.truncate(first);
        }
        // A row that is kept all the same may still be on a list that digested whatever stood there.
        if self.present.holds_digests() {
            let probe = Probe::new(judged.rows.len(), cell);
            judged.digests.add_cell(self.wanted(), probe, text);
        }
        self.unusable(record, fault)
    }

    /// Normalises and hashes each of a cell's addresses: all of them are looked up, and one that is unusable
    /// makes the row so.
    fn gather_parts(
        &self,
        record: Record,
        parts: &[Range<usize>],
        judged: &mut Judged,
    ) -> Result<ReasonSet, ChunkFault> {
        let mut reasons = ReasonSet::NONE;
        for at in parts {
            let part = judged.parts.get(at.clone()).unwrap_or_default();
            let probe = Probe::part(judged.rows.len(), at.clone());
            match self.policy.key(part, &mut judged.key) {
                Ok(key) => {
                    judged.hashes.push(self.hasher.address(key.as_bytes()));
                    judged.addresses.push(probe);
                    let (domains, digests) = (&mut judged.domains, &mut judged.digests);
                    let text = (part, part.len());
                    reasons = reasons.union(self.gather_more(probe, text, key, domains, digests));
                }
                Err(fault) => {
                    if self.present.holds_digests() {
                        judged.digests.add_cell(self.wanted(), probe, part);
                    }
                    reasons = reasons.union(self.unusable(record, fault)?);
                }
            }
        }
        Ok(reasons)
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
            // Nobody knows what stands there, so it may be anybody's address.
            OnInvalid::Keep if fault == InvalidAddress::NotUtf8 => {
                Ok(ReasonSet::NONE.with(Reason::InvalidAddress))
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
            let row_lists = judged.row_lists(bytes, probe.row());
            // Rare (an address with opt-outs, in a batch that names lists), so normalised again
            // rather than kept for every row.
            let text = probe.text(bytes, &judged.parts, &mut judged.text);
            let Ok(key) = self.policy.key(text, &mut judged.key) else { return };
            for list in self.lists(row_lists.as_deref()) {
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

    /// The lists that a row is sent for: the batch's, and its own, of which `of_row` is the text.
    pub(super) fn lists<'s>(&'s self, of_row: Option<&'s str>) -> impl Iterator<Item = &'s str> {
        let of_row = of_row.into_iter().flat_map(|lists| lists.split(';')).map(str::trim);
        let lists = self.options.lists.iter().map(String::as_str).chain(of_row);
        lists.filter(|list| !list.is_empty())
    }
}

/// A cell's text without surrounding white space, as an import keeps it.
fn trimmed<'t>(cell: &'t [u8], at: usize, what: &'static str) -> Result<&'t str, ChunkFault> {
    let text = std::str::from_utf8(cell).map_err(|_| ChunkFault::NotUtf8 { at, what })?;
    Ok(text.trim())
}

#[cfg(test)]
mod tests;
