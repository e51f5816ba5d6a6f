//! Postmark: the suppressions of one message stream, as the API dumps them and as CSV of the same names.

use super::{Field, Format, Row, Word};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::{Kind, NativeRow, SuppressionReason};

const ADDRESS: usize = 0;
const REASON: usize = 1;
const ORIGIN: usize = 2;
const CREATED: usize = 3;

/// What the vendor means by a reason.
#[derive(Clone, Copy)]
enum Why {
    Suppressed(SuppressionReason),
    /// By hand, or by the person: the origin says which.
    Manual,
}

const REASONS: &[Word<Why>] = &[
    ("HardBounce", Why::Suppressed(SuppressionReason::Bounce)),
    ("SpamComplaint", Why::Suppressed(SuppressionReason::Complaint)),
    ("ManualSuppression", Why::Manual),
];

/// Whether the person did it.
const ORIGINS: &[Word<bool>] = &[("Recipient", true), ("Customer", false), ("Admin", false)];

/// The dump of a stream's suppressions.
pub(super) const POSTMARK: Format = Format {
    name: "postmark",
    kind: Kind::Suppressions,
    what: "Postmark's suppressions of a message stream",
    fields: &[
        Field::required(&["EmailAddress", "Email Address"]),
        Field::required(&["SuppressionReason", "Suppression Reason"]),
        Field::optional(&["Origin"]),
        Field::optional(&["CreatedAt", "Created At"]),
    ],
    json: Some(&["Suppressions"]),
    takes_list: true,
    note: None,
    recognise,
    read,
    ..Format::BASE
};

fn recognise(seen: &Seen) -> Option<&'static str> {
    let has = seen.has_one_of(POSTMARK.fields[ADDRESS].names)
        && seen.has_one_of(POSTMARK.fields[REASON].names);
    has.then_some("its columns EmailAddress and SuppressionReason")
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let address = row.needed(ADDRESS)?;
    let at = row.time(CREATED)?;
    let expected = "`HardBounce`, `SpamComplaint` or `ManualSuppression`";
    let why =
        row.word(REASON, REASONS, expected)?.ok_or(RejectCause::Empty("SuppressionReason"))?;
    records.push(match why {
        Why::Suppressed(reason) => row.suppression(address, reason, at),
        Why::Manual => match row.word(ORIGIN, ORIGINS, "`Recipient`, `Customer` or `Admin`")? {
            Some(true) => row.unsubscribe(address, row.list(), at),
            // Of both that it may be, the one that blocks more.
            Some(false) | None => row.suppression(address, SuppressionReason::Manual, at),
        },
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, outcome, rejects, rows};
    use super::*;

    const HEADER: &str = "EmailAddress,SuppressionReason,Origin,CreatedAt\n";

    #[test]
    fn the_origin_tells_the_person_from_the_sender() {
        let text = r#"{"Suppressions":[
            {"EmailAddress":"ann@example.com","SuppressionReason":"ManualSuppression","Origin":"Recipient","CreatedAt":"2026-03-01T08:58:33-05:00"},
            {"EmailAddress":"bob@example.com","SuppressionReason":"ManualSuppression","Origin":"Customer","CreatedAt":"2026-03-01T08:58:33-05:00"},
            {"EmailAddress":"cleo@example.com","SuppressionReason":"ManualSuppression","Origin":"Admin","CreatedAt":null},
            {"EmailAddress":"dan@example.com","SuppressionReason":"ManualSuppression"},
            {"EmailAddress":"eva@example.com","SuppressionReason":"HardBounce","Origin":"Recipient"},
            {"EmailAddress":"fay@example.com","SuppressionReason":"SpamComplaint","Origin":"Recipient"}
        ]}"#;
        assert_eq!(detected("dump.json", text), ["postmark"]);
        assert_eq!(
            rows(&POSTMARK, "dump.json", text),
            [
                "unsubscribe ann@example.com from everything, since 2026-03-01T13:58:33Z",
                "manual bob@example.com, since 2026-03-01T13:58:33Z",
                "manual cleo@example.com",
                "manual dan@example.com",
                "bounce eva@example.com",
                "complaint fay@example.com",
            ]
        );
    }

    #[test]
    fn a_list_narrows_an_opt_out_and_nothing_else() {
        let text = format!(
            "{HEADER}ann@example.com,manualsuppression,recipient,\nbob@example.com,HardBounce,Recipient,\n"
        );
        assert_eq!(detected("x.csv", &text), ["postmark"]);
        let of_list = outcome(&POSTMARK, "x.csv", text, Some("news")).unwrap();
        assert_eq!(
            of_list.rows,
            ["unsubscribe ann@example.com from list news", "bounce bob@example.com"]
        );
    }

    #[test]
    fn an_unknown_reason_or_origin_is_a_reject() {
        for row in ["SoftBounce,Recipient", ",Recipient", "ManualSuppression,Robot"] {
            let found = rejects(&POSTMARK, "x.csv", format!("{HEADER}ann@example.com,{row},\n"));
            assert_eq!(found.len(), 1, "{row}");
        }
    }
}
