//! A row's cells → a record of its kind.

use super::columns::{Cells, Column};
use super::reject::RejectCause;
use crate::record::class::UnknownWord;
use crate::record::{Kind, NativeRow, RecordClass, Timestamp};
use std::str::FromStr;

/// Memory for the texts of a row whose cells have escaped quotes, and what the row before said.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    /// The contact's id, or the list.
    name: Vec<u8>,
    source: Vec<u8>,
    times: Times,
}

/// The last time that was read, as text and as instant: neighbours often have the same.
#[derive(Debug, Default)]
struct Times {
    text: String,
    at: Option<Timestamp>,
}

/// Reads a row of `kind` whose address cell is `address`.
///
/// An empty optional cell takes the contract's default; a word that is not one of the contract's is a
/// reject.
pub(super) fn row<'a>(
    kind: Kind,
    address: &'a str,
    cells: Cells<'a>,
    scratch: &'a mut Scratch,
) -> Result<NativeRow<'a>, RejectCause> {
    let Scratch { name, source, times } = scratch;
    let at = time(cells, Column::At, times)?;
    Ok(match kind {
        Kind::Contacts => NativeRow::Contact {
            contact_id: required(cells, Column::ContactId, name)?,
            address,
            bulk_email: word(cells, Column::BulkEmail)?,
            email_allowed: word(cells, Column::EmailAllowed)?,
            at,
            former: yes_or_no(cells, Column::Former)?,
        },
        Kind::Unsubscribes => NativeRow::Unsubscribe {
            address,
            list: cells.word(Column::List, name)?,
            state: word(cells, Column::State)?.unwrap_or_default(),
            class: word(cells, Column::Class)?.unwrap_or(RecordClass::Bulk),
            at,
            source: cells.word(Column::Source, source)?,
        },
        Kind::Preferences => NativeRow::Preference {
            address,
            list: required(cells, Column::List, name)?,
            choice: word(cells, Column::Preference)?.ok_or(RejectCause::Empty("preference"))?,
            at,
            source: cells.word(Column::Source, source)?,
        },
        Kind::Suppressions => NativeRow::Suppression {
            address,
            reason: word(cells, Column::Reason)?.ok_or(RejectCause::Empty("reason"))?,
            class: word(cells, Column::Class)?.unwrap_or(RecordClass::All),
            at,
            expires_at: time(cells, Column::ExpiresAt, times)?,
            source: cells.word(Column::Source, source)?,
        },
    })
}

fn required<'a>(
    cells: Cells<'a>,
    column: Column,
    scratch: &'a mut Vec<u8>,
) -> Result<&'a str, RejectCause> {
    cells.word(column, scratch)?.ok_or(RejectCause::Empty(column.name()))
}

fn word<T>(cells: Cells<'_>, column: Column) -> Result<Option<T>, RejectCause>
where
    T: FromStr,
    RejectCause: From<T::Err>,
{
    let mut scratch = Vec::new();
    Ok(cells.word(column, &mut scratch)?.map(str::parse::<T>).transpose()?)
}

/// A column that only an export of quell has: empty is no.
fn yes_or_no(cells: Cells<'_>, column: Column) -> Result<bool, RejectCause> {
    let mut scratch = Vec::new();
    let Some(found) = cells.word(column, &mut scratch)? else { return Ok(false) };
    match found.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(UnknownWord {
            what: column.name(),
            found: found.to_owned(),
            expected: "`true` or `false`",
        }
        .into()),
    }
}

fn time(
    cells: Cells<'_>,
    column: Column,
    times: &mut Times,
) -> Result<Option<Timestamp>, RejectCause> {
    let mut scratch = Vec::new();
    let Some(text) = cells.word(column, &mut scratch)? else { return Ok(None) };
    if times.at.is_none() || times.text != text {
        times.at = None;
        let at = Timestamp::parse(text).map_err(|fault| RejectCause::Time(column.name(), fault))?;
        text.clone_into(&mut times.text);
        times.at = Some(at);
    }
    Ok(times.at)
}
