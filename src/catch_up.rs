//! Ledger changes → index states: the overlay of a reader, the next segment, the full rebuild.
//!
//! The feed names keys, not what happened to them: the ledger is asked for each named key's whole state
//! now, and the newest state wins. So a deletion, a re-import and a rebuild are one mechanism, and a feed
//! row read twice does no harm.

mod everything;

pub use everything::everything;

use crate::error::Result;
use crate::index::{Batch, KeyHasher, Overlay};
use crate::ledger::{Change, Changes, Cursor, View};
use crate::record::Contact;
use crate::record::state::EntryState;
use crate::segment::{DictionaryBuilder, Hash};
use std::collections::BTreeMap;

/// A changed state of the index.
enum Changed<'a> {
    /// Of an address; `recorded` when the ledger has any record of it, blocking or not.
    Address { key: &'a [u8], recorded: bool },
    /// Of a contact, or of an address on a list.
    Other,
}

/// The states changed after `cursor`, for a reader's memory; `None` when everything may have changed.
///
/// Cost: one query of a few index rows a change.
///
/// # Errors
///
/// As the ledger says.
pub fn overlay(view: &dyn View, cursor: Cursor, hasher: &KeyHasher) -> Result<Option<Overlay>> {
    let mut overlay = Overlay::default();
    let changes =
        for_each_state(view, cursor, hasher, &mut |changed, hash, state| match changed {
            Changed::Address { key, recorded } => {
                overlay.insert_address(hash, key, state, recorded)
            }
            Changed::Other => overlay.insert(hash, state),
        })?;
    Ok(matches!(changes, Changes::Keys(_)).then_some(overlay))
}

/// The states changed after `cursor`, for a segment; `None` when everything may have changed.
///
/// # Errors
///
/// As the ledger says.
pub fn batch(
    view: &dyn View,
    cursor: Cursor,
    hasher: &KeyHasher,
    with_dictionary: bool,
) -> Result<Option<Batch>> {
    let mut batch = Batch::default();
    let mut keys = BTreeMap::new();
    let changes = for_each_state(view, cursor, hasher, &mut |changed, hash, state| {
        if let Changed::Address { key, recorded } = changed {
            keys.insert(key.to_vec(), recorded.then_some(state.blocks));
        }
        batch.push(hash, &state);
    })?;
    if with_dictionary {
        let mut dictionary = DictionaryBuilder::new();
        for (key, blocks) in &keys {
            dictionary.push(key, crate::index::dictionary_value(*blocks))?;
        }
        batch.dictionary = Some(dictionary.finish());
    }
    Ok(matches!(changes, Changes::Keys(_)).then_some(batch))
}

fn for_each_state(
    view: &dyn View,
    cursor: Cursor,
    hasher: &KeyHasher,
    each: &mut dyn FnMut(Changed<'_>, Hash, EntryState),
) -> Result<Changes> {
    view.changes_after(cursor, &mut |change| {
        match change {
            Change::Address(key) => {
                let state = view.state_of(key)?;
                let changed = Changed::Address { key, recorded: !state.is_empty() };
                each(changed, hasher.address(key), state.address_entry());
            }
            Change::ListAddress { list, key } => {
                let entry = view.state_of(key)?.list_entry(list);
                each(Changed::Other, hasher.list(list.as_bytes(), key), entry);
            }
            Change::Contact(id) => {
                let mut state = EntryState::default();
                let contact = view.contact_flags(id)?;
                state.add(contact.as_ref().map(Contact::blocks).unwrap_or_default(), None);
                each(Changed::Other, hasher.contact(id.as_bytes()), state);
            }
        }
        Ok(())
    })
}
