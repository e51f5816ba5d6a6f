//! Events in their table, linked.

mod check;

pub(super) use check::check;

use super::codes::{signed, unsigned};
use super::fault::damaged;
use super::{feed, sums};
use crate::error::{Error, Result};
use crate::ledger::chain::{ChainHead, SALT_BYTES, Sealed, content};
use rusqlite::{Connection, OptionalExtension, params};

/// The ledger's id, which the first link is made of.
const ID_SQL: &str = "SELECT value FROM meta WHERE name = 'ledger_id'";
/// The last generation of before the chain: later ones have an event each.
const LINKED_GENERATION: &str = "linked_generation";
/// The last import of before the chain: later ones have an event each.
const LINKED_IMPORT: &str = "linked_import";

/// An event as it is written.
pub(super) struct NewEvent<'e> {
    pub(super) at: i64,
    pub(super) generation: u64,
    pub(super) kind: &'e str,
    pub(super) key: &'e [u8],
    pub(super) detail: &'e str,
}

/// The head of the chain that the connection's transaction sees.
pub(super) fn head(connection: &Connection) -> Result<ChainHead> {
    let sql = "SELECT id, link FROM event ORDER BY id DESC LIMIT 1";
    let last: Option<(i64, Vec<u8>)> = connection
        .prepare_cached(sql)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((id, link)) = last {
        let link = link.try_into().map_err(|_| damaged("the link of the last event"))?;
        return Ok(ChainHead { events: unsigned(id)?, link });
    }
    start(connection)
}

/// What the head was after `events` events.
pub(super) fn at(connection: &Connection, events: u64) -> Result<Option<ChainHead>> {
    if events == 0 {
        return start(connection).map(Some);
    }
    // More than SQLite counts to is more than there are.
    let Ok(id) = signed(events) else { return Ok(None) };
    let sql = "SELECT link FROM event WHERE id = ?1";
    let link: Option<Vec<u8>> =
        connection.prepare_cached(sql)?.query_row([id], |row| row.get(0)).optional()?;
    let Some(link) = link else { return Ok(None) };
    let link = link.try_into().map_err(|_| damaged("the link of an event"))?;
    Ok(Some(ChainHead { events, link }))
}

fn start(connection: &Connection) -> Result<ChainHead> {
    let id: String = connection.prepare_cached(ID_SQL)?.query_row([], |row| row.get(0))?;
    Ok(ChainHead::start(&id))
}

/// Writes an event behind `head`, and gives the head after it.
pub(super) fn append(
    connection: &Connection,
    head: &ChainHead,
    event: &NewEvent<'_>,
) -> Result<ChainHead> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt)
        .map_err(|error| Error::untrusted(format!("no random numbers: {error}")))?;
    let content = content(&salt, event.key, event.detail);
    let NewEvent { at, generation, kind, key, detail } = *event;
    let after = head.then(&Sealed { at, generation, kind, content });
    let sql = "INSERT INTO event (id, at, generation, kind, key, detail, salt, content, link) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    connection.prepare_cached(sql)?.execute(params![
        signed(after.events)?,
        at,
        signed(generation)?,
        kind,
        key,
        detail,
        salt,
        content,
        after.link,
    ])?;
    Ok(after)
}

/// What the ledger says of where its chain begins.
fn meta(connection: &Connection, name: &str) -> Result<Option<u64>> {
    let sql = "SELECT value FROM meta WHERE name = ?1";
    let value: Option<String> = connection.query_row(sql, [name], |row| row.get(0)).optional()?;
    let number = value.map(|value| value.parse()).transpose();
    number.map_err(|_| damaged(&format!("its {name} is not a number")))
}

/// Says whether events of before the chain wait for their links.
pub(super) fn is_unlinked(connection: &Connection) -> Result<bool> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'event_before'";
    Ok(connection.prepare(sql)?.exists([])?)
}

/// Links the events of before the chain, in one transaction: a ledger that was migrated and not linked, for the
/// process ended in between, is linked by whoever opens it next.
pub(super) fn link_events(connection: &mut Connection) -> Result<()> {
    let transaction =
        connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if !is_unlinked(&transaction)? {
        return Ok(());
    }
    // The rows of those days have no sums either.
    sums::register(&transaction)?;
    sums::seal_all(&transaction)?;
    feed::seal_all(&transaction)?;
    let mut head = head(&transaction)?;
    let sql = "SELECT at, generation, kind, key, detail FROM event_before ORDER BY id";
    let mut statement = transaction.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (kind, key, detail): (String, Vec<u8>, String) =
            (row.get(2)?, row.get(3)?, row.get(4)?);
        let (at, generation) = (row.get(0)?, unsigned(row.get(1)?)?);
        let (kind, key, detail) = (&kind, &key, &detail);
        head = append(&transaction, &head, &NewEvent { at, generation, kind, key, detail })?;
    }
    drop(rows);
    drop(statement);
    for (name, table) in [(LINKED_GENERATION, "generation"), (LINKED_IMPORT, "import")] {
        let sql = format!(
            "INSERT INTO meta (name, value) \
             SELECT ?1, CAST(coalesce(max(id), 0) AS TEXT) FROM {table}"
        );
        transaction.execute(&sql, [name])?;
    }
    transaction.execute_batch("DROP TABLE event_before")?;
    transaction.commit()?;
    Ok(())
}
