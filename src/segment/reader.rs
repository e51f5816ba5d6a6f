//! A segment opened for look-ups.

use super::format::{ENTRY_LEN, Kind, SLOTS};
use super::sections::{self, Part};
use super::{Entry, Expiring, Hash, Identity, Meta};
use super::{dictionary, expiring, fault, table};
use crate::error::Result;
use crate::storage::{Access, Blob, Directory, prefetch};

/// An open segment: immutable, shareable between threads, readable after its file was removed.
///
/// See the [module](super) for an example.
#[derive(Debug)]
pub struct Segment {
    meta: Meta,
    identity: Identity,
    pub(super) parts: Vec<Part>,
    table: Blob,
    expiring: Option<Blob>,
}

impl Segment {
    /// Opens the segment `name`, which must be of this store: same secret key, same address policy.
    ///
    /// Header, section table, padding and the checksum of every section a look-up reads are verified
    /// here; those of the full hashes and the dictionary at their first use.
    ///
    /// Cost: one pass over the table at about the speed of memory, or of the disk when cold.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Untrusted`], each with what was found, what was expected and the cure: the
    /// file is missing, truncated, no segment, of a newer format, renamed, damaged, of another store.
    pub fn open(
        directory: &dyn Directory,
        name: &str,
        identity: &Identity,
        access: Access,
    ) -> Result<Self> {
        let unreadable = |source| fault::unreadable(name, source);
        let blob = directory.open(name, access).map_err(unreadable)?;
        let header = sections::header(name, &blob, identity)?;
        let parts = sections::parts(name, &blob, &header)?;
        let Some(part) = sections::of_kind(&parts, Kind::Table) else {
            return Err(fault::damaged(name, "no section `table`"));
        };
        let slots = part.section.items.saturating_mul(SLOTS as u64);
        let plausible = header.tombstones <= header.entries && header.entries <= slots;
        if part.section.items == 0 || !plausible {
            return Err(fault::section(name, "table", "cannot hold the entries"));
        }
        let table = part.bytes(name)?.clone();
        let expiring = match sections::of_kind(&parts, Kind::Expiring) {
            Some(part) => Some(part.bytes(name)?.clone()),
            None => None,
        };
        let meta = Meta {
            name: name.to_owned(),
            bytes: header.file_len,
            entries: header.entries,
            tombstones: header.tombstones,
            generation: header.generation,
        };
        Ok(Self { meta, identity: header.identity, parts, table, expiring })
    }

    /// The state of `hash`: `Some(0)` for a tombstone, `None` when this segment says nothing of it.
    ///
    /// Cost: one cache line, rarely two; no allocation, no branch that depends on the slot.
    #[inline]
    #[must_use]
    pub fn get(&self, hash: Hash) -> Option<u16> {
        table::get(&self.table, hash)
    }

    /// Asks for the cache lines that [`get`](Self::get) of these hashes will read. Call it some twenty
    /// look-ups ahead.
    #[inline(always)]
    pub fn prefetch(&self, hashes: &[Hash]) {
        let table: &[u8] = &self.table;
        for &hash in hashes {
            prefetch(table, table::home_offset(table, hash));
        }
    }

    /// Asks for the line where [`get`](Self::get) goes on when the one [prefetched](Self::prefetch) does
    /// not decide.
    #[inline(always)]
    pub fn prefetch_second(&self, hash: Hash) {
        let table: &[u8] = &self.table;
        prefetch(table, table::second_offset(table, hash));
    }

    /// Which of at most 32 hashes the segment may hold, one bit each, the first the lowest: of every other
    /// [`get`](Self::get) is `None`.
    ///
    /// Cost: one cache line a hash and no branch that depends on what is in it. Of absent hashes one in
    /// sixteen has its bit set too.
    #[inline(always)]
    #[must_use]
    pub fn candidates(&self, hashes: &[Hash]) -> u32 {
        table::candidates(&self.table, hashes)
    }

    /// The instants at which the state of `hash` changes by time alone, in the order written.
    ///
    /// Cost: one binary search; call it only when the state says that there are any.
    pub fn expiring(&self, hash: Hash) -> impl Iterator<Item = Expiring> {
        expiring::rows_of(self.expiring.as_deref().unwrap_or_default(), hash)
    }

    /// All instants, sorted by hash.
    pub fn all_expiring(&self) -> impl Iterator<Item = Expiring> {
        expiring::rows(self.expiring.as_deref().unwrap_or_default())
    }

    /// The exact keys with their states; `None` when the segment was written without.
    ///
    /// Cost: the first call reads the whole section for its checksum.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Untrusted`] when the section is damaged: reading on could panic.
    pub fn dictionary(&self) -> Result<Option<fst::Map<Blob>>> {
        let name = &self.meta.name;
        let Some(part) = sections::of_kind(&self.parts, Kind::Dictionary) else { return Ok(None) };
        let map = fst::Map::new(part.bytes(name)?.clone());
        let map = map.map_err(|error| {
            fault::section(name, "dictionary", &dictionary::words(&error)).with_source(error)
        })?;
        Ok(Some(map))
    }

    /// Whether the segment tells its keys.
    #[must_use]
    pub fn has_dictionary(&self) -> bool {
        sections::of_kind(&self.parts, Kind::Dictionary).is_some()
    }

    /// Whether the segment stores its full hashes, so that it can be merged into an older one.
    #[must_use]
    pub fn has_entries(&self) -> bool {
        sections::of_kind(&self.parts, Kind::Entries).is_some()
    }

    /// All entries, tombstones among them, sorted by hash; `None` for a base larger than
    /// [`super::ENTRIES_MAX`], which stores no full hashes.
    ///
    /// Cost: the first call reads the whole section for its checksum.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Untrusted`] when the section is damaged.
    pub fn entries(&self) -> Result<Option<impl Iterator<Item = Entry>>> {
        let Some(part) = sections::of_kind(&self.parts, Kind::Entries) else { return Ok(None) };
        let rows = part.bytes(&self.meta.name)?.as_chunks::<ENTRY_LEN>().0;
        Ok(Some(rows.iter().map(Entry::decode)))
    }

    /// Name, size and counts.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The secret key and policy its hashes were made with.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The table's bytes.
    pub(super) fn table(&self) -> &[u8] {
        &self.table
    }
}
