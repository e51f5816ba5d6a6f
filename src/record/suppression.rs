//! Any other reason not to mail an address.

use super::class::{RecordClass, UnknownWord};
use super::reason::Reason;
use super::timestamp::Timestamp;
use std::str::FromStr;

/// Why an address is suppressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SuppressionReason {
    /// A hard bounce.
    Bounce,
    /// The person called a mail spam.
    Complaint,
    /// The mailbox is known not to exist.
    Invalid,
    /// Suppressed by hand.
    Manual,
}

impl SuppressionReason {
    /// All four, in the order of the contract's table of native columns.
    pub const ALL: [Self; 4] = [Self::Bounce, Self::Complaint, Self::Invalid, Self::Manual];

    /// The reason a row is withheld for.
    #[must_use]
    pub fn reason(self) -> Reason {
        match self {
            Self::Bounce => Reason::Bounce,
            Self::Complaint => Reason::Complaint,
            Self::Invalid => Reason::Invalid,
            Self::Manual => Reason::Manual,
        }
    }

    /// The word used in files, options and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.reason().as_str()
    }
}

impl FromStr for SuppressionReason {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word.trim().to_ascii_lowercase().as_str() {
            "bounce" => Ok(Self::Bounce),
            "complaint" => Ok(Self::Complaint),
            "invalid" => Ok(Self::Invalid),
            "manual" => Ok(Self::Manual),
            _ => Err(UnknownWord {
                what: "reason",
                found: word.to_owned(),
                expected: "`bounce`, `complaint`, `invalid` or `manual`",
            }),
        }
    }
}

/// A suppression record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppression {
    /// The address as it was received.
    pub address: String,
    /// Why.
    pub reason: SuppressionReason,
    /// The kinds of send it blocks; all unless the record says otherwise.
    pub class: RecordClass,
    /// When it happened, if known.
    pub at: Option<Timestamp>,
    /// The instant from which it no longer counts; `None` for never.
    pub expires_at: Option<Timestamp>,
    /// Where the record comes from, if known.
    pub source: Option<String>,
}
