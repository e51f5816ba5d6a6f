//! Unsubscribe records of an import: new ones are added, known ones stay as they are.

use super::bulk::{Binder, Table, import_of};
use super::staged::StagedUnsubscribe;
use super::{Import, Outcome};
use crate::error::Result;
use crate::record::Kind;
use rusqlite::{Connection, params};

/// The table of unsubscribes.
pub(super) struct Unsubscribes;

impl Table for Unsubscribes {
    type Row<'p> = StagedUnsubscribe<'p>;

    const KIND: Kind = Kind::Unsubscribes;
    const INSERT: &'static str = "INSERT INTO unsubscribe (import_id, key, list, address, state, \
                                  class, at, source, sum) VALUES";
    const COLUMNS: usize = 7;

    fn decode(payload: &[u8]) -> Result<StagedUnsubscribe<'_>> {
        StagedUnsubscribe::decode(payload)
    }

    fn bind(
        key: &[u8],
        row: &StagedUnsubscribe<'_>,
        to: &mut Binder<'_, '_>,
    ) -> rusqlite::Result<()> {
        to.put(key)?;
        to.put(row.list)?;
        to.put(row.address)?;
        to.put(row.state)?;
        to.put(row.class)?;
        to.put(row.at)?;
        to.put(row.source)
    }

    fn is_same(one: &StagedUnsubscribe<'_>, other: &StagedUnsubscribe<'_>) -> bool {
        let name = |row: &StagedUnsubscribe<'_>| (row.state, row.class);
        name(one) == name(other) && one.list == other.list && one.address == other.address
    }

    fn import_of(
        connection: &Connection,
        key: &[u8],
        row: &StagedUnsubscribe<'_>,
    ) -> Result<Option<i64>> {
        let sql = "SELECT import_id FROM unsubscribe WHERE key = ?1 AND list = ?2 AND address = ?3 \
                   AND state = ?4 AND class = ?5";
        import_of(connection, sql, params![key, row.list, row.address, row.state, row.class])
    }

    fn added(import: &Import<'_>, key: &[u8], row: &StagedUnsubscribe<'_>) -> Result<()> {
        import.writer.name_list(row.list)?;
        import.writer.touch_list(key, row.list)
    }

    fn merge(_: &Import<'_>, _: &[u8], _: &StagedUnsubscribe<'_>) -> Result<Outcome> {
        Ok(Outcome::Unchanged)
    }
}
