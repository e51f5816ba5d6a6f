//! Finding keys by a pattern, without an index.

use super::fault::damaged;
use crate::error::Result;
use rusqlite::Connection;
use rusqlite::types::Value;

/// Each half is in key order already, so SQLite merges the four and drops doubles on the way.
const KEYS: &str = "\
    SELECT key FROM contact WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) UNION \
    SELECT key FROM unsubscribe WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) UNION \
    SELECT key FROM preference WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) UNION \
    SELECT key FROM suppression WHERE key >= ?1 AND (?2 IS NULL OR key < ?2) ORDER BY 1";

/// The first `limit` keys that match `pattern`.
pub(super) fn keys_like(
    connection: &Connection,
    pattern: &[u8],
    limit: usize,
) -> Result<Vec<Vec<u8>>> {
    let from = pattern.split(|byte| *byte == b'*').next().unwrap_or_default();
    let until = successor(from).map_or(Value::Null, Value::Blob);
    let mut statement = connection.prepare_cached(KEYS)?;
    let mut rows = statement.query(rusqlite::params![from, until])?;
    let mut keys = Vec::new();
    while keys.len() < limit
        && let Some(row) = rows.next()?
    {
        let key = row.get_ref(0)?.as_blob().map_err(|_| damaged("a key"))?;
        // The range is as wide as the prefix allows; a pattern without `*` matches the prefix only.
        if matches(pattern, key) {
            keys.push(key.to_vec());
        }
    }
    Ok(keys)
}

/// Addresses that differ from their keys, of the first records of each table.
pub(super) fn spellings(
    connection: &Connection,
    records: u64,
    limit: usize,
) -> Result<Vec<String>> {
    let of = |table: &str| {
        format!("SELECT address FROM (SELECT address FROM {table} LIMIT ?1) WHERE address <> ''")
    };
    let tables = ["contact", "unsubscribe", "preference", "suppression"];
    let sql = format!("{} LIMIT ?2", tables.map(of).join(" UNION "));
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(
        rusqlite::params![
            i64::try_from(records).unwrap_or(i64::MAX),
            i64::try_from(limit).unwrap_or(i64::MAX)
        ],
        |row| row.get(0),
    )?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The least key above every key that begins with `prefix`; none when there is no such key.
fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte < u8::MAX)?;
    let mut successor = prefix[..=last].to_vec();
    successor[last] += 1;
    Some(successor)
}

/// Says whether `text` matches `pattern`, in which `*` stands for any bytes, none included.
///
/// Cost: at most the product of the lengths; linear for the patterns people write.
pub(super) fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where the last `*` stands, and up to where it has eaten.
    let mut star = None;
    while t < text.len() {
        if pattern.get(p) == Some(&b'*') {
            star = Some((p, t));
            p += 1;
        } else if pattern.get(p) == Some(&text[t]) {
            (p, t) = (p + 1, t + 1);
        } else if let Some((at, eaten)) = star {
            star = Some((at, eaten + 1));
            (p, t) = (at + 1, eaten + 1);
        } else {
            return false;
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_bytes() {
        for (pattern, text, want) in [
            ("ann@example.com", "ann@example.com", true),
            ("ann@example.com", "ann@example.com.test", false),
            ("ann*", "ann@example.com", true),
            ("ann*", "an@example.com", false),
            ("*@example.com", "ann@example.com", true),
            ("*@example.com", "ann@example.com.test", false),
            ("a*n*@*.com", "ann@example.com", true),
            ("*", "", true),
            ("", "a", false),
            ("a?n*", "ann@example.com", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), want, "{pattern} {text}");
        }
    }

    #[test]
    fn the_range_of_a_prefix_ends_at_its_successor() {
        assert_eq!(successor(b"ann"), Some(b"ano".to_vec()));
        assert_eq!(successor(b"a\xff"), Some(b"b".to_vec()));
        assert_eq!(successor(b"\xff"), None);
        assert_eq!(successor(b""), None);
    }
}
