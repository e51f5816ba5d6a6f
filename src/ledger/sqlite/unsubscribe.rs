//! One unsubscribe.

use super::claims::{Claim, NOBODY, Sub};
use super::codes::{Coded, address_column, list_column, micros};
use super::erase;
use super::flags::{Flags, RowChange, set_flags};
use super::rows::contacts_of;
use super::sums::seal;
use super::write::Writer;
use crate::error::Result;
use crate::ledger::{EventKind, Record};
use crate::record::{Class, Flag, Kind, Timestamp, Unsubscribe};
use rusqlite::params;
use serde_json::{Value, json};

/// Records `record`, and for a global one denies *Bulk Email* on every contact with the key.
pub(super) fn unsubscribe(
    writer: &Writer<'_>,
    key: &[u8],
    record: &Unsubscribe,
    by: Option<&str>,
) -> Result<()> {
    // '' is how the table says "everywhere": then the contacts' flags must follow as well.
    let list = record.list.clone().filter(|list| !list.is_empty());
    let record = Unsubscribe { list, ..record.clone() };
    if let Some(row) = writer.erasures().of_address(writer.connection(), key)? {
        return erase::unsubscribe(writer, row, &record);
    }
    let added = insert(writer, key, &record)?;
    let mut changed = Vec::new();
    if record.list.is_none() && record.class.covers(Class::Bulk) {
        changed = deny_bulk(writer, key, record.at.unwrap_or(writer.now()))?;
    }
    if !added && changed.is_empty() {
        return Ok(());
    }
    let changed: Vec<Value> = changed.iter().map(RowChange::to_json).collect();
    let content = Record::Unsubscribe(record).to_json();
    let detail = json!({"record": content, "added": added, "changed": changed, "by": by});
    writer.event(EventKind::Unsubscribed, key, &detail)
}

fn insert(writer: &Writer<'_>, key: &[u8], record: &Unsubscribe) -> Result<bool> {
    let sql = "INSERT INTO unsubscribe (key, list, address, state, class, at, source, recorded_at) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
    let list = list_column(record.list.as_deref());
    let inserted = writer.connection().prepare_cached(sql)?.execute(params![
        key,
        list,
        address_column(key, &record.address),
        record.state.code(),
        record.class.code(),
        micros(record.at),
        record.source,
        writer.now().as_micros(),
    ])?;
    if inserted == 0 {
        // It is there; whoever's it is, this statement holds as well.
        let sub = Sub::of_unsubscribe(list, record.class);
        let source = record.source.as_deref().unwrap_or(NOBODY);
        let exact = (address_column(key, &record.address), record.state.code());
        let claim = Claim { kind: Kind::Unsubscribes, key, sub: &sub, source };
        claim.remember(writer.connection(), 0, exact)?;
        return Ok(false);
    }
    seal(writer.connection(), Kind::Unsubscribes, key)?;
    writer.count(Kind::Unsubscribes, 1)?;
    writer.name_list(list)?;
    writer.touch_list(key, list)?;
    Ok(true)
}

/// Denies *Bulk Email* on every contact whose current address has the key.
fn deny_bulk(writer: &Writer<'_>, key: &[u8], at: Timestamp) -> Result<Vec<RowChange>> {
    let mut changed = Vec::new();
    for row in contacts_of(writer.connection(), key)? {
        if !row.contact.former {
            let flags = Flags { bulk_email: Flag::DoNotAllow, ..Flags::of(&row.contact) };
            changed.extend(set_flags(writer, row, flags, Some(at))?);
        }
    }
    Ok(changed)
}
