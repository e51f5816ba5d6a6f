//! Single changes: what is asked for, and what came of it.

use super::stored::{Record, StoredRecord};
use crate::record::{Contact, Flag, Permission, SuppressionReason, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What a change came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Applied {
    /// The generation that holds it: a new one exactly when something changed.
    pub generation: u64,
    /// Whether anything changed.
    pub changed: bool,
}

/// What a resubscribe is to lift, and by which permission.
#[derive(Debug, Clone)]
pub struct ResubscribeRequest {
    /// The global block: both flags of every contact with the key, what contacts left
    /// behind there, every global unsubscribe.
    pub global: bool,
    /// Lists whose preference and unsubscribe records go.
    pub lists: Vec<String>,
    /// So for every list.
    pub all_lists: bool,
    /// Suppressions that go as well.
    pub include: Vec<SuppressionReason>,
    /// The proof.
    pub permission: Permission,
    /// By whose access it was asked for, if that is known: who took the permission may be somebody else.
    pub recorded_by: Option<String>,
}

impl ResubscribeRequest {
    /// Says whether a record of the address is deleted by this. Contacts never are: a global request sets their flags.
    #[must_use]
    pub fn deletes(&self, record: &Record) -> bool {
        let names = |list: &String| self.all_lists || self.lists.contains(list);
        match record {
            // Rules and digests are of no address.
            Record::Contact(_) | Record::Domain(_) | Record::Digest(_) => false,
            Record::Unsubscribe(record) => record.list.as_ref().map_or(self.global, names),
            Record::Preference(record) => names(&record.list),
            Record::Suppression(record) => self.include.contains(&record.reason),
        }
    }
}

/// Tells what is recorded of an address, and since when it is erased, from what was before or is after: as long as it is
/// the same, so is what a resubscribe does.
#[must_use]
pub fn basis(records: &[StoredRecord], erased: Option<Timestamp>) -> String {
    let mut digest = Sha256::new();
    for stored in records {
        digest.update(stored.to_json().to_string());
    }
    digest.update(erased.map(|at| at.to_string()).unwrap_or_default());
    digest.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// What a resubscribe did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resubscribed {
    /// Every record that is gone.
    pub deleted: Vec<StoredRecord>,
    /// Every contact that has or had the key and whose flags there changed.
    pub changed: Vec<FlagsChanged>,
    /// The generation that holds it: a new one exactly when something changed.
    pub generation: u64,
    /// Since when the address was erased, when this lifted the erasure.
    pub erased: Option<Timestamp>,
}

/// A change of a contact's flags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlagsChanged {
    /// The contact.
    pub contact_id: String,
    /// Its address as it was received.
    pub address: String,
    /// Whether the contact has another address since, so that only this one's block changed.
    pub former: bool,
    /// *Bulk Email*, before and after.
    pub bulk_email: Transition,
    /// *Email*, before and after.
    pub email_allowed: Transition,
}

/// A flag before and after.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Before.
    pub from: Flag,
    /// After; may be the same.
    pub to: Flag,
}

impl FlagsChanged {
    /// The change from one state of a contact's row to another.
    #[must_use]
    pub fn between(was: &Contact, now: &Contact) -> Self {
        Self {
            contact_id: was.contact_id.clone(),
            address: was.address.clone(),
            former: was.former,
            bulk_email: Transition { from: was.bulk_email, to: now.bulk_email },
            email_allowed: Transition { from: was.email_allowed, to: now.email_allowed },
        }
    }

    /// As commands print it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let flag = |flag: Transition| json!({"from": flag.from.as_str(), "to": flag.to.as_str()});
        json!({
            "contact_id": self.contact_id,
            "address": self.address,
            "former": self.former,
            "bulk_email": flag(self.bulk_email),
            "email_allowed": flag(self.email_allowed),
        })
    }
}
