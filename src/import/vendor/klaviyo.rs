//! Klaviyo: profiles that get no marketing mail, with the reason, or the bare addresses it takes.

use super::{Field, Format, Row, Word};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::{Kind, NativeRow, SuppressionReason};

const EMAIL: usize = 0;
const REASON: usize = 1;
const AT: usize = 2;

/// `None` is an unsubscribe.
const REASONS: &[Word<Option<SuppressionReason>>] = &[
    ("HARD_BOUNCE", Some(SuppressionReason::Bounce)),
    ("HARD BOUNCE", Some(SuppressionReason::Bounce)),
    ("INVALID_EMAIL", Some(SuppressionReason::Invalid)),
    ("INVALID EMAIL", Some(SuppressionReason::Invalid)),
    ("SPAM_COMPLAINT", Some(SuppressionReason::Complaint)),
    ("SPAM COMPLAINT", Some(SuppressionReason::Complaint)),
    ("USER_SUPPRESSED", Some(SuppressionReason::Manual)),
    ("USER SUPPRESSED", Some(SuppressionReason::Manual)),
    ("UNSUBSCRIBE", None),
    ("UNSUBSCRIBED", None),
];

/// Suppressed profiles.
pub(super) const KLAVIYO: Format = Format {
    name: "klaviyo",
    kind: Kind::Suppressions,
    what: "Klaviyo's suppressed profiles",
    fields: &[
        Field::required(&["Email", "Email Address"]),
        Field::optional(&["Reason", "Suppression Reason", "Suppressed Reason"]),
        Field::optional(&["Timestamp", "Suppressed At", "Suppression Date", "Date Suppressed"]),
    ],
    json: None,
    recognise,
    read,
    ..Format::BASE
};

fn recognise(seen: &Seen) -> Option<&'static str> {
    let says_why = seen.has_one_of(&["Suppression Reason", "Suppressed Reason"])
        || seen.has("Reason") && seen.has_one_of(KLAVIYO.fields[AT].names);
    let says_why = says_why || seen.has("Reason") && has_word(seen);
    let has = says_why && seen.has_one_of(KLAVIYO.fields[EMAIL].names);
    has.then_some("its columns Email and Reason")
}

/// Says whether a reason in the first rows is a word of Klaviyo's.
fn has_word(seen: &Seen) -> bool {
    let place = seen.names().iter().position(|name| name.trim().eq_ignore_ascii_case("Reason"));
    let mut cells = seen.rows().iter().filter_map(|row| row.get(place?)).map(|cell| cell.trim());
    cells.any(|cell| REASONS.iter().any(|(word, _)| word.eq_ignore_ascii_case(cell)))
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let address = row.needed(EMAIL)?;
    let at = row.time(AT)?;
    let expected = "`HARD_BOUNCE`, `INVALID_EMAIL`, `SPAM_COMPLAINT`, `UNSUBSCRIBE` or \
                    `USER_SUPPRESSED`";
    let reason = match row.word(REASON, REASONS, expected)? {
        Some(reason) => reason,
        None if row.has(REASON) => return Err(RejectCause::Empty("Reason")),
        // A bare list of addresses: who is on it gets no marketing mail.
        None => None,
    };
    records.push(match reason {
        Some(reason) => row.suppression(address, reason, at),
        None => row.unsubscribe(address, None, at),
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, rejects, rows};
    use super::*;

    #[test]
    fn the_reason_decides() {
        let text = "Email,Reason,Timestamp\n\
                    ann@example.com,UNSUBSCRIBE,2026-02-21T20:07:38+00:00\n\
                    bob@example.com,hard_bounce,\n\
                    cleo@example.com,Invalid Email,\n\
                    dan@example.com,SPAM_COMPLAINT,\n\
                    eva@example.com,USER_SUPPRESSED,\n";
        assert_eq!(detected("x.csv", text), ["klaviyo"]);
        assert_eq!(
            rows(&KLAVIYO, "x.csv", text),
            [
                "unsubscribe ann@example.com from everything, since 2026-02-21T20:07:38Z",
                "bounce bob@example.com",
                "invalid cleo@example.com",
                "complaint dan@example.com",
                "manual eva@example.com",
            ]
        );
    }

    #[test]
    fn a_native_file_with_klaviyos_words_may_be_either() {
        let text = "Email,Reason\nann@example.com,UNSUBSCRIBE\n";
        assert_eq!(detected("x.csv", text), ["suppressions", "klaviyo"]);
        assert_eq!(detected("x.csv", "email,reason\nann@example.com,bounce\n"), ["suppressions"]);
    }

    #[test]
    fn an_unknown_or_empty_reason_is_a_reject() {
        let text = "Email,Reason,Timestamp\nann@example.com,NEVER_SUBSCRIBED,\nbob@example.com,,\n";
        assert_eq!(rejects(&KLAVIYO, "x.csv", text).len(), 2);
    }

    #[test]
    fn a_bare_column_is_read_the_same_by_all_who_may_mean_it() {
        let text = "Email\nann@example.com\n";
        assert_eq!(detected("x.csv", text), ["unsubscribes"]);
        let want = ["unsubscribe ann@example.com from everything"];
        assert_eq!(rows(&KLAVIYO, "x.csv", text), want);
        assert_eq!(rows(&super::super::hubspot::HUBSPOT, "x.csv", text), want);
    }
}
