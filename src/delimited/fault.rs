//! What makes a text no delimited text.

use std::fmt;

/// A fault of the input as a whole: no rows after it can be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong.
    pub kind: FaultKind,
    /// Where it begins, in bytes from the start of the text split.
    pub at: usize,
}

/// What is wrong with a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A quoted cell has no closing quote.
    UnclosedQuote,
    /// A record is longer than the limit, in bytes.
    RecordTooLong {
        /// The limit.
        limit: usize,
    },
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnclosedQuote => f.write_str("unclosed quote"),
            Self::RecordTooLong { limit } => write!(f, "record over {limit} bytes"),
        }
    }
}
