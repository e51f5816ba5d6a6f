//! What is recorded: of one address, or of all that match a pattern.

use super::words;
use crate::address::KeyBuffer;
use crate::error::Result;
use crate::ledger::StoredRecord;
use crate::record::Timestamp;
use crate::store::Reader;
use serde_json::{Value, json};

/// A key, or the name of what covers it from outside (`@example.com`, `md5:55502f…`), and its records.
pub type Named = (String, Vec<StoredRecord>);

/// What matches a pattern.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// The addresses that have records, by key.
    pub addresses: Vec<Named>,
    /// What covers them without being recorded of any.
    pub outside: Vec<Named>,
}

/// What is recorded of one address.
#[derive(Debug, Clone)]
pub struct OfAddress<'a> {
    /// The address as it was asked about.
    pub address: &'a str,
    /// Its key.
    pub key: String,
    /// The generation that this is of.
    pub generation: u64,
    /// Its records.
    pub records: Vec<StoredRecord>,
    /// Domain rules and digests that cover it.
    pub outside: Vec<Named>,
    /// Since when it is erased, if it is.
    pub erased_since: Option<Timestamp>,
}

/// The records that match `pattern` (`*` is any text).
///
/// # Errors
///
/// As index and ledger say.
pub fn search(reader: &Reader<'_>, pattern: &str) -> Result<Found> {
    let mut found = Found::default();
    for key in reader.search(pattern)? {
        let records = reader.view().records_of(&key)?;
        found.addresses.push((String::from_utf8_lossy(&key).into_owned(), records));
    }
    found.outside = reader.search_outside(pattern)?;
    Ok(found)
}

/// The records of one address. A `*` in it is a part of it.
///
/// # Errors
///
/// Usage for a text that is no address; as the ledger says.
pub fn of_address<'a>(reader: &Reader<'_>, address: &'a str) -> Result<OfAddress<'a>> {
    let mut buffer = KeyBuffer::default();
    let key = words::key(reader.policy(), address, &mut buffer)?;
    let view = reader.view();
    Ok(OfAddress {
        address,
        key: key.as_str().to_owned(),
        generation: view.position().generation,
        records: view.records_of(key.as_bytes())?,
        outside: reader.outside_records(address, key)?,
        erased_since: view.erased_since(key.as_bytes())?,
    })
}

/// A key and its records as `search --json` has them.
#[must_use]
pub fn named_json((key, records): &Named) -> Value {
    json!({"key": key, "records": records_json(records)})
}

fn records_json(records: &[StoredRecord]) -> Vec<Value> {
    records.iter().map(StoredRecord::to_json).collect()
}

impl OfAddress<'_> {
    /// With each record as `search --json` has it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "address": self.address,
            "key": self.key,
            "generation": self.generation,
            "records": records_json(&self.records),
            "outside": self.outside.iter().map(named_json).collect::<Vec<_>>(),
            "erased_since": self.erased_since.map(|since| since.to_string()),
        })
    }
}
