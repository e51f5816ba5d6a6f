//! What the ledger makes of one entry of the index, for the feed to say.

use super::erase::Erasures;
use super::erase::contacts::united;
use super::history::of_address;
use super::read::with_stand_in;
use super::rows::{current_of, digests_of, of_key};
use crate::error::Result;
use crate::ledger::{Change, Record, Withheld};
use crate::record::state::EntryState;
use crate::record::{Blocks, Contact, Digest, KeyState, Kind, Timestamp};
use rusqlite::Connection;

/// What the entry withholds in the state that the connection's transaction sees; none when its name does not say. As `catch_up` makes it: the two
/// are compared at every catch-up.
pub(super) fn withheld(
    connection: &Connection,
    erasures: &Erasures<'_>,
    change: &Change<'_>,
) -> Result<Option<Withheld>> {
    let of_bits = |bits| EntryState { blocks: Blocks::from_bits(bits), expiries: Vec::new() };
    let state = match *change {
        Change::Address(key) => state_of(connection, erasures, key)?.address_entry(),
        Change::ListAddress { list, key } => state_of(connection, erasures, key)?.list_entry(list),
        Change::Contact(id) => {
            let contact = current_of(connection, id)?.map(|row| row.contact);
            let kept = erasures.of_contact(connection, id)?;
            let contact = united(id, contact, kept);
            of_bits(contact.as_ref().map(Contact::blocks).unwrap_or_default().to_bits())
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
        // What is erased is an entry of its own, or of a key that the feed names as well.
        Change::Hashed(_) => return Ok(None),
    };
    Ok(Some(Withheld::of(&state)))
}

/// Every record of a key, and what stands for those of one that is erased.
pub(super) fn state_of(
    connection: &Connection,
    erasures: &Erasures<'_>,
    key: &[u8],
) -> Result<KeyState> {
    let erased = erasures.of_address(connection, key)?;
    let at = erased.map(|row| Timestamp::from_micros(row.at));
    Ok(with_stand_in(key, at, of_address(connection, key)?))
}
