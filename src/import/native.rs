//! A row's cells → a record of its kind.

use super::columns::Cells;
use super::reject::RejectCause;
use crate::record::class::UnknownWord;
use crate::record::{
    Choice, ContactRow, Flag, Kind, NativeRecord, Preference, RecordClass, Suppression,
    SuppressionReason, Timestamp, Unsubscribe, UnsubscribeState,
};
use std::str::FromStr;

/// Reads a row of `kind` whose address cell is `address`.
///
/// An empty optional cell takes the contract's default; a word that is not one of the contract's is a
/// reject.
pub(super) fn record(
    kind: Kind,
    address: String,
    cells: &Cells<'_>,
) -> Result<NativeRecord, RejectCause> {
    let at = time(cells, "at")?;
    Ok(match kind {
        Kind::Contacts => NativeRecord::Contact(ContactRow {
            contact_id: required(cells, "contact_id")?,
            address,
            bulk_email: word::<Flag>(cells, "bulk_email")?,
            email_allowed: word::<Flag>(cells, "email_allowed")?,
            at,
            former: yes_or_no(cells, "quell_former")?,
        }),
        Kind::Unsubscribes => NativeRecord::Unsubscribe(Unsubscribe {
            address,
            list: cells.word("list")?,
            state: word::<UnsubscribeState>(cells, "state")?.unwrap_or_default(),
            class: word::<RecordClass>(cells, "class")?.unwrap_or(RecordClass::Bulk),
            at,
            source: cells.word("source")?,
        }),
        Kind::Preferences => NativeRecord::Preference(Preference {
            address,
            list: required(cells, "list")?,
            choice: word::<Choice>(cells, "preference")?.ok_or(RejectCause::Empty("preference"))?,
            at,
            source: cells.word("source")?,
        }),
        Kind::Suppressions => NativeRecord::Suppression(Suppression {
            address,
            reason: word::<SuppressionReason>(cells, "reason")?
                .ok_or(RejectCause::Empty("reason"))?,
            class: word::<RecordClass>(cells, "class")?.unwrap_or(RecordClass::All),
            at,
            expires_at: time(cells, "expires_at")?,
            source: cells.word("source")?,
        }),
    })
}

fn required(cells: &Cells<'_>, column: &'static str) -> Result<String, RejectCause> {
    cells.word(column)?.ok_or(RejectCause::Empty(column))
}

fn word<T>(cells: &Cells<'_>, column: &'static str) -> Result<Option<T>, RejectCause>
where
    T: FromStr,
    RejectCause: From<T::Err>,
{
    Ok(cells.word(column)?.map(|word| word.parse::<T>()).transpose()?)
}

/// A column that only an export of quell has: empty is no.
fn yes_or_no(cells: &Cells<'_>, column: &'static str) -> Result<bool, RejectCause> {
    let Some(found) = cells.word(column)? else { return Ok(false) };
    match found.to_ascii_lowercase().as_str() {
        "true" | "1" => Ok(true),
        "false" | "0" => Ok(false),
        _ => Err(UnknownWord { what: column, found, expected: "`true` or `false`" }.into()),
    }
}

fn time(cells: &Cells<'_>, column: &'static str) -> Result<Option<Timestamp>, RejectCause> {
    let Some(text) = cells.word(column)? else { return Ok(None) };
    Timestamp::parse(&text).map(Some).map_err(|fault| RejectCause::Time(column, fault))
}
