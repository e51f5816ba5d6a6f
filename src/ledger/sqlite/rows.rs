//! Rows of the tables as records.

use super::codes::{Coded, address_of, instant, unsigned};
use super::fault::damaged;
use crate::error::Result;
use crate::ledger::{Record, StoredRecord};
use crate::record::{Contact, Kind, Preference, Suppression, Timestamp, Unsubscribe};
use rusqlite::{Connection, Row};

/// The columns [`stored`] reads, by kind: the key, seven of the record, its provenance.
macro_rules! select {
    ($columns:literal, $table:literal, $rest:literal) => {
        concat!(
            "SELECT key, ",
            $columns,
            ", import_id, COALESCE(recorded_at, (SELECT import.at FROM import WHERE \
             import.id = import_id)) FROM ",
            $table,
            " ",
            $rest
        )
    };
}

macro_rules! select_of_kind {
    ($kind:expr, $rest:literal) => {
        match $kind {
            Kind::Contacts => select!(
                "address, contact_id, NULL, bulk_email, email_allowed, at, NULL",
                "contact",
                $rest
            ),
            Kind::Unsubscribes => {
                select!("address, list, source, state, class, at, NULL", "unsubscribe", $rest)
            }
            Kind::Preferences => {
                select!("address, list, source, choice, NULL, at, NULL", "preference", $rest)
            }
            Kind::Suppressions => select!(
                "address, NULL, source, reason, class, at, expires_at",
                "suppression",
                $rest
            ),
        }
    };
}

/// Every record of a kind, in key order.
pub(super) fn select_all(kind: Kind) -> &'static str {
    select_of_kind!(kind, "ORDER BY key")
}

/// The records of one key, `?1`, in the order of their table.
fn select_key(kind: Kind) -> &'static str {
    select_of_kind!(kind, "WHERE key = ?1")
}

/// The rows of one contact, `?1`.
fn select_contact() -> &'static str {
    select_of_kind!(Kind::Contacts, "WHERE contact_id = ?1")
}

/// A row of one of the statements above.
pub(super) fn stored(kind: Kind, row: &Row<'_>) -> Result<StoredRecord> {
    let key = key(row)?;
    let address = address_of(key, row.get_ref(1)?.as_str().map_err(|_| damaged("an address"))?)?;
    let at = instant(row.get(6)?);
    let record = match kind {
        Kind::Contacts => Record::Contact(Contact {
            contact_id: row.get(2)?,
            address,
            bulk_email: Coded::from_code(row.get(4)?)?,
            email_allowed: Coded::from_code(row.get(5)?)?,
            at,
        }),
        Kind::Unsubscribes => Record::Unsubscribe(Unsubscribe {
            address,
            list: Some(row.get::<_, String>(2)?).filter(|list| !list.is_empty()),
            state: Coded::from_code(row.get(4)?)?,
            class: Coded::from_code(row.get(5)?)?,
            at,
            source: row.get(3)?,
        }),
        Kind::Preferences => Record::Preference(Preference {
            address,
            list: row.get(2)?,
            choice: Coded::from_code(row.get(4)?)?,
            at,
            source: row.get(3)?,
        }),
        Kind::Suppressions => Record::Suppression(Suppression {
            address,
            reason: Coded::from_code(row.get(4)?)?,
            class: Coded::from_code(row.get(5)?)?,
            at,
            expires_at: instant(row.get(7)?),
            source: row.get(3)?,
        }),
    };
    let import: Option<i64> = row.get(8)?;
    let recorded_at: Option<i64> = row.get(9)?;
    Ok(StoredRecord {
        record,
        import: import.map(unsigned).transpose()?,
        recorded_at: Timestamp::from_micros(
            recorded_at.ok_or_else(|| damaged("a record of no known time"))?,
        ),
    })
}

/// The key of a row of one of the statements above.
pub(super) fn key<'r>(row: &'r Row<'_>) -> Result<&'r [u8]> {
    row.get_ref(0)?.as_blob().map_err(|_| damaged("a key"))
}

/// The records of `kind` that `key` has.
pub(super) fn of_key(connection: &Connection, kind: Kind, key: &[u8]) -> Result<Vec<StoredRecord>> {
    let mut statement = connection.prepare_cached(select_key(kind))?;
    let mut rows = statement.query([key])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(stored(kind, row)?);
    }
    Ok(records)
}

/// A row of a contact: the key it stands under, and the contact.
pub(super) struct ContactAt {
    pub(super) key: Vec<u8>,
    pub(super) contact: Contact,
    pub(super) stored: StoredRecord,
}

/// The rows of one contact, under each key it has or had.
pub(super) fn of_contact(connection: &Connection, contact_id: &str) -> Result<Vec<ContactAt>> {
    let mut statement = connection.prepare_cached(select_contact())?;
    let mut rows = statement.query([contact_id])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let stored = stored(Kind::Contacts, row)?;
        if let Record::Contact(contact) = &stored.record {
            let contact = contact.clone();
            found.push(ContactAt { key: key(row)?.to_vec(), contact, stored });
        }
    }
    Ok(found)
}
