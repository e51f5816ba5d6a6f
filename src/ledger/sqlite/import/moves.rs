//! What an import does to the addresses a contact left: their blocks are frozen, and never lifted.

use super::Import;
use crate::error::Result;
use crate::ledger::sqlite::flags::{Flags, RowChange, change_row, set_flags};
use crate::ledger::sqlite::rows::{ContactAt, former_of};
use crate::ledger::{Change, EventKind};
use crate::record::{Contact, Kind, Timestamp};
use rusqlite::params;
use serde_json::{Value, json};

/// Makes the current row of a contact a former one, with its flags as they are and those of `said`.
///
/// When the contact left this key before, that row takes the flags, and the current one goes.
pub(super) fn leave(import: &Import<'_>, current: ContactAt, said: Flags) -> Result<()> {
    let writer = import.writer;
    let flags = Flags::of(&current.contact).union(said);
    let id = &current.contact.contact_id;
    let Some(former) = former_of(writer.connection(), &current.key, id)? else {
        let Flags { bulk_email, email_allowed } = flags;
        let after = Contact { bulk_email, email_allowed, former: true, ..current.contact.clone() };
        return change_row(writer, current, after)?.write_event(writer, &import.cause());
    };
    let sql = "DELETE FROM contact WHERE key = ?1 AND contact_id = ?2 AND former = 0";
    writer.connection().prepare_cached(sql)?.execute(params![current.key, id])?;
    writer.count(Kind::Contacts, -1)?;
    writer.touch(Change::Address(&current.key))?;
    let flags = flags.union(Flags::of(&former.contact));
    let changed = set_flags(writer, former, flags, current.contact.at)?;
    let changed: Vec<Value> = changed.iter().map(RowChange::to_json).collect();
    let deleted = [current.stored.to_json()];
    let detail = json!({"changed": changed, "deleted": deleted, "cause": import.cause()});
    writer.event(EventKind::Changed, &current.key, &detail)
}

/// Adds to the block that a contact left behind; says whether that changed it.
pub(super) fn tighten(
    import: &Import<'_>,
    former: ContactAt,
    said: Flags,
    at: Option<Timestamp>,
) -> Result<bool> {
    let flags = Flags::of(&former.contact).union(said);
    let Some(change) = set_flags(import.writer, former, flags, at)? else { return Ok(false) };
    change.write_event(import.writer, &import.cause())?;
    Ok(true)
}
