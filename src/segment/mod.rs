//! One immutable file of the index: from the hash of a key to its state.
//!
//! A segment is written once, under a name made of its contents, and never changed. It knows nothing
//! of addresses: keys are 128-bit keyed hashes, states are 16 bits that the index gives a meaning,
//! except that state 0 is a **tombstone**: the key is known to have no state any more.
//!
//! ```text
//! header ─ section table ─ TABLE ─ ENTRIES ─ EXPIRING ─ DICTIONARY
//!                          look-up  merging   instants   exact keys
//! ```
//!
//! | file | does |
//! | --- | --- |
//! | `format` | every offset, size and magic number |
//! | `table` | the bucketed hash table: build, update, look up |
//! | `expiring`, `dictionary` | the side sections |
//! | `writer`, `reader`, `sections` | contents to file, file to [`Segment`] |
//! | `verify` | everything a look-up need not read |
//! | `merge` | several segments into one, newest state wins |
//! | `fault` | why a file is not trusted, in words |
//!
//! # False hits
//!
//! Two keys are told apart by the 64-bit fingerprint [`Hash::hi`]. A look-up of an absent key is
//! compared with 6.3 fingerprints on average that could equal its own, and with 13.2 in the fullest and most
//! worn table the writer makes; each equals it with probability 2^-64. So a look-up in a segment is a
//! false hit with probability below 16 × 2^-64 = 2^-60. docs/format.md derives it.
//!
//! # No false clear
//!
//! An entry is found at any load, in any state of merging: it lies in its home bucket or in a bucket
//! that an unbroken chain of filter bits leads to, and no operation clears a filter bit. The same
//! chance of 2^-60 as above, two keys with one fingerprint, is the only exception.
//!
//! # Example
//! ```
//! use quell::segment::{self, Contents, Entry, Hash, Identity, Segment};
//! use quell::storage::{Access, Memory};
//!
//! let directory = Memory::new();
//! let store = Identity { key_id: 7, policy: 0 };
//! let ann = Hash { lo: 1 << 62, hi: 0xfeed };
//! let contents = Contents { entries: vec![Entry { hash: ann, state: 5 }], ..Contents::default() };
//! let meta = segment::write(&directory, &store, contents)?;
//!
//! let segment = Segment::open(&directory, &meta.name, &store, Access::Map)?;
//! assert_eq!(segment.get(ann), Some(5));
//! assert_eq!(segment.get(Hash { lo: 1 << 62, hi: 0xbeef }), None);
//! # Ok::<(), quell::Error>(())
//! ```

mod dictionary;
mod expiring;
mod fault;
mod format;
mod merge;
mod reader;
mod sections;
mod table;
mod verify;
mod writer;

pub use dictionary::DictionaryBuilder;
pub use merge::{Merged, Updated, merge};
pub use reader::Segment;
pub use writer::{ENTRIES_MAX, write, write_updated};

use serde::{Deserialize, Serialize};

/// A key: 128 bits of a keyed hash, ordered by `lo`, then `hi`.
///
/// The two halves must be independent and uniform: `lo` picks the bucket, `hi` is compared in it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Hash {
    /// Picks the home bucket: this fraction of 2^64, times the number of buckets.
    pub lo: u64,
    /// The fingerprint stored in the bucket.
    pub hi: u64,
}

/// A key and its whole current state.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Entry {
    /// The key.
    pub hash: Hash,
    /// Its state; 0 is a tombstone.
    pub state: u16,
}

/// An instant at which a key's state changes by time alone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Expiring {
    /// The key.
    pub hash: Hash,
    /// The instant, in microseconds since 1970.
    pub at: i64,
    /// What ends then, in the index's words.
    pub bits: u16,
}

/// Which hashes a segment's keys are: those of one secret key and one address policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Identity {
    /// Names the secret key without telling it.
    pub key_id: u64,
    /// The address policy.
    pub policy: u32,
}

/// What goes into a segment.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Contents {
    /// The generation of the index that first holds the segment.
    pub generation: u64,
    /// Sorted by hash, each hash once.
    pub entries: Vec<Entry>,
    /// Sorted by hash; every hash is that of an entry.
    pub expiring: Vec<Expiring>,
    /// The bytes of a [`DictionaryBuilder`], or `None` for a segment that tells no key.
    pub dictionary: Option<Vec<u8>>,
}

/// What is known of a segment without opening it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Meta {
    /// The file's name: the hex of its header's checksum, and `.seg`.
    pub name: String,
    /// The file's length.
    pub bytes: u64,
    /// Entries, tombstones among them.
    pub entries: u64,
    /// Entries with state 0.
    pub tombstones: u64,
    /// The generation of the index that first held the segment.
    pub generation: u64,
}

#[cfg(test)]
mod tests;
