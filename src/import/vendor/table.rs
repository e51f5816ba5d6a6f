//! Delimited text of a vendor → records and rejects.

use super::row::{CellTexts, Columns, Kept, Place, Row};
use super::{Format, VendorFile};
use crate::address::{KeyBuffer, Policy};
use crate::delimited::{AllCells, Cell, ChunkBuffer, Dialect, Limits};
use crate::error::Result;
use crate::import::chunk::{Parsed, all_close};
use crate::import::native::one_list;
use crate::import::reader::{Gather, Keyed, Taken, Understand, header, read_rows};
use crate::import::reject::RejectCause;
use crate::record::NativeRow;
use serde::de::IgnoredAny;
use std::borrow::Cow;
use std::io::Read;

/// Reads delimited text.
pub(super) fn read<G: Gather>(
    file: VendorFile<'_, impl Read + Send>,
    gather: impl Fn() -> G + Sync,
    take: impl FnMut(Taken<'_, G>) -> Result<()> + Send,
    progress: &(dyn Fn(u64) + Sync),
) -> Result<u64> {
    let VendorFile { input, name, seen, format, list, policy } = file;
    let begin = |first: &mut ChunkBuffer, dialect| {
        let limits = Limits::default();
        let header = header(first, name, dialect, limits)?;
        let columns = if seen.has_header() && !(format.is_bare)(seen) {
            first.from = header.record().end;
            Columns::of_header(format, &header, name)?
        } else {
            Columns::of_positions(format, header.names().len(), name)?
        };
        let rows = Rows { format, policy, list, file: seen.file() };
        Ok(Table { rows, columns, dialect, limits })
    };
    read_rows(input, name, begin, gather, take, progress)
}

/// Understands the chunks of one file.
struct Table<'f> {
    rows: Rows<'f>,
    columns: Columns,
    dialect: Dialect,
    limits: Limits,
}

/// Understands rows, wherever their cells come from.
pub(super) struct Rows<'f> {
    pub(super) format: &'static Format,
    pub(super) policy: Policy,
    pub(super) list: Option<&'f str>,
    pub(super) file: &'f str,
}

impl Understand for Table<'_> {
    fn parse<G: Gather>(&self, chunk: ChunkBuffer, gather: G) -> Parsed<G> {
        let mut key = KeyBuffer::default();
        let (mut made, mut places, mut scratch) = (Vec::new(), Vec::new(), Vec::new());
        let row = |text: &[u8], cells: &AllCells, gathered: &mut G| {
            let cells = match self.whole(text, cells.as_slice()) {
                Ok(cells) => cells,
                Err(cause) => return Ok(Err(cause)),
            };
            if let Err(cause) = all_close(text, &cells) {
                return Ok(Err(cause));
            }
            made.clear();
            places.clear();
            let mut texts = CellTexts {
                text,
                made: std::mem::take(&mut made),
                places: std::mem::take(&mut places),
            };
            for cell in &*cells {
                match cell.borrowed(text) {
                    Some(range) => texts.places.push(Place::Text(range)),
                    None => texts.make(cell.text(text, &mut scratch)),
                }
            }
            let outcome = self.rows.take(&self.columns, &texts, &mut key, gathered);
            CellTexts { made, places, .. } = texts;
            outcome
        };
        Parsed::of_rows(chunk, gather, (self.dialect, self.limits), row)
    }
}

impl Table<'_> {
    /// The cells of a row that has as many as the header. A row with fewer or more is none, because no
    /// one can say which of them moved; but for a JSON object without quotes around it, which is put
    /// together again when exactly its commas are too many.
    fn whole<'c>(&self, text: &[u8], cells: &'c [Cell]) -> Result<Cow<'c, [Cell]>, RejectCause> {
        let (found, expected) = (cells.len(), self.columns.width);
        if found == expected {
            return Ok(Cow::Borrowed(cells));
        }
        let wrong = RejectCause::Width { found, expected };
        let place = self.rows.format.object.and_then(|field| self.columns.place(field));
        let (Some(first), Some(surplus)) = (place, found.checked_sub(expected)) else {
            return Err(wrong);
        };
        let (Some(begin), Some(end)) = (cells.get(first), cells.get(first + surplus)) else {
            return Err(wrong);
        };
        let object = Cell { start: begin.start, end: end.end, quoted: false };
        let raw = object.raw(text);
        if raw.first() != Some(&b'{') || serde_json::from_slice::<IgnoredAny>(raw).is_err() {
            return Err(wrong);
        }
        let rest = cells.get(first + surplus + 1..).unwrap_or_default();
        let before = cells.get(..first).unwrap_or_default();
        Ok(Cow::Owned([before, &[object], rest].concat()))
    }
}

impl Rows<'_> {
    /// Gathers what a row holds, or says why it can't be understood: then nothing of it is gathered.
    pub(super) fn take<G: Gather>(
        &self,
        columns: &Columns,
        cells: &CellTexts<'_>,
        key: &mut KeyBuffer,
        gathered: &mut G,
    ) -> Result<Result<(), RejectCause>> {
        let kept = Kept::default();
        let Self { format, list, file, policy } = *self;
        let row = Row { format, columns, cells, file, list, kept: &kept, policy };
        let mut records = Vec::new();
        if let Err(cause) = (format.read)(&row, &mut records) {
            return Ok(Err(cause));
        }
        if records.iter().any(|record| list_of(record) == Some("")) {
            // The ledger would take it for everywhere.
            return Ok(Err(RejectCause::Empty("list")));
        }
        if let Err(cause) =
            records.iter().try_for_each(|record| one_list(list_of(record)).map(|_| ()))
        {
            return Ok(Err(cause));
        }
        if let [record] = records.as_slice() {
            return match self.key_of(record, key) {
                Ok(key) => gathered.add(key, record).map(Ok),
                Err(cause) => Ok(Err(cause)),
            };
        }
        let mut keyed: Vec<Keyed<'_>> = Vec::with_capacity(records.len());
        for record in records {
            match self.key_of(&record, key) {
                Ok(key) => keyed.push((key.into(), record)),
                Err(cause) => return Ok(Err(cause)),
            }
        }
        gathered.add_several(&keyed).map(Ok)
    }

    /// The key of the address that a record is about, or what a record of no address has instead.
    fn key_of<'k>(
        &self,
        record: &'k NativeRow<'_>,
        buffer: &'k mut KeyBuffer,
    ) -> Result<&'k [u8], RejectCause> {
        match *record {
            NativeRow::Contact { address, .. }
            | NativeRow::Unsubscribe { address, .. }
            | NativeRow::Preference { address, .. }
            | NativeRow::Suppression { address, .. } => self
                .policy
                .key(address.as_bytes(), buffer)
                .map(|key| key.as_bytes())
                .map_err(RejectCause::Address),
            NativeRow::Domain { .. } | NativeRow::Digest { .. } => {
                Ok(record.own_key().unwrap_or_default())
            }
        }
    }
}

/// The list that a record is for, if it is for one.
fn list_of<'r>(record: &NativeRow<'r>) -> Option<&'r str> {
    match *record {
        NativeRow::Unsubscribe { list, .. } => list,
        NativeRow::Preference { list, .. } => Some(list),
        NativeRow::Digest { list, .. } => list,
        NativeRow::Contact { .. } | NativeRow::Suppression { .. } | NativeRow::Domain { .. } => {
            None
        }
    }
}
