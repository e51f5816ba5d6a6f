//! The index up to the ledger: a segment of what changed, a merge now and then, a rebuild when asked.

use super::open::Store;
use super::{INDEX, reader::check_past};
use crate::catch_up;
use crate::error::{Error, Result};
use crate::index::{Committed, Index, Manifest, Overlay, Upkeep};
use crate::ledger::{Cursor, Ledger};
use crate::record::Timestamp;
use crate::storage::{Access, Disk, start_threads};
use std::sync::Arc;

/// How many changes a reader is left to take into memory before they become a segment: about 20 ms.
const CHANGES_DUE: u64 = 1_000;

/// With more changes than this, and than a quarter of the index, a rebuild is cheaper.
const REBUILD_CHANGES_MIN: u64 = 200_000;

/// How often a commit that another writer overtook is made again.
const ATTEMPTS_MAX: u32 = 5;

/// What kind of change the index is to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Many keys, maybe: the index is brought up at once.
    Many,
    /// One key: it is brought up when readers would have many changes to take in.
    One,
}

/// What the index is after a compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IndexState {
    /// The generation it holds.
    pub generation: u64,
    /// How many segments.
    pub segments: usize,
    /// How many entries, tombstones included.
    pub entries: u64,
    /// How many bytes.
    pub bytes: u64,
}

impl IndexState {
    pub(super) fn of(manifest: &Manifest) -> Self {
        Self {
            generation: manifest.generation,
            segments: manifest.segments.len(),
            entries: manifest.segments.iter().map(|segment| segment.entries).sum(),
            bytes: manifest.segments.iter().map(|segment| segment.bytes).sum(),
        }
    }
}

impl Store {
    /// Compiles when readers would have many changes to take in. For after a change.
    ///
    /// # Errors
    ///
    /// As [`Store::catch_up`]; the change itself is in the ledger all the same.
    pub fn catch_up_if_due(&self, now: Timestamp) -> Result<()> {
        let manifest = Manifest::load(&*self.directory()?, &self.identity)?;
        let view = self.ledger.view()?;
        check_past(&*view, manifest.position())?;
        let cursor = Cursor::from_u64(manifest.cursor);
        let changes = view.change_count_after(cursor, CHANGES_DUE)?;
        drop(view);
        if changes < CHANGES_DUE { Ok(()) } else { self.catch_up(now) }
    }

    /// Brings the index up after a change, which is durable in the ledger as `generation`.
    ///
    /// Gives what went wrong, a full disk say, when readers can do without: they take the change into memory,
    /// so it is in the very next answer, and the next change or `quell compile` brings the index up.
    ///
    /// # Errors
    ///
    /// Untrusted when no answer can be given before the cause is mended. The change is in the ledger all the
    /// same, and the message says so.
    pub fn follow(&self, what: Changed, generation: u64, now: Timestamp) -> Result<Option<Error>> {
        let followed = match what {
            Changed::Many => self.catch_up(now),
            Changed::One => self.catch_up_if_due(now),
        };
        let Err(error) = followed else { return Ok(None) };
        if self.reader(Access::Map, now).is_ok() {
            return Ok(Some(error));
        }
        let message = format!(
            "the change is in the ledger, generation {generation}, but the index can't follow: {error}"
        );
        Err(Error::untrusted(message)
            .with_hint("mend what is said there, then run `quell compile`; the change is not lost")
            .with_source(error))
    }

    /// Brings the index up to the ledger.
    ///
    /// # Errors
    ///
    /// Untrusted when the index is damaged or can't be written: `quell compile --full` is the cure.
    pub fn catch_up(&self, now: Timestamp) -> Result<()> {
        start_threads()?;
        for _ in 0..ATTEMPTS_MAX {
            let mut index = Index::open(self.directory()?, self.identity.clone(), Access::Map)?;
            if self.commit_changes(&mut index, now)? {
                return Ok(());
            }
        }
        Err(Error::untrusted("other writers kept changing the index")
            .with_hint("run `quell compile` when they are done"))
    }

    /// Writes the changes after the index's cursor; `false` when another writer moved it back.
    fn commit_changes(&self, index: &mut Index, now: Timestamp) -> Result<bool> {
        let view = self.ledger.view()?;
        let position = view.position();
        let cursor = Cursor::from_u64(index.cursor());
        check_past(&*view, index.position())?;
        if cursor == position.cursor {
            return Ok(true);
        }
        let with_dictionary = index.manifest().dictionary;
        let many = REBUILD_CHANGES_MIN.max(IndexState::of(index.manifest()).entries / 4);
        let batch = if view.change_count_after(cursor, many)? < many {
            {
                let held = index.snapshot(Overlay::default(), index.position());
                catch_up::batch(&*view, cursor, &self.hasher, Some(&held), with_dictionary)?
            }
        } else {
            None
        };
        let Some(batch) = batch else {
            drop(view);
            return self.rebuild(with_dictionary, now).map(|_| true);
        };
        drop(view);
        match index.commit(batch, cursor.as_u64(), super::at(position), now)? {
            Committed::MovedBack => return Ok(false),
            Committed::Written | Committed::AlreadyThere => {}
        }
        if index.merge_if_needed()? == Upkeep::RebuildDue {
            self.rebuild(with_dictionary, now)?;
        }
        Ok(true)
    }

    /// Rebuilds the index from nothing; whatever was there, damaged or not, is replaced.
    fn rebuild(&self, with_dictionary: bool, now: Timestamp) -> Result<Manifest> {
        start_threads()?;
        let view = self.ledger.view()?;
        let position = view.position();
        let batch = catch_up::everything(&*view, &self.hasher, with_dictionary)?;
        drop(view);
        let path = self.path.join(INDEX);
        let disk = Disk::create_at(&path).map_err(|error| Error::writing(&path, error))?;
        let identity = self.identity.clone();
        let index =
            Index::rebuild(Arc::new(disk), identity, Access::Map, batch, super::at(position), now)?;
        Ok(index.manifest().clone())
    }

    /// Brings the index up to the ledger, or rebuilds it: when asked, or to get rid of the dictionary.
    ///
    /// # Errors
    ///
    /// As [`Store::catch_up`].
    pub fn compile(&self, full: bool, with_dictionary: bool, now: Timestamp) -> Result<IndexState> {
        if full {
            return self.rebuild(with_dictionary, now).map(|manifest| IndexState::of(&manifest));
        }
        let manifest = Manifest::load(&*self.directory()?, &self.identity)?;
        if manifest.dictionary && !with_dictionary {
            return self.rebuild(false, now).map(|manifest| IndexState::of(&manifest));
        }
        self.catch_up(now)?;
        let cursor = self.ledger.view()?.position().cursor.as_u64();
        let mut index = Index::open(self.directory()?, self.identity.clone(), Access::Map)?;
        // Its age is that of the last look at the ledger, whether that found changes or not.
        index.confirm(cursor, now)?;
        Ok(IndexState::of(index.manifest()))
    }
}
