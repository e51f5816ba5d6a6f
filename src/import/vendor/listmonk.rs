//! listmonk: the export of all subscribers. Lists are not in it, so only what holds for all of them is.

use super::{Field, Format, Row, Word};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::{Kind, NativeRow, SuppressionReason};

const EMAIL: usize = 0;
const STATUS: usize = 1;
const UPDATED: usize = 2;

#[derive(Clone, Copy)]
enum Status {
    Enabled,
    Disabled,
    Blocklisted,
}

const STATUSES: &[Word<Status>] = &[
    ("enabled", Status::Enabled),
    ("disabled", Status::Disabled),
    ("blocklisted", Status::Blocklisted),
    ("blacklisted", Status::Blocklisted),
];

/// The export of subscribers.
pub(super) const LISTMONK: Format = Format {
    name: "listmonk",
    kind: Kind::Unsubscribes,
    what: "listmonk's export of subscribers",
    fields: &[
        Field::required(&["email"]),
        Field::required(&["status"]),
        Field::optional(&["updated_at"]),
        Field::optional(&["uuid"]),
        Field::optional(&["attributes", "attribs"]),
    ],
    json: None,
    note: Some("listmonk exports no lists: who left only one of them is not in the file"),
    recognise,
    read,
    ..Format::BASE
};

fn recognise(seen: &Seen) -> Option<&'static str> {
    let has = LISTMONK.fields.iter().all(|field| seen.has_one_of(field.names));
    has.then_some("its columns uuid, email, attributes and status")
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let address = row.needed(EMAIL)?;
    let at = row.time(UPDATED)?;
    let expected = "`enabled`, `disabled` or `blocklisted`";
    let status = row.word(STATUS, STATUSES, expected)?.ok_or(RejectCause::Empty("status"))?;
    match status {
        Status::Enabled => {}
        Status::Disabled => records.push(row.suppression(address, SuppressionReason::Manual, at)),
        Status::Blocklisted => records.push(row.unsubscribe(address, None, at)),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, rejects, rows};
    use super::*;

    const HEADER: &str = "uuid,email,name,attributes,status,created_at,updated_at\n";

    #[test]
    fn the_status_decides() {
        let text = format!(
            "{HEADER}1,ann@example.com,Ann,\"{{\"\"a\"\": 1}}\",blocklisted,,2026-02-02 03:04:05.5 +0100 CET\n\
             2,bob@example.com,Bob,{{}},disabled,,\n\
             3,cleo@example.com,Cleo,{{}},Enabled,,\n\
             4,dan@example.com,Dan,{{}},blacklisted,,\n"
        );
        assert_eq!(detected("subscribers.csv", &text), ["listmonk"]);
        assert_eq!(
            rows(&LISTMONK, "subscribers.csv", text),
            [
                "unsubscribe ann@example.com from everything, since 2026-02-02T02:04:05.5Z",
                "manual bob@example.com",
                "",
                "unsubscribe dan@example.com from everything",
            ]
        );
    }

    #[test]
    fn an_unknown_or_empty_status_is_a_reject() {
        let text =
            format!("{HEADER}1,ann@example.com,A,,unsubscribed,,\n2,bob@example.com,B,,,,\n");
        assert_eq!(rejects(&LISTMONK, "x.csv", text).len(), 2);
    }
}
