//! Domain rules and digests: whether there are any, each with its entry, and rules by pattern.

use super::codes::Coded;
use super::fault::damaged;
use super::read::counts;
use super::rows::{digest_of_key, of_key};
use super::scan::all_read;
use super::search::matches;
use super::sums::{self, is_sound};
use crate::error::Result;
use crate::ledger::{DigestEntries, Record, StoredRecord};
use crate::record::domain_rule::covering;
use crate::record::{Algorithm, DigestBlocks, DomainBlocks, Kind, RecordClass};
use rusqlite::Connection;

/// The rules that cover addresses at `domain`, the nearest domain's first.
pub(super) fn rules_covering(connection: &Connection, domain: &[u8]) -> Result<Vec<StoredRecord>> {
    let mut rules = Vec::new();
    for parent in covering(domain) {
        rules.append(&mut of_key(connection, Kind::Domains, parent)?);
    }
    rules.retain(|stored| matches!(&stored.record, Record::Domain(rule) if rule.covers(domain)));
    Ok(rules)
}

/// The rules whose domain, with an `@` before it, matches `pattern`; in the order of the domains.
pub(super) fn rules_like(connection: &Connection, pattern: &[u8]) -> Result<Vec<StoredRecord>> {
    let mut statement = connection.prepare_cached("SELECT key FROM domain_rule ORDER BY key")?;
    let mut rows = statement.query([])?;
    let mut rules = Vec::new();
    let mut name = Vec::new();
    while let Some(row) = rows.next()? {
        let domain = row.get_ref(0)?.as_blob().map_err(|_| damaged("a domain"))?;
        name.clear();
        name.push(b'@');
        name.extend_from_slice(domain);
        if matches(pattern, &name) {
            rules.append(&mut of_key(connection, Kind::Domains, domain)?);
        }
    }
    Ok(rules)
}

/// Says whether there is any domain rule.
pub(super) fn has_rules(connection: &Connection) -> Result<bool> {
    Ok(connection.prepare_cached("SELECT 1 FROM domain_rule LIMIT 1")?.exists([])?)
}

/// Says whether there is any digest of `algorithm`.
pub(super) fn has_digests(connection: &Connection, algorithm: Algorithm) -> Result<bool> {
    let sql = "SELECT 1 FROM digest WHERE algorithm = ?1 LIMIT 1";
    Ok(connection.prepare_cached(sql)?.exists([algorithm.number()])?)
}

/// Hands out every domain with rules and its entry, in the order of the domains.
pub(super) fn for_each_rule(
    connection: &Connection,
    each: &mut dyn FnMut(&[u8], DomainBlocks) -> Result<()>,
) -> Result<()> {
    let sql = concat!(
        "SELECT key, subdomains, ",
        is_sound!(domain_rule),
        " FROM domain_rule ORDER BY key"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let (mut read, mut last) = (0, Vec::new());
    while let Some(row) = rows.next()? {
        let domain = row.get_ref(0)?.as_blob().map_err(|_| damaged("a domain"))?;
        sums::check(row, 2, Kind::Domains, domain)?;
        if read > 0 && domain <= last.as_slice() {
            return Err(damaged("its domain rules are out of order"));
        }
        read += 1;
        last.clear();
        last.extend_from_slice(domain);
        each(domain, DomainBlocks::of(row.get(1)?))?;
    }
    all_read(Kind::Domains, read, &counts(connection)?)
}

/// Hands out every digest with its entries, in the order of algorithm and digest.
pub(super) fn for_each_digest(
    connection: &Connection,
    each: &mut dyn FnMut(&DigestEntries<'_>) -> Result<()>,
) -> Result<()> {
    let sql = concat!(
        "SELECT key, list, class, ",
        is_sound!(digest),
        " FROM digest ORDER BY algorithm, key, list"
    );
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    let mut current: Option<(Vec<u8>, DigestBlocks)> = None;
    let mut lists: Vec<(String, DigestBlocks)> = Vec::new();
    let (mut read, mut last) = (0, (0, Vec::new(), String::new()));
    while let Some(row) = rows.next()? {
        let key = row.get_ref(0)?.as_blob().map_err(|_| damaged("a digest"))?;
        sums::check(row, 3, Kind::Digests, key)?;
        let list = row.get_ref(1)?.as_str().map_err(|_| damaged("a list"))?;
        let place = (key.len(), key, list);
        if read > 0 && place <= (last.0, last.1.as_slice(), last.2.as_str()) {
            return Err(damaged("its digests are out of order"));
        }
        read += 1;
        last.0 = key.len();
        last.1.clear();
        last.1.extend_from_slice(key);
        list.clone_into(&mut last.2);
        let of_class = DigestBlocks::of(RecordClass::from_code(row.get(2)?)?);
        if current.as_ref().is_none_or(|(before, _)| before != key) {
            hand_out(current.as_ref(), &lists, each)?;
            let (mut buffer, _) = current.take().unwrap_or_default();
            buffer.clear();
            buffer.extend_from_slice(key);
            current = Some((buffer, DigestBlocks::NONE));
            lists.clear();
        }
        let Some((_, blocks)) = &mut current else { continue };
        if list.is_empty() {
            *blocks = blocks.union(of_class);
        } else {
            *blocks = blocks.union(DigestBlocks::HAS_LISTS);
            lists.push((list.to_owned(), of_class));
        }
    }
    hand_out(current.as_ref(), &lists, each)?;
    all_read(Kind::Digests, read, &counts(connection)?)
}

fn hand_out(
    current: Option<&(Vec<u8>, DigestBlocks)>,
    lists: &[(String, DigestBlocks)],
    each: &mut dyn FnMut(&DigestEntries<'_>) -> Result<()>,
) -> Result<()> {
    let Some((key, blocks)) = current else { return Ok(()) };
    each(&DigestEntries { digest: digest_of_key(key)?, blocks: *blocks, lists })
}
