//! Reading the change feed.

use super::codes::{signed, unsigned};
use super::fault::damaged;
use super::rows::digest_of_key;
use crate::error::Result;
use crate::ledger::{Change, Changes, Cursor, Position};
use rusqlite::Connection;

/// Hands out each key touched after `cursor`, once.
pub(super) fn changes_after(
    connection: &Connection,
    position: Position,
    cursor: Cursor,
    each: &mut dyn FnMut(Change<'_>) -> Result<()>,
) -> Result<Changes> {
    if names_no_keys(connection, position, cursor)? {
        return Ok(Changes::Everything);
    }
    let sql = "SELECT DISTINCT space, key, scope FROM change WHERE seq > ?1";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([signed(cursor.as_u64())?])?;
    let mut handed = 0;
    while let Some(row) = rows.next()? {
        let key = row.get_ref(1)?.as_blob().map_err(|_| damaged("a key in the feed"))?;
        let scope = row.get_ref(2)?.as_str().map_err(|_| damaged("a scope in the feed"))?;
        each(match row.get::<_, i64>(0)? {
            0 => Change::Address(key),
            1 => Change::Contact(scope),
            2 => Change::ListAddress { list: scope, key },
            3 => Change::Domain(key),
            4 => Change::Digest {
                digest: digest_of_key(key)?,
                list: Some(scope).filter(|list| !list.is_empty()),
            },
            6 => Change::Hashed(key.try_into().map_err(|_| damaged("a hash in the feed"))?),
            space => return Err(damaged(&format!("space {space} in the feed is unknown"))),
        })?;
        handed += 1;
    }
    Ok(Changes::Keys(handed))
}

/// Counts the feed's rows after `cursor`, up to `limit`.
pub(super) fn count_after(
    connection: &Connection,
    position: Position,
    cursor: Cursor,
    limit: u64,
) -> Result<u64> {
    if names_no_keys(connection, position, cursor)? {
        return Ok(limit);
    }
    let sql = "SELECT count(*) FROM (SELECT 1 FROM change WHERE seq > ?1 LIMIT ?2)";
    let limit = signed(limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(sql)?;
    unsigned(statement.query_row([signed(cursor.as_u64())?, limit], |row| row.get(0))?)
}

/// Says whether only a rebuild brings a reader at `cursor` up to date.
fn names_no_keys(connection: &Connection, position: Position, cursor: Cursor) -> Result<bool> {
    // A cursor beyond the end was made on another past of this ledger: it was restored since.
    if cursor.as_u64() > position.cursor.as_u64() {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM change WHERE seq > ?1 AND space = 255 LIMIT 1";
    Ok(connection.prepare_cached(sql)?.exists([signed(cursor.as_u64())?])?)
}
