//! Mandrill (Mailchimp Transactional): the rejection blacklist, now denylist, as exported.
//!
//! The header names `expires_at` twice. An expiry is when Mandrill tries the address again: after a day
//! for a soft bounce, after a week for a hard one, after a year for a complaint or an unsubscribe. Only
//! the first says that nothing is known against the address any more.

use super::{Field, Format, Row, Word};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::{Kind, NativeRow, RecordClass, SuppressionReason};

const EMAIL: usize = 0;
const REASON: usize = 1;
const CREATED: usize = 2;
const EXPIRES: usize = 3;
const EXPIRES_AGAIN: usize = 4;
const DETAIL: usize = 5;

/// What the vendor means by a reason.
#[derive(Clone, Copy)]
enum Why {
    Suppressed(SuppressionReason),
    SoftBounce,
    Unsubscribed,
}

const REASONS: &[Word<Why>] = &[
    ("hard-bounce", Why::Suppressed(SuppressionReason::Bounce)),
    ("soft-bounce", Why::SoftBounce),
    ("spam", Why::Suppressed(SuppressionReason::Complaint)),
    ("unsub", Why::Unsubscribed),
    ("custom", Why::Suppressed(SuppressionReason::Manual)),
    ("invalid", Why::Suppressed(SuppressionReason::Invalid)),
];

/// The export of the blacklist.
pub(super) const MANDRILL: Format = Format {
    name: "mandrill",
    kind: Kind::Suppressions,
    what: "Mandrill's rejection blacklist",
    fields: &[
        Field::required(&["email"]),
        Field::required(&["reason"]),
        Field::optional(&["created_at"]),
        Field::optional(&["expires_at"]).occurrence(0),
        Field::optional(&["expires_at"]).occurrence(1),
        Field::optional(&["detail"]),
    ],
    json: Some(&[]),
    note: Some("soft bounces are kept until Mandrill's expiry; all other reasons do not expire"),
    recognise,
    read,
    ..Format::BASE
};

fn recognise(seen: &Seen) -> Option<&'static str> {
    let fields = [EMAIL, REASON, CREATED, EXPIRES, DETAIL];
    let has = fields.iter().all(|field| seen.has_one_of(MANDRILL.fields[*field].names));
    has.then_some("its columns reason, detail and expires_at")
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let address = row.needed(EMAIL)?;
    let at = row.time(CREATED)?;
    let expected = "`hard-bounce`, `soft-bounce`, `spam`, `unsub`, `custom` or `invalid`";
    let why = row.word(REASON, REASONS, expected)?.ok_or(RejectCause::Empty("reason"))?;
    records.push(match why {
        Why::Suppressed(reason) => row.suppression(address, reason, at),
        Why::Unsubscribed => row.unsubscribe(address, None, at),
        Why::SoftBounce => {
            let expires_at = row.expiry(EXPIRES)?.max(row.expiry(EXPIRES_AGAIN)?);
            NativeRow::Suppression {
                address,
                reason: SuppressionReason::Bounce,
                class: RecordClass::All,
                at,
                expires_at: Some(expires_at.ok_or(RejectCause::Empty("expires_at"))?),
                source: Some(MANDRILL.name),
            }
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, rejects, rows};
    use super::*;

    const HEADER: &str =
        "email,reason,detail,created_at,expires_at,last_event_at,expires_at,subaccount\n";

    #[test]
    fn only_a_soft_bounce_expires_and_at_the_later_of_two_times() {
        let text = format!(
            "{HEADER}\
             ann@example.com,soft-bounce,,2026-01-01,2026-01-02 10:00:00,,2026-01-03 10:00:00,\n\
             bob@example.com,Soft-Bounce,,2026-01-01,2026-01-05 10:00:00,,,\n\
             cleo@example.com,hard-bounce,\"550, no\",2026-01-01,2026-01-08,,2026-01-08,\n\
             dan@example.com,spam,,2026-01-01,2027-01-01,,2027-01-01,shop\n\
             eva@example.com,unsub,,2026-01-01,2027-01-01,,2027-01-01,\n\
             fay@example.com,custom,,,,,,\n\
             gus@example.com,invalid,,,,,,\n"
        );
        assert_eq!(detected("rejects.csv", &text), ["mandrill"]);
        let since = "since 2026-01-01T00:00:00Z";
        assert_eq!(
            rows(&MANDRILL, "rejects.csv", text),
            [
                format!("bounce ann@example.com, {since}, until 2026-01-03T10:00:00Z"),
                format!("bounce bob@example.com, {since}, until 2026-01-05T10:00:00Z"),
                format!("bounce cleo@example.com, {since}"),
                format!("complaint dan@example.com, {since}"),
                format!("unsubscribe eva@example.com from everything, {since}"),
                "manual fay@example.com".to_owned(),
                "invalid gus@example.com".to_owned(),
            ]
        );
    }

    #[test]
    fn what_is_not_about_the_address_is_a_reject() {
        for row in [
            "invalid-sender,,,,,,",
            "unsigned,,,,,,",
            "whitelist,,,,,,",
            ",,,,,,",
            "soft-bounce,,2026-01-01,,,,",
            "soft-bounce,,2026-01-01,soon,,2026-01-02,",
        ] {
            let found = rejects(&MANDRILL, "x.csv", format!("{HEADER}ann@example.com,{row}\n"));
            assert_eq!(found.len(), 1, "{row}");
        }
    }

    #[test]
    fn the_answer_of_the_api_is_read_too() {
        let text = r#"[{"email":"ann@example.com","reason":"hard-bounce","detail":"","created_at":
            "2026-01-01 00:00:00","last_event_at":null,"expires_at":"2026-01-08 00:00:00","expired":true}]"#;
        assert_eq!(detected("x.json", text), ["mandrill"]);
        let want = ["bounce ann@example.com, since 2026-01-01T00:00:00Z"];
        assert_eq!(rows(&MANDRILL, "x.json", text), want);
    }
}
