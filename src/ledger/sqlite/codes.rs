//! How values stand in the tables: the one place that knows the codes of the schema.

use super::fault::damaged;
use crate::error::{Error, Result};
use crate::record::{
    Algorithm, Choice, Flag, RecordClass, SuppressionReason, Timestamp, UnsubscribeState,
};

/// A word of the schema: the position in the list is the code.
pub(super) trait Coded: Copy + PartialEq + 'static {
    const CODES: &'static [Self];
    const WHAT: &'static str;

    fn code(self) -> i64 {
        // The lists are complete and shorter than ten.
        Self::CODES.iter().zip(0..).find(|(value, _)| **value == self).map_or(-1, |(_, code)| code)
    }

    /// An unknown code is an error: read as anything else it might be read as "clear".
    fn from_code(code: i64) -> Result<Self> {
        usize::try_from(code)
            .ok()
            .and_then(|code| Self::CODES.get(code).copied())
            .ok_or_else(|| damaged(&format!("{} {code} is unknown", Self::WHAT)))
    }
}

impl Coded for Flag {
    const CODES: &'static [Self] = &[Self::Allow, Self::DoNotAllow];
    const WHAT: &'static str = "flag";
}

impl Coded for UnsubscribeState {
    const CODES: &'static [Self] = &[Self::Active, Self::Inactive];
    const WHAT: &'static str = "state";
}

impl Coded for RecordClass {
    const CODES: &'static [Self] = &[Self::Bulk, Self::Transactional, Self::All];
    const WHAT: &'static str = "class";
}

impl Coded for Choice {
    const CODES: &'static [Self] = &[Self::In, Self::Out];
    const WHAT: &'static str = "choice";
}

impl Coded for SuppressionReason {
    const CODES: &'static [Self] = &[Self::Bounce, Self::Complaint, Self::Invalid, Self::Manual];
    const WHAT: &'static str = "reason";
}

/// The address column: '' when it equals the key, which saves the bytes in nearly every row.
pub(super) fn address_column<'a>(key: &[u8], address: &'a str) -> &'a str {
    if address.as_bytes() == key { "" } else { address }
}

/// The address behind the column.
pub(super) fn address_of(key: &[u8], column: &str) -> Result<String> {
    if !column.is_empty() {
        return Ok(column.to_owned());
    }
    let key = std::str::from_utf8(key).map_err(|_| damaged("a key without its address"))?;
    Ok(key.to_owned())
}

/// The algorithm column of a digest whose bytes are `key`; 0, which no row has, for anything else.
pub(super) fn algorithm_code(key: &[u8]) -> u8 {
    Algorithm::of_bytes(key.len()).map_or(0, Algorithm::number)
}

/// The list column: '' is everywhere.
pub(super) fn list_column(list: Option<&str>) -> &str {
    list.unwrap_or_default()
}

pub(super) fn micros(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_micros)
}

pub(super) fn instant(micros: Option<i64>) -> Option<Timestamp> {
    micros.map(Timestamp::from_micros)
}

/// A number of rows, or a row's number, which SQLite keeps signed.
pub(super) fn unsigned(number: i64) -> Result<u64> {
    u64::try_from(number).map_err(|_| damaged("a negative count"))
}

/// For SQLite, which keeps numbers signed.
pub(super) fn signed(number: u64) -> Result<i64> {
    i64::try_from(number).map_err(|_| Error::untrusted("a count beyond what the ledger can hold"))
}
