//! A record tied to an address that says "send nothing in bulk", everywhere or for one list.

use super::class::{RecordClass, UnknownWord};
use super::timestamp::Timestamp;
use std::str::FromStr;

/// Whether the CRM calls the record active. Both block (contract §1): only deletion lifts one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub enum UnsubscribeState {
    /// The usual state.
    #[default]
    Active,
    /// Deactivated in the CRM. Blocks all the same.
    Inactive,
}

impl UnsubscribeState {
    /// The word used in files and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Inactive => "inactive",
        }
    }
}

impl FromStr for UnsubscribeState {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word.trim().to_ascii_lowercase().as_str() {
            "active" => Ok(Self::Active),
            "inactive" => Ok(Self::Inactive),
            _ => Err(UnknownWord {
                what: "state",
                found: word.to_owned(),
                expected: "`active` or `inactive`",
            }),
        }
    }
}

/// An unsubscribe record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe {
    /// The address as it was received.
    pub address: String,
    /// The list, or `None` for everywhere.
    pub list: Option<String>,
    /// Active or not; both block.
    pub state: UnsubscribeState,
    /// The kinds of send it blocks; bulk unless the record says otherwise.
    pub class: RecordClass,
    /// When the person unsubscribed, if known.
    pub at: Option<Timestamp>,
    /// Where the record comes from, if known.
    pub source: Option<String>,
}
