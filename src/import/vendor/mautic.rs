//! Mautic: a file of contacts with the column that its import maps to *Do not contact*.
//!
//! Mautic lifts a block where that column says no. Nothing here does.

use super::{Field, Format, Row, Word};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::{Kind, NativeRow, RecordClass, SuppressionReason};

const EMAIL: usize = 0;
const DO_NOT_EMAIL: usize = 1;

/// The words of PHP's boolean filter, which Mautic reads the column with.
const WORDS: &[Word<bool>] = &[
    ("1", true),
    ("true", true),
    ("yes", true),
    ("on", true),
    ("0", false),
    ("false", false),
    ("no", false),
    ("off", false),
];

/// Contacts with their do-not-contact flag.
pub(super) const MAUTIC: Format = Format {
    name: "mautic",
    kind: Kind::Suppressions,
    what: "Mautic's contacts with a column doNotEmail",
    fields: &[
        Field::required(&["email", "Email", "Email Address", "E-mail"]),
        Field::required(&[
            "doNotEmail",
            "do_not_email",
            "Do Not Email",
            "Do Not Contact",
            "do_not_contact",
            "doNotContact",
        ]),
    ],
    json: None,
    recognise,
    read,
    ..Format::BASE
};

fn recognise(seen: &Seen) -> Option<&'static str> {
    // `donotemail` is Dynamics' name too: beside others of Dynamics' it is that, alone it may be either.
    let has = seen.has_one_of(MAUTIC.fields[EMAIL].names)
        && seen.has_one_of(MAUTIC.fields[DO_NOT_EMAIL].names)
        && !super::dynamics::has_id_or_bulk(seen);
    has.then_some("its columns email and doNotEmail")
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let expected = "`1`, `true`, `yes`, `on`, `0`, `false`, `no` or `off`";
    if row.word(DO_NOT_EMAIL, WORDS, expected)? == Some(true) {
        records.push(NativeRow::Suppression {
            address: row.needed(EMAIL)?,
            reason: SuppressionReason::Manual,
            class: RecordClass::Bulk,
            at: None,
            expires_at: None,
            source: Some(MAUTIC.name),
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, rejects, rows};
    use super::*;

    #[test]
    fn a_no_says_nothing() {
        for header in ["email,doNotEmail", "Email,Do Not Contact", "email;do_not_email"] {
            let text: String = ["1", "true", "YES", "on", "0", "false", "No", "off", ""]
                .iter()
                .map(|word| format!("ann@example.com,{word}\n"))
                .collect();
            let text = format!("{header}\n{text}");
            let text = if header.contains(';') { text.replace(',', ";") } else { text };
            assert_eq!(detected("x.csv", &text), ["mautic"], "{header}");
            let found = rows(&MAUTIC, "x.csv", text);
            assert_eq!(found[..4], ["manual ann@example.com, class bulk"; 4]);
            assert_eq!(found[4..], [""; 5]);
        }
    }

    #[test]
    fn any_other_word_is_a_reject() {
        let text = "email,doNotEmail\nann@example.com,2\nbob@example.com,unsubscribed\n";
        assert_eq!(rejects(&MAUTIC, "x.csv", text).len(), 2);
    }

    #[test]
    fn the_same_name_beside_those_of_dynamics_is_dynamics() {
        for header in ["contactid,email,donotemail\n", "emailaddress1,donotemail\n"] {
            assert_eq!(detected("x.csv", header), ["dynamics-contacts"], "{header}");
        }
        // Without another name of either it may be both; with Mautic's capitals it is Mautic's.
        for header in ["id,email,donotemail\n", "fullname,Email,DoNotEmail\n"] {
            assert_eq!(detected("x.csv", header), ["dynamics-contacts", "mautic"], "{header}");
        }
        assert_eq!(detected("x.csv", "id,email,doNotEmail\n"), ["mautic"]);
    }
}
