//! Near misses: kept rows whose address is nearly one that is suppressed.
//!
//! The exact policy tells `ann.smith@gmail.com` from `annsmith@gmail.com`. Whoever opted out under one may
//! think of both as one. A run can list such rows beside its output; it still keeps them.
//!
//! [`Beside`] stands between the filter and its output and reads the kept rows as they pass, in the input's
//! order. So nothing of the filter knows of it, and a run without it pays nothing.

mod automaton;
mod kinds;

use super::columns::Columns;
use super::options::Options;
use super::run::Filter;
use crate::address::{InvalidAddress, KeyBuffer, several};
use crate::delimited::{Cell, Header, Record, Splitter, WantedCells, skip_byte_order_mark};
use crate::error::{Error, Result};
use crate::index::Addresses;
use crate::record::Blocks;
use automaton::Near;
use kinds::Kind;
use rayon::prelude::*;
use std::io::{self, Write};
use std::path::Path;

/// Looks for suppressed addresses near those of kept rows.
///
/// Suppressed is what the index withholds for the run's class and its lists; lists that only a row names, flags
/// of a contact by id, domain rules and digests are not looked at.
pub struct NearMisses<'a> {
    filter: Filter<'a>,
    addresses: Addresses,
    pool: rayon::ThreadPool,
}

/// A suppressed address near a row's, and what tells them apart.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Miss {
    kinds: Vec<Kind>,
    key: String,
}

impl<'a> NearMisses<'a> {
    /// Makes ready to look in the snapshot of `filter`, on as many threads as its options say.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Usage`](crate::ErrorKind::Usage) when the index tells no addresses,
    /// [`ErrorKind::Untrusted`](crate::ErrorKind::Untrusted) when its dictionary is damaged.
    pub fn new(filter: Filter<'a>) -> Result<Self> {
        if !filter.snapshot.has_dictionary() {
            return Err(Error::usage("near misses need the addresses, and this index holds none")
                .with_hint("make it anew with `quell compile --full`, without --no-dictionary"));
        }
        let addresses = filter.snapshot.addresses()?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(filter.options.threads.max(1))
            .build()
            .map_err(|error| Error::untrusted(format!("cannot start a thread: {error}")))?;
        Ok(Self { filter, addresses, pool })
    }

    /// The nearest suppressed address of those near the addresses in a row's `cells`.
    fn nearest(&self, text: &[u8], cells: &[Cell]) -> Option<Miss> {
        let (mut scratch, mut buffer, mut nearest) = (Vec::new(), KeyBuffer::new(), None);
        let policy = self.filter.policy;
        for cell in cells {
            let raw = cell.text(text, &mut scratch);
            match policy.key(raw, &mut buffer) {
                Ok(key) => self.look_near(key.as_str(), &mut nearest),
                Err(InvalidAddress::SeveralAddresses) => {
                    for part in several(raw) {
                        if let Ok(key) = policy.key(part, &mut buffer) {
                            self.look_near(key.as_str(), &mut nearest);
                        }
                    }
                }
                Err(_) => {}
            }
        }
        nearest
    }

    fn look_near(&self, key: &str, nearest: &mut Option<Miss>) {
        let Some(near) = Near::new(key) else { return };
        self.addresses.search(&near, |found, blocks| {
            let Ok(found) = std::str::from_utf8(found) else { return };
            let Some(kinds) = kinds::between(key, found) else { return };
            if !self.is_suppressed(found.as_bytes(), blocks) {
                return;
            }
            let miss = Miss { kinds, key: found.to_owned() };
            if nearest.as_ref().is_none_or(|known| miss.rank() < known.rank()) {
                *nearest = Some(miss);
            }
        });
    }

    /// Says whether the run withholds the address `key` whose stored bits are `blocks`.
    fn is_suppressed(&self, key: &[u8], blocks: Blocks) -> bool {
        let Filter { snapshot, hasher, options, .. } = self.filter;
        let withholds = |blocks: Blocks| !blocks.reasons(options.class).is_empty();
        if withholds(blocks) {
            return true;
        }
        let expiring = blocks.contains(Blocks::EXPIRING)
            && withholds(snapshot.get(hasher.address(key), options.now));
        expiring
            || blocks.contains(Blocks::HAS_LISTS)
                && options.lists.iter().any(|list| {
                    withholds(snapshot.get(hasher.list(list.as_bytes(), key), options.now))
                })
    }
}

impl Miss {
    /// The least is told: what is explained without an edit, by the fewest kinds, first in byte order.
    fn rank(&self) -> (bool, usize, &str) {
        (self.kinds.contains(&Kind::Edit), self.kinds.len(), &self.key)
    }
}

/// A filter's output that lists near misses on the way.
pub struct Beside<'a, K, W> {
    kept: K,
    list: List<'a, W>,
}

struct List<'a, W> {
    misses: &'a NearMisses<'a>,
    out: W,
    /// Known after the first chunk.
    columns: Option<Columns>,
    fault: Option<Error>,
}

impl<'a, K: Write, W: Write> Beside<'a, K, W> {
    /// Kept rows to `kept`, and those that are near misses to `out` too, each with the suppressed address
    /// and the kinds of difference.
    pub fn new(kept: K, (misses, out): (&'a NearMisses<'a>, W)) -> Self {
        Self { kept, list: List { misses, out, columns: None, fault: None } }
    }

    /// Ends the list.
    ///
    /// # Errors
    ///
    /// When it could not be made or written.
    pub fn finish(self) -> Result<()> {
        self.list.fault.map_or(Ok(()), Err)
    }
}

impl<K: Write, W: Write> Write for Beside<'_, K, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // The filter writes whole rows; a part of what it writes would not be.
        self.kept.write_all(bytes)?;
        if self.list.fault.is_none() {
            self.list.fault = self.list.take(bytes).err();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.kept.flush()
    }
}

impl<W: Write> List<'_, W> {
    /// Takes the kept rows of the next chunk; the header is before the first.
    fn take(&mut self, text: &[u8]) -> Result<()> {
        let options = self.misses.filter.options;
        let mut from = 0;
        if self.columns.is_none() {
            from = self.begin(text)?;
        }
        let Some(columns) = &self.columns else { return Ok(()) };
        let rows = rows(text, from, columns, options)?;
        let misses: Vec<Option<Miss>> = self.misses.pool.install(|| {
            let rows = rows.par_iter().with_min_len(16);
            rows.map(|(_, cells)| self.misses.nearest(text, cells)).collect()
        });
        let mut out = Vec::new();
        for ((record, _), miss) in rows.iter().zip(misses) {
            let Some(miss) = miss else { continue };
            let kinds: Vec<_> = miss.kinds.iter().map(|kind| kind.as_str()).collect();
            write_line(text, *record, options, [&miss.key, &kinds.join(";")], &mut out);
        }
        self.out.write_all(&out).map_err(write_error)
    }

    /// Finds the columns, writes the header, and says where the rows begin.
    fn begin(&mut self, text: &[u8]) -> Result<usize> {
        let options = self.misses.filter.options;
        let start = (skip_byte_order_mark(text) + options.preamble_bytes).min(text.len());
        if !options.header {
            // The filter has found the columns in the same options, and more of the input.
            self.columns = Some(Columns::without_header(1, usize::MAX, options)?);
            return Ok(start);
        }
        let Ok(Some(header)) = Header::read(text, start, options.dialect, options.limits) else {
            return Ok(text.len());
        };
        self.columns = Some(Columns::of_header(&header, options)?);
        let mut out = Vec::new();
        // With what stands before it, as in the other outputs.
        let record = Record { start: 0, ..header.record() };
        write_line(text, record, options, ["quell_near_miss", "quell_near_miss_kinds"], &mut out);
        self.out.write_all(&out).map_err(write_error)?;
        Ok(record.end)
    }
}

/// The rows of `text` and the address cells of each.
fn rows(
    text: &[u8],
    from: usize,
    columns: &Columns,
    options: &Options,
) -> Result<Vec<(Record, Vec<Cell>)>> {
    let mut cells = WantedCells::new(columns.emails.iter().copied());
    let places: Vec<_> = columns.emails.iter().filter_map(|column| cells.place(*column)).collect();
    let mut splitter = Splitter::new(text, from, options.dialect, options.limits);
    let mut rows = Vec::new();
    loop {
        match splitter.next_record(&mut cells) {
            Ok(Some(record)) => {
                rows.push((record, places.iter().filter_map(|at| cells.at(*at)).collect()));
            }
            Ok(None) => return Ok(rows),
            // Not reached: the filter has read the same rows.
            Err(fault) => return Err(Error::input(format!("kept rows: {}", fault.kind))),
        }
    }
}

/// Appends a record of `text`, verbatim, with two more fields before its line end.
fn write_line(
    text: &[u8],
    record: Record,
    options: &Options,
    fields: [&str; 2],
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(text.get(record.start..record.content_end).unwrap_or_default());
    for field in fields {
        out.push(options.dialect.delimiter());
        options.dialect.write_cell(field.as_bytes(), out);
    }
    out.extend_from_slice(text.get(record.content_end..record.end).unwrap_or_default());
}

fn write_error(error: io::Error) -> Error {
    Error::writing(Path::new("near misses"), error)
}
