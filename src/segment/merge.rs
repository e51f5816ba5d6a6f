//! Several segments into one: of each key the newest state.

use super::table::{Counts, Table};
use super::{Contents, Entry, Expiring, Segment};
use super::{dictionary, fault};
use crate::error::Result;

/// What a merge comes to.
#[derive(Debug)]
pub enum Merged {
    /// New contents, for [`super::write()`].
    Contents(Contents),
    /// The oldest segment is a base without full hashes; a copy of its table took the newer states in.
    /// For [`super::write_updated`].
    Updated(Updated),
    /// Can't be merged: a segment other than the oldest stores no full hashes, or the base has no room
    /// left. The index must be rebuilt from the ledger.
    NeedsRebuild,
}

/// A base with newer states applied to its table.
#[derive(Debug)]
pub struct Updated {
    /// The generation of the newest segment; may be changed before it is written.
    pub generation: u64,
    pub(super) table: Table,
    pub(super) counts: Counts,
    pub(super) expiring: Vec<Expiring>,
    pub(super) dictionary: Option<Vec<u8>>,
}

/// Merges segments, the newest last, into one that answers every look-up as they do together.
///
/// The newest entry of a key wins, tombstones too; instants are those of the segment that wins. With
/// `drop_tombstones` keys whose newest entry is a tombstone are left out: right only when no older
/// segment stays behind that could hold them. The result has a dictionary when all segments have one.
/// Nothing is written; no segments give empty contents.
///
/// Cost: one pass over the full hashes, 24 bytes of memory for each key of the result; for a base a
/// copy of its table instead, changed where the newer segments say so. Dictionaries are united key
/// by key, which takes longer than all the rest.
///
/// # Errors
/// [`crate::ErrorKind::Untrusted`] when full hashes or dictionary of a segment are damaged, or the
/// segments are not of one store.
pub fn merge(newest_last: &[&Segment], drop_tombstones: bool) -> Result<Merged> {
    let Some((&oldest, newer)) = newest_last.split_first() else {
        return Ok(Merged::Contents(Contents::default()));
    };
    for segment in newer {
        if segment.identity() != oldest.identity() {
            return Err(fault::foreign(
                &segment.meta().name,
                segment.identity(),
                oldest.identity(),
            ));
        }
    }
    if newer.iter().any(|segment| !segment.has_entries()) {
        return Ok(Merged::NeedsRebuild);
    }
    if !oldest.has_entries() {
        return into_base(oldest, newer, newest_last, drop_tombstones);
    }
    let (mut entries, mut expiring) = newest_of_each(newest_last)?;
    if drop_tombstones {
        entries.retain(|entry| entry.state != 0);
        expiring.retain(|row| has(&entries, row));
    }
    let generation = generation(newest_last);
    let dictionary = united(newest_last, drop_tombstones)?;
    Ok(Merged::Contents(Contents { generation, entries, expiring, dictionary }))
}

/// Applies the newer segments to a copy of the base's table.
fn into_base(
    base: &Segment,
    newer: &[&Segment],
    newest_last: &[&Segment],
    drop_tombstones: bool,
) -> Result<Merged> {
    let (entries, mut expiring) = newest_of_each(newer)?;
    let mut table = Table::copy_of(base.table());
    if drop_tombstones {
        table.remove_tombstones();
    }
    let mut fresh = Vec::new();
    for &entry in &entries {
        if entry.state == 0 && drop_tombstones {
            table.remove(entry.hash);
        } else if !table.overwrite(entry) {
            fresh.push(entry);
        }
    }
    // Asked before the first insertion: in a table near its end each would walk far for a slot.
    if !table.has_room(table.counts(), fresh.len()) {
        return Ok(Merged::NeedsRebuild);
    }
    for entry in fresh {
        if !table.insert(entry) {
            return Ok(Merged::NeedsRebuild);
        }
    }
    let counts = table.counts();
    if !table.has_room(counts, 0) {
        return Ok(Merged::NeedsRebuild);
    }
    expiring.extend(base.all_expiring().filter(|row| !has(&entries, row)));
    expiring.retain(|row| table.contains(row.hash));
    // Stable, and all rows of a hash come from one segment: their order stays.
    expiring.sort_by_key(|row| row.hash);
    let generation = generation(newest_last);
    let dictionary = united(newest_last, drop_tombstones)?;
    Ok(Merged::Updated(Updated { generation, table, counts, expiring, dictionary }))
}

/// Whether the row's hash is that of one of the entries, which are sorted.
fn has(entries: &[Entry], row: &Expiring) -> bool {
    entries.binary_search_by_key(&row.hash, |entry| entry.hash).is_ok()
}

fn generation(newest_last: &[&Segment]) -> u64 {
    newest_last.last().map_or(0, |segment| segment.meta().generation)
}

/// Of each hash the newest entry, and that segment's instants of it; both sorted.
fn newest_of_each(newest_last: &[&Segment]) -> Result<(Vec<Entry>, Vec<Expiring>)> {
    let mut streams = Vec::with_capacity(newest_last.len());
    for segment in newest_last {
        let entries = segment.entries()?.into_iter().flatten().peekable();
        streams.push((entries, segment.all_expiring().peekable()));
    }
    let (mut entries, mut expiring) = (Vec::new(), Vec::new());
    // A merge takes few segments, so looking at each beats a heap.
    while let Some(hash) =
        streams.iter_mut().filter_map(|(entries, _)| entries.peek().map(|entry| entry.hash)).min()
    {
        let mut winner = None;
        for (stream, rows) in &mut streams {
            if let Some(entry) = stream.next_if(|entry| entry.hash == hash) {
                winner = Some((entry, rows));
            }
        }
        let Some((entry, rows)) = winner else { break };
        entries.push(entry);
        // Rows in front are of hashes that another segment won.
        while rows.next_if(|row| row.hash < hash).is_some() {}
        expiring.extend(std::iter::from_fn(|| rows.next_if(|row| row.hash == hash)));
    }
    Ok((entries, expiring))
}

/// The union of the dictionaries, if every segment has one.
fn united(newest_last: &[&Segment], drop_tombstones: bool) -> Result<Option<Vec<u8>>> {
    let mut maps = Vec::with_capacity(newest_last.len());
    for segment in newest_last {
        let Some(map) = segment.dictionary()? else { return Ok(None) };
        maps.push(map);
    }
    dictionary::unite(&maps, drop_tombstones).map(Some)
}
