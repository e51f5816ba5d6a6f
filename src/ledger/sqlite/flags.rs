//! The two flags of a contact, on its current row and on those it left behind: changed here and
//! nowhere else.

use super::codes::{Coded, micros};
use super::erase::contacts::mirror;
use super::fault::damaged;
use super::rows::ContactAt;
use super::sums::seal;
use super::write::Writer;
use crate::error::Result;
use crate::ledger::{Change, EventKind, FlagsChanged, Record};
use crate::record::{Blocks, Contact, Flag, Kind, Timestamp};
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

    /// As the ledger keeps the flags of an erased contact: bit 0 *Bulk Email*, bit 1 *Email* is Do Not Allow.
    pub(super) fn bits(self) -> i64 {
        i64::from(self.bulk_email.is_denied()) | i64::from(self.email_allowed.is_denied()) << 1
    }

    /// The flags of such bits.
    pub(super) fn of_bits(bits: i64) -> Result<Self> {
        let flag = |denied| if denied { Flag::DoNotAllow } else { Flag::Allow };
        match bits {
            0..=3 => {
                Ok(Self { bulk_email: flag(bits & 1 != 0), email_allowed: flag(bits & 2 != 0) })
            }
            _ => Err(damaged("the flags of an erased contact")),
        }
    }

    /// What they withhold.
    pub(super) fn blocks(self) -> Blocks {
        self.of_contact("", 0).blocks()
    }

    /// A contact with these flags since an instant, whose address is not known any more.
    pub(super) fn of_contact(self, id: &str, at: i64) -> Contact {
        Contact {
            contact_id: id.to_owned(),
            address: String::new(),
            bulk_email: self.bulk_email,
            email_allowed: self.email_allowed,
            at: Some(Timestamp::from_micros(at)),
            former: false,
        }
    }

    pub(super) fn of(contact: &Contact) -> Self {
        Self { bulk_email: contact.bulk_email, email_allowed: contact.email_allowed }
    }

    /// Each flag denied where either denies it.
    pub(super) fn union(self, other: Self) -> Self {
        let either = |a: Flag, b: Flag| if a.is_denied() { a } else { b };
        Self {
            bulk_email: either(self.bulk_email, other.bulk_email),
            email_allowed: either(self.email_allowed, other.email_allowed),
        }
    }
}

/// One row of a contact before and after it was changed.
pub(super) struct RowChange {
    pub(super) before: ContactAt,
    pub(super) after: Contact,
}

/// Sets the flags of one row of a contact; none when they were so before.
///
/// `at` is when the CRM or the person said so. The caller writes the event, for it knows the cause.
pub(super) fn set_flags(
    writer: &Writer<'_>,
    row: ContactAt,
    flags: Flags,
    at: Option<Timestamp>,
) -> Result<Option<RowChange>> {
    if Flags::of(&row.contact) == flags {
        return Ok(None);
    }
    let Flags { bulk_email, email_allowed } = flags;
    let after = Contact { bulk_email, email_allowed, at, ..row.contact.clone() };
    change_row(writer, row, after).map(Some)
}

/// Writes a row's flags, their time, and whether it is a former one; tells the feed of the key, and
/// of the contact when it is its current row that has other flags.
pub(super) fn change_row(
    writer: &Writer<'_>,
    before: ContactAt,
    after: Contact,
) -> Result<RowChange> {
    let was = &before.contact;
    let sql = "UPDATE contact SET bulk_email = ?4, email_allowed = ?5, at = ?6, former = ?7, sum = NULL \
               WHERE key = ?1 AND contact_id = ?2 AND former = ?3";
    writer.connection().prepare_cached(sql)?.execute(params![
        before.key,
        was.contact_id,
        was.former,
        after.bulk_email.code(),
        after.email_allowed.code(),
        micros(after.at),
        after.former,
    ])?;
    seal(writer.connection(), Kind::Contacts, &before.key)?;
    writer.touch(Change::Address(&before.key))?;
    if !after.former {
        writer.touch(Change::Contact(&was.contact_id))?;
        mirror(writer, &was.contact_id, Flags::of(&after))?;
    }
    Ok(RowChange { before, after })
}

impl RowChange {
    /// The row before and after, as events keep it.
    pub(super) fn to_json(&self) -> Value {
        let now = Record::Contact(self.after.clone());
        json!({"was": self.before.stored.to_json(), "now": now.to_json()})
    }

    /// The change without its provenance.
    pub(super) fn summary(&self) -> FlagsChanged {
        FlagsChanged::between(&self.before.contact, &self.after)
    }

    /// Writes the change into the history of its key; `cause` says why.
    pub(super) fn write_event(&self, writer: &Writer<'_>, cause: &Value) -> Result<()> {
        let detail = json!({"changed": [self.to_json()], "cause": cause});
        writer.event(EventKind::Changed, &self.before.key, &detail)
    }
}
