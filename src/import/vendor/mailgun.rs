//! Mailgun's suppression files, as its import takes them and its API gives them (docs/formats.md).

use super::{Field, Format, Row};
use crate::import::reject::RejectCause;
use crate::record::{Kind, NativeRow, SuppressionReason};

const ADDRESS: usize = 0;
const CREATED: usize = 1;
const TAGS: usize = 2;

const FIELDS: &[Field] = &[Field::required(&["address"]), Field::optional(&["created_at"])];
/// Where a page of the API has its rows.
const PAGE: Option<&[&str]> = Some(&["items"]);

/// Bounces.
pub(super) const BOUNCES: Format = Format {
    name: "mailgun-bounces",
    what: "Mailgun's bounces",
    fields: FIELDS,
    json: PAGE,
    recognise: |seen| {
        seen.is_exactly(&["address", "code"], &["error", "created_at"])
            .then_some("the columns address,code,error,created_at")
    },
    read: |row, to| suppress(row, to, SuppressionReason::Bounce),
    ..Format::BASE
};

/// Complaints.
pub(super) const COMPLAINTS: Format = Format {
    name: "mailgun-complaints",
    what: "Mailgun's complaints",
    fields: FIELDS,
    json: PAGE,
    recognise: |seen| {
        seen.is_exactly(&["address", "created_at"], &[]).then_some("the columns address,created_at")
    },
    read: |row, to| suppress(row, to, SuppressionReason::Complaint),
    ..Format::BASE
};

/// Unsubscribes: of everything, or of what carries a tag.
pub(super) const UNSUBSCRIBES: Format = Format {
    name: "mailgun-unsubscribes",
    kind: Kind::Unsubscribes,
    what: "Mailgun's unsubscribes",
    fields: &[
        Field::required(&["address"]),
        Field::optional(&["created_at"]),
        Field::optional(&["tag", "tags"]),
    ],
    json: PAGE,
    recognise: |seen| {
        let is = |tag| seen.is_exactly(&["address", tag], &["created_at"]);
        (is("tag") || is("tags")).then_some("the columns address,tag,created_at")
    },
    read: unsubscribe,
    ..Format::BASE
};

fn suppress<'a>(
    row: &Row<'a>,
    to: &mut Vec<NativeRow<'a>>,
    reason: SuppressionReason,
) -> Result<(), RejectCause> {
    to.push(row.suppression(row.needed(ADDRESS)?, reason, row.time(CREATED)?));
    Ok(())
}

/// One record a tag. The tag `*` is everything, and so is none.
fn unsubscribe<'a>(row: &Row<'a>, to: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let (address, at) = (row.needed(ADDRESS)?, row.time(CREATED)?);
    let text = row.text(TAGS)?;
    let tags: Vec<&str> = if text.starts_with('[') {
        let tags: Vec<String> = serde_json::from_str(text).map_err(|_| RejectCause::Cell {
            column: "tags".to_owned(),
            fault: "no list of tags".to_owned(),
        })?;
        row.keep(tags).iter().map(|tag| tag.trim()).collect()
    } else {
        text.split(',').map(str::trim).collect()
    };
    let before = to.len();
    for tag in tags.into_iter().filter(|tag| !tag.is_empty()) {
        to.push(row.unsubscribe(address, Some(tag).filter(|tag| *tag != "*"), at));
    }
    if to.len() == before {
        to.push(row.unsubscribe(address, None, at));
    }
    Ok(())
}
