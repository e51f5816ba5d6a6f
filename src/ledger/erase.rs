//! Erasure: the text of a person goes, a keyed hash of the address stays, so the address is still withheld.
//!
//! The hashes are those the index looks keys up by, so an entry can be made of the hash alone. What makes them
//! comes in from outside, for this layer knows no index: see [`Pseudonyms`].

use crate::record::{Blocks, Reason, RecordClass, Suppression, SuppressionReason, Timestamp};
use std::fmt;

/// What stays of an address or a contact id: a keyed hash that nobody without the store's secret can test a guess
/// against.
pub type Pseudonym = [u8; 16];

/// What a cause that comes of an erasure names as its source.
pub const SOURCE: &str = "erased";

/// Makes pseudonyms: always the same of the same key, and never one of two.
pub trait Pseudonyms: fmt::Debug + Send + Sync {
    /// Of the key of an address.
    fn of_address(&self, key: &[u8]) -> Pseudonym;

    /// Of the id of a contact.
    fn of_contact(&self, contact_id: &str) -> Pseudonym;
}

/// Who erases, and why. Can't be made without both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EraseRequest {
    by: String,
    reason: String,
}

impl EraseRequest {
    /// A request, or `None` when either part is blank.
    ///
    /// ```
    /// use quell::ledger::EraseRequest;
    ///
    /// assert!(EraseRequest::new("privacy", "request 4711 of 3 May").is_some());
    /// assert!(EraseRequest::new("privacy", " ").is_none());
    /// ```
    #[must_use]
    pub fn new(by: &str, reason: &str) -> Option<Self> {
        let (by, reason) = (by.trim(), reason.trim());
        (!by.is_empty() && !reason.is_empty())
            .then(|| Self { by: by.to_owned(), reason: reason.to_owned() })
    }

    /// Who, never blank.
    #[must_use]
    pub fn by(&self) -> &str {
        &self.by
    }

    /// Why, never blank.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

/// What an erasure did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Erased {
    /// Since when the address is erased.
    pub at: Timestamp,
    /// The generation that holds it.
    pub generation: u64,
    /// Whether this call erased it; else it was erased before, and nothing changed.
    pub is_new: bool,
    /// How many records went.
    pub records: u64,
    /// How many events of its history were blanked.
    pub events: u64,
    /// How the deleted records spelled the address, each spelling once, without the key itself.
    pub spellings: Vec<String>,
}

/// One erasure of an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Erasure {
    /// When.
    pub at: Timestamp,
    /// The generation that holds it. What was recorded before it can't be told.
    pub generation: u64,
    /// The generation whose resubscribe lifted it, if one did.
    pub lifted: Option<u64>,
}

/// What is known of an index entry by its pseudonym alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErasedEntry {
    /// Of an erased address.
    Address,
    /// Of a contact whose address is erased, with what its flags withhold.
    Contact(Blocks),
}

impl ErasedEntry {
    /// The bits of the entry.
    #[must_use]
    pub fn blocks(self) -> Blocks {
        match self {
            Self::Address => Blocks::of(Reason::Manual, Some(RecordClass::All)),
            Self::Contact(blocks) => blocks,
        }
    }
}

/// The one record that an address erased at an instant has: what answers name as the cause.
#[must_use]
pub(super) fn stand_in(key: &[u8], at: Timestamp) -> Suppression {
    Suppression {
        address: String::from_utf8_lossy(key).into_owned(),
        reason: SuppressionReason::Manual,
        class: RecordClass::All,
        at: Some(at),
        expires_at: None,
        source: Some(SOURCE.to_owned()),
    }
}

/// The word of a pseudonym: 32 hex digits.
#[must_use]
pub(super) fn hex(pseudonym: &Pseudonym) -> String {
    format!("{:032x}", u128::from_be_bytes(*pseudonym))
}

/// The pseudonym of a word.
#[must_use]
pub(super) fn from_hex(word: &str) -> Option<Pseudonym> {
    let is_hex = word.len() == 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| u128::from_str_radix(word, 16).ok().map(u128::to_be_bytes)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::KeyState;

    #[test]
    fn a_word_of_a_pseudonym_gives_it_back() {
        let pseudonym = *b"\x00\x0123456789abcdef";
        assert_eq!(from_hex(&hex(&pseudonym)), Some(pseudonym));
        for word in ["", "0", "+0000000000000000000000000000001", &"é".repeat(16)] {
            assert_eq!(from_hex(word), None, "{word}");
        }
    }

    #[test]
    fn the_entry_of_an_erased_address_is_that_of_its_stand_in() {
        let suppressions = vec![stand_in(b"a@example.com", Timestamp::from_micros(1))];
        let entry = KeyState { suppressions, ..KeyState::default() }.address_entry();
        assert!(entry.expiries.is_empty());
        assert_eq!(entry.blocks, ErasedEntry::Address.blocks());
    }
}
