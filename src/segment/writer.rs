//! Contents into a file: sections laid out, checksummed and handed to the directory in one call.

use super::format::{self, HEADER_LEN, Header, Kind, SECTION_LEN, Section};
use super::table::Table;
use super::{Contents, Entry, Expiring, Identity, Meta, Updated};
use super::{dictionary, expiring, fault};
use crate::error::Result;
use crate::storage::Directory;

/// The largest segment that stores its full hashes, at 24 bytes an entry.
///
/// They make merging exact. A larger segment is a base: a merge changes a copy of its table instead,
/// and its full hashes would cost as much again as the table and the look-ups never read them.
pub const ENTRIES_MAX: usize = 1_048_576;

/// The largest gap in front of a section.
const PADDING: [u8; 4096] = [0; 4096];

/// Writes a segment. Its contents are durable when this returns, its name after
/// [`Directory::sync`]. Equal contents give equal bytes and so the same name.
///
/// Cost: one sequential pass to build the table, one to checksum it; memory for the whole file but the
/// padding. 10 M entries make 127 MB.
///
/// # Errors
/// [`crate::ErrorKind::Untrusted`] when the directory can't take the file, and, before anything is
/// written, when `contents` breaks an order or a promise stated at [`Contents`].
pub fn write(directory: &dyn Directory, identity: &Identity, contents: Contents) -> Result<Meta> {
    write_bounded(directory, identity, contents, ENTRIES_MAX)
}

/// [`write()`] with another [`ENTRIES_MAX`], so that tests have small bases.
pub(crate) fn write_bounded(
    directory: &dyn Directory,
    identity: &Identity,
    contents: Contents,
    entries_max: usize,
) -> Result<Meta> {
    check(&contents)?;
    let Contents { generation, entries, expiring, dictionary } = contents;
    let mut table = Table::for_entries(entries.len());
    for &entry in &entries {
        if !table.insert(entry) {
            return Err(fault::contents("the table has no room for its entries"));
        }
    }
    let rows = (entries.len() <= entries_max).then(|| encode(&entries));
    let tombstones = entries.iter().filter(|entry| entry.state == 0).count() as u64;
    let head = Head { identity, generation, entries: entries.len() as u64, tombstones };
    drop(entries);
    head.write(directory, &table, rows.as_deref(), &expiring, dictionary.as_deref())
}

/// Writes a base whose table a merge has updated. Promise, cost and errors are those of [`write()`].
///
/// # Errors
/// [`crate::ErrorKind::Untrusted`] when the directory can't take the file.
pub fn write_updated(
    directory: &dyn Directory,
    identity: &Identity,
    updated: Updated,
) -> Result<Meta> {
    let Updated { generation, table, counts, expiring, dictionary } = updated;
    let (entries, tombstones) = (counts.entries, counts.tombstones);
    let head = Head { identity, generation, entries, tombstones };
    head.write(directory, &table, None, &expiring, dictionary.as_deref())
}

/// Holds the promises of [`Contents`]: a merge relies on the order, a look-up on one entry a hash.
fn check(contents: &Contents) -> Result<()> {
    let Contents { entries, expiring, .. } = contents;
    if !entries.is_sorted_by(|a, b| a.hash < b.hash) {
        return Err(fault::contents("entries are not sorted by hash, each hash once"));
    }
    if !expiring.is_sorted_by_key(|row| row.hash) {
        return Err(fault::contents("expiring rows are not sorted by hash"));
    }
    let mut hashes = entries.iter().map(|entry| entry.hash).peekable();
    for row in expiring {
        while hashes.next_if(|&hash| hash < row.hash).is_some() {}
        if hashes.peek() != Some(&row.hash) {
            return Err(fault::contents("an expiring row belongs to no entry"));
        }
    }
    Ok(())
}

fn encode(entries: &[Entry]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(entries.len() * format::ENTRY_LEN);
    for entry in entries {
        entry.encode(&mut bytes);
    }
    bytes
}

/// What the header says besides the layout.
struct Head<'a> {
    identity: &'a Identity,
    generation: u64,
    entries: u64,
    tombstones: u64,
}

/// A section to be written.
struct Part<'a> {
    kind: Kind,
    items: u64,
    bytes: &'a [u8],
}

impl Head<'_> {
    fn write(
        &self,
        directory: &dyn Directory,
        table: &Table,
        entries: Option<&[u8]>,
        expiring: &[Expiring],
        dictionary: Option<&[u8]>,
    ) -> Result<Meta> {
        let fixed = |kind: Kind, bytes| {
            let items = kind.item_len().map_or(0, |len| <[u8]>::len(bytes) / len) as u64;
            Part { kind, items, bytes }
        };
        let expiring = expiring::encode(expiring);
        let mut parts = vec![fixed(Kind::Table, table.bytes())];
        parts.extend(entries.map(|bytes| fixed(Kind::Entries, bytes)));
        if !expiring.is_empty() {
            parts.push(fixed(Kind::Expiring, &expiring));
        }
        if let Some(bytes) = dictionary {
            parts.push(Part { kind: Kind::Dictionary, items: dictionary::keys(bytes)?, bytes });
        }
        self.assemble(directory, &parts)
    }

    fn assemble(&self, directory: &dyn Directory, parts: &[Part<'_>]) -> Result<Meta> {
        let mut section_table = Vec::with_capacity(parts.len() * SECTION_LEN);
        let mut gaps = Vec::with_capacity(parts.len());
        let mut end = HEADER_LEN + parts.len() * SECTION_LEN;
        for part in parts {
            let offset = end.next_multiple_of(part.kind.alignment());
            gaps.push(PADDING.get(..offset - end).unwrap_or_default());
            end = offset + part.bytes.len();
            let section = Section {
                kind: part.kind,
                offset: offset as u64,
                length: part.bytes.len() as u64,
                items: part.items,
                checksum: format::checksum(part.bytes),
            };
            section.encode(&mut section_table);
        }
        let header = Header {
            sections: u32::try_from(parts.len()).unwrap_or(u32::MAX),
            file_len: end as u64,
            entries: self.entries,
            tombstones: self.tombstones,
            generation: self.generation,
            identity: *self.identity,
            section_table: format::checksum(&section_table),
        };
        let (head, checksum) = header.encode();
        let name = format::name(checksum);
        let mut pieces: Vec<&[u8]> = vec![&head, &section_table];
        pieces.extend(gaps.iter().zip(parts).flat_map(|(gap, part)| [gap, part.bytes]));
        directory.create(&name, &pieces).map_err(|source| fault::unwritable(&name, source))?;
        Ok(Meta {
            name,
            bytes: header.file_len,
            entries: header.entries,
            tombstones: header.tombstones,
            generation: header.generation,
        })
    }
}
