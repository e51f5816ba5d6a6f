//! Mailchimp: the export of an audience, one CSV a status.
//!
//! No row says which status it has. The file's name does; where it was lost, the columns that only one
//! status has do.

use super::{Field, Format, Row};
use crate::import::detect::{Seen, words_of};
use crate::import::reject::RejectCause;
use crate::record::{Kind, NativeRow, SuppressionReason};

/// Where the address is: in the first of these columns that a file has.
const ADDRESSES: [usize; 3] = [0, 1, 2];
const UNSUB_TIME: usize = 3;
const CLEAN_TIME: usize = 4;
const LAST_CHANGED: usize = 5;

/// What the people of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    /// Subscribed, or never were.
    Mailable,
    Unsubscribed,
    /// Bounced.
    Cleaned,
}

/// Columns that Mailchimp adds to every export, whatever the language of the audience's own ones.
const SYSTEM: &[&str] = &[
    "LEID",
    "EUID",
    "MEMBER_RATING",
    "OPTIN_TIME",
    "OPTIN_IP",
    "CONFIRM_TIME",
    "CONFIRM_IP",
    "GMTOFF",
    "DSTOFF",
    "UNSUB_TIME",
    "UNSUB_CAMPAIGN_ID",
    "CLEAN_TIME",
    "CLEAN_CAMPAIGN_ID",
    "LAST_CHANGED",
];

/// The audience's own columns come first, and may have any name: also one of Mailchimp's, or one twice.
const FIELDS: &[Field] = &[
    Field::optional(&["Email Address"]).occurrence(0),
    Field::optional(&[
        "E-Mail-Adresse",
        "E-mail Address",
        "Adresse e-mail",
        "Adresse électronique",
        "Dirección de correo electrónico",
        "Correo electrónico",
        "Indirizzo e-mail",
        "Indirizzo email",
        "Endereço de e-mail",
        "E-mailadres",
    ])
    .occurrence(0),
    // A field of the audience's own has one of these as easily.
    Field::optional(&["Email", "E-mail"]).occurrence(0),
    Field::optional(&["UNSUB_TIME"]).occurrence(0),
    Field::optional(&["CLEAN_TIME"]).occurrence(0),
    Field::optional(&["LAST_CHANGED"]).occurrence(0),
];

/// A file of an audience export; its name says of which status.
pub(super) const MAILCHIMP: Format = Format {
    name: "mailchimp",
    kind: Kind::Unsubscribes,
    what: "a file of Mailchimp's audience export, whose name says the status",
    fields: FIELDS,
    takes_list: true,
    note: Some("an unsubscribe holds for the audience given as --list; without, for every list"),
    recognise,
    refuse,
    read,
    ..Format::BASE
};

fn has_address(seen: &Seen) -> bool {
    ADDRESSES.iter().any(|field| seen.has_one_of(FIELDS[*field].names))
}

const NO_ADDRESS: &str = "no column `Email Address`, in English or another language that is known";

/// The same for a file that has lost its name.
pub(super) const UNSUBSCRIBED: Format = Format {
    name: "mailchimp-unsubscribed",
    what: "the unsubscribed of a Mailchimp audience, whatever the file's name",
    recognise: |_| None,
    refuse: |seen| (!has_address(seen)).then(|| NO_ADDRESS.to_owned()),
    read: |row, records| add(Status::Unsubscribed, row, records),
    ..MAILCHIMP
};

/// The same for a file that has lost its name.
pub(super) const CLEANED: Format = Format {
    name: "mailchimp-cleaned",
    kind: Kind::Suppressions,
    what: "the cleaned of a Mailchimp audience, whatever the file's name",
    takes_list: false,
    note: None,
    recognise: |_| None,
    refuse: |seen| (!has_address(seen)).then(|| NO_ADDRESS.to_owned()),
    read: |row, records| add(Status::Cleaned, row, records),
    ..MAILCHIMP
};

fn recognise(seen: &Seen) -> Option<&'static str> {
    let has = seen.has("Email Address") && seen.has_one_of(SYSTEM)
        || seen.has_all(&["LEID", "EUID"]) && has_address(seen);
    let has_status = || seen.file_has("subscribed") || seen.file_has("cleaned");
    let is_named = seen.has("Email Address") && seen.file_has("_export_") && has_status();
    let is_of_phones = seen.file_has("sms_only_audience_export");
    (has || is_named || is_of_phones).then_some("its columns Email Address, LEID and EUID")
}

/// Why the status can't be told.
fn refuse(seen: &Seen) -> Option<String> {
    let by_name = of_name(seen.file());
    let has = |field: usize| seen.has_one_of(FIELDS[field].names);
    let by_columns = of_columns(has(UNSUB_TIME), has(CLEAN_TIME), has(LAST_CHANGED));
    if let Some(status) = status(by_name, by_columns) {
        let has_address = status == Status::Mailable || has_address(seen);
        return (!has_address).then(|| NO_ADDRESS.to_owned());
    }
    Some(if by_name.is_none() {
        "neither the file's name (`unsubscribed_…`, `cleaned_…`, `subscribed_…`) nor a column \
         (UNSUB_TIME, CLEAN_TIME, LAST_CHANGED) says which status its people have; give \
         --format mailchimp-unsubscribed or mailchimp-cleaned"
            .to_owned()
    } else {
        "its name says another status than its columns (UNSUB_TIME, CLEAN_TIME, LAST_CHANGED); give \
         --format mailchimp-unsubscribed or mailchimp-cleaned"
            .to_owned()
    })
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let by_columns = of_columns(row.has(UNSUB_TIME), row.has(CLEAN_TIME), row.has(LAST_CHANGED));
    // `refuse` has seen to it that there is one.
    let status = status(of_name(row.file()), by_columns).unwrap_or(Status::Unsubscribed);
    add(status, row, records)
}

fn add<'a>(
    status: Status,
    row: &Row<'a>,
    records: &mut Vec<NativeRow<'a>>,
) -> Result<(), RejectCause> {
    if status == Status::Mailable {
        return Ok(());
    }
    let column = ADDRESSES.into_iter().find(|field| row.has(*field)).unwrap_or(ADDRESSES[0]);
    let address = row.needed(column)?;
    records.push(if status == Status::Unsubscribed {
        row.unsubscribe(address, row.list(), row.time(UNSUB_TIME)?)
    } else {
        row.suppression(address, SuppressionReason::Bounce, row.time(CLEAN_TIME)?)
    });
    Ok(())
}

/// Words in a file's name that turn what it says around.
const NEGATIONS: &[&str] = &[
    "not",
    "no",
    "non",
    "never",
    "un",
    "longer",
    "more",
    "former",
    "formerly",
    "previously",
    "ex",
    "was",
    "were",
    "until",
    "out",
    "opt",
    "don",
    "dont",
    "isn",
    "isnt",
    "sms",
];

/// The status that a file's name says; `None` for none, for two, and for a word that only has one in it.
/// That nobody in the file is to be withheld must be its first word, and no other may take it back.
fn of_name(file: &str) -> Option<Status> {
    if file.contains("sms_only") {
        // Of people with a phone alone; beside a status it may be of that channel or of mail.
        let is_bare = file.starts_with("sms_only") && !file.contains("subscribed");
        return is_bare.then_some(Status::Mailable);
    }
    let mut found = None;
    for (place, word) in words_of(file).enumerate() {
        let status = match word {
            "unsubscribed" => Status::Unsubscribed,
            "cleaned" => Status::Cleaned,
            "subscribed" | "nonsubscribed" if place == 0 => Status::Mailable,
            _ if word.contains("subscribed") || word.contains("cleaned") => return None,
            _ => continue,
        };
        if found.is_some_and(|known| known != status) {
            return None;
        }
        found = Some(status);
    }
    let is_sure = || !words_of(file).any(|word| NEGATIONS.contains(&word));
    found.filter(|status| *status != Status::Mailable || is_sure())
}

/// The status whose columns a file has. An audience's own columns may have the same names: then it is none.
fn of_columns(unsub_time: bool, clean_time: bool, last_changed: bool) -> Option<Status> {
    match (unsub_time, clean_time, last_changed) {
        (true, false, false) => Some(Status::Unsubscribed),
        (false, true, false) => Some(Status::Cleaned),
        (false, false, true) => Some(Status::Mailable),
        _ => None,
    }
}

/// The status by both; `None` when neither says one, or the name says a milder or another one than the
/// columns.
fn status(by_name: Option<Status>, by_columns: Option<Status>) -> Option<Status> {
    match (by_name, by_columns) {
        (None, either) | (either, None) => either,
        (Some(name), Some(columns)) if name == columns => Some(name),
        (Some(name), Some(Status::Mailable)) => Some(name),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, outcome, rejects, rows};
    use super::*;

    const BARE: &str = "\"Email Address\",\"First Name\"\nann@example.com,Ann\n";
    const GONE: &str =
        "\"Email Address\",UNSUB_TIME,LEID,EUID\nann@example.com,2026-02-03 04:05:06,1,2\n";
    const BOUNCED: &str =
        "\"Email Address\",CLEAN_TIME,LEID,EUID\nann@example.com,2026-02-03 04:05:06,1,2\n";
    const THERE: &str =
        "\"Email Address\",LAST_CHANGED,LEID,EUID\nann@example.com,2026-02-03 04:05:06,1,2\n";
    /// An audience made of an unsubscribed file: its own fields have the names of Mailchimp's columns.
    const FIELDS_OF_GONE: &str = "\"Email Address\",UNSUB_TIME,UNSUB_TIME,LAST_CHANGED,LEID,EUID\n\
                                  ann@example.com,,,2026-02-03 04:05:06,1,2\n";

    const UNSUBSCRIBE: &str = "unsubscribe ann@example.com from everything";

    #[test]
    fn the_name_says_the_status() {
        for (file, want) in [
            ("unsubscribed_members_export_1a2b.csv", UNSUBSCRIBE),
            ("unsubscribed_email_audience_export_1a2b (1).csv", UNSUBSCRIBE),
            ("cleaned_members_export_1a2b.csv", "bounce ann@example.com"),
            ("subscribed_members_export_1a2b.csv", ""),
            ("nonsubscribed_email_audience_export_1a2b.csv", ""),
        ] {
            assert_eq!(detected(file, BARE), ["mailchimp"], "{file}");
            assert_eq!(rows(&MAILCHIMP, file, BARE), [want], "{file}");
        }
        let file = "audience_export_1/unsubscribed_email_audience_export_1.csv";
        let of_list = outcome(&MAILCHIMP, file, BARE, Some("News")).unwrap();
        assert_eq!(of_list.rows, ["unsubscribe ann@example.com from list News"]);
        let file = "cleaned_members_export_1.csv";
        let of_list = outcome(&MAILCHIMP, file, BARE, Some("News")).unwrap();
        assert_eq!(of_list.rows, ["bounce ann@example.com"]);
    }

    #[test]
    fn a_name_that_takes_back_subscribed_says_nothing() {
        for file in [
            "not_subscribed_members_export_1.csv",
            "no_longer_subscribed_members_export_1.csv",
            "non-subscribed_members_export_1.csv",
            "notsubscribed_members_export_1.csv",
            "subscribed_no_longer_members_export_1.csv",
            "our_subscribed_members_export_1.csv",
            "unsubscribedish_members_export_1.csv",
            "uncleaned_members_export_1.csv",
        ] {
            assert_eq!(detected(file, BARE), ["mailchimp"], "{file}");
            assert!(outcome(&MAILCHIMP, file, BARE, None).is_err(), "{file}");
            assert_eq!(rows(&MAILCHIMP, file, GONE).len(), 1, "{file}");
            assert!(rows(&MAILCHIMP, file, GONE)[0].starts_with(UNSUBSCRIBE), "{file}");
        }
        for file in ["unsubscribed_sms_only_audience_export_1.csv", "sms_only_unsubscribed.csv"] {
            assert_eq!(of_name(file), None, "{file}");
        }
        let phones = "\"SMS Phone Number\",LEID,EUID\n+41 00 000,1,2\n";
        let file = "unsubscribed_sms_only_audience_export_1.csv";
        assert!(outcome(&MAILCHIMP, file, phones, None).is_err());
        for file in ["2026-11 unsubscribed_x.csv", "acme-unsubscribed_x.csv"] {
            assert_eq!(of_name(file), Some(Status::Unsubscribed), "{file}");
        }
        assert_eq!(of_name("2026-11 subscribed_x.csv"), Some(Status::Mailable));
    }

    #[test]
    fn the_address_is_in_its_own_column_before_any_other() {
        for header in
            ["Email,Email Address", "Email,E-Mail-Adresse", "E-Mail-Adresse,Email Address"]
        {
            let text = format!("{header},LEID,EUID\nbob@example.com,ann@example.com,1,2\n");
            assert_eq!(rows(&MAILCHIMP, "unsubscribed_x.csv", &text), [UNSUBSCRIBE], "{header}");
            assert_eq!(rows(&UNSUBSCRIBED, "x.csv", text), [UNSUBSCRIBE], "{header}");
            // Another address is not taken in its place.
            let text = format!("{header},LEID,EUID\nbob@example.com,,1,2\n");
            assert_eq!(rejects(&MAILCHIMP, "unsubscribed_x.csv", text).len(), 1, "{header}");
        }
        let text = "Email,LEID,EUID\nann@example.com,1,2\n";
        assert_eq!(rows(&MAILCHIMP, "unsubscribed_x.csv", text), [UNSUBSCRIBE]);
    }

    #[test]
    fn without_the_name_the_columns_say_it() {
        let since = "since 2026-02-03T04:05:06Z";
        assert_eq!(rows(&MAILCHIMP, "x.csv", GONE), [format!("{UNSUBSCRIBE}, {since}")]);
        assert_eq!(
            rows(&MAILCHIMP, "x.csv", BOUNCED),
            [format!("bounce ann@example.com, {since}")]
        );
        assert_eq!(rows(&MAILCHIMP, "x.csv", THERE), [""]);
        let german = GONE.replace("Email Address", "E-Mail-Adresse");
        assert_eq!(detected("x.csv", &german), ["mailchimp"]);
        assert_eq!(rows(&MAILCHIMP, "x.csv", german).len(), 1);
    }

    #[test]
    fn what_tells_nothing_or_two_things_is_refused() {
        for (file, text) in [
            ("x.csv", BARE),
            ("x.csv", FIELDS_OF_GONE),
            ("archived_email_audience_export_1.csv", BARE),
            ("subscribed_members_export_1.csv", GONE),
            ("nonsubscribed_members_export_1.csv", BOUNCED),
            ("unsubscribed_members_export_1.csv", BOUNCED),
            ("cleaned_members_export_1.csv", GONE),
            ("subscribed_and_unsubscribed.csv", BARE),
            ("cleaned_unsubscribed.csv", BARE),
        ] {
            assert!(outcome(&MAILCHIMP, file, text, None).is_err(), "{file}: {text}");
        }
        assert_eq!(rows(&MAILCHIMP, "subscribed_x.csv", FIELDS_OF_GONE), [""]);
        assert_eq!(rows(&MAILCHIMP, "unsubscribed_x.csv", THERE).len(), 1, "the one that blocks");
    }

    #[test]
    fn a_file_that_lost_its_name_is_named_by_the_format() {
        assert_eq!(rows(&UNSUBSCRIBED, "x.csv", BARE), [UNSUBSCRIBE]);
        assert_eq!(rows(&UNSUBSCRIBED, "subscribed.csv", BARE), [UNSUBSCRIBE]);
        assert_eq!(rows(&CLEANED, "x.csv", BARE), ["bounce ann@example.com"]);
        assert!(outcome(&CLEANED, "x.csv", BARE, Some("News")).is_err());
    }

    #[test]
    fn people_with_only_a_phone_say_nothing() {
        let text = "\"First Name\",\"SMS Phone Number\",LEID,EUID\nAnn,+41 00 000,1,2\n";
        let file = "sms_only_audience_export_1.csv";
        assert_eq!(detected(file, text), ["mailchimp"]);
        assert_eq!(rows(&MAILCHIMP, file, text), [""]);
        // Where somebody is to be withheld there must be an address.
        assert!(outcome(&MAILCHIMP, "unsubscribed_x.csv", text, None).is_err());
        assert!(outcome(&UNSUBSCRIBED, "x.csv", text, None).is_err());
    }

    #[test]
    fn a_row_without_an_address_is_a_reject_where_it_says_something() {
        let text = "Email Address,LEID,EUID\n,1,2\n";
        assert_eq!(rejects(&MAILCHIMP, "unsubscribed_x.csv", text), ["2: Email Address: empty"]);
        assert_eq!(rows(&MAILCHIMP, "subscribed_x.csv", text), [""]);
    }
}
