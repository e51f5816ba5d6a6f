//! Rows of the tables as records.

use super::codes::{Coded, address_of, instant, unsigned};
use super::fault::damaged;
use super::sums::{self, is_sound};
use crate::error::Result;
use crate::ledger::{Record, StoredRecord};
use crate::record::{
    Contact, Digest, DigestValue, DomainRule, Kind, Preference, Suppression, Unsubscribe,
};
use rusqlite::{Connection, Params, Row, params};

/// The columns [`stored`] reads, by kind: the key, seven of the record, its provenance, and
/// whether the row is as it was written.
macro_rules! select {
    ($columns:literal, $table:ident, $rest:literal) => {
        concat!(
            "SELECT key, ",
            $columns,
            ", import_id, COALESCE(recorded_at, (SELECT import.at FROM import WHERE \
             import.id = import_id)), ",
            is_sound!($table),
            " FROM ",
            stringify!($table),
            " ",
            $rest
        )
    };
}

macro_rules! select_of_kind {
    ($kind:expr, $rest:literal) => {
        match $kind {
            Kind::Contacts => select!(
                "address, contact_id, NULL, bulk_email, email_allowed, at, former",
                contact,
                $rest
            ),
            Kind::Unsubscribes => {
                select!("address, list, source, state, class, at, NULL", unsubscribe, $rest)
            }
            Kind::Preferences => {
                select!("address, list, source, choice, NULL, at, NULL", preference, $rest)
            }
            Kind::Suppressions => {
                select!("address, NULL, source, reason, class, at, expires_at", suppression, $rest)
            }
            Kind::Domains => {
                select!("NULL, NULL, source, subdomains, NULL, at, NULL", domain_rule, $rest)
            }
            Kind::Digests => {
                select!("NULL, list, source, class, NULL, NULL, NULL", digest, $rest)
            }
        }
    };
}

/// Every record of a kind, in the order of its table: by key, digests by algorithm first.
pub(super) fn select_all(kind: Kind) -> &'static str {
    if kind == Kind::Digests {
        select_of_kind!(kind, "ORDER BY algorithm, key, list")
    } else {
        select_of_kind!(kind, "ORDER BY key")
    }
}

/// The records of one digest: its algorithm is `?1`, its bytes are `?2`.
fn select_digest() -> &'static str {
    select_of_kind!(Kind::Digests, "WHERE algorithm = ?1 AND key = ?2")
}

/// The records of one key, `?1`, in the order of their table.
fn select_key(kind: Kind) -> &'static str {
    select_of_kind!(kind, "WHERE key = ?1")
}

/// The current row of one contact, `?1`.
fn select_current() -> &'static str {
    select_of_kind!(Kind::Contacts, "WHERE contact_id = ?1 AND former = 0")
}

/// The row that a contact, `?2`, left behind at a key, `?1`.
fn select_former() -> &'static str {
    select_of_kind!(Kind::Contacts, "WHERE key = ?1 AND contact_id = ?2 AND former = 1")
}

/// A row of one of the statements above.
pub(super) fn stored(kind: Kind, row: &Row<'_>) -> Result<StoredRecord> {
    let key = key(row)?;
    sums::check(row, 10, kind, key)?;
    let address = || -> Result<String> {
        address_of(key, row.get_ref(1)?.as_str().map_err(|_| damaged("an address"))?)
    };
    let list = || -> Result<Option<String>> {
        Ok(Some(row.get::<_, String>(2)?).filter(|list| !list.is_empty()))
    };
    let at = instant(row.get(6)?);
    let recorded_at: Option<i64> = row.get(9)?;
    let recorded_at = instant(recorded_at).ok_or_else(|| damaged("a record of no known time"))?;
    let record = match kind {
        Kind::Contacts => Record::Contact(Contact {
            contact_id: row.get(2)?,
            address: address()?,
            bulk_email: Coded::from_code(row.get(4)?)?,
            email_allowed: Coded::from_code(row.get(5)?)?,
            at,
            former: row.get(7)?,
        }),
        Kind::Unsubscribes => Record::Unsubscribe(Unsubscribe {
            address: address()?,
            list: list()?,
            state: Coded::from_code(row.get(4)?)?,
            class: Coded::from_code(row.get(5)?)?,
            at,
            source: row.get(3)?,
        }),
        Kind::Preferences => Record::Preference(Preference {
            address: address()?,
            list: row.get(2)?,
            choice: Coded::from_code(row.get(4)?)?,
            at,
            source: row.get(3)?,
        }),
        Kind::Suppressions => Record::Suppression(Suppression {
            address: address()?,
            reason: Coded::from_code(row.get(4)?)?,
            class: Coded::from_code(row.get(5)?)?,
            at,
            expires_at: instant(row.get(7)?),
            source: row.get(3)?,
        }),
        Kind::Domains => Record::Domain(DomainRule {
            domain: std::str::from_utf8(key).map_err(|_| damaged("a domain"))?.to_owned(),
            subdomains: row.get(4)?,
            at,
            source: row.get(3)?,
        }),
        Kind::Digests => Record::Digest(Digest {
            algorithm: digest_of_key(key)?.algorithm(),
            digest: key.to_vec(),
            list: list()?,
            class: Coded::from_code(row.get(4)?)?,
            source: row.get(3)?,
            at: Some(recorded_at),
        }),
    };
    let import: Option<i64> = row.get(8)?;
    Ok(StoredRecord { record, import: import.map(unsigned).transpose()?, recorded_at })
}

/// The key of a row of one of the statements above.
pub(super) fn key<'r>(row: &'r Row<'_>) -> Result<&'r [u8]> {
    row.get_ref(0)?.as_blob().map_err(|_| damaged("a key"))
}

/// The digest whose bytes are a key.
pub(super) fn digest_of_key(key: &[u8]) -> Result<DigestValue> {
    DigestValue::from_bytes(key).ok_or_else(|| damaged("a digest"))
}

/// The records of a digest, for everywhere and for lists.
pub(super) fn digests_of(
    connection: &Connection,
    digest: &DigestValue,
) -> Result<Vec<StoredRecord>> {
    let of = params![digest.algorithm().number(), digest.as_bytes()];
    records(Kind::Digests, connection, select_digest(), of)
}

/// The records of `kind`, which is none of digests, that `key` has.
pub(super) fn of_key(connection: &Connection, kind: Kind, key: &[u8]) -> Result<Vec<StoredRecord>> {
    records(kind, connection, select_key(kind), [key])
}

fn records(
    kind: Kind,
    connection: &Connection,
    sql: &str,
    of: impl Params,
) -> Result<Vec<StoredRecord>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(of)?;
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

impl ContactAt {
    fn of(row: &Row<'_>) -> Result<Self> {
        let stored = stored(Kind::Contacts, row)?;
        let Record::Contact(contact) = &stored.record else { return Err(damaged("a contact")) };
        Ok(Self { key: key(row)?.to_vec(), contact: contact.clone(), stored })
    }
}

/// The rows of the contacts that have or had a key.
pub(super) fn contacts_of(connection: &Connection, key: &[u8]) -> Result<Vec<ContactAt>> {
    contacts(connection, select_key(Kind::Contacts), [key])
}

/// The current row of a contact.
pub(super) fn current_of(connection: &Connection, contact_id: &str) -> Result<Option<ContactAt>> {
    Ok(contacts(connection, select_current(), [contact_id])?.pop())
}

/// The row that a contact left behind at a key.
pub(super) fn former_of(
    connection: &Connection,
    key: &[u8],
    contact_id: &str,
) -> Result<Option<ContactAt>> {
    Ok(contacts(connection, select_former(), params![key, contact_id])?.pop())
}

fn contacts(connection: &Connection, sql: &str, of: impl Params) -> Result<Vec<ContactAt>> {
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(of)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(ContactAt::of(row)?);
    }
    Ok(found)
}
