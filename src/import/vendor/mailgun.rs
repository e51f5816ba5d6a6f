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
    let mut is_global = false;
    for tag in tags.into_iter().filter(|tag| !tag.is_empty()) {
        // Tags are seldom told apart by something else than commas; the star must not be lost by it.
        let parts = || tag.split(|c: char| c == ',' || c == ';' || c.is_whitespace());
        if parts().all(|part| part != "*") {
            to.push(row.unsubscribe(address, Some(tag), at));
            continue;
        }
        for part in parts().filter(|part| !part.is_empty()) {
            let list = Some(part).filter(|part| *part != "*");
            if list.is_some() || !is_global {
                to.push(row.unsubscribe(address, list, at));
            }
            is_global |= list.is_none();
        }
    }
    if to.is_empty() {
        to.push(row.unsubscribe(address, None, at));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, rejects, rows};
    use super::*;

    #[test]
    fn a_bounce_keeps_its_time_and_not_its_words() {
        let text = "address,code,error,created_at\n\
                    alice@example.com,550,\"no, \"\"box\"\"\",\"Fri, 21 Oct 2011 11:02:55 GMT\"\n\
                    bob@example.com,421,,last week\n";
        assert_eq!(
            rows(&BOUNCES, "x.csv", text),
            ["bounce alice@example.com, since 2011-10-21T11:02:55Z", "bounce bob@example.com"]
        );
        assert_eq!(
            rows(&COMPLAINTS, "x.csv", "address\na@example.com\n"),
            ["complaint a@example.com"]
        );
    }

    #[test]
    fn a_date_that_is_not_quoted_moves_the_cells_and_so_is_a_reject() {
        let text =
            "address,code,error,created_at\na@example.com,550,x,Fri, 21 Oct 2011 11:02:55 GMT\n";
        assert_eq!(rejects(&BOUNCES, "x.csv", text), ["2: 5 cells where the header has 4"]);
    }

    #[test]
    fn a_tag_is_a_list_and_the_star_is_everything() {
        let text = "address,tags,created_at\n\
                    a@example.com,*,\n\
                    b@example.com, News ,\n\
                    c@example.com,\"news, *,,offers\",\n\
                    d@example.com,,\n\
                    e@example.com,\"[\"\"news\"\", \"\"*\"\"]\",\n\
                    f@example.com,[],\n";
        assert_eq!(
            rows(&UNSUBSCRIBES, "x.csv", text),
            [
                "unsubscribe a@example.com from everything",
                "unsubscribe b@example.com from list News",
                "unsubscribe c@example.com from list news; unsubscribe c@example.com from everything; \
                 unsubscribe c@example.com from list offers",
                "unsubscribe d@example.com from everything",
                "unsubscribe e@example.com from list news; unsubscribe e@example.com from everything",
                "unsubscribe f@example.com from everything",
            ]
        );
        let text = "address,tag\na@example.com,['news']\n";
        assert_eq!(rejects(&UNSUBSCRIBES, "x.csv", text), ["2: tags: no list of tags"]);
    }

    #[test]
    fn the_star_is_found_whatever_is_between_the_tags() {
        for tags in ["news;*", "news *", "news\u{a0}; *", "\"news,*;*\"", "\"[\"\"news *\"\"]\""] {
            let text = format!("address,tag\na@example.com,{tags}\n");
            assert_eq!(
                rows(&UNSUBSCRIBES, "x.csv", text),
                [
                    "unsubscribe a@example.com from list news; unsubscribe a@example.com from everything"
                ],
                "{tags}"
            );
        }
        let text = "address,tag\na@example.com,my news*\n";
        let want = ["unsubscribe a@example.com from list my news*"];
        assert_eq!(rows(&UNSUBSCRIBES, "x.csv", text), want);
    }

    #[test]
    fn the_lists_are_told_apart_by_their_columns() {
        for (header, want) in [
            ("address,code,error,created_at\n", &["mailgun-bounces"][..]),
            ("address,tag,created_at\n", &["mailgun-unsubscribes"]),
            ("Address,TAGS\n", &["mailgun-unsubscribes"]),
            ("address,created_at\n", &["mailgun-complaints"]),
            // The allowlist is none of them.
            ("address,domain\n", &[]),
        ] {
            assert_eq!(detected("x.csv", header), want, "{header}");
        }
        let page =
            r#"{"items":[{"address":"a@example.com","tags":["*"],"created_at":"x"}],"paging":{}}"#;
        assert_eq!(detected("x.json", page), ["mailgun-unsubscribes"]);
        assert_eq!(
            rows(&UNSUBSCRIBES, "x.json", page),
            ["unsubscribe a@example.com from everything"]
        );
    }
}
