//! Never again, everywhere or for one list.

use super::words;
use crate::address::KeyBuffer;
use crate::error::Result;
use crate::ledger::Ledger;
use crate::record::{RecordClass, Timestamp, Unsubscribe, UnsubscribeState};
use crate::store::Store;

/// What is to be recorded.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The address.
    pub address: &'a str,
    /// The list, or everywhere.
    pub list: Option<&'a str>,
    /// What kinds of send it stops.
    pub class: RecordClass,
    /// Where it comes from.
    pub source: Option<&'a str>,
    /// Who recorded it, for the history.
    pub by: Option<&'a str>,
}

/// What recording came to.
#[derive(Debug, Clone)]
pub struct Done {
    /// The generation that holds it.
    pub generation: u64,
    /// Whether anything changed.
    pub changed: bool,
    /// Whether the address is erased, and suppressed by that anyway.
    pub is_erased: bool,
    /// The list, without surrounding space.
    pub list: Option<String>,
}

/// Records it. `follow` is given the generation that holds it, which is in the ledger then, and brings up whatever
/// answers.
///
/// # Errors
///
/// Usage for a text that is no address or no name of a list; as the ledger, and `follow`, say otherwise.
pub fn unsubscribe(
    store: &Store,
    request: Request<'_>,
    now: Timestamp,
    follow: impl FnOnce(u64) -> Result<()>,
) -> Result<Done> {
    let Request { address, list, class, source, by } = request;
    let mut buffer = KeyBuffer::default();
    let key = words::key(store.policy(), address, &mut buffer)?;
    let record = Unsubscribe {
        address: address.trim().to_owned(),
        list: list.map(words::list).transpose()?,
        state: UnsubscribeState::Active,
        class,
        at: Some(now),
        source: source.map(str::to_owned),
    };
    let applied = store.ledger_to_change()?.unsubscribe(key.as_bytes(), &record, now, by)?;
    follow(applied.generation)?;
    let is_erased = store.ledger().view()?.erased_since(key.as_bytes())?.is_some();
    let (generation, changed) = (applied.generation, applied.changed);
    Ok(Done { generation, changed, is_erased, list: record.list })
}
