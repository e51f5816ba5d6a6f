//! SendGrid's suppression exports (docs/formats.md).

use super::{Field, Format, Row};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::{Kind, NativeRow, SuppressionReason};

const EMAIL: usize = 0;
const CREATED: usize = 1;
const GROUP: usize = 2;
const GROUP_ID: usize = 3;

const FIELDS: &[Field] =
    &[Field::required(&["email"]), Field::optional(&["created", "created_at"])];

/// `suppression_bounces*.csv`. The status is not asked: the vendor suppresses every address on this list,
/// those with a status of 4.x.x or 5.7.x too.
pub(super) const BOUNCES: Format = Format {
    name: "sendgrid-bounces",
    what: "SendGrid's bounces",
    fields: FIELDS,
    json: Some(&[]),
    recognise: |seen| recognise(seen, is_of_bounces, is_of_blocks),
    read: |row, to| suppress(row, to, SuppressionReason::Bounce),
    ..Format::BASE
};

/// `suppression_blocks*.csv`: addresses that were refused once and are sent to again.
pub(super) const BLOCKS: Format = Format {
    name: "sendgrid-blocks",
    what: "SendGrid's blocks",
    fields: FIELDS,
    json: Some(&[]),
    note: Some(
        "SendGrid sends to blocked addresses again, so the rows of a blocks file suppress nothing",
    ),
    recognise: |seen| recognise(seen, is_of_blocks, is_of_bounces),
    ..Format::BASE
};

/// Spam reports; `ip` tells them from unsubscribes.
pub(super) const SPAM: Format = Format {
    name: "sendgrid-spam",
    what: "SendGrid's spam reports",
    fields: FIELDS,
    json: Some(&[]),
    recognise: |seen| {
        seen.is_exactly(&["email", "created", "ip"], &[]).then_some("the columns email,created,ip")
    },
    read: |row, to| suppress(row, to, SuppressionReason::Complaint),
    ..Format::BASE
};

/// Invalid addresses; they have a reason and, unlike bounces, no status.
pub(super) const INVALID: Format = Format {
    name: "sendgrid-invalid",
    what: "SendGrid's invalid addresses",
    fields: FIELDS,
    json: Some(&[]),
    recognise: |seen| {
        seen.is_exactly(&["email", "created", "reason"], &[])
            .then_some("the columns email,created,reason, and no status")
    },
    read: |row, to| suppress(row, to, SuppressionReason::Invalid),
    ..Format::BASE
};

/// Global unsubscribes, those of a group by `--list`, and the API's dump of all groups.
pub(super) const UNSUBSCRIBES: Format = Format {
    name: "sendgrid-unsubscribes",
    kind: Kind::Unsubscribes,
    what: "SendGrid's unsubscribes, global or of groups",
    fields: &[
        Field::required(&["email"]),
        Field::optional(&["created", "created_at"]),
        Field::optional(&["group_name"]),
        Field::optional(&["group_id"]),
    ],
    json: Some(&[]),
    takes_list: true,
    recognise: |seen| {
        if seen.is_exactly(&["email", "group_name"], &["group_id", "created", "created_at"]) {
            return Some("the columns email and group_name");
        }
        seen.is_exactly(&["email", "created"], &[]).then_some("the columns email,created")
    },
    read: unsubscribe,
    ..Format::BASE
};

/// Bounces and blocks have the same columns: the file's name tells them apart, or nothing does.
fn recognise(
    seen: &Seen,
    says_this: fn(&Seen) -> bool,
    says_other: fn(&Seen) -> bool,
) -> Option<&'static str> {
    let fits = seen.is_exactly(&["status", "reason", "email", "created"], &[]);
    match (says_this(seen), says_other(seen)) {
        (true, false) => fits.then_some("the columns status,reason,email,created and its name"),
        (false, true) => None,
        _ => fits.then_some("the columns status,reason,email,created"),
    }
}

fn is_of_bounces(seen: &Seen) -> bool {
    seen.file_words().any(|word| matches!(word, "bounce" | "bounces"))
}

/// A block list is no list of SendGrid's blocks: it may well suppress.
fn is_of_blocks(seen: &Seen) -> bool {
    let mut words = seen.file_words().peekable();
    while let Some(word) = words.next() {
        if matches!(word, "block" | "blocks") && !matches!(words.peek(), Some(&("list" | "lists")))
        {
            return true;
        }
    }
    false
}

fn suppress<'a>(
    row: &Row<'a>,
    to: &mut Vec<NativeRow<'a>>,
    reason: SuppressionReason,
) -> Result<(), RejectCause> {
    to.push(row.suppression(row.needed(EMAIL)?, reason, row.time(CREATED)?));
    Ok(())
}

/// A row without a group is of the list that the user names, else global. A group that has only a number
/// is a reject: its name is not known, and everywhere is more than the person asked for.
fn unsubscribe<'a>(row: &Row<'a>, to: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let list = match row.text(GROUP)? {
        "" if row.list().is_some() => row.list(),
        "" if row.text(GROUP_ID)?.is_empty() => None,
        "" => return Err(RejectCause::Empty("group_name")),
        group => Some(group),
    };
    to.push(row.unsubscribe(row.needed(EMAIL)?, list, row.time(CREATED)?));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, outcome, rejects, rows};
    use super::*;

    const HEADER: &str = "status,reason,email,created\n";

    #[test]
    fn a_bounce_is_one_whatever_its_status() {
        let text = format!(
            "{HEADER}5.1.1,\"550 5.1.1 no such user, \"\"sorry\"\"\nsecond line\",User@Example.com,1790083507\n\
             4.2.2,full,ann@example.com,1790083508\n5.7.1,policy,bob@example.com,\n"
        );
        assert_eq!(
            rows(&BOUNCES, "suppression_bounces.csv", text),
            [
                "bounce User@Example.com, since 2026-09-22T13:25:07Z",
                "bounce ann@example.com, since 2026-09-22T13:25:08Z",
                "bounce bob@example.com",
            ]
        );
    }

    #[test]
    fn a_block_gives_nothing() {
        let text = format!("{HEADER},blocked,ann@example.com,1790083507\n");
        assert_eq!(rows(&BLOCKS, "blocks.csv", text), [""]);
    }

    #[test]
    fn the_files_name_tells_bounces_from_blocks_or_nothing_does() {
        for (name, want) in [
            ("suppression_bounces (1).csv", &["sendgrid-bounces"][..]),
            ("Downloads/suppression_blocks.csv", &["sendgrid-blocks"]),
            ("export.csv", &["sendgrid-blocks", "sendgrid-bounces"]),
            ("blocks_and_bounces.csv", &["sendgrid-blocks", "sendgrid-bounces"]),
            ("blocklist.csv", &["sendgrid-blocks", "sendgrid-bounces"]),
            ("block-list.csv", &["sendgrid-blocks", "sendgrid-bounces"]),
            ("unblocked.csv", &["sendgrid-blocks", "sendgrid-bounces"]),
            ("bounces-blocklist.csv", &["sendgrid-bounces"]),
            ("2026block.csv", &["sendgrid-blocks"]),
        ] {
            assert_eq!(detected(name, HEADER), want, "{name}");
        }
    }

    #[test]
    fn the_other_lists_are_told_apart_by_their_columns() {
        for (header, want) in [
            ("email,created,ip\n", "sendgrid-spam"),
            ("ip , Email,CREATED\n", "sendgrid-spam"),
            ("reason;created;email\n", "sendgrid-invalid"),
            ("email,created\n", "sendgrid-unsubscribes"),
            ("email,group_id,group_name,created_at\n", "sendgrid-unsubscribes"),
        ] {
            assert_eq!(detected("x.csv", header), [want], "{header}");
        }
        let json =
            r#"[{"email":"ann@example.com","group_id":1,"group_name":"News","created_at":1}]"#;
        assert_eq!(detected("x.json", json), ["sendgrid-unsubscribes"]);
    }

    #[test]
    fn an_unsubscribe_is_of_its_group_of_the_list_given_or_of_everything() {
        let text = "email,created\nann@example.com,1790083507\n";
        let at = "since 2026-09-22T13:25:07Z";
        assert_eq!(
            rows(&UNSUBSCRIBES, "x.csv", text),
            [format!("unsubscribe ann@example.com from everything, {at}")]
        );
        let of_list = outcome(&UNSUBSCRIBES, "x.csv", text, Some("news")).unwrap();
        assert_eq!(of_list.rows, [format!("unsubscribe ann@example.com from list news, {at}")]);
        let json = r#"[
            {"email":"ann@example.com","group_id":7,"group_name":" Weekly News ","created_at":1790083507},
            {"email":"bob@example.com","group_id":8,"group_name":null,"created_at":1790083507}
        ]"#;
        let of_groups = outcome(&UNSUBSCRIBES, "groups.json", json, None).unwrap();
        assert_eq!(
            of_groups.rows,
            [format!("unsubscribe ann@example.com from list Weekly News, {at}")]
        );
        assert_eq!(of_groups.rejects, ["3: group_name: empty"]);
        assert!(of_groups.rejected[0].starts_with('{') && of_groups.rejected[0].ends_with('}'));
    }

    #[test]
    fn a_row_that_may_have_shifted_cells_is_a_reject() {
        let text =
            format!("{HEADER}5.1.1,no, such user,ann@example.com,1\n5.1.1,x,bob@example.com\n");
        assert_eq!(
            rejects(&BOUNCES, "bounces.csv", text),
            ["2: 5 cells where the header has 4", "3: 3 cells where the header has 4"]
        );
        assert_eq!(
            rejects(&BOUNCES, "bounces.csv", format!("{HEADER}5.1.1,x,,1\n5.1.1,x,no address,1\n")),
            ["2: email: empty", "3: email: no `@`"]
        );
    }

    #[test]
    fn only_unsubscribes_take_a_list() {
        let text = format!("{HEADER}5.1.1,x,ann@example.com,1\n");
        assert!(outcome(&BOUNCES, "bounces.csv", text, Some("news")).is_err());
    }
}
