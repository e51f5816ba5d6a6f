//! Domain rules of an import: a rule may gain its subdomains, never lose them.

use super::bulk::{Binder, Table, import_of};
use super::staged::StagedDomain;
use super::{Import, Outcome};
use crate::error::Result;
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::rows::of_key;
use crate::ledger::sqlite::sums::{self, is_sound, seal};
use crate::ledger::{Change, EventKind, Record};
use crate::record::{DomainRule, Kind};
use rusqlite::{Connection, params};
use serde_json::json;

/// The table of domain rules.
pub(super) struct Domains;

impl Table for Domains {
    type Row<'p> = StagedDomain<'p>;

    const KIND: Kind = Kind::Domains;
    const INSERT: &'static str =
        "INSERT INTO domain_rule (import_id, key, subdomains, at, source, sum) VALUES";
    const COLUMNS: usize = 4;

    fn decode(payload: &[u8]) -> Result<StagedDomain<'_>> {
        StagedDomain::decode(payload)
    }

    fn bind(key: &[u8], row: &StagedDomain<'_>, to: &mut Binder<'_, '_>) -> rusqlite::Result<()> {
        to.put(key)?;
        to.put(row.subdomains)?;
        to.put(row.at)?;
        to.put(row.source)
    }

    fn is_same(_: &StagedDomain<'_>, _: &StagedDomain<'_>) -> bool {
        true
    }

    fn import_of(connection: &Connection, key: &[u8], _: &StagedDomain<'_>) -> Result<Option<i64>> {
        import_of(connection, "SELECT import_id FROM domain_rule WHERE key = ?1", [key])
    }

    fn added(import: &Import<'_>, key: &[u8], _: &StagedDomain<'_>) -> Result<()> {
        import.writer.touch(Change::Domain(key))
    }

    fn merge(import: &Import<'_>, key: &[u8], row: &StagedDomain<'_>) -> Result<Outcome> {
        match (covers_subdomains(import, key)?, row.subdomains) {
            (true, false) => Ok(Outcome::Held),
            (false, true) => widen(import, key),
            _ => Ok(Outcome::Unchanged),
        }
    }
}

/// What is recorded: all that most rows of a repeated file need.
fn covers_subdomains(import: &Import<'_>, key: &[u8]) -> Result<bool> {
    let sql =
        concat!("SELECT subdomains, ", is_sound!(domain_rule), " FROM domain_rule WHERE key = ?1");
    let connection = import.writer.connection();
    let known: Option<bool> = sums::value_of(connection, sql, [key], Kind::Domains, key)?;
    known.ok_or_else(|| damaged("a domain rule that is there and is not"))
}

/// Lets a rule cover subdomains too.
fn widen(import: &Import<'_>, key: &[u8]) -> Result<Outcome> {
    let writer = import.writer;
    let Some(stored) = of_key(writer.connection(), Kind::Domains, key)?.pop() else {
        return Err(damaged("a domain rule that is there and is not"));
    };
    let Record::Domain(was) = &stored.record else { return Err(damaged("a domain rule")) };
    let sql = "UPDATE domain_rule SET subdomains = ?2, sum = NULL WHERE key = ?1";
    writer.connection().prepare_cached(sql)?.execute(params![key, true])?;
    seal(writer.connection(), Kind::Domains, key)?;
    writer.touch(Change::Domain(key))?;
    let now = Record::Domain(DomainRule { subdomains: true, ..was.clone() });
    let change = json!({"was": stored.to_json(), "now": now.to_json()});
    let detail = json!({"changed": [change], "cause": import.cause()});
    // A domain is no address key, for it holds no `@`: its events have a place of their own.
    writer.event(EventKind::Changed, key, &detail)?;
    Ok(Outcome::Added)
}
