//! Digests of an import: what a record withholds may grow, never shrink.

use super::bulk::{Binder, Table, import_of};
use super::staged::StagedDigest;
use super::{Import, Outcome};
use crate::error::Result;
use crate::ledger::sqlite::codes::{Coded, algorithm_code};
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::rows::{digest_of_key, digests_of};
use crate::ledger::sqlite::sums::{self, is_sound, seal};
use crate::ledger::{EventKind, Record, StoredRecord};
use crate::record::{Digest, Kind, RecordClass};
use rusqlite::{Connection, params};
use serde_json::json;

/// The table of digests.
pub(super) struct Digests;

impl Table for Digests {
    type Row<'p> = StagedDigest<'p>;

    const KIND: Kind = Kind::Digests;
    const INSERT: &'static str =
        "INSERT INTO digest (import_id, algorithm, key, list, class, source, sum) VALUES";
    const COLUMNS: usize = 5;

    fn decode(payload: &[u8]) -> Result<StagedDigest<'_>> {
        StagedDigest::decode(payload)
    }

    fn bind(key: &[u8], row: &StagedDigest<'_>, to: &mut Binder<'_, '_>) -> rusqlite::Result<()> {
        to.put(algorithm_code(key))?;
        to.put(key)?;
        to.put(row.list)?;
        to.put(row.class)?;
        to.put(row.source)
    }

    fn is_same(one: &StagedDigest<'_>, other: &StagedDigest<'_>) -> bool {
        one.list == other.list
    }

    fn import_of(
        connection: &Connection,
        key: &[u8],
        row: &StagedDigest<'_>,
    ) -> Result<Option<i64>> {
        let sql = "SELECT import_id FROM digest WHERE algorithm = ?1 AND key = ?2 AND list = ?3";
        import_of(connection, sql, params![algorithm_code(key), key, row.list])
    }

    fn added(import: &Import<'_>, key: &[u8], row: &StagedDigest<'_>) -> Result<()> {
        import.writer.name_list(row.list)?;
        import.writer.touch_digest(digest_of_key(key)?, row.list)
    }

    fn merge(import: &Import<'_>, key: &[u8], row: &StagedDigest<'_>) -> Result<Outcome> {
        let (known, said) = (class(import, key, row.list)?, RecordClass::from_code(row.class)?);
        match known.union(said) {
            _ if said == known => Ok(Outcome::Unchanged),
            both if both == known => Ok(Outcome::Held),
            both => widen(import, key, row.list, both),
        }
    }
}

/// What is recorded: all that most rows of a repeated file need.
fn class(import: &Import<'_>, key: &[u8], list: &str) -> Result<RecordClass> {
    let sql = concat!(
        "SELECT class, ",
        is_sound!(digest),
        " FROM digest WHERE algorithm = ?1 AND key = ?2 AND list = ?3"
    );
    let of = params![algorithm_code(key), key, list];
    let connection = import.writer.connection();
    let code: Option<i64> = sums::value_of(connection, sql, of, Kind::Digests, key)?;
    RecordClass::from_code(code.ok_or_else(|| damaged("a digest that is there and is not"))?)
}

/// Lets a record withhold more kinds of send.
fn widen(import: &Import<'_>, key: &[u8], list: &str, class: RecordClass) -> Result<Outcome> {
    let (writer, digest) = (import.writer, digest_of_key(key)?);
    let of_list = |stored: &StoredRecord| matches!(&stored.record, Record::Digest(record) if record.list.as_deref().unwrap_or_default() == list);
    let stored = digests_of(writer.connection(), &digest)?.into_iter().find(of_list);
    let stored = stored.ok_or_else(|| damaged("a digest that is there and is not"))?;
    let Record::Digest(was) = &stored.record else { return Err(damaged("a digest")) };
    let sql = "UPDATE digest SET class = ?4, sum = NULL \
               WHERE algorithm = ?1 AND key = ?2 AND list = ?3";
    let to = params![algorithm_code(key), key, list, class.code()];
    writer.connection().prepare_cached(sql)?.execute(to)?;
    seal(writer.connection(), Kind::Digests, key)?;
    writer.touch_digest(digest, list)?;
    let now = Record::Digest(Digest { class, ..was.clone() });
    let change = json!({"was": stored.to_json(), "now": now.to_json()});
    let detail = json!({"changed": [change], "cause": import.cause()});
    writer.event(EventKind::Changed, digest.name().as_bytes(), &detail)?;
    Ok(Outcome::Added)
}
