//! What is erased, against the index; with the contacts, some of which are.

use super::{Comparison, Verified};
use crate::catch_up::{erased_hash, erased_state};
use crate::error::Result;
use crate::ledger::{ErasedEntry, View};
use crate::record::Blocks;
use crate::record::state::EntryState;
use crate::segment::Hash;
use std::collections::{HashMap, HashSet};

/// The hashes of the erased addresses.
pub(super) fn addresses(view: &dyn View) -> Result<HashSet<Hash>> {
    let mut addresses = HashSet::new();
    view.for_each_erased(&mut |pseudonym, entry| {
        if entry == ErasedEntry::Address {
            addresses.insert(erased_hash(pseudonym));
        }
        Ok(())
    })?;
    Ok(addresses)
}

impl Comparison<'_> {
    pub(super) fn contacts_and_erased(
        &mut self,
        view: &dyn View,
        verified: &mut Verified,
    ) -> Result<()> {
        let mut of_contacts: HashMap<_, Blocks> = HashMap::new();
        view.for_each_erased(&mut |pseudonym, entry| {
            let hash = erased_hash(pseudonym);
            if let ErasedEntry::Contact(blocks) = entry {
                of_contacts.insert(hash, blocks);
                return Ok(());
            }
            verified.compared += 1;
            self.entry(hash, &erased_state(entry), verified, &|| "an erased address".to_owned());
            Ok(())
        })?;
        view.for_each_contact(&mut |id, blocks| {
            verified.compared += 1;
            let hash = self.hasher.contact(id.as_bytes());
            if of_contacts.remove(&hash).is_some() {
                self.difference(verified, "a contact is erased, and has an address");
            }
            let state = EntryState { blocks, expiries: Vec::new() };
            self.entry(hash, &state, verified, &|| "a contact".to_owned());
            Ok(())
        })?;
        for (hash, blocks) in of_contacts {
            verified.compared += 1;
            let state = erased_state(ErasedEntry::Contact(blocks));
            self.entry(hash, &state, verified, &|| "a contact of an erased address".to_owned());
        }
        Ok(())
    }
}
