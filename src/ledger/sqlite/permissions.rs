//! Every permission that was ever kept.

use super::codes::unsigned;
use super::fault::damaged;
use crate::error::Result;
use crate::ledger::EventKind;
use crate::ledger::history::Permitted;
use crate::record::Timestamp;
use rusqlite::Connection;
use serde_json::Value;

/// Hands out the events that lifted something or that a permission was kept with, oldest first.
///
/// A permission is found by the member of the detail that holds it, whatever the event's kind; of a blanked
/// event the kind alone tells.
pub(super) fn for_each(
    connection: &Connection,
    each: &mut dyn FnMut(&Permitted) -> Result<()>,
) -> Result<()> {
    let sql = "SELECT at, generation, kind, key, detail, link FROM event \
               WHERE kind IN (?1, ?2) OR instr(detail, '\"permission\":{') > 0 ORDER BY id";
    let mut statement = connection.prepare_cached(sql)?;
    let kinds = [EventKind::Resubscribed, EventKind::Synced].map(EventKind::as_str);
    let mut rows = statement.query(kinds)?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column)?.as_str().map_err(|_| damaged("an event"));
        let kind = EventKind::from_word(text(2)?);
        let kind = kind.ok_or_else(|| damaged("an event of no known kind"))?;
        let key = row.get_ref(3)?.as_blob().map_err(|_| damaged("the key of an event"))?;
        let detail = match text(4)? {
            "" => Value::Null,
            detail => serde_json::from_str(detail).map_err(|_| damaged("an event's content"))?,
        };
        let link = row.get(5).map_err(|_| damaged("the link of an event"))?;
        let when = (Timestamp::from_micros(row.get(0)?), unsigned(row.get(1)?)?, kind);
        each(&Permitted::of(when, key, &detail, link))?;
    }
    Ok(())
}
