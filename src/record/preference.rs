//! What an address chose for one list.

use super::class::UnknownWord;
use super::timestamp::Timestamp;
use std::str::FromStr;

/// In or out of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Choice {
    /// Wants the list.
    In,
    /// Does not want the list.
    Out,
}

impl Choice {
    /// The word used in files and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "In",
            Self::Out => "Out",
        }
    }
}

impl FromStr for Choice {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word.trim().to_ascii_lowercase().as_str() {
            "in" => Ok(Self::In),
            "out" => Ok(Self::Out),
            _ => Err(UnknownWord {
                what: "preference",
                found: word.to_owned(),
                expected: "`In` or `Out`",
            }),
        }
    }
}

/// A preference record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preference {
    /// The address as it was received.
    pub address: String,
    /// The list.
    pub list: String,
    /// In or out.
    pub choice: Choice,
    /// When it was chosen, if known.
    pub at: Option<Timestamp>,
    /// Where the record comes from, if known.
    pub source: Option<String>,
}
