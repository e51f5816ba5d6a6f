//! The records of a kind, in the order of their keys, as they were before the sync.

use super::{Job, Whose};
use crate::error::Result;
use crate::ledger::sqlite::claims::Sub;
use crate::ledger::sqlite::fault::damaged;
use crate::ledger::sqlite::sums::{self, is_sound};
use crate::record::{Algorithm, Kind};
use rusqlite::fallible_streaming_iterator::FallibleStreamingIterator;
use rusqlite::{Connection, Row, Rows, Statement};

/// What a record without an end says of it.
pub(super) const FOR_EVER: i64 = i64::MAX;

/// The columns of each: key, list, code, what it says, address, state, source, and whether the row is sound.
fn select(kind: Kind) -> &'static str {
    macro_rules! select {
        ($columns:literal, $table:ident, $rest:literal) => {
            concat!(
                "SELECT key, ",
                $columns,
                ", source, ",
                is_sound!($table),
                " FROM ",
                stringify!($table),
                $rest
            )
        };
    }
    match kind {
        // Compared by their ids, elsewhere.
        Kind::Contacts => "",
        Kind::Unsubscribes => {
            select!("list, class, 0, address, state", unsubscribe, " ORDER BY key")
        }
        Kind::Preferences => select!("list, 0, choice, '', 0", preference, " ORDER BY key"),
        Kind::Suppressions => {
            select!("'', reason * 3 + class, expires_at, '', 0", suppression, " ORDER BY key")
        }
        Kind::Domains => select!("'', 0, subdomains, '', 0", domain_rule, " ORDER BY key"),
        // The class's bits: one for each kind of send.
        Kind::Digests => {
            select!("list, 0, class + 1, '', 0", digest, " WHERE algorithm = ?1 ORDER BY key")
        }
    }
}

/// A record that is there.
pub(super) struct Here<'r> {
    pub(super) sub: Sub,
    /// How much it withholds: see [`both`](crate::ledger::sqlite::claims::both).
    pub(super) says: i64,
    /// What else tells it from others of its identity.
    pub(super) exact: (&'r str, i64),
    pub(super) whose: Whose,
}

/// The records, several streams of them where the table is in another order.
pub(super) struct Known<'s> {
    streams: Vec<Rows<'s>>,
    kind: Kind,
    source: &'s str,
}

/// Prepares the reading of all records of a kind.
pub(super) fn prepare(before: &Connection, kind: Kind) -> Result<Vec<Statement<'_>>> {
    let streams = if kind == Kind::Digests { Algorithm::ALL.len() } else { 1 };
    (0..streams).map(|_| Ok(before.prepare(select(kind))?)).collect()
}

impl<'s> Known<'s> {
    pub(super) fn new(job: &Job<'s>, statements: &'s mut [Statement<'_>]) -> Result<Self> {
        let mut streams = Vec::new();
        for (statement, algorithm) in statements.iter_mut().zip(Algorithm::ALL) {
            let mut rows = if job.kind == Kind::Digests {
                statement.query([algorithm.number()])?
            } else {
                statement.query([])?
            };
            rows.advance()?;
            streams.push(rows);
        }
        Ok(Self { streams, kind: job.kind, source: job.source })
    }

    /// The least key that is still to come.
    pub(super) fn key(&self) -> Result<Option<&[u8]>> {
        let mut least = None;
        for row in self.streams.iter().filter_map(Rows::get) {
            let key = key_of(row)?;
            if least.is_none_or(|least| key < least) {
                least = Some(key);
            }
        }
        Ok(least)
    }

    /// Hands out the records of `key`, at which it stands or which has none.
    pub(super) fn take(&mut self, key: &[u8], each: &mut dyn FnMut(Here<'_>)) -> Result<()> {
        for rows in &mut self.streams {
            while let Some(row) = rows.get() {
                if key_of(row)? != key {
                    break;
                }
                sums::check(row, 7, self.kind, key)?;
                each(here(row, self.source)?);
                rows.advance()?;
            }
        }
        Ok(())
    }
}

fn key_of<'r>(row: &'r Row<'_>) -> Result<&'r [u8]> {
    row.get_ref(0)?.as_blob().map_err(|_| damaged("a key"))
}

fn here<'r>(row: &'r Row<'_>, source: &str) -> Result<Here<'r>> {
    let text = |column| -> Result<&'r str> {
        row.get_ref(column)?.as_str().map_err(|_| damaged("a text"))
    };
    let code = u8::try_from(row.get::<_, i64>(2)?).map_err(|_| damaged("a code"))?;
    let record = row.get_ref(6)?.as_str_or_null().map_err(|_| damaged("a source"))?;
    Ok(Here {
        sub: Sub { code, name: text(1)?.to_owned() },
        says: row.get::<_, Option<i64>>(3)?.unwrap_or(FOR_EVER),
        exact: (text(4)?, row.get(5)?),
        whose: Whose::of(record, source),
    })
}
