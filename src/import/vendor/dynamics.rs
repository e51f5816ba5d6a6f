//! Dynamics 365 (Dataverse): contacts or leads with their two flags.
//!
//! The columns are named after what is *not* allowed. By code, 1 is "Do Not Allow"; by label, the word
//! "Allow" under "Do not allow Bulk Emails" means that mail is allowed.

use super::{Field, Format, Row, Word};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::class::UnknownWord;
use crate::record::{Flag, Kind, NativeRow};

const LEAD_ID: usize = 0;
const CONTACT_ID: usize = 1;
const ACCOUNT_ID: usize = 2;
const ADDRESS: usize = 3;
const ADDRESS_AGAIN: usize = 4;
const ADDRESS_2: usize = 5;
const ADDRESS_3: usize = 6;
const MODIFIED: usize = 7;
const ADDRESS_ONCE_MORE: usize = 15;
/// Columns that may have the address, a further one, or the flag under the form's name.
const LIKE_ADDRESSES: [usize; 3] = [ADDRESS, ADDRESS_AGAIN, ADDRESS_ONCE_MORE];
/// What says *Bulk Email*: by code, by the code's label, and by the form's name for it.
const BULK: [usize; 4] = [8, 9, 10, 11];
const EMAIL: [usize; 3] = [12, 13, 14];

const ADDRESSES: &[&str] = &[
    "emailaddress1",
    "Email",
    "E-mail",
    "Email Address",
    "E-mail Address",
    "Email 1",
    "Email Address 1",
    "E-mail Address 1",
    "E-mail 1",
];

/// Contacts and leads.
pub(super) const CONTACTS: Format = Format {
    name: "dynamics-contacts",
    kind: Kind::Contacts,
    what: "contacts or leads of Dynamics 365 with their flags",
    fields: &[
        Field::optional(&["(Do Not Modify) Lead", "leadid", "Lead ID"]).occurrence(0),
        Field::optional(&["(Do Not Modify) Contact", "contactid", "Contact ID"]).occurrence(0),
        Field::optional(&["(Do Not Modify) Account", "accountid", "Account ID"]).occurrence(0),
        Field::required(ADDRESSES).occurrence(0),
        Field::optional(ADDRESSES).occurrence(1),
        Field::optional(&["emailaddress2", "Email Address 2", "E-mail Address 2", "Email 2"]),
        Field::optional(&["emailaddress3", "Email Address 3", "E-mail Address 3", "Email 3"]),
        Field::optional(&["modifiedon", "(Do Not Modify) Modified On", "Modified On"])
            .occurrence(0),
        Field::optional(&["donotbulkemail"]),
        Field::optional(&["donotbulkemailname"]),
        Field::optional(&[
            "Do not allow Bulk Emails",
            "Do not allow Bulk Email",
            "Do not allow Bulk E-mails",
            "Do not allow Bulk E-mail",
            "Do not bulk email",
            "Do not bulk emails",
            "Do not bulk e-mail",
            "Do not bulk e-mails",
        ]),
        Field::optional(&["Bulk Email", "Bulk Emails", "Bulk E-mail", "Bulk E-mails"]),
        Field::optional(&["donotemail"]),
        Field::optional(&["donotemailname"]),
        Field::optional(&[
            "Do not allow Emails",
            "Do not allow Email",
            "Do not allow E-mails",
            "Do not allow E-mail",
            "Do not email",
            "Do not e-mail",
        ]),
        Field::optional(ADDRESSES).occurrence(2),
    ],
    recognise,
    refuse,
    read,
    ..Format::BASE
};

const DENY: Flag = Flag::DoNotAllow;

const FLAG: &[Word<Flag>] = &[
    ("Do Not Allow", DENY),
    ("1", DENY),
    ("true", DENY),
    ("yes", DENY),
    ("Allow", Flag::Allow),
    ("0", Flag::Allow),
    ("false", Flag::Allow),
    ("no", Flag::Allow),
];

/// The labels of the two values, whose meaning is plain under any name.
const LABELS: &[Word<Flag>] = &[("Do Not Allow", DENY), ("Allow", Flag::Allow)];

/// Under the form's name, `0` and `No` may be about mail, or about not allowing it.
const LABEL: &[Word<Flag>] =
    &[("Do Not Allow", DENY), ("1", DENY), ("true", DENY), ("yes", DENY), ("Allow", Flag::Allow)];

/// The flags for letters, whose names are like those for e-mail.
const LETTERS: &[&str] = &[
    "donotpostalmail",
    "donotpostalmailname",
    "donotbulkpostalmail",
    "donotbulkpostalmailname",
    "Do not allow Mails",
    "Do not allow Bulk Mails",
];

const FORM_NAME: usize = BULK[3];

fn names(field: usize) -> &'static [&'static str] {
    CONTACTS.fields.get(field).map(|field| field.names).unwrap_or_default()
}

/// Says whether there is what only Dynamics has: its ids, its first address, or the flag for bulk mail.
pub(super) fn has_id_or_bulk(seen: &Seen) -> bool {
    let mut columns = [LEAD_ID, CONTACT_ID, ACCOUNT_ID].iter().chain(&BULK);
    seen.has("emailaddress1") || columns.any(|field| seen.has_one_of(names(*field)))
}

fn has_flag(seen: &Seen) -> bool {
    BULK.iter().chain(&EMAIL).any(|field| seen.has_one_of(names(*field)))
}

/// A column that seems to have a flag for e-mail, under a name that is not known.
fn unknown_flag(seen: &Seen) -> Option<&str> {
    let is_one_of = |name: &str, known: &[&str]| known.iter().any(|k| k.eq_ignore_ascii_case(name));
    let is_unknown = |name: &&str| {
        let squashed: String = name.chars().filter(|c| c.is_alphanumeric()).collect();
        let squashed = squashed.to_lowercase();
        let denies = squashed.starts_with("donot") || squashed.starts_with("dont");
        squashed.contains("mail")
            && (denies || squashed.contains("bulk"))
            && !is_one_of(name, LETTERS)
            && !BULK.iter().chain(&EMAIL).any(|field| is_one_of(name, names(*field)))
    };
    seen.names().iter().map(|name| name.trim()).find(is_unknown)
}

/// Says whether there is the flag by its logical name, not as Mautic writes it.
fn has_logical_email(seen: &Seen) -> bool {
    let mut names = seen.names().iter().map(|name| name.trim());
    names.any(|name| name.eq_ignore_ascii_case("donotemail") && name != "doNotEmail")
}

fn recognise(seen: &Seen) -> Option<&'static str> {
    let is_like = has_id_or_bulk(seen) || has_logical_email(seen);
    let has = has_flag(seen) && is_like && seen.has_one_of(ADDRESSES);
    has.then_some("its columns for `Do not allow Bulk Emails` or `Do not allow Emails`")
}

fn refuse(seen: &Seen) -> Option<String> {
    let message = "no column has a flag: `Do not allow Bulk Emails` (donotbulkemail), or `Do not allow \
                   Emails` (donotemail)";
    if let Some(name) = unknown_flag(seen) {
        return Some(format!(
            "the column `{name}` may have a flag for e-mail, but its name is not known"
        ));
    }
    let is_address = |name: &&String| ADDRESSES.iter().any(|a| a.eq_ignore_ascii_case(name.trim()));
    if seen.names().iter().filter(is_address).count() > LIKE_ADDRESSES.len() {
        return Some("more than three columns are named like `Email`".to_owned());
    }
    (!has_flag(seen)).then(|| message.to_owned())
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let bulk_email = flag(row, &BULK)?;
    let mut email_allowed = flag(row, &EMAIL)?;
    let mut addresses = Vec::with_capacity(5);
    for field in [ADDRESS, ADDRESS_AGAIN, ADDRESS_ONCE_MORE, ADDRESS_2, ADDRESS_3] {
        let text = row.text(field)?;
        // A view may have both the address and the flag under the name `Email`, as the form has.
        let may_be_either = row.has(ADDRESS_AGAIN) && LIKE_ADDRESSES.contains(&field);
        let words = if may_be_either { FLAG } else { LABELS };
        if let Some((_, said)) = words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            email_allowed = agree(email_allowed, *said, "Email", text)?;
        } else if may_be_either && !text.is_empty() && !text.contains('@') {
            let expected = "an address, `Do Not Allow` or `Allow` (by code `1` or `0`)";
            let found = text.to_owned();
            return Err(UnknownWord { what: "Email", found, expected }.into());
        } else if !text.is_empty() && !addresses.contains(&text) {
            addresses.push(text);
        }
    }
    let is_denied = [bulk_email, email_allowed].into_iter().flatten().any(Flag::is_denied);
    let Some((address, others)) = addresses.split_first() else {
        // Nothing can be mailed, and nothing withheld; but a flag must not be lost.
        return if is_denied { Err(RejectCause::Empty("emailaddress1")) } else { Ok(()) };
    };
    let contact_id = contact_id(row, address)?;
    let at = row.time(MODIFIED)?;
    let contact = |address, former| NativeRow::Contact {
        contact_id,
        address,
        bulk_email,
        email_allowed,
        at,
        former,
    };
    records.push(contact(*address, false));
    // A contact has one address. At its others it leaves what it denies, as at one it had before.
    if is_denied {
        records.extend(others.iter().map(|address| contact(*address, true)));
    }
    Ok(())
}

/// The record's own id; where the file has none, the address stands for it, so that the flag is kept.
fn contact_id<'a>(row: &Row<'a>, address: &str) -> Result<&'a str, RejectCause> {
    // A lead may name a contact, and a contact an account; neither the other way round.
    match [LEAD_ID, CONTACT_ID, ACCOUNT_ID].into_iter().find(|field| row.has(*field)) {
        Some(field) => row.needed(field),
        None => {
            let kept = row.keep(vec![address.to_lowercase()]);
            kept.first().map(String::as_str).ok_or(RejectCause::Empty("contactid"))
        }
    }
}

/// What the columns of a flag say; `None` when all are empty, which leaves the flag as it is.
fn flag(row: &Row<'_>, fields: &[usize]) -> Result<Option<Flag>, RejectCause> {
    let mut flag = None;
    for field in fields {
        let words = if *field == FORM_NAME { LABEL } else { FLAG };
        let expected = "`Do Not Allow` or `Allow` (by code `1` or `0`)";
        if let Some(said) = row.word(*field, words, expected)? {
            let name = names(*field).first().copied().unwrap_or_default();
            flag = agree(flag, said, name, row.text(*field)?)?;
        }
    }
    Ok(flag)
}

/// One flag of two columns, which must not contradict each other.
fn agree(
    was: Option<Flag>,
    said: Flag,
    what: &'static str,
    found: &str,
) -> Result<Option<Flag>, RejectCause> {
    match was {
        Some(was) if was != said => Err(UnknownWord {
            what,
            found: found.to_owned(),
            expected: "the same as in the other column of the flag",
        }
        .into()),
        _ => Ok(Some(said)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, outcome, rejects, rows};
    use super::*;

    /// What the flags of a file with one row say, under a header and a value.
    fn said(header: &str, value: &str) -> String {
        let text = format!("contactid,emailaddress1,{header}\n1,ann@example.com,{value}\n");
        assert_eq!(detected("x.csv", &text), ["dynamics-contacts"], "{header}");
        let outcome = outcome(&CONTACTS, "x.csv", text, None).unwrap();
        outcome.rows.into_iter().chain(outcome.rejects).collect()
    }

    #[test]
    fn the_columns_are_named_after_what_is_not_allowed() {
        for (headers, flag) in [
            (["Do not allow Bulk Emails", "donotbulkemail", " DoNotBulkEmailName "], "bulk email"),
            (["Do not allow Emails", "donotemail", "DONOTEMAILNAME"], "email"),
        ] {
            for header in headers {
                for value in ["Do Not Allow", "do not allow", "1", "true", "Yes"] {
                    let want = format!("contact 1 ann@example.com, {flag} Do Not Allow");
                    assert_eq!(said(header, value), want, "{header}: {value}");
                }
                for value in ["Allow", "0", "False", "no"] {
                    let want = format!("contact 1 ann@example.com, {flag} Allow");
                    assert_eq!(said(header, value), want, "{header}: {value}");
                }
                assert_eq!(said(header, ""), "contact 1 ann@example.com", "{header}");
                for value in ["Perhaps", "2", "Nicht zulassen", "Don't"] {
                    assert!(said(header, value).starts_with("2: "), "{header}: {value}");
                }
            }
        }
    }

    #[test]
    fn the_forms_name_is_read_only_by_words_that_can_mean_one_thing() {
        assert_eq!(said("Bulk Email", "Allow"), "contact 1 ann@example.com, bulk email Allow");
        for value in ["Do Not Allow", "true", "1"] {
            let want = "contact 1 ann@example.com, bulk email Do Not Allow";
            assert_eq!(said("Bulk Email", value), want, "{value}");
        }
        for value in ["false", "0", "no"] {
            assert!(said("Bulk Email", value).contains("unknown Bulk Email"), "{value}");
        }
    }

    #[test]
    fn code_and_label_must_agree() {
        let header = "contactid,emailaddress1,donotbulkemail,donotbulkemailname\n";
        for (cells, is_read) in [
            ("1,Do Not Allow", true),
            ("0,Allow", true),
            ("1,", true),
            (",Do Not Allow", true),
            ("0,Do Not Allow", false),
            ("1,Allow", false),
        ] {
            let text = format!("{header}1,ann@example.com,{cells}\n");
            let outcome = outcome(&CONTACTS, "x.csv", text, None).unwrap();
            assert_eq!(outcome.rejects.is_empty(), is_read, "{cells}");
        }
    }

    #[test]
    fn a_denial_stands_at_every_address() {
        let header = "contactid,emailaddress1,emailaddress2,emailaddress3,donotbulkemail\n";
        let text = format!(
            "{header}1,a@example.com,b@example.com,c@example.com,1\n\
             2,a@example.com,b@example.com,,0\n\
             3,,b@example.com,,1\n\
             4,a@example.com,a@example.com,,1\n\
             5,,,,0\n"
        );
        let denied = "bulk email Do Not Allow";
        assert_eq!(
            rows(&CONTACTS, "x.csv", text),
            [
                format!(
                    "contact 1 a@example.com, {denied}; former contact 1 b@example.com, {denied}; \
                     former contact 1 c@example.com, {denied}"
                ),
                "contact 2 a@example.com, bulk email Allow".to_owned(),
                format!("contact 3 b@example.com, {denied}"),
                format!("contact 4 a@example.com, {denied}"),
                String::new(),
            ]
        );
        let text = format!("{header}6,,,,1\n,ann@example.com,,,1\n");
        assert_eq!(
            rejects(&CONTACTS, "x.csv", text),
            ["2: emailaddress1: empty", "3: (Do Not Modify) Contact: empty"]
        );
    }

    #[test]
    fn the_record_is_the_lead_else_the_contact_else_the_account() {
        for (header, want) in [
            ("accountid,contactid,leadid", "3"),
            ("accountid,contactid,x", "2"),
            ("accountid,x,y", "1"),
            ("(Do Not Modify) Lead,contactid,accountid", "1"),
            ("x,y,z", "ann@example.com"),
        ] {
            let text = format!("{header},emailaddress1,donotemail\n1,2,3,Ann@Example.com,1\n");
            let want = format!("contact {want} Ann@Example.com, email Do Not Allow");
            assert_eq!(rows(&CONTACTS, "x.csv", text), [want], "{header}");
        }
    }

    #[test]
    fn two_columns_email_are_an_address_and_a_flag() {
        let text = "Full Name,Email,Email,Bulk Email\n\
                    Ann,ann@example.com,Do Not Allow,Allow\nBob,Allow,bob@example.com,Allow\n";
        assert_eq!(
            rows(&CONTACTS, "x.csv", text),
            [
                "contact ann@example.com ann@example.com, bulk email Allow, email Do Not Allow",
                "contact bob@example.com bob@example.com, bulk email Allow, email Allow",
            ]
        );
    }

    #[test]
    fn a_second_column_email_is_an_address_a_flag_or_a_reject() {
        let header = "contactid,Email,Email,Do not allow Bulk Emails\n";
        let file = |cell: &str| format!("{header}1,ann@example.com,{cell},Allow\n");
        for (cells, said) in [
            (&["Yes", "1", "TRUE", "do not allow"][..], "Do Not Allow"),
            (&["no", "0", "False", "Allow"], "Allow"),
        ] {
            for cell in cells {
                let want = format!("contact 1 ann@example.com, bulk email Allow, email {said}");
                assert_eq!(rows(&CONTACTS, "x.csv", file(cell)), [want], "{cell}");
            }
        }
        for cell in ["Nicht zulassen", "2", "ann"] {
            let found = rejects(&CONTACTS, "x.csv", file(cell));
            assert!(found[0].starts_with("2: unknown Email `"), "{cell}: {found:?}");
        }
    }

    #[test]
    fn a_third_column_like_an_address_is_one_and_a_fourth_is_refused() {
        let text = "contactid,emailaddress1,Email,E-mail,donotemail\n\
                    1,a@example.com,b@example.com,c@example.com,1\n2,a@example.com,,Perhaps,0\n";
        let outcome = outcome(&CONTACTS, "x.csv", text, None).unwrap();
        assert!(outcome.rows[0].contains("former contact 1 c@example.com"), "{:?}", outcome.rows);
        assert_eq!(outcome.rejects.len(), 1);
        let text = text.replace("contactid,", "Email Address,");
        assert!(super::super::tests::outcome(&CONTACTS, "x.csv", text, None).is_err());
    }

    #[test]
    fn other_spellings_of_the_flags_are_read_and_a_name_like_them_is_refused() {
        for (names, flag) in [(BULK[2], "bulk email"), (EMAIL[2], "email")] {
            for header in super::names(names) {
                let want = format!("contact 1 ann@example.com, {flag} Do Not Allow");
                assert_eq!(said(header, "Yes"), want, "{header}");
                assert_eq!(said(header, "1"), want, "{header}");
            }
        }
        for header in super::names(FORM_NAME) {
            let want = "contact 1 ann@example.com, bulk email Do Not Allow";
            assert_eq!(said(header, "1"), want, "{header}");
            assert!(said(header, "No").starts_with("2: "), "{header}");
        }
        let file = |header| format!("contactid,Email,donotemail,{header}\n1,a@example.com,0,1\n");
        for header in ["Do not allow mass mailing", "Bulk Mail", "donotbulk_email", "Don't e-mail"]
        {
            let error = outcome(&CONTACTS, "x.csv", file(header), None).unwrap_err();
            assert!(error.to_string().contains(header), "{error}");
        }
        // Letters.
        for header in LETTERS {
            assert_eq!(rows(&CONTACTS, "x.csv", file(header)).len(), 1, "{header}");
        }
    }

    #[test]
    fn a_file_without_a_flag_is_none_of_these() {
        let text = "contactid,emailaddress1\n1,ann@example.com\n";
        assert_eq!(detected("x.csv", text), [""; 0]);
        assert!(outcome(&CONTACTS, "x.csv", text, None).is_err());
    }
}
