//! Deleting a record: the one place that does.

use super::claims::forget_record;
use super::codes::{Coded, address_column, list_column};
use super::write::Writer;
use crate::error::{Error, Result};
use crate::ledger::{Change, Record};
use crate::record::{DigestValue, Kind};
use rusqlite::params;

/// Deletes a record that was read in this transaction with what others claimed of it, tells the feed, and counts it
/// out.
pub(super) fn delete(writer: &Writer<'_>, key: &[u8], record: &Record) -> Result<()> {
    let connection = writer.connection();
    let (kind, rows) = match record {
        Record::Contact(contact) => {
            let sql = "DELETE FROM contact WHERE key = ?1 AND contact_id = ?2 AND former = ?3";
            let of = params![key, contact.contact_id, contact.former];
            let rows = connection.prepare_cached(sql)?.execute(of)?;
            writer.touch(Change::Address(key))?;
            if !contact.former {
                writer.touch(Change::Contact(&contact.contact_id))?;
            }
            (Kind::Contacts, rows)
        }
        Record::Unsubscribe(record) => {
            let list = list_column(record.list.as_deref());
            let sql = "DELETE FROM unsubscribe WHERE key = ?1 AND list = ?2 AND address = ?3 \
                       AND state = ?4 AND class = ?5";
            let address = address_column(key, &record.address);
            let of = params![key, list, address, record.state.code(), record.class.code()];
            let rows = connection.prepare_cached(sql)?.execute(of)?;
            writer.touch_list(key, list)?;
            (Kind::Unsubscribes, rows)
        }
        Record::Preference(record) => {
            let sql = "DELETE FROM preference WHERE key = ?1 AND list = ?2";
            let rows = connection.prepare_cached(sql)?.execute(params![key, record.list])?;
            writer.touch_list(key, &record.list)?;
            (Kind::Preferences, rows)
        }
        Record::Suppression(record) => {
            let sql = "DELETE FROM suppression WHERE key = ?1 AND reason = ?2 AND class = ?3";
            let of = params![key, record.reason.code(), record.class.code()];
            let rows = connection.prepare_cached(sql)?.execute(of)?;
            writer.touch(Change::Address(key))?;
            (Kind::Suppressions, rows)
        }
        Record::Domain(_) => {
            let sql = "DELETE FROM domain_rule WHERE key = ?1";
            let rows = connection.prepare_cached(sql)?.execute([key])?;
            writer.touch(Change::Domain(key))?;
            (Kind::Domains, rows)
        }
        Record::Digest(record) => {
            let list = list_column(record.list.as_deref());
            let sql = "DELETE FROM digest WHERE algorithm = ?1 AND key = ?2 AND list = ?3";
            let of = params![record.algorithm.number(), key, list];
            let rows = connection.prepare_cached(sql)?.execute(of)?;
            let digest = DigestValue::from_bytes(key).ok_or_else(is_not_there)?;
            writer.touch_digest(digest, list)?;
            (Kind::Digests, rows)
        }
    };
    forget_record(connection, key, record)?;
    // Read in this transaction and not there: whoever said that it goes would be wrong.
    if rows != 1 {
        return Err(is_not_there());
    }
    writer.count(kind, -1)
}

fn is_not_there() -> Error {
    super::fault::damaged("a record that is there and is not")
}
