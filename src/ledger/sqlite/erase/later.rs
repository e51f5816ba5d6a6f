//! What is said of an address after it was erased: its blocks are parked, and no text is written.

use super::parked::{self, Parked};
use super::table::{self, ErasedRow, Space};
use super::{contacts, event_key};
use crate::error::Result;
use crate::ledger::sqlite::flags::Flags;
use crate::ledger::sqlite::write::Writer;
use crate::ledger::{Change, EventKind};
use crate::record::{Class, Flag, Unsubscribe};
use serde_json::json;

/// Parks one more block of an erased address.
pub(in crate::ledger::sqlite) fn park(
    writer: &Writer<'_>,
    row: &mut ErasedRow,
    block: Parked,
) -> Result<bool> {
    let is_news = parked::add(&mut row.blocks, block)?;
    if is_news {
        table::put(writer.connection(), row)?;
    }
    Ok(is_news)
}

/// Records an unsubscribe of an erased address: the record is parked, and a global one that covers bulk mail denies
/// *Bulk Email* on the contacts whose address it was.
pub(in crate::ledger::sqlite) fn unsubscribe(
    writer: &Writer<'_>,
    mut row: ErasedRow,
    record: &Unsubscribe,
) -> Result<()> {
    let block = Parked::unsubscribe(record, writer.now());
    let detail = json!({"parked": block});
    let mut is_news = park(writer, &mut row, block)?;
    if record.list.is_none() && record.class.covers(Class::Bulk) {
        is_news |= deny_bulk(writer, &mut row)?;
    }
    if is_news {
        writer.event(EventKind::Unsubscribed, &event_key(&row.hash), &detail)
    } else {
        Ok(())
    }
}

fn deny_bulk(writer: &Writer<'_>, row: &mut ErasedRow) -> Result<bool> {
    let denied = Flags { bulk_email: Flag::DoNotAllow, ..Flags::ALLOW };
    let mut is_news = false;
    for block in &mut row.blocks {
        let Parked::Contact { contact, former: false, flags, at, .. } = block else { continue };
        let pseudonym = parked::pseudonym(contact)?;
        let after = Flags::of_bits(*flags)?.union(denied);
        if after.bits() != *flags {
            (*flags, *at) = (after.bits(), Some(writer.now().as_micros()));
            is_news = true;
        }
        let kept = table::get(writer.connection(), Space::Contact, &pseudonym)?;
        if let Some(kept) = kept.filter(|kept| kept.home == Some(row.hash))
            && contacts::keep(writer, &pseudonym, &row.hash, kept.flags.union(denied))?
        {
            writer.touch(Change::Hashed(pseudonym))?;
        }
    }
    if is_news {
        table::put(writer.connection(), row)?;
    }
    Ok(is_news)
}
