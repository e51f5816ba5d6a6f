//! What a run of the filter is asked for.

use super::link_column::LinkColumn;
use crate::delimited::{Dialect, Limits};
use crate::record::{Class, Timestamp};

/// A column, by name or by number from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnChoice(pub String);

/// What an unusable address does to its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnInvalid {
    /// The row is withheld, reason `invalid_address`.
    #[default]
    Withhold,
    /// The row is kept, unless something else withholds it.
    Keep,
    /// The run ends with an error.
    Fail,
}

/// A run of the filter.
#[derive(Debug, Clone)]
pub struct Options {
    /// The input's name in messages.
    pub input_name: String,
    /// The address columns; none for the one the header tells.
    pub email_columns: Vec<ColumnChoice>,
    /// The contact id's column.
    pub contact_column: Option<ColumnChoice>,
    /// The column that holds each row's lists.
    pub list_column: Option<ColumnChoice>,
    /// The lists the whole batch is sent for.
    pub lists: Vec<String>,
    /// The kind of send.
    pub class: Class,
    /// What an unusable address does.
    pub invalid: OnInvalid,
    /// Whether a key already kept withholds a later row.
    pub dedupe: bool,
    /// Whether the first record is a header.
    pub header: bool,
    /// The delimiter.
    pub dialect: Dialect,
    /// Bytes before the first record, behind a byte-order mark, that are kept as they are: the line `sep=;`.
    pub preamble_bytes: usize,
    /// Chunk and record sizes.
    pub limits: Limits,
    /// Worker threads, at least one.
    pub threads: usize,
    /// The instant the answers are for.
    pub now: Timestamp,
    /// The link that each kept row gets.
    pub links: Option<LinkColumn>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            input_name: "-".to_owned(),
            email_columns: Vec::new(),
            contact_column: None,
            list_column: None,
            lists: Vec::new(),
            class: Class::Bulk,
            invalid: OnInvalid::Withhold,
            dedupe: false,
            header: true,
            dialect: Dialect::CSV,
            preamble_bytes: 0,
            limits: Limits::default(),
            threads: 1,
            now: Timestamp::from_micros(0),
            links: None,
        }
    }
}
