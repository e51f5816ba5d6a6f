//! An index opened: a manifest and the segments it names, verified.

use std::fmt;
use std::sync::Arc;

use super::manifest::Manifest;
use super::{Overlay, Snapshot, fault};
use crate::error::Result;
use crate::segment::{Identity, Segment};
use crate::storage::{Access, Directory, Lock};

/// How often a manifest is read anew because its segments went away. Each time a writer must have
/// replaced the manifest and swept in between, so more than once or twice is not met.
const ATTEMPTS_MAX: u32 = 10;

/// Whose index it is: opening refuses another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexIdentity {
    /// The ledger's own id.
    pub ledger_id: String,
    /// The secret key and the address policy.
    pub segment: Identity,
}

/// An index state: its number, and the ledger position it is current to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Position {
    /// The number of the state; every change and every answer names one.
    pub generation: u64,
    /// The ledger position.
    pub cursor: u64,
    /// The ledger's mark of the generation, to tell its past from another of the same length.
    pub mark: i64,
}

/// An open index. Readers take a [`Snapshot`]; the methods that change it take the directory's lock.
///
/// See the [module](super) for an example.
pub struct Index {
    pub(super) directory: Arc<dyn Directory>,
    pub(super) identity: IndexIdentity,
    pub(super) access: Access,
    pub(super) manifest: Manifest,
    /// The manifest's segments, oldest first.
    pub(super) levels: Vec<Arc<Segment>>,
}

impl Index {
    /// Opens the index in `directory`, which must be `identity`'s, and verifies what look-ups read.
    ///
    /// A concurrent writer is no obstacle: when a segment went away because the manifest was replaced
    /// meanwhile, the new manifest is read.
    ///
    /// Cost: one pass over the segments' tables.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Untrusted`] when the manifest or a segment is missing, damaged, of a newer
    /// format or of another store; the hint names the cure.
    pub fn open(
        directory: Arc<dyn Directory>,
        identity: IndexIdentity,
        access: Access,
    ) -> Result<Self> {
        let (manifest, levels) = load(&*directory, &identity, access, &[])?;
        Ok(Self { directory, identity, access, manifest, levels })
    }

    /// Reads the manifest again; says whether another writer had replaced it. Segments that stay are not
    /// opened again.
    ///
    /// # Errors
    ///
    /// As [`Index::open`]; the index then stays as it was, and must not be answered from.
    pub fn reload(&mut self) -> Result<bool> {
        let before = (self.manifest.generation, self.manifest.cursor, self.names());
        let (manifest, levels) = load(&*self.directory, &self.identity, self.access, &self.levels)?;
        (self.manifest, self.levels) = (manifest, levels);
        Ok(before != (self.manifest.generation, self.manifest.cursor, self.names()))
    }

    /// A view of this index with `overlay` on top, which holds every change after [`Index::cursor`] up
    /// to that of `at`.
    ///
    /// Cost: none that depends on sizes. The snapshot outlives this index and any change of its files.
    #[must_use]
    pub fn snapshot(&self, overlay: Overlay, at: Position) -> Snapshot {
        Snapshot::new(self.levels.iter().rev().cloned().collect(), overlay, at)
    }

    /// Generation and cursor together.
    #[must_use]
    pub fn position(&self) -> Position {
        self.manifest.position()
    }

    /// The number of this index state.
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.manifest.generation
    }

    /// The ledger position the segments are current to.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.manifest.cursor
    }

    /// The manifest as last read or written.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The bytes of all segments together.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.manifest.segments.iter().map(|segment| segment.bytes).sum()
    }

    pub(super) fn lock(&self) -> Result<Lock> {
        self.directory.lock().map_err(|error| fault::writing("take its lock", error))
    }

    fn names(&self) -> Vec<String> {
        self.manifest.segments.iter().map(|segment| segment.name.clone()).collect()
    }
}

impl fmt::Debug for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Index")
            .field("directory", &self.directory)
            .field("manifest", &self.manifest)
            .finish_non_exhaustive()
    }
}

type Loaded = (Manifest, Vec<Arc<Segment>>);

/// The manifest there is and its segments; those of `open` are taken instead of opened again.
pub(super) fn load(
    directory: &dyn Directory,
    identity: &IndexIdentity,
    access: Access,
    open: &[Arc<Segment>],
) -> Result<Loaded> {
    let mut bytes = Manifest::read(directory)?;
    for _ in 1..ATTEMPTS_MAX {
        let loaded = load_once(directory, identity, access, open, &bytes);
        if loaded.is_ok() {
            return loaded;
        }
        // A writer may have replaced the manifest and removed segments only the old one named.
        let again = Manifest::read(directory)?;
        if again == bytes {
            return loaded;
        }
        bytes = again;
    }
    load_once(directory, identity, access, open, &bytes)
}

fn load_once(
    directory: &dyn Directory,
    identity: &IndexIdentity,
    access: Access,
    open: &[Arc<Segment>],
    manifest: &[u8],
) -> Result<Loaded> {
    let manifest = Manifest::parse(manifest, identity)?;
    let mut levels = Vec::with_capacity(manifest.segments.len());
    for listed in &manifest.segments {
        let segment = match open.iter().find(|segment| segment.meta().name == listed.name) {
            Some(segment) => Arc::clone(segment),
            None => Arc::new(Segment::open(directory, &listed.name, &identity.segment, access)?),
        };
        if segment.meta() != listed {
            return Err(fault::other_segment(&listed.name));
        }
        levels.push(segment);
    }
    Ok((manifest, levels))
}
