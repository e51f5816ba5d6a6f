//! SparkPost (Bird): its suppression list, as imported, as retrieved, and in the columns it had before.
//!
//! An entry is for one class of mail. An address has two entries when it takes neither.

use super::{Field, Format, Row, Word};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::{Kind, NativeRow, RecordClass, SuppressionReason, UnsubscribeState};

const RECIPIENT: usize = 0;
const TYPE: usize = 1;
const SOURCE: usize = 2;
const CREATED: usize = 3;
const LIST: usize = 4;
const TRANSACTIONAL: usize = 5;
const NON_TRANSACTIONAL: usize = 6;

const TYPES: &[Word<RecordClass>] = &[
    ("transactional", RecordClass::Transactional),
    ("non_transactional", RecordClass::Bulk),
    ("non-transactional", RecordClass::Bulk),
    ("non transactional", RecordClass::Bulk),
    ("nontransactional", RecordClass::Bulk),
];

/// Who or what made an entry.
#[derive(Clone, Copy)]
enum Made {
    /// The person, by a link or a header.
    Unsubscribed,
    /// Something that concerns the address, whatever the list.
    Suppressed(SuppressionReason),
    /// The sender.
    ByHand,
}

const SOURCES: &[Word<Made>] = &[
    ("Spam Complaint", Made::Suppressed(SuppressionReason::Complaint)),
    ("Bounce Rule", Made::Suppressed(SuppressionReason::Bounce)),
    ("Compliance", Made::Suppressed(SuppressionReason::Manual)),
    ("List Unsubscribe", Made::Unsubscribed),
    ("Unsubscribe Link", Made::Unsubscribed),
    ("Manually Added", Made::ByHand),
];

/// The suppression list.
pub(super) const SPARKPOST: Format = Format {
    name: "sparkpost",
    kind: Kind::Suppressions,
    what: "SparkPost's suppression list",
    fields: &[
        Field::required(&["recipient", "email"]),
        Field::optional(&["type"]),
        Field::optional(&["source"]),
        Field::optional(&["created"]),
        Field::optional(&["list_id"]),
        Field::optional(&["transactional"]),
        Field::optional(&["non_transactional"]),
    ],
    json: Some(&["results", "recipients"]),
    recognise,
    refuse,
    read,
    ..Format::BASE
};

/// Columns that may stand beside an address and a type.
const OTHERS: &[&str] =
    &["description", "source", "created", "updated", "list_id", "subaccount_id"];

fn recognise(seen: &Seen) -> Option<&'static str> {
    if seen.has_all(&["recipient", "type"]) {
        return Some("its columns recipient and type");
    }
    // What else the import takes for `recipient`; but `email` and `type` are names of many.
    if seen.is_exactly(&["email", "type"], OTHERS) {
        return Some("its columns email and type");
    }
    let has = seen.has_one_of(SPARKPOST.fields[RECIPIENT].names)
        && seen.has_one_of(&["transactional", "non_transactional"]);
    has.then_some("its columns transactional and non_transactional")
}

fn refuse(seen: &Seen) -> Option<String> {
    let says_class = seen.has_one_of(&["type", "transactional", "non_transactional"]);
    let message =
        "no column `type`, `transactional` or `non_transactional` says what is suppressed";
    (!says_class).then(|| message.to_owned())
}

fn read<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let address = row.needed(RECIPIENT)?;
    let at = row.time(CREATED)?;
    let expected = "a source of SparkPost's, such as `Bounce Rule`";
    let made = row.word(SOURCE, SOURCES, expected)?.unwrap_or(Made::ByHand);
    let Some(class) = class(row)? else { return Ok(()) };
    let list = Some(row.text(LIST)?).filter(|list| !list.is_empty());
    let unsubscribed = NativeRow::Unsubscribe {
        address,
        list,
        state: UnsubscribeState::Active,
        class,
        at,
        source: Some(SPARKPOST.name),
    };
    let suppressed = |reason| NativeRow::Suppression {
        address,
        reason,
        class,
        at,
        expires_at: None,
        source: Some(SPARKPOST.name),
    };
    records.push(match made {
        Made::Unsubscribed => unsubscribed,
        // A suppression has no list; what was made by hand for one is an opt-out of it.
        Made::ByHand if list.is_some() => unsubscribed,
        Made::ByHand => suppressed(SuppressionReason::Manual),
        Made::Suppressed(reason) => suppressed(reason),
    });
    Ok(())
}

/// What the entry suppresses by `type` and by the two older columns together; `None` when only the older
/// ones are filled in, and both say no.
fn class(row: &Row<'_>) -> Result<Option<RecordClass>, RejectCause> {
    let by_type = row.word(TYPE, TYPES, "`transactional` or `non_transactional`")?;
    let (transactional, bulk) = (row.yes_or_no(TRANSACTIONAL)?, row.yes_or_no(NON_TRANSACTIONAL)?);
    if by_type.is_none() && transactional.is_none() && bulk.is_none() {
        return Err(RejectCause::Empty("type"));
    }
    // An entry that says no to one class and nothing of the other is one for the other, or for none.
    if by_type.is_none() {
        match (transactional, bulk) {
            (Some(false), None) => return Err(RejectCause::Empty("non_transactional")),
            (None, Some(false)) => return Err(RejectCause::Empty("transactional")),
            _ => {}
        }
    }
    let is_transactional =
        by_type == Some(RecordClass::Transactional) || transactional == Some(true);
    let is_bulk = by_type == Some(RecordClass::Bulk) || bulk == Some(true);
    Ok(match (is_bulk, is_transactional) {
        (true, true) => Some(RecordClass::All),
        (true, false) => Some(RecordClass::Bulk),
        (false, true) => Some(RecordClass::Transactional),
        (false, false) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, rejects, rows};
    use super::*;

    #[test]
    fn an_entry_is_for_the_class_of_its_type() {
        let text = "recipient,type,description\n\
                    ann@example.com,transactional,\"i was imported!\"\n\
                    bob@example.com,non_transactional,\n\
                    bob@example.com,Transactional,\n\
                    cleo@example.com,non-transactional,\n";
        assert_eq!(detected("x.csv", text), ["sparkpost"]);
        assert_eq!(
            rows(&SPARKPOST, "x.csv", text),
            [
                "manual ann@example.com, class transactional",
                "manual bob@example.com, class bulk",
                "manual bob@example.com, class transactional",
                "manual cleo@example.com, class bulk",
            ]
        );
    }

    #[test]
    fn the_address_may_be_called_email() {
        let text = "email,type,description\nann@example.com,transactional,\n";
        assert_eq!(detected("x.csv", text), ["sparkpost"]);
        assert_eq!(detected("x.csv", "email,type,name\n"), [""; 0]);
    }

    #[test]
    fn the_source_tells_why() {
        let of_source = |source: &str| {
            rows(
                &SPARKPOST,
                "x.csv",
                format!(
                    "recipient,type,source,created\nann@example.com,non_transactional,{source},\n"
                ),
            )
        };
        for (source, want) in [
            ("Spam Complaint", "complaint ann@example.com, class bulk"),
            ("Bounce Rule", "bounce ann@example.com, class bulk"),
            ("Compliance", "manual ann@example.com, class bulk"),
            ("Manually Added", "manual ann@example.com, class bulk"),
            ("", "manual ann@example.com, class bulk"),
            ("List Unsubscribe", "unsubscribe ann@example.com from everything"),
            ("Unsubscribe Link", "unsubscribe ann@example.com from everything"),
        ] {
            assert_eq!(of_source(source), [want], "{source}");
        }
    }

    #[test]
    fn the_older_columns_add_up_and_may_say_nothing() {
        let text = "email,transactional,non_transactional\n\
                    ann@example.com,true,false\n\
                    bob@example.com,,TRUE\n\
                    cleo@example.com,true,true\n\
                    dan@example.com,false,false\n";
        assert_eq!(detected("x.csv", text), ["sparkpost"]);
        assert_eq!(
            rows(&SPARKPOST, "x.csv", text),
            [
                "manual ann@example.com, class transactional",
                "manual bob@example.com, class bulk",
                "manual cleo@example.com",
                "",
            ]
        );
        // JSON has the type as well.
        let text = r#"{"results":[{"recipient":"ann@example.com","type":"non_transactional","source":
            "List Unsubscribe","transactional":true,"non_transactional":true}]}"#;
        assert_eq!(detected("x.json", text), ["sparkpost"]);
        let want = ["unsubscribe ann@example.com from everything, class all"];
        assert_eq!(rows(&SPARKPOST, "x.json", text), want);
    }

    #[test]
    fn an_entry_of_a_list_is_an_opt_out_of_it() {
        let text = "recipient,type,source,list_id\n\
                    ann@example.com,non_transactional,Manually Added,news.example.com\n\
                    bob@example.com,non_transactional,Bounce Rule,news.example.com\n";
        assert_eq!(
            rows(&SPARKPOST, "x.csv", text),
            [
                "unsubscribe ann@example.com from list news.example.com",
                "bounce bob@example.com, class bulk",
            ]
        );
    }

    #[test]
    fn what_is_not_a_type_or_a_source_is_a_reject() {
        for row in ["nontrans,", "marketing,", ",", ",Bounce Rule", "transactional,whim"] {
            let text = format!("recipient,type,source\nann@example.com,{row}\n");
            assert_eq!(rejects(&SPARKPOST, "x.csv", text).len(), 1, "{row}");
        }
        for (row, column) in [("false,", "non_transactional"), (",no", "transactional")] {
            let text = format!("email,transactional,non_transactional\nann@example.com,{row}\n");
            assert_eq!(rejects(&SPARKPOST, "x.csv", text), [format!("2: {column}: empty")]);
        }
        let text = "email,transactional,non_transactional\nann@example.com,maybe,true\n";
        assert_eq!(rejects(&SPARKPOST, "x.csv", text).len(), 1);
    }
}
