//! Many segments as one answer: the manifest, look-ups, commits, merges.
//!
//! An [`Index`] is the segments a manifest names, oldest first, and a [`Snapshot`] of it answers: of
//! each key the newest state, from an [`Overlay`] in memory or from the newest segment that holds the
//! key. A segment is never changed; only the manifest is replaced, atomically (docs/format.md, "Commit
//! protocol").
//!
//! Knows nothing of SQL, CSV or the clock: states and instants come in with the call.
//!
//! # Example
//!
//! ```
//! use std::sync::Arc;
//! use quell::index::{Batch, Index, IndexIdentity, KeyHasher, Overlay, Position, SecretKey};
//! use quell::record::{Blocks, Reason, Timestamp, state::EntryState};
//! use quell::segment::Identity;
//! use quell::storage::{Access, Memory};
//!
//! let hasher = KeyHasher::new(&SecretKey::from_bytes([7; 16]));
//! let identity = IndexIdentity {
//!     ledger_id: "doc".to_owned(),
//!     segment: Identity { key_id: hasher.key_id(), policy: 0 },
//! };
//! let (ann, bob) = (hasher.address(b"ann@example.com"), hasher.address(b"bob@example.com"));
//! let now = Timestamp::from_micros(0);
//!
//! let directory = Arc::new(Memory::new());
//! let mut index = Index::create(directory.clone(), identity.clone(), now)?;
//! let mut batch = Batch::default();
//! let blocks = Blocks::of(Reason::Unsubscribed, None);
//! batch.push(ann, &EntryState { blocks, expiries: vec![] });
//! let _ = index.commit(batch, 0, Position { generation: 1, cursor: 1, mark: 0 }, now)?;
//!
//! let index = Index::open(directory, identity, Access::Map)?;
//! let snapshot = index.snapshot(Overlay::new(), index.position());
//! assert_eq!(snapshot.get(ann, now), blocks);
//! assert_eq!(snapshot.get(bob, now), Blocks::NONE);
//! # Ok::<(), quell::Error>(())
//! ```

mod dictionary;
mod fault;
mod hash;
mod manifest;
mod merge;
mod open;
mod outside;
mod overlay;
mod pattern;
mod search;
mod siphash;
mod snapshot;
mod sweep;
mod verify;
mod writer;

pub use dictionary::dictionary_value;
pub use hash::{KeyHasher, Presence, SECRET_BYTES, SecretKey};
pub use manifest::{Manifest, NAME as MANIFEST};
pub use merge::{SEGMENTS_MAX, Upkeep};
pub use open::{Index, IndexIdentity, Position};
pub use outside::Present;
pub use overlay::Overlay;
pub use pattern::Pattern;
pub use search::Addresses;
pub use snapshot::{Confirmed, Snapshot};
pub use writer::{Batch, Committed};

#[cfg(test)]
mod tests;
