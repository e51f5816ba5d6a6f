//! Suppressions of an import: an expiry is only ever put off.

use super::bulk::{Binder, Table, import_of};
use super::staged::StagedSuppression;
use super::{Import, Outcome};
use crate::error::Result;
use crate::ledger::sqlite::codes::{Coded, instant};
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::rows::of_key;
use crate::ledger::sqlite::sums::{self, is_sound, seal};
use crate::ledger::{Change, EventKind, Record, StoredRecord};
use crate::record::{Kind, Suppression, Timestamp};
use rusqlite::{Connection, params};
use serde_json::json;

/// The table of suppressions.
pub(super) struct Suppressions;

impl Table for Suppressions {
    type Row<'p> = StagedSuppression<'p>;

    const KIND: Kind = Kind::Suppressions;
    const INSERT: &'static str = "INSERT INTO suppression (import_id, key, reason, class, address, \
                                  at, expires_at, source, sum) VALUES";
    const COLUMNS: usize = 7;

    fn decode(payload: &[u8]) -> Result<StagedSuppression<'_>> {
        StagedSuppression::decode(payload)
    }

    fn bind(
        key: &[u8],
        row: &StagedSuppression<'_>,
        to: &mut Binder<'_, '_>,
    ) -> rusqlite::Result<()> {
        to.put(key)?;
        to.put(row.reason)?;
        to.put(row.class)?;
        to.put(row.address)?;
        to.put(row.at)?;
        to.put(row.expires_at)?;
        to.put(row.source)
    }

    fn is_same(one: &StagedSuppression<'_>, other: &StagedSuppression<'_>) -> bool {
        one.reason == other.reason && one.class == other.class
    }

    fn import_of(
        connection: &Connection,
        key: &[u8],
        row: &StagedSuppression<'_>,
    ) -> Result<Option<i64>> {
        let sql = "SELECT import_id FROM suppression WHERE key = ?1 AND reason = ?2 AND class = ?3";
        import_of(connection, sql, params![key, row.reason, row.class])
    }

    fn added(import: &Import<'_>, key: &[u8], _: &StagedSuppression<'_>) -> Result<()> {
        import.writer.touch(Change::Address(key))
    }

    fn merge(import: &Import<'_>, key: &[u8], row: &StagedSuppression<'_>) -> Result<Outcome> {
        merge(import, key, row)
    }
}

/// A row for a suppression that is there.
fn merge(import: &Import<'_>, key: &[u8], row: &StagedSuppression<'_>) -> Result<Outcome> {
    let expires_at = instant(row.expires_at);
    match (expiry(import, key, row)?, expires_at) {
        (was, now) if was == now => return Ok(Outcome::Unchanged),
        (None, Some(_)) => return Ok(Outcome::Held),
        (Some(was), Some(now)) if now < was => return Ok(Outcome::Held),
        _ => {}
    }
    let (was, stored) = stored(import, key, row)?;
    let sql = "UPDATE suppression SET expires_at = ?4, sum = NULL WHERE key = ?1 AND reason = ?2 AND class = ?3";
    let writer = import.writer;
    writer.connection().prepare_cached(sql)?.execute(params![
        key,
        row.reason,
        row.class,
        row.expires_at
    ])?;
    seal(writer.connection(), Kind::Suppressions, key)?;
    writer.touch(Change::Address(key))?;
    let now = Record::Suppression(Suppression { expires_at, ..was });
    let change = json!({"was": stored.to_json(), "now": now.to_json()});
    let detail = json!({"changed": [change], "cause": import.cause()});
    writer.event(EventKind::Changed, key, &detail)?;
    Ok(Outcome::Added)
}

/// The expiry that is recorded: all that most rows of a repeated export need.
fn expiry(
    import: &Import<'_>,
    key: &[u8],
    row: &StagedSuppression<'_>,
) -> Result<Option<Timestamp>> {
    let sql = concat!(
        "SELECT expires_at, ",
        is_sound!(suppression),
        " FROM suppression WHERE key = ?1 AND reason = ?2 AND class = ?3"
    );
    let of = params![key, row.reason, row.class];
    let connection = import.writer.connection();
    let micros: Option<Option<i64>> = sums::value_of(connection, sql, of, Kind::Suppressions, key)?;
    let micros = micros.ok_or_else(|| damaged("a suppression that is there and is not"))?;
    Ok(instant(micros))
}

fn stored(
    import: &Import<'_>,
    key: &[u8],
    row: &StagedSuppression<'_>,
) -> Result<(Suppression, StoredRecord)> {
    for stored in of_key(import.writer.connection(), Kind::Suppressions, key)? {
        if let Record::Suppression(record) = &stored.record
            && record.reason.code() == row.reason
            && record.class.code() == row.class
        {
            return Ok((record.clone(), stored));
        }
    }
    Err(damaged("a suppression that is there and is not"))
}
