//! Claims: whoever named a record that is of a synced source.
//!
//! A record is of one source. When that source lets go of it, it passes to one that claims it, and goes on blocking.
//! So every statement that adds no record of its own because one is there is remembered here: of another sync, of an
//! import, of a single unsubscribe. Who has no source claims as ''.

use super::codes::{Coded, algorithm_code, list_column};
use crate::error::Result;
use crate::ledger::Record;
use crate::record::{Kind, RecordClass, SuppressionReason};
use rusqlite::{Connection, OptionalExtension, ToSql, params};

/// The source of who has none.
pub(super) const NOBODY: &str = "";

/// What tells a record from the others of its key and kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(super) struct Sub {
    /// Of an unsubscribe its class, of a suppression its reason and class; 1 for a row that a contact left.
    pub(super) code: u8,
    /// The list, or the contact's id.
    pub(super) name: String,
}

impl Sub {
    /// As a claim and the spool keep it.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&[self.code], self.name.as_bytes()].concat()
    }

    /// Of an unsubscribe for a list, '' for everywhere.
    pub(super) fn of_unsubscribe(list: &str, class: RecordClass) -> Self {
        Self { code: byte(class.code()), name: list.to_owned() }
    }

    /// Of a suppression.
    pub(super) fn of_suppression(reason: SuppressionReason, class: RecordClass) -> Self {
        Self { code: byte(reason.code() * 3 + class.code()), name: String::new() }
    }

    /// Of a preference, or of a digest, for a list.
    pub(super) fn of_list(list: &str) -> Self {
        Self { code: 0, name: list.to_owned() }
    }

    /// The reason and the class in a suppression's.
    pub(super) fn suppression(&self) -> Result<(SuppressionReason, RecordClass)> {
        let (reason, class) = (i64::from(self.code / 3), i64::from(self.code % 3));
        Ok((SuppressionReason::from_code(reason)?, RecordClass::from_code(class)?))
    }
}

fn byte(code: i64) -> u8 {
    // Codes are positions in lists of at most four.
    u8::try_from(code).unwrap_or(u8::MAX)
}

/// What two statements about one record say together: a choice, an end, classes, subdomains, denied flags.
pub(super) fn both(kind: Kind, one: i64, other: i64) -> i64 {
    match kind {
        // A bit for each kind of send, for each flag.
        Kind::Digests | Kind::Contacts => one | other,
        _ => one.max(other),
    }
}

/// Says whether a statement withholds less than a record of `recorded`.
pub(super) fn weaker(kind: Kind, recorded: i64, said: i64) -> bool {
    both(kind, recorded, said) != said
}

/// A claim on a record.
#[derive(Clone, Copy)]
pub(super) struct Claim<'c> {
    pub(super) kind: Kind,
    /// The record's key; a contact's id.
    pub(super) key: &'c [u8],
    pub(super) sub: &'c Sub,
    /// Whose it is, [`NOBODY`]'s too.
    pub(super) source: &'c str,
}

impl Claim<'_> {
    /// Makes the claim, of so much.
    pub(super) fn put(&self, connection: &Connection, says: i64) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO claim (kind, key, sub, source, says) \
                   VALUES (?1, ?2, ?3, ?4, ?5)";
        let Self { kind, key, sub, source } = self;
        let of = params![kind.as_str(), key, sub.to_bytes(), source, says];
        connection.prepare_cached(sql)?.execute(of)?;
        Ok(())
    }

    /// Gives the claim up, if there is one.
    pub(super) fn drop(&self, connection: &Connection) -> Result<()> {
        let sql = "DELETE FROM claim WHERE kind = ?1 AND key = ?2 AND sub = ?3 AND source = ?4";
        let Self { kind, key, sub, source } = self;
        let of = params![kind.as_str(), key, sub.to_bytes(), source];
        connection.prepare_cached(sql)?.execute(of)?;
        Ok(())
    }

    /// Remembers a statement, unless the record is the claimant's own or of no synced source. `exact` is what else
    /// tells the record from others of its identity: of an unsubscribe the columns address and state.
    ///
    /// What was claimed before stays claimed: only a sync says less than before.
    pub(super) fn remember(
        &self,
        connection: &Connection,
        says: i64,
        exact: (&str, i64),
    ) -> Result<()> {
        let Self { kind, key, sub, source } = self;
        let (algorithm, code) = (algorithm_code(key), i64::from(sub.code));
        let (reason, class) = (code / 3, code % 3);
        let of: &[&dyn ToSql] = match kind {
            Kind::Contacts => &[key],
            Kind::Unsubscribes => &[key, &sub.name, &code, &exact.0, &exact.1],
            Kind::Preferences => &[key, &sub.name],
            Kind::Suppressions => &[key, &reason, &class],
            Kind::Domains => &[key],
            Kind::Digests => &[&algorithm, key, &sub.name],
        };
        let mut statement = connection.prepare_cached(synced_owner(*kind))?;
        let owner: Option<String> = statement.query_row(of, |row| row.get(0)).optional()?;
        if owner.is_none_or(|owner| owner == *source) {
            return Ok(());
        }
        let sql =
            "SELECT says FROM claim WHERE kind = ?1 AND key = ?2 AND sub = ?3 AND source = ?4";
        let of = params![kind.as_str(), key, sub.to_bytes(), source];
        let before: Option<i64> =
            connection.prepare_cached(sql)?.query_row(of, |row| row.get(0)).optional()?;
        let together = before.map_or(says, |before| both(*kind, before, says));
        if before == Some(together) { Ok(()) } else { self.put(connection, together) }
    }
}

/// What other sources than that of `claim` say of the record together; without those who have no name.
pub(super) fn said_by_sources(connection: &Connection, claim: &Claim<'_>) -> Result<Option<i64>> {
    let sql = "SELECT says FROM claim WHERE kind = ?1 AND key = ?2 AND sub = ?3 \
               AND source NOT IN (?4, '')";
    let Claim { kind, key, sub, source } = claim;
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![kind.as_str(), key, sub.to_bytes(), source])?;
    let mut together = None;
    while let Some(row) = rows.next()? {
        let says = row.get(0)?;
        together = Some(together.map_or(says, |before| both(*kind, before, says)));
    }
    Ok(together)
}

/// The source of a record, if it is one that was synced.
fn synced_owner(kind: Kind) -> &'static str {
    macro_rules! owner {
        ($kind:literal, $table:literal, $of:literal) => {
            concat!(
                "SELECT source FROM ",
                $table,
                " WHERE ",
                $of,
                " AND EXISTS (SELECT 1 FROM sync WHERE sync.kind = '",
                $kind,
                "' AND sync.source = ",
                $table,
                ".source)"
            )
        };
    }
    match kind {
        // A contact's id is text where it is a contact's, and bytes where it is a key.
        Kind::Contacts => {
            owner!("contacts", "contact", "contact_id = CAST(?1 AS TEXT) AND former = 0")
        }
        Kind::Unsubscribes => owner!(
            "unsubscribes",
            "unsubscribe",
            "key = ?1 AND list = ?2 AND class = ?3 AND address = ?4 AND state = ?5"
        ),
        Kind::Preferences => owner!("preferences", "preference", "key = ?1 AND list = ?2"),
        Kind::Suppressions => {
            owner!("suppressions", "suppression", "key = ?1 AND reason = ?2 AND class = ?3")
        }
        Kind::Domains => owner!("domains", "domain_rule", "key = ?1"),
        Kind::Digests => owner!("digests", "digest", "algorithm = ?1 AND key = ?2 AND list = ?3"),
    }
}

/// Says whether any source was ever synced: without, nothing needs to be remembered.
pub(super) fn is_any_synced(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM sync LIMIT 1")?.exists([])?)
}

/// Gives up every claim on a record that goes.
pub(super) fn forget_record(connection: &Connection, key: &[u8], record: &Record) -> Result<()> {
    let (kind, key, sub) = match record {
        Record::Contact(contact) if contact.former => return Ok(()),
        Record::Contact(contact) => (Kind::Contacts, contact.contact_id.as_bytes(), Sub::default()),
        Record::Unsubscribe(record) => {
            let list = list_column(record.list.as_deref());
            (Kind::Unsubscribes, key, Sub::of_unsubscribe(list, record.class))
        }
        Record::Preference(record) => (Kind::Preferences, key, Sub::of_list(&record.list)),
        Record::Suppression(record) => {
            (Kind::Suppressions, key, Sub::of_suppression(record.reason, record.class))
        }
        Record::Domain(_) => (Kind::Domains, key, Sub::default()),
        Record::Digest(record) => {
            (Kind::Digests, key, Sub::of_list(list_column(record.list.as_deref())))
        }
    };
    let sql = "DELETE FROM claim WHERE kind = ?1 AND key = ?2 AND sub = ?3";
    connection.prepare_cached(sql)?.execute(params![kind.as_str(), key, sub.to_bytes()])?;
    Ok(())
}

/// Gives up every claim that names an address's key, or the id of a contact that has the address: they are text of the
/// person. Before the contacts go.
pub(super) fn forget_key(connection: &Connection, key: &[u8]) -> Result<()> {
    for sql in [
        "DELETE FROM claim WHERE kind IN ('unsubscribes', 'preferences', 'suppressions') AND key = ?1",
        "DELETE FROM claim WHERE kind = 'contacts' AND key IN \
         (SELECT CAST(contact_id AS BLOB) FROM contact WHERE contact.key = ?1 AND former = 0)",
    ] {
        connection.prepare_cached(sql)?.execute([key])?;
    }
    Ok(())
}
