//! Counting what withholds mail: a pass over each table of records, without their sums.

use super::codes::{Coded, instant};
use crate::error::Result;
use crate::ledger::tallies::{Day, Tallies};
use crate::record::{Choice, Flag, Reason, SuppressionReason, Timestamp};
use rusqlite::{Connection, Row};
use std::collections::HashMap;

/// When each import was.
type Imports = HashMap<i64, i64>;

/// A table's rows: when they are of, in three columns, then what says whether and why they withhold.
type Table = (&'static str, fn(&Row<'_>, Timestamp) -> Result<Option<Reason>>);

const TABLES: [Table; 6] = [
    ("SELECT at, recorded_at, import_id, bulk_email, email_allowed FROM contact", contact),
    ("SELECT at, recorded_at, import_id, list = '' FROM unsubscribe", unsubscribe),
    ("SELECT at, recorded_at, import_id, choice FROM preference", preference),
    ("SELECT at, recorded_at, import_id, reason, expires_at FROM suppression", suppression),
    ("SELECT at, recorded_at, import_id FROM domain_rule", |_, _| Ok(Some(Reason::Domain))),
    ("SELECT NULL, recorded_at, import_id FROM digest", |_, _| Ok(Some(Reason::Digest))),
];

/// Counts every record that withholds mail at `now`, those of the days from `first` on by day as well.
pub(super) fn tallies(connection: &Connection, first: Day, now: Timestamp) -> Result<Tallies> {
    let imports = imports(connection)?;
    let mut tallies = Tallies::default();
    for (sql, reason) in TABLES {
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if let Some(reason) = reason(row, now)? {
                tallies.add(reason, at(row, &imports)?, first);
            }
        }
    }
    Ok(tallies)
}

fn imports(connection: &Connection) -> Result<Imports> {
    let mut statement = connection.prepare("SELECT id, at FROM import")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// What the record says, else when it was recorded, else when its import was.
fn at(row: &Row<'_>, imports: &Imports) -> Result<Option<Timestamp>> {
    for column in [0, 1] {
        let at: Option<i64> = row.get(column)?;
        if at.is_some() {
            return Ok(instant(at));
        }
    }
    let import: Option<i64> = row.get(2)?;
    Ok(instant(import.and_then(|import| imports.get(&import).copied())))
}

fn contact(row: &Row<'_>, _: Timestamp) -> Result<Option<Reason>> {
    let denied =
        |column| -> Result<bool> { Ok(Flag::from_code(row.get(column)?)? == Flag::DoNotAllow) };
    Ok(if denied(4)? {
        Some(Reason::EmailDenied)
    } else if denied(3)? {
        Some(Reason::BulkEmailDenied)
    } else {
        None
    })
}

fn unsubscribe(row: &Row<'_>, _: Timestamp) -> Result<Option<Reason>> {
    let everywhere = row.get(3)?;
    Ok(Some(if everywhere { Reason::Unsubscribed } else { Reason::OptedOut }))
}

fn preference(row: &Row<'_>, _: Timestamp) -> Result<Option<Reason>> {
    let choice = Choice::from_code(row.get(3)?)?;
    Ok((choice == Choice::Out).then_some(Reason::OptedOut))
}

fn suppression(row: &Row<'_>, now: Timestamp) -> Result<Option<Reason>> {
    let has_expired = instant(row.get(4)?).is_some_and(|at| at <= now);
    let reason = SuppressionReason::from_code(row.get(3)?)?.reason();
    Ok((!has_expired).then_some(reason))
}
