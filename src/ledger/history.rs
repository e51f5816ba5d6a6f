//! What happened to one key.
//!
//! The details, as JSON; a *record* has all its fields, and with `import` and `recorded_at` its
//! provenance:
//!
//! | kind | detail |
//! | --- | --- |
//! | `imported` | `{"record", "import":{"id","name","format","sha256"}}`, the record as it was added |
//! | `unsubscribed` | `{"record", "added", "changed":[{"was","now"}], "by"}` |
//! | `resubscribed` | `{"address", "request", "permission":{"channel","evidence","by"}, "deleted":[record], "changed":[{"was","now"}], "by"}`, the last if it is known |
//! | `changed` | `{"changed":[{"was","now"}], "deleted":[record], "cause":{"kind":"import", "import", "name"}}` |
//! | `synced` | `{"permission", "deleted":[record], "changed":[{"was","now"}], "sync":{"source", …}}` |
//! | `erased` | `{"by", "reason", "events":[number], …}`, the numbers of the events that it blanked |
//! | `import` | `{"import":{"id","kind","name","format","sha256"}, "counts":{"read","added","unchanged","held","rejected"}}`, of no key |
//!
//! Whatever its kind, `deleted`, `changed` and `added` say what an event did to records: by them alone it is
//! undone when the ledger is asked how it was. So every change that is not an addition by an import has an
//! event that says so.

mod permitted;
pub(super) mod undo;

pub use permitted::Permitted;
pub(super) use permitted::name_of;

use crate::record::Timestamp;
use serde_json::{Value, json};

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// An import added a record. Derived from the record itself: imports write no event for it.
    Imported,
    /// One unsubscribe was recorded.
    Unsubscribed,
    /// A resubscribe, with the permission and everything it deleted and changed.
    Resubscribed,
    /// A record that was already there changed.
    Changed,
    /// A sync deleted or changed records, with the permission it was done by.
    Synced,
    /// The address was erased.
    Erased,
    /// A file was applied: an event of no key.
    Import,
}

impl EventKind {
    /// All kinds.
    pub const ALL: [Self; 7] = [
        Self::Imported,
        Self::Unsubscribed,
        Self::Resubscribed,
        Self::Changed,
        Self::Synced,
        Self::Erased,
        Self::Import,
    ];

    /// The word used in the store and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::Unsubscribed => "unsubscribed",
            Self::Resubscribed => "resubscribed",
            Self::Changed => "changed",
            Self::Synced => "synced",
            Self::Erased => "erased",
            Self::Import => "import",
        }
    }

    /// The kind behind a stored word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// One entry of a key's history.
#[derive(Debug, Clone, PartialEq)]
pub struct HistoryEntry {
    /// When.
    pub at: Timestamp,
    /// The generation that holds it.
    pub generation: u64,
    /// What.
    pub kind: EventKind,
    /// Everything known about it: for [`EventKind::Imported`] the record as it was added and its
    /// import, for the others what their event says.
    pub detail: Value,
}

/// One event among those of all keys.
#[derive(Debug, Clone, PartialEq)]
pub struct RecentEvent {
    /// Its number: later events have greater ones.
    pub number: u64,
    /// The address it is of; a domain stands behind an `@`, a digest behind its algorithm. `None` for a whole file,
    /// and for an address that was erased.
    pub about: Option<String>,
    /// When, and what.
    pub entry: HistoryEntry,
}

impl HistoryEntry {
    /// As `history --json` has it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "at": self.at.to_string(),
            "generation": self.generation,
            "event": self.kind.as_str(),
            "detail": self.detail,
        })
    }
}
