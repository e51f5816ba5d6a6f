//! An erasure taken back: only ever by a resubscribe that names it, in the resubscribe's own transaction.

use super::parked::{self, Parked};
use super::table::{self, ErasedRow, Space};
use super::{contacts, event_key};
use crate::error::Result;
use crate::ledger::sqlite::flags::Flags;
use crate::ledger::sqlite::sums::seal;
use crate::ledger::sqlite::write::Writer;
use crate::ledger::{Change, EventKind};
use crate::record::Kind;
use rusqlite::params;
use serde_json::json;

/// Brings the parked records of an erased address back under its key.
pub(in crate::ledger::sqlite) fn lift(
    writer: &Writer<'_>,
    key: &[u8],
    row: &ErasedRow,
) -> Result<()> {
    table::delete(writer.connection(), row)?;
    writer.touch(Change::Address(key))?;
    for block in &settled(writer, row)? {
        let kind = match block {
            Parked::Contact { .. } => {
                contact(writer, key, row, block)?;
                Kind::Contacts
            }
            Parked::Unsubscribe { list, state, class, at, recorded_at } => {
                let sql = "INSERT INTO unsubscribe (key, list, address, state, class, at, recorded_at) \
                           VALUES (?1, ?2, '', ?3, ?4, ?5, ?6)";
                let values = params![key, list, state, class, at, recorded_at];
                writer.connection().prepare_cached(sql)?.execute(values)?;
                writer.touch_list(key, list)?;
                Kind::Unsubscribes
            }
            Parked::Preference { list, choice, at, recorded_at } => {
                let sql = "INSERT INTO preference (key, list, address, choice, at, recorded_at) \
                           VALUES (?1, ?2, '', ?3, ?4, ?5)";
                let values = params![key, list, choice, at, recorded_at];
                writer.connection().prepare_cached(sql)?.execute(values)?;
                writer.touch_list(key, list)?;
                Kind::Preferences
            }
            Parked::Suppression { reason, class, at, expires_at, recorded_at } => {
                let sql = "INSERT INTO suppression (key, reason, class, address, at, expires_at, \
                           recorded_at) VALUES (?1, ?2, ?3, '', ?4, ?5, ?6)";
                let values = params![key, reason, class, at, expires_at, recorded_at];
                writer.connection().prepare_cached(sql)?.execute(values)?;
                Kind::Suppressions
            }
        };
        seal(writer.connection(), kind, key)?;
        writer.count(kind, 1)?;
        if let Parked::Unsubscribe { list, .. } | Parked::Preference { list, .. } = block {
            writer.name_list(list)?;
        }
    }
    let detail = json!({"lifted": true, "restored": row.blocks.len()});
    writer.event(EventKind::Erased, &event_key(&row.hash), &detail)
}

/// The blocks, in which contacts that are elsewhere by now have no current row.
fn settled(writer: &Writer<'_>, row: &ErasedRow) -> Result<Vec<Parked>> {
    let mut blocks = row.blocks.clone();
    for block in &row.blocks {
        let Parked::Contact { contact, former: false, .. } = block else { continue };
        let pseudonym = parked::pseudonym(contact)?;
        let kept = table::get(writer.connection(), Space::Contact, &pseudonym)?;
        if kept.is_none_or(|kept| kept.home != Some(row.hash)) {
            parked::leave(&mut blocks, &pseudonym)?;
        }
    }
    Ok(blocks)
}

/// Brings a contact's row back under the contact's alias.
fn contact(writer: &Writer<'_>, key: &[u8], row: &ErasedRow, block: &Parked) -> Result<()> {
    let Parked::Contact { contact, former, flags, at, recorded_at } = block else { return Ok(()) };
    let pseudonym = parked::pseudonym(contact)?;
    let mut flags = Flags::of_bits(*flags)?;
    if !former {
        let kept = table::get(writer.connection(), Space::Contact, &pseudonym)?;
        flags = flags.union(kept.map_or(Flags::ALLOW, |kept| kept.flags));
        if contacts::keep(writer, &pseudonym, &row.hash, flags)? {
            writer.touch(Change::Hashed(pseudonym))?;
        }
    }
    let id = contacts::alias(&pseudonym);
    let sql = "INSERT INTO contact (key, contact_id, former, address, bulk_email, email_allowed, at, \
               recorded_at) VALUES (?1, ?2, ?3, '', ?4, ?5, ?6, ?7)";
    writer.connection().prepare_cached(sql)?.execute(params![
        key,
        id,
        former,
        flags.bulk_email.is_denied(),
        flags.email_allowed.is_denied(),
        at,
        recorded_at,
    ])?;
    if *former { Ok(()) } else { writer.touch(Change::Contact(&id)) }
}
