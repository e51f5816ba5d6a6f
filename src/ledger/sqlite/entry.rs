//! What the ledger makes of one entry of the index, for the feed to say.

use super::history::of_address;
use super::rows::{current_of, digests_of, of_key};
use crate::error::Result;
use crate::ledger::{Change, Record, Withheld, state};
use crate::record::state::EntryState;
use crate::record::{Blocks, Digest, KeyState, Kind};
use rusqlite::Connection;

/// What the entry withholds in the state that the connection's transaction sees. As `catch_up` makes it: the two
/// are compared at every catch-up.
pub(super) fn withheld(connection: &Connection, change: &Change<'_>) -> Result<Withheld> {
    let of_bits = |bits| EntryState { blocks: Blocks::from_bits(bits), expiries: Vec::new() };
    let state = match *change {
        Change::Address(key) => state_of(connection, key)?.address_entry(),
        Change::ListAddress { list, key } => state_of(connection, key)?.list_entry(list),
        Change::Contact(id) => {
            let blocks = current_of(connection, id)?.map(|row| row.contact.blocks());
            of_bits(blocks.unwrap_or_default().to_bits())
        }
        Change::Domain(domain) => {
            let rule = of_key(connection, Kind::Domains, domain)?.pop().map(|stored| stored.record);
            match rule {
                Some(Record::Domain(rule)) => of_bits(rule.blocks().to_bits()),
                _ => EntryState::default(),
            }
        }
        Change::Digest { digest, list } => {
            let stored = digests_of(connection, &digest)?;
            let records = stored.iter().filter_map(|stored| match &stored.record {
                Record::Digest(record) => Some(record),
                _ => None,
            });
            let blocks = match list {
                None => Digest::entry(records),
                Some(list) => Digest::list_entry(records, list),
            };
            of_bits(blocks.to_bits())
        }
    };
    Ok(Withheld::of(&state))
}

/// Every record of a key.
pub(super) fn state_of(connection: &Connection, key: &[u8]) -> Result<KeyState> {
    Ok(state(of_address(connection, key)?))
}
