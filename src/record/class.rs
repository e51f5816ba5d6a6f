//! What kind of send a question is about, and what kinds of send a record blocks.

use std::fmt;
use std::str::FromStr;

/// The kind of a send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Class {
    /// Marketing: the default.
    #[default]
    Bulk,
    /// Receipts, password resets.
    Transactional,
}

/// The kinds of send a record blocks, when the record says so itself (contract §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordClass {
    /// Marketing only.
    Bulk,
    /// Transactional mail only.
    Transactional,
    /// Every kind of mail.
    All,
}

/// A word that is not one of those expected; says which are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownWord {
    /// What the word was to be: `class`, `state`.
    pub what: &'static str,
    /// The word found.
    pub found: String,
    /// The words accepted, for a person to read.
    pub expected: &'static str,
}

impl fmt::Display for UnknownWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown {} `{}`, expected {}", self.what, self.found, self.expected)
    }
}

impl std::error::Error for UnknownWord {}

impl Class {
    /// The word used in files, options and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bulk => "bulk",
            Self::Transactional => "transactional",
        }
    }
}

impl RecordClass {
    /// The word used in files, options and JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Bulk => "bulk",
            Self::Transactional => "transactional",
            Self::All => "all",
        }
    }

    /// The kinds of send that either blocks.
    #[must_use]
    pub fn union(self, other: Self) -> Self {
        if self == other { self } else { Self::All }
    }

    /// Says whether a record of this class blocks a send of `class`.
    #[must_use]
    pub fn covers(self, class: Class) -> bool {
        matches!(
            (self, class),
            (Self::All, _)
                | (Self::Bulk, Class::Bulk)
                | (Self::Transactional, Class::Transactional)
        )
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for RecordClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Class {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word.trim().to_ascii_lowercase().as_str() {
            "bulk" => Ok(Self::Bulk),
            "transactional" => Ok(Self::Transactional),
            _ => Err(UnknownWord {
                what: "class",
                found: word.to_owned(),
                expected: "`bulk` or `transactional`",
            }),
        }
    }
}

impl FromStr for RecordClass {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        match word.trim().to_ascii_lowercase().as_str() {
            "bulk" => Ok(Self::Bulk),
            "transactional" => Ok(Self::Transactional),
            "all" => Ok(Self::All),
            _ => Err(UnknownWord {
                what: "class",
                found: word.to_owned(),
                expected: "`bulk`, `transactional` or `all`",
            }),
        }
    }
}
