//! What a resubscribe would come to, without doing it.

use super::resubscribe::{Who, causes_of_any_send};
use super::words;
use crate::address::KeyBuffer;
use crate::error::{Error, Result};
use crate::ledger::{FlagsChanged, Record, ResubscribeRequest, StoredRecord, basis};
use crate::record::{Cause, Contact, Flag, KeyState, SuppressionReason, Timestamp};
use crate::store::Reader;

/// What a resubscribe would come to.
#[derive(Debug)]
pub struct Foreseen {
    /// The address as it was given.
    pub address: String,
    /// Its key.
    pub key: String,
    /// Every record that would go.
    pub deleted: Vec<StoredRecord>,
    /// Every contact whose flags would change.
    pub changed: Vec<FlagsChanged>,
    /// What would still withhold some mail to the address. Of an erased address nobody can tell before it is lifted.
    pub blocks: Vec<Cause>,
    /// Who set what was set by hand.
    pub who: Who,
    /// Since when the address is erased: what blocked before would come back first.
    pub erased: Option<Timestamp>,
    /// The [`basis`] that this was foreseen from: as long as it is the same, so is what is foreseen.
    pub basis: String,
}

/// Foresees [`resubscribe`](super::resubscribe::resubscribe()) of the records as they are. Changes nothing.
///
/// # Errors
///
/// As the resubscribe itself: usage for a text that is no address, refused when the permission is not enough for what
/// is named, or the address is erased and the request does not include what is suppressed by hand.
pub fn foresee(
    reader: &Reader<'_>,
    address: &str,
    request: &ResubscribeRequest,
    now: Timestamp,
) -> Result<Foreseen> {
    let mut buffer = KeyBuffer::default();
    let key = words::key(reader.policy(), address, &mut buffer)?;
    let view = reader.view();
    for reason in &request.include {
        request.permission.lifts(*reason).map_err(|fault| Error::refused(fault.to_string()))?;
    }
    let erased = view.erased_since(key.as_bytes())?;
    if let Some(since) = erased
        && !request.include.contains(&SuppressionReason::Manual)
    {
        return Err(Error::refused(format!("the address was erased at {since}")));
    }
    let records = view.records_of(key.as_bytes())?;
    let basis = basis(&records, erased);
    let mut changed = Vec::new();
    let mut state = KeyState::default();
    let (mut deleted, mut left) = (Vec::new(), Vec::new());
    for stored in records {
        if request.deletes(&stored.record) {
            deleted.push(stored);
            continue;
        }
        match &stored.record {
            Record::Contact(contact) if request.global => {
                let allowed = allowed(contact);
                if contact.bulk_email.is_denied() || contact.email_allowed.is_denied() {
                    changed.push(FlagsChanged::between(contact, &allowed));
                }
                state.contacts.push(allowed);
            }
            Record::Contact(contact) => state.contacts.push(contact.clone()),
            Record::Unsubscribe(record) => state.unsubscribes.push(record.clone()),
            Record::Preference(record) => state.preferences.push(record.clone()),
            Record::Suppression(record) => state.suppressions.push(record.clone()),
            Record::Domain(_) | Record::Digest(_) => {}
        }
        left.push(stored);
    }
    let outside = reader.outside(address.as_bytes(), key)?;
    let blocks = causes_of_any_send(&state, &outside, now);
    let who = Who::of(view, &deleted, &left)?;
    let (address, key) = (address.to_owned(), key.as_str().to_owned());
    Ok(Foreseen { address, key, deleted, changed, blocks, who, erased, basis })
}

fn allowed(contact: &Contact) -> Contact {
    Contact { bulk_email: Flag::Allow, email_allowed: Flag::Allow, ..contact.clone() }
}
