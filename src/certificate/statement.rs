//! What a certificate states.

use super::hex;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A run of the filter, as it is signed. Times are RFC 3339, digests lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// When it was signed.
    pub made_at: String,
    /// Which store's records answered: the id of its ledger.
    pub ledger_id: String,
    /// How addresses became keys.
    pub policy: String,
    /// The generation that answered.
    pub generation: u64,
    /// The position in the ledger's change feed that answered.
    pub cursor: u64,
    /// Where the ledger's history stood; none when an index answered without its ledger.
    pub chain: Option<Chain>,
    /// The instant the answers are for.
    pub as_of: String,
    /// The kind of send.
    pub class: String,
    /// The lists the whole batch was sent for.
    pub lists: Vec<String>,
    /// What else decided.
    pub options: Choices,
    /// Rows read.
    pub read: u64,
    /// Rows kept.
    pub kept: u64,
    /// Rows withheld.
    pub withheld: u64,
    /// The withheld rows, each once, under its first reason; no reason without a row.
    pub by_reason: BTreeMap<String, u64>,
    /// What was read.
    pub input: FileStatement,
    /// The kept rows.
    pub output: FileStatement,
    /// The withheld rows, if they were asked for.
    pub suppressed: Option<FileStatement>,
}

/// Where a ledger's history stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Chain {
    /// How many events it had.
    pub events: u64,
    /// The last one's link, in hex.
    pub link: String,
}

impl Chain {
    /// The state after `events` events, the last of which has this link.
    #[must_use]
    pub fn new(events: u64, link: &[u8; 32]) -> Self {
        Self { events, link: hex::digits(link) }
    }
}

/// The options of a run that decide which rows are kept, besides class and lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choices {
    /// How the input was read: csv, ndjson or parquet.
    pub format: String,
    /// What parted the cells, if that is how it was read.
    pub delimiter: Option<String>,
    /// Whether the first row of such an input was a header.
    pub header: Option<bool>,
    /// The address columns as given; none for the one that the header told.
    pub email_columns: Vec<String>,
    /// The contact id's column as given.
    pub contact_column: Option<String>,
    /// The column of each row's own lists as given.
    pub list_column: Option<String>,
    /// What an unusable address did: withhold, keep or fail.
    pub invalid: String,
    /// Whether an address that was kept already withheld a later row.
    pub dedupe: bool,
}

/// One file of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStatement {
    /// Its path as given; `-` for a standard stream.
    pub path: String,
    /// Its length as it was on disk, or passed through the pipe.
    pub bytes: u64,
    /// The SHA-256 of those bytes.
    pub sha256: String,
}
