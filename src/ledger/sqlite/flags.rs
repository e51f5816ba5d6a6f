//! The two flags of a contact, on every row it has: written here and nowhere else.

use super::codes::{Coded, micros};
use super::rows::{ContactAt, of_contact};
use super::write::Writer;
use crate::error::Result;
use crate::ledger::{Change, EventKind, FlagsChanged, Record, Transition};
use crate::record::{Contact, Flag, Timestamp};
use rusqlite::params;
use serde_json::{Value, json};

/// *Bulk Email* and *Email*.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Flags {
    pub(super) bulk_email: Flag,
    pub(super) email_allowed: Flag,
}

impl Flags {
    /// Both *Allow*.
    pub(super) const ALLOW: Self = Self { bulk_email: Flag::Allow, email_allowed: Flag::Allow };

    pub(super) fn of(contact: &Contact) -> Self {
        Self { bulk_email: contact.bulk_email, email_allowed: contact.email_allowed }
    }
}

/// One row of a contact before and after its flags were set.
pub(super) struct RowChange {
    pub(super) before: ContactAt,
    pub(super) after: Contact,
}

/// Gives every row of a contact the same flags, and tells the feed of the contact and of every key it
/// has or had. Returns the rows; none when the flags were so before.
///
/// `at` is when the CRM or the person said so. The caller writes the event, for it knows the cause.
pub(super) fn set_flags(
    writer: &Writer<'_>,
    contact_id: &str,
    flags: Flags,
    at: Option<Timestamp>,
) -> Result<Vec<RowChange>> {
    let rows = of_contact(writer.connection(), contact_id)?;
    if rows.iter().all(|row| Flags::of(&row.contact) == flags) {
        return Ok(Vec::new());
    }
    // Keys first, in one statement for all: rows of one contact never differ, at any instant.
    let sql =
        "UPDATE contact SET bulk_email = ?2, email_allowed = ?3, at = ?4 WHERE contact_id = ?1";
    writer.connection().prepare_cached(sql)?.execute(params![
        contact_id,
        flags.bulk_email.code(),
        flags.email_allowed.code(),
        micros(at),
    ])?;
    writer.touch(Change::Contact(contact_id))?;
    let mut changes = Vec::with_capacity(rows.len());
    for before in rows {
        writer.touch(Change::Address(&before.key))?;
        let after = Contact {
            bulk_email: flags.bulk_email,
            email_allowed: flags.email_allowed,
            at,
            ..before.contact.clone()
        };
        changes.push(RowChange { before, after });
    }
    Ok(changes)
}

impl RowChange {
    /// The row before and after, as events keep it.
    pub(super) fn to_json(&self) -> Value {
        let now = Record::Contact(self.after.clone());
        json!({"was": self.before.stored.to_json(), "now": now.to_json()})
    }

    /// The change without its provenance.
    pub(super) fn summary(&self) -> FlagsChanged {
        let was = &self.before.contact;
        FlagsChanged {
            contact_id: was.contact_id.clone(),
            address: was.address.clone(),
            bulk_email: Transition { from: was.bulk_email, to: self.after.bulk_email },
            email_allowed: Transition { from: was.email_allowed, to: self.after.email_allowed },
        }
    }

    /// Writes the change into the history of its own key: once a row, `cause` says why.
    pub(super) fn write_event(&self, writer: &Writer<'_>, cause: &Value) -> Result<()> {
        let detail = json!({"changed": [self.to_json()], "cause": cause});
        writer.event(EventKind::Changed, &self.before.key, &detail)
    }
}
