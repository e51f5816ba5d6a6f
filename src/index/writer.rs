//! Commits: a batch of states becomes a segment, and a new manifest names it.
//!
//! The order of steps is the commit protocol of docs/format.md; tests/crash.rs stops before each.

use std::sync::Arc;

use rayon::slice::ParallelSliceMut;

use super::manifest::{self, Manifest};
use super::open::load;
use super::{Index, IndexIdentity, Position, fault};
use crate::error::Result;
use crate::record::Timestamp;
use crate::record::state::EntryState;
use crate::segment::{self, Contents, Entry, Expiring, Hash, Meta, Segment};
use crate::storage::{Access, Directory, Lock};

/// Whole states of keys, in any order, each hash once.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The states; 0 is a tombstone.
    pub entries: Vec<Entry>,
    /// The instants of states that have [`crate::record::Blocks::EXPIRING`].
    pub expiring: Vec<Expiring>,
    /// The finished bytes of a [`segment::DictionaryBuilder`] with the addresses among the entries; a
    /// tombstone's value is 0. `None` for an index that carries no address.
    pub dictionary: Option<Vec<u8>>,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a batch that was not written must be made again"]
pub enum Committed {
    /// It is durable, and in the index.
    Written,
    /// Another writer had brought the index to this cursor or beyond; the index is now that one.
    AlreadyThere,
    /// Another writer had moved the index to an older cursor than the batch begins after, as a full
    /// rebuild may. The batch lacks what lies between, so it was not written; the index is now that one,
    /// and the changes after its cursor are to be collected again.
    MovedBack,
}

impl Batch {
    /// Adds the whole state of a key.
    pub fn push(&mut self, hash: Hash, state: &EntryState) {
        self.entries.push(Entry { hash, state: state.blocks.to_bits() });
        self.expiring.extend(state.expiries.iter().map(|expiry| Expiring {
            hash,
            at: expiry.at.as_micros(),
            bits: expiry.blocks.to_bits(),
        }));
    }

    /// What a segment is written of; `None` when there is nothing to write.
    fn into_contents(mut self, generation: u64) -> Option<Contents> {
        if self.entries.is_empty() {
            return None;
        }
        // Parallel and the same in every run: each hash is there once.
        self.entries.par_sort_unstable_by_key(|entry| entry.hash);
        // By every field, so that the same states give the same file.
        self.expiring.sort_unstable_by_key(|row| (row.hash, row.at, row.bits));
        let Self { entries, expiring, dictionary } = self;
        Some(Contents { generation, entries, expiring, dictionary })
    }
}

impl Index {
    /// Makes an empty index in `directory`: generation 0, current to nothing, with dictionaries as long
    /// as every batch brings one.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Refused`] when there is one already, in whatever state;
    /// [`crate::ErrorKind::Untrusted`] when it can't be written.
    pub fn create(
        directory: Arc<dyn Directory>,
        identity: IndexIdentity,
        now: Timestamp,
    ) -> Result<Self> {
        let lock = directory.lock().map_err(|error| fault::writing("take its lock", error))?;
        let names =
            directory.list().map_err(|error| fault::writing("list its directory", error))?;
        if names.iter().any(|name| name == manifest::NAME) {
            return Err(fault::exists());
        }
        let manifest = new_manifest(&identity, now);
        let mut index =
            Self { directory, identity, access: Access::Map, manifest, levels: Vec::new() };
        index.publish(&lock, index.manifest.clone(), &[])?;
        Ok(index)
    }

    /// Makes the index anew of `batch`, which holds every state there is, whatever is in `directory`: the
    /// cure of a missing, damaged or foreign index.
    ///
    /// It may take the index back, to an older cursor than another writer reached meanwhile: the changes
    /// after it are then collected again from the ledger, and nothing is lost.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Untrusted`] when it can't be written; what was there then still is.
    pub fn rebuild(
        directory: Arc<dyn Directory>,
        identity: IndexIdentity,
        access: Access,
        batch: Batch,
        to: Position,
        now: Timestamp,
    ) -> Result<Self> {
        let manifest = new_manifest(&identity, now);
        let mut index = Self { directory, identity, access, manifest, levels: Vec::new() };
        index.replace_all(batch, to, now)?;
        Ok(index)
    }

    /// Writes `batch`: the states of all keys that changed in the ledger after position `after`, up to
    /// that of `to`. When it returns [`Committed::Written`] they are durable and in this index.
    ///
    /// `after` is the [cursor](Index::cursor) the index had when the changes were collected.
    ///
    /// Cost: that of writing the batch as a segment and three syncs; readers are never held up. An empty
    /// batch moves the cursor alone.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Untrusted`] when it can't be written, or the index on disk can't be trusted.
    /// The index on disk is then the old one, or the new one.
    pub fn commit(
        &mut self,
        batch: Batch,
        after: u64,
        to: Position,
        now: Timestamp,
    ) -> Result<Committed> {
        let lock = self.lock()?;
        self.reload()?;
        if self.cursor() >= to.cursor {
            return Ok(Committed::AlreadyThere);
        }
        if self.cursor() < after {
            return Ok(Committed::MovedBack);
        }
        let mut manifest = self.manifest.clone();
        if let Some(written) = self.write(batch, to.generation)? {
            manifest.dictionary &= written.dictionary;
            manifest.segments.push(written.segment);
        }
        (manifest.generation, manifest.cursor) = (to.generation, to.cursor);
        manifest.mark = to.mark;
        manifest.compiled_at = now;
        self.publish(&lock, manifest, &self.levels.clone())?;
        self.sweep_under(&lock);
        Ok(Committed::Written)
    }

    /// Says that the index holds everything up to `cursor` as of `now`, when there was nothing to commit.
    /// Changes nothing when another writer has moved the index back.
    ///
    /// # Errors
    ///
    /// As [`Index::commit`].
    pub fn confirm(&mut self, cursor: u64, now: Timestamp) -> Result<()> {
        let lock = self.lock()?;
        self.reload()?;
        if self.cursor() < cursor || self.manifest.compiled_at >= now {
            return Ok(());
        }
        let manifest = Manifest { compiled_at: now, ..self.manifest.clone() };
        self.publish(&lock, manifest, &self.levels.clone())
    }

    /// Puts `batch`, which holds every state there is, in place of all segments.
    ///
    /// The index carries addresses from now on when the batch has a dictionary, an empty one included.
    ///
    /// # Errors
    ///
    /// As [`Index::rebuild`].
    pub fn replace_all(&mut self, batch: Batch, to: Position, now: Timestamp) -> Result<()> {
        let lock = self.lock()?;
        // Kept if it can be read; nothing else of the old manifest matters.
        let old = Manifest::read(&*self.directory)
            .and_then(|bytes| Manifest::parse(&bytes, &self.identity));
        let mut manifest = new_manifest(&self.identity, now);
        manifest.created_at = old.map_or(now, |old| old.created_at);
        manifest.dictionary = batch.dictionary.is_some();
        let written = self.write(batch, to.generation)?;
        manifest.segments = written.into_iter().map(|written| written.segment).collect();
        (manifest.generation, manifest.cursor) = (to.generation, to.cursor);
        manifest.mark = to.mark;
        // No open segment is taken over: a damaged one may have the name of its cure.
        self.publish(&lock, manifest, &[])?;
        self.sweep_under(&lock);
        Ok(())
    }

    fn write(&self, batch: Batch, generation: u64) -> Result<Option<Written>> {
        let Some(contents) = batch.into_contents(generation) else { return Ok(None) };
        let dictionary = contents.dictionary.is_some();
        let segment = segment::write(&*self.directory, &self.identity.segment, contents)?;
        Ok(Some(Written { segment, dictionary }))
    }

    /// Makes `manifest` the index, durably, and opens what it names and `open` does not hold.
    pub(super) fn publish(
        &mut self,
        _: &Lock,
        manifest: Manifest,
        open: &[Arc<Segment>],
    ) -> Result<()> {
        // Synced before the manifest is replaced: after a power cut a manifest may then name only files
        // that exist. docs/format.md, "Commit protocol", step 3.
        self.directory.sync().map_err(|error| fault::writing("sync its directory", error))?;
        self.directory
            .replace(manifest::NAME, &manifest.to_bytes()?)
            .map_err(|error| fault::writing("replace its manifest", error))?;
        let (manifest, levels) = load(&*self.directory, &self.identity, self.access, open)?;
        (self.manifest, self.levels) = (manifest, levels);
        Ok(())
    }
}

struct Written {
    segment: Meta,
    dictionary: bool,
}

fn new_manifest(identity: &IndexIdentity, now: Timestamp) -> Manifest {
    Manifest {
        ledger_id: identity.ledger_id.clone(),
        key_id: identity.segment.key_id,
        policy: identity.segment.policy,
        generation: 0,
        cursor: 0,
        mark: 0,
        created_at: now,
        compiled_at: now,
        dictionary: true,
        segments: Vec::new(),
    }
}
