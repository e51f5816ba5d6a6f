//! Preference records of an import: *Out* over *In* changes a record, *In* over *Out* never does.

use super::bulk::{Binder, Table, import_of};
use super::staged::StagedPreference;
use super::{Import, Outcome};
use crate::error::{Error, Result};
use crate::ledger::sqlite::codes::{Coded, address_of, instant};
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::rows::of_key;
use crate::ledger::sqlite::sums::{self, is_sound, seal};
use crate::ledger::{EventKind, Record, StoredRecord};
use crate::record::{Choice, Kind, Preference};
use rusqlite::{Connection, params};
use serde_json::json;

/// The table of preferences.
pub(super) struct Preferences;

impl Table for Preferences {
    type Row<'p> = StagedPreference<'p>;

    const KIND: Kind = Kind::Preferences;
    const INSERT: &'static str =
        "INSERT INTO preference (import_id, key, list, address, choice, at, source, sum) VALUES";
    const COLUMNS: usize = 6;

    fn decode(payload: &[u8]) -> Result<StagedPreference<'_>> {
        StagedPreference::decode(payload)
    }

    fn bind(
        key: &[u8],
        row: &StagedPreference<'_>,
        to: &mut Binder<'_, '_>,
    ) -> rusqlite::Result<()> {
        to.put(key)?;
        to.put(row.list)?;
        to.put(row.address)?;
        to.put(row.choice)?;
        to.put(row.at)?;
        to.put(row.source)
    }

    fn is_same(one: &StagedPreference<'_>, other: &StagedPreference<'_>) -> bool {
        one.list == other.list
    }

    fn import_of(
        connection: &Connection,
        key: &[u8],
        row: &StagedPreference<'_>,
    ) -> Result<Option<i64>> {
        let sql = "SELECT import_id FROM preference WHERE key = ?1 AND list = ?2";
        import_of(connection, sql, params![key, row.list])
    }

    fn added(import: &Import<'_>, key: &[u8], row: &StagedPreference<'_>) -> Result<()> {
        import.writer.name_list(row.list)?;
        import.writer.touch_list(key, row.list)
    }

    fn merge(import: &Import<'_>, key: &[u8], row: &StagedPreference<'_>) -> Result<Outcome> {
        merge(import, key, row)
    }
}

/// A row for a list that the key has a preference for.
fn merge(import: &Import<'_>, key: &[u8], row: &StagedPreference<'_>) -> Result<Outcome> {
    let choice = Choice::from_code(row.choice)?;
    match (chosen(import, key, row.list)?, choice) {
        (Choice::Out, Choice::In) => return Ok(Outcome::Held),
        (Choice::In, Choice::Out) => {}
        _ => return Ok(Outcome::Unchanged),
    }
    let stored = stored(import, key, row.list)?;
    let sql = "UPDATE preference SET choice = ?3, address = ?4, at = ?5, source = ?6, sum = NULL \
               WHERE key = ?1 AND list = ?2";
    let writer = import.writer;
    writer.connection().prepare_cached(sql)?.execute(params![
        key,
        row.list,
        row.choice,
        row.address,
        row.at,
        row.source
    ])?;
    seal(writer.connection(), Kind::Preferences, key)?;
    writer.touch_list(key, row.list)?;
    let now = Preference {
        address: address_of(key, row.address)?,
        list: row.list.to_owned(),
        choice,
        at: instant(row.at),
        source: row.source.map(str::to_owned),
    };
    let change = json!({"was": stored.to_json(), "now": Record::Preference(now).to_json()});
    let detail = json!({"changed": [change], "cause": import.cause()});
    writer.event(EventKind::Changed, key, &detail)?;
    Ok(Outcome::Added)
}

/// What is recorded: all that most rows of a repeated export need.
fn chosen(import: &Import<'_>, key: &[u8], list: &str) -> Result<Choice> {
    let sql = concat!(
        "SELECT choice, ",
        is_sound!(preference),
        " FROM preference WHERE key = ?1 AND list = ?2"
    );
    let connection = import.writer.connection();
    let code: Option<i64> =
        sums::value_of(connection, sql, params![key, list], Kind::Preferences, key)?;
    Choice::from_code(code.ok_or_else(is_not_there)?)
}

fn stored(import: &Import<'_>, key: &[u8], list: &str) -> Result<StoredRecord> {
    let of_list = |stored: &StoredRecord| matches!(&stored.record, Record::Preference(record) if record.list == list);
    let records = of_key(import.writer.connection(), Kind::Preferences, key)?;
    records.into_iter().find(of_list).ok_or_else(is_not_there)
}

fn is_not_there() -> Error {
    damaged("a preference that is there and is not")
}
