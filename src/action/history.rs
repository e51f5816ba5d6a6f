//! Everything that ever happened to an address.

use super::words;
use crate::address::{KeyBuffer, Policy};
use crate::error::{Error, Result};
use crate::ledger::{HistoryEntry, View};
use crate::record::DigestValue;
use crate::record::domain_rule::domain_in_keys;
use serde_json::{Value, json};

/// What happened to one address.
#[derive(Debug, Clone)]
pub struct OfAddress<'a> {
    /// The address as it was asked about.
    pub address: &'a str,
    /// Its key.
    pub key: String,
    /// The generation up to which this is told.
    pub generation: u64,
    /// The events, oldest first.
    pub events: Vec<HistoryEntry>,
}

/// The history of an address, of the rule of a domain (`@example.com`), or of a digest; oldest first.
///
/// # Errors
///
/// Usage for a text that is none of these; as the ledger says.
pub fn history(view: &dyn View, policy: Policy, about: &str) -> Result<Vec<HistoryEntry>> {
    if about.starts_with('@') {
        let domain = domain_in_keys(about, policy);
        let domain = domain.map_err(|fault| Error::usage(format!("`{about}`: {fault}")))?;
        return view.history_of_rule(domain.as_bytes());
    }
    if let Ok(digest) = DigestValue::parse(about, None) {
        return view.history_of_digest(&digest);
    }
    let mut buffer = KeyBuffer::default();
    view.history(words::key(policy, about, &mut buffer)?.as_bytes())
}

/// The history of an address, and of nothing else.
///
/// # Errors
///
/// Usage for a text that is no address; as the ledger says.
pub fn of_address<'a>(view: &dyn View, policy: Policy, address: &'a str) -> Result<OfAddress<'a>> {
    let mut buffer = KeyBuffer::default();
    let key = words::key(policy, address, &mut buffer)?;
    let events = view.history(key.as_bytes())?;
    let generation = view.position().generation;
    Ok(OfAddress { address, key: key.as_str().to_owned(), generation, events })
}

impl OfAddress<'_> {
    /// With the events as `history --json` has them.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "address": self.address,
            "key": self.key,
            "generation": self.generation,
            "events": self.events.iter().map(HistoryEntry::to_json).collect::<Vec<_>>(),
        })
    }
}
