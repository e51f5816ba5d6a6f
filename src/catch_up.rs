//! Ledger changes → index states: the overlay of a reader, the next segment, the full rebuild.
//!
//! The feed names keys, not what happened to them: the ledger is asked for each named key's whole state
//! now, and the newest state wins. So a deletion, a re-import and a rebuild are one mechanism, and a feed
//! row read twice does no harm.

mod erased;
mod everything;

pub use erased::{hash as erased_hash, state as erased_state};
pub use everything::everything;

use crate::error::{Error, Result};
use crate::index::{Batch, KeyHasher, Overlay, Presence, Snapshot};
use crate::ledger::{Change, Changes, Cursor, Record, Trail, View, Withheld};
use crate::record::state::EntryState;
use crate::record::{Blocks, Contact, Digest, DigestBlocks, DigestValue, DomainBlocks, Timestamp};
use crate::segment::{DictionaryBuilder, Hash};
use std::collections::BTreeMap;

/// A changed state of the index.
enum Changed<'a> {
    /// Of an address; `recorded` when the ledger has any record of it, blocking or not.
    Address { key: &'a [u8], recorded: bool },
    /// Of what is erased: by its hash alone, perhaps by its key too.
    Erased,
    /// Of anything else, which has no dictionary entry.
    Other,
}

/// The states changed after `cursor`, for a reader's memory; `None` when everything may have changed. `held` is the
/// index at `cursor`.
///
/// Cost: one query of a few index rows a change.
///
/// # Errors
///
/// As the ledger says, and untrusted when what it says of a key does not follow from what the index holds and the
/// feed tells: then one of the files is damaged.
pub fn overlay(
    view: &dyn View,
    cursor: Cursor,
    hasher: &KeyHasher,
    held: &Snapshot,
) -> Result<Option<Overlay>> {
    let mut overlay = Overlay::default();
    let held = Some(held);
    let changes =
        for_each_state(view, cursor, hasher, held, &mut |changed, hash, state| match changed {
            Changed::Address { key, recorded } => {
                overlay.insert_address(hash, key, state, recorded)
            }
            Changed::Erased | Changed::Other => overlay.insert(hash, state),
        })?;
    Ok(matches!(changes, Changes::Keys(_)).then_some(overlay))
}

/// The states changed after `cursor`, for a segment; `None` when everything may have changed. `held` is the index
/// at `cursor`; without it nothing is compared with what was.
///
/// # Errors
///
/// As [`overlay`].
pub fn batch(
    view: &dyn View,
    cursor: Cursor,
    hasher: &KeyHasher,
    held: Option<&Snapshot>,
    with_dictionary: bool,
) -> Result<Option<Batch>> {
    let mut batch = Batch::default();
    let mut keys = BTreeMap::new();
    let mut has_erased = false;
    let changes = for_each_state(view, cursor, hasher, held, &mut |changed, hash, state| {
        has_erased |= matches!(changed, Changed::Erased);
        if let Changed::Address { key, recorded } = changed {
            keys.insert(key.to_vec(), recorded.then_some(state.blocks));
        }
        batch.push(hash, &state);
    })?;
    if has_erased {
        // The feed may name the same entry by its key as well, and the ledger says the same of both.
        batch.entries.sort_by_key(|entry| entry.hash);
        batch.entries.dedup_by_key(|entry| entry.hash);
    }
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
    held: Option<&Snapshot>,
    each: &mut dyn FnMut(Changed<'_>, Hash, EntryState),
) -> Result<Changes> {
    let mut touched = Vec::new();
    let changes = view.changes_after(cursor, &mut |change, trail| {
        let each = &mut |changed: Changed<'_>, hash, state: EntryState| {
            let follows = follows(trail, held, hash, &state);
            each(changed, hash, state);
            if follows { Ok(()) } else { Err(contradiction(change)) }
        };
        match change {
            Change::Address(key) => {
                let state = view.state_of(key)?;
                let changed = Changed::Address { key, recorded: !state.is_empty() };
                each(changed, hasher.address(key), state.address_entry())?;
            }
            Change::ListAddress { list, key } => {
                let entry = view.state_of(key)?.list_entry(list);
                each(Changed::Other, hasher.list(list.as_bytes(), key), entry)?;
            }
            Change::Contact(id) => {
                let mut state = EntryState::default();
                let contact = view.contact_flags(id)?;
                state.add(contact.as_ref().map(Contact::blocks).unwrap_or_default(), None);
                each(Changed::Other, hasher.contact(id.as_bytes()), state)?;
            }
            Change::Domain(domain) => {
                see(&mut touched, Presence::DomainRules);
                let rule = view.rule_of(domain)?.map(|stored| stored.record);
                let blocks = match rule {
                    Some(Record::Domain(rule)) => rule.blocks(),
                    _ => DomainBlocks::NONE,
                };
                each(Changed::Other, hasher.domain_rule(domain), of_bits(blocks.to_bits()))?;
            }
            Change::Digest { digest, list } => {
                see(&mut touched, Presence::Digests(digest.algorithm()));
                let (hash, blocks) = digest_state(view, hasher, &digest, list)?;
                each(Changed::Other, hash, of_bits(blocks.to_bits()))?;
            }
            // Gone from what is erased, the entry is that of a key again, which the feed names.
            Change::Hashed(pseudonym) => {
                if let Some(entry) = view.erased_entry(&pseudonym)? {
                    each(Changed::Erased, erased::hash(&pseudonym), erased::state(entry))?;
                }
            }
        }
        Ok(())
    })?;
    for presence in touched {
        let state = presence_state(view, presence)?;
        each(Changed::Other, hasher.presence(presence), state);
    }
    Ok(changes)
}

/// Says whether an entry's state now follows from the state that the index holds and from what the feed tells.
fn follows(trail: &Trail, held: Option<&Snapshot>, hash: Hash, state: &EntryState) -> bool {
    let now = Withheld::of(state);
    let Some(held) = held else { return trail.ends_at(now) };
    let at = |micros| held.get(hash, Timestamp::from_micros(micros));
    trail.leads(Withheld::new(at(i64::MIN), at(i64::MAX)), now)
}

fn contradiction(change: Change<'_>) -> Error {
    let name = change.redacted();
    Error::untrusted(format!(
        "the ledger's records of {name} are not what its change feed and the index say: a file is damaged"
    ))
    .with_hint("run `quell verify`; docs/operations.md tells how to go on")
}

/// The hash and the state of a digest, or of a digest on a list.
fn digest_state(
    view: &dyn View,
    hasher: &KeyHasher,
    digest: &DigestValue,
    list: Option<&str>,
) -> Result<(Hash, DigestBlocks)> {
    let stored = view.digests_of(digest)?;
    let records = stored.iter().filter_map(|stored| match &stored.record {
        Record::Digest(record) => Some(record),
        _ => None,
    });
    let (algorithm, bytes) = (digest.algorithm(), digest.as_bytes());
    Ok(match list {
        None => (hasher.digest(algorithm, bytes), Digest::entry(records)),
        Some(list) => {
            let hash = hasher.digest_on_list(list.as_bytes(), algorithm, bytes);
            (hash, Digest::list_entry(records, list))
        }
    })
}

fn see(touched: &mut Vec<Presence>, presence: Presence) {
    if !touched.contains(&presence) {
        touched.push(presence);
    }
}

/// What the entry says that tells whether there is any of something.
///
/// # Errors
///
/// As the ledger says.
pub fn presence_state(view: &dyn View, presence: Presence) -> Result<EntryState> {
    let is_there = match presence {
        Presence::DomainRules => view.has_rules()?,
        Presence::Digests(algorithm) => view.has_digests(algorithm)?,
    };
    Ok(of_bits(u16::from(is_there)))
}

/// The state of an entry that is no address's: its bits have a meaning of their own, and none expires.
#[must_use]
pub fn of_bits(bits: u16) -> EntryState {
    EntryState { blocks: Blocks::from_bits(bits), expiries: Vec::new() }
}
