//! What a store holds.

use super::compile::IndexState;
use super::open::Store;
use crate::error::Result;
use crate::index::Manifest;
use crate::ledger::{ChainHead, Counts, Cursor, Ledger};
use crate::record::Timestamp;

/// What a store holds.
#[derive(Debug, Clone, Copy)]
pub struct Status {
    /// The ledger's generation: what the next answer will name.
    pub generation: u64,
    /// The ledger's position.
    pub cursor: u64,
    /// How many changes are not in a segment yet; readers take them from the ledger.
    pub behind: u64,
    /// Records by kind.
    pub records: Counts,
    /// Addresses that were erased and stay suppressed.
    pub erased: u64,
    /// The end of the chain of events: an anchor, when somebody else keeps it.
    pub history: ChainHead,
    /// The index.
    pub index: IndexState,
    /// When the store was created.
    pub created_at: Timestamp,
    /// When the index was last compiled.
    pub compiled_at: Timestamp,
}

impl Store {
    /// The index as it is on disk. Cost: one small file.
    ///
    /// # Errors
    ///
    /// Untrusted when it is missing or damaged.
    pub fn index_state(&self) -> Result<IndexState> {
        Manifest::load(&*self.directory()?, &self.identity)
            .map(|manifest| IndexState::of(&manifest))
    }

    /// What the store holds. Cost: a few small reads.
    ///
    /// # Errors
    ///
    /// Untrusted when a part is missing or damaged.
    pub fn status(&self) -> Result<Status> {
        let manifest = Manifest::load(&*self.directory()?, &self.identity)?;
        let view = self.ledger.view()?;
        let position = view.position();
        Ok(Status {
            generation: position.generation,
            cursor: position.cursor.as_u64(),
            behind: view.change_count_after(Cursor::from_u64(manifest.cursor), u64::MAX)?,
            records: view.counts()?,
            erased: view.erased_count()?,
            history: view.chain_head()?,
            index: IndexState::of(&manifest),
            created_at: self.ledger.created_at(),
            compiled_at: manifest.compiled_at,
        })
    }
}
