//! What the scan of the whole ledger hands out for each key: index entries, not records.

use crate::record::state::EntryState;
use crate::record::{DigestBlocks, DigestValue, Kind};

/// The entries one address key has in the index. Borrowed from the scan's buffers.
#[derive(Debug, Clone, Copy)]
pub struct KeyEntries<'a> {
    /// The key.
    pub key: &'a [u8],
    /// The entry of the address; may be empty, for a key whose records block nothing.
    pub address: &'a EntryState,
    /// The entry of each list the address has an opt-out of, in the lists' order.
    pub lists: &'a [ListEntry],
}

/// The entry of an address on one list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ListEntry {
    /// The list.
    pub list: String,
    /// The entry.
    pub entry: EntryState,
}

/// The entries one digest has in the index. Borrowed from the scan's buffers.
#[derive(Debug, Clone, Copy)]
pub struct DigestEntries<'a> {
    /// The digest.
    pub digest: DigestValue,
    /// The entry of the digest itself.
    pub blocks: DigestBlocks,
    /// The entry of each list that has it, in the lists' order.
    pub lists: &'a [(String, DigestBlocks)],
}

/// How many records of each kind a ledger holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Contacts; each address that one left counts once more.
    pub contacts: u64,
    /// Unsubscribe records.
    pub unsubscribes: u64,
    /// Preference records.
    pub preferences: u64,
    /// Suppressions.
    pub suppressions: u64,
    /// Domain rules.
    pub domains: u64,
    /// Digests; one for several lists counts once a list.
    pub digests: u64,
}

impl Counts {
    /// The records of a kind.
    #[must_use]
    pub fn of(&self, kind: Kind) -> u64 {
        match kind {
            Kind::Contacts => self.contacts,
            Kind::Unsubscribes => self.unsubscribes,
            Kind::Preferences => self.preferences,
            Kind::Suppressions => self.suppressions,
            Kind::Domains => self.domains,
            Kind::Digests => self.digests,
        }
    }

    /// All records.
    #[must_use]
    pub fn total(&self) -> u64 {
        let of_addresses = self.contacts + self.unsubscribes + self.preferences + self.suppressions;
        of_addresses + self.domains + self.digests
    }
}
