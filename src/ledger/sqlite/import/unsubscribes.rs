//! Unsubscribe records of an import: new ones are added, known ones stay as they are.

use super::staged::StagedUnsubscribe;
use super::{Import, Outcome};
use crate::error::Result;
use crate::ledger::sort::Sorted;
use crate::record::Kind;

pub(super) fn apply(import: &mut Import<'_>, mut rows: Sorted) -> Result<()> {
    let writer = import.writer;
    let sql = "INSERT INTO unsubscribe (key, list, address, state, class, at, source, import_id) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING";
    let mut insert = writer.connection().prepare_cached(sql)?;
    insert.raw_bind_parameter(8, import.id)?;
    let mut added = 0;
    while let Some((key, payload)) = rows.next()? {
        let row = StagedUnsubscribe::decode(payload)?;
        insert.raw_bind_parameter(1, key)?;
        insert.raw_bind_parameter(2, row.list)?;
        insert.raw_bind_parameter(3, row.address)?;
        insert.raw_bind_parameter(4, row.state)?;
        insert.raw_bind_parameter(5, row.class)?;
        insert.raw_bind_parameter(6, row.at)?;
        insert.raw_bind_parameter(7, row.source)?;
        if insert.raw_execute()? == 0 {
            import.count(Outcome::Unchanged);
            continue;
        }
        added += 1;
        import.count(Outcome::Added);
        writer.name_list(row.list)?;
        writer.touch_list(key, row.list)?;
    }
    if added > 0 {
        writer.count(Kind::Unsubscribes, added)?;
    }
    Ok(())
}
