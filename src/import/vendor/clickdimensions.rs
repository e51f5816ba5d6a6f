//! ClickDimensions: records on an address, as exported from its tables in Dynamics.
//!
//! An unsubscribe blocks whether it is active or not: only its deletion lifts it.

use super::{Field, Format, Row, Word};
use crate::import::detect::Seen;
use crate::import::reject::RejectCause;
use crate::record::class::UnknownWord;
use crate::record::{Choice, Kind, NativeRow, RecordClass, UnsubscribeState};

const ADDRESS: usize = 0;
const LIST: usize = 1;
const LIST_ID: usize = 2;
const CREATED: usize = 3;
const STATE: usize = 4;
const STATE_NAME: usize = 5;
const STATUS: usize = 6;
const PHONE: usize = 7;
const LISTS: usize = 8;
const PREFERENCE: usize = 4;
const PREFERENCE_NAME: usize = 5;

const EMAIL_COLUMN: Field =
    Field::required(&["cdi_email", "Email", "E-mail", "Email Address", "E-mail Address"]);
const LIST_COLUMN: Field = Field::optional(&[
    "cdi_subscriptionlistidname",
    "Subscription List",
    "Subscription List Name",
    "cdi_subscriptionlistname",
]);
const LISTS_COLUMN: Field = Field::optional(&["Subscription Lists"]);
const LIST_ID_COLUMN: Field = Field::optional(&[
    "cdi_subscriptionlistid",
    "_cdi_subscriptionlistid_value",
    "Subscription List ID",
]);
const CREATED_COLUMN: Field = Field::optional(&["createdon", "Created On", "Created"]);

const ACTIVE: UnsubscribeState = UnsubscribeState::Active;
const INACTIVE: UnsubscribeState = UnsubscribeState::Inactive;

/// `statecode`, and the labels.
const STATES: &[Word<UnsubscribeState>] =
    &[("Active", ACTIVE), ("Inactive", INACTIVE), ("0", ACTIVE), ("1", INACTIVE)];
/// `statuscode` counts from 1.
const STATUSES: &[Word<UnsubscribeState>] =
    &[("Active", ACTIVE), ("Inactive", INACTIVE), ("1", ACTIVE), ("2", INACTIVE)];

const CHOICES: &[Word<Choice>] = &[("In", Choice::In), ("Out", Choice::Out)];

/// Unsubscribe records.
pub(super) const UNSUBSCRIBES: Format = Format {
    name: "clickdimensions-unsubscribes",
    kind: Kind::Unsubscribes,
    what: "unsubscribe records of ClickDimensions",
    fields: &[
        EMAIL_COLUMN,
        LIST_COLUMN,
        LIST_ID_COLUMN,
        CREATED_COLUMN,
        Field::optional(&["statecode"]),
        Field::optional(&["statecodename", "Status", "State"]),
        Field::optional(&["statuscode", "statuscodename", "Status Reason"]).occurrence(0),
        Field::optional(&["cdi_phone", "Phone", "cdi_mobilephone", "Mobile Phone"]),
        LISTS_COLUMN,
    ],
    recognise: recognise_unsubscribes,
    read: read_unsubscribe,
    ..Format::BASE
};

/// Subscription preferences.
pub(super) const PREFERENCES: Format = Format {
    name: "clickdimensions-preferences",
    kind: Kind::Preferences,
    what: "subscription preferences of ClickDimensions",
    fields: &[
        EMAIL_COLUMN,
        LIST_COLUMN,
        LIST_ID_COLUMN,
        CREATED_COLUMN,
        Field::optional(&["cdi_preference"]),
        Field::optional(&["cdi_preferencename", "Preference"]),
        Field::optional(&["modifiedon", "Modified On", "(Do Not Modify) Modified On"])
            .occurrence(0),
        LISTS_COLUMN,
    ],
    recognise: recognise_preferences,
    refuse: refuse_preferences,
    read: read_preference,
    ..Format::BASE
};

const MODIFIED: usize = 6;
const PREFERENCE_LISTS: usize = 7;

/// Ids of ClickDimensions' other tables that have addresses: who was sent something is in one of them.
const OTHER_IDS: &[&str] =
    &["cdi_sentemailid", "cdi_excludedemailid", "cdi_emaileventid", "cdi_postedsubscriptionid"];

fn is_preferences(seen: &Seen) -> bool {
    seen.has_one_of(&["cdi_preference", "cdi_preferencename", "Preference"])
        || seen.has_one_of(&[
            "cdi_subscriptionpreferenceid",
            "(Do Not Modify) Subscription Preference",
        ])
}

fn has_list(seen: &Seen) -> bool {
    [LIST_COLUMN, LIST_ID_COLUMN, LISTS_COLUMN].iter().any(|field| seen.has_one_of(field.names))
}

fn recognise_unsubscribes(seen: &Seen) -> Option<&'static str> {
    if is_preferences(seen) || !seen.has_one_of(EMAIL_COLUMN.names) {
        return None;
    }
    if seen.has_one_of(&["cdi_unsubscribeid", "(Do Not Modify) Unsubscribe"]) {
        return Some("its column for the unsubscribe's id");
    }
    if seen.file_has("cdi_unsubscribe") {
        return Some("its name");
    }
    if seen.has_one_of(OTHER_IDS) {
        return None;
    }
    // An address and a state are in all of its tables: of whom mail was sent to as well.
    let mut names = seen.names().iter().map(|name| name.trim().to_ascii_lowercase());
    if names.any(|name| name.starts_with("cdi_unsubscribe")) {
        return Some("its columns for an unsubscribe");
    }
    has_list(seen).then_some("its columns for an address and a subscription list")
}

fn recognise_preferences(seen: &Seen) -> Option<&'static str> {
    let has = is_preferences(seen) && has_list(seen) && seen.has_one_of(EMAIL_COLUMN.names);
    has.then_some("its columns for a preference and a subscription list")
}

fn refuse_preferences(seen: &Seen) -> Option<String> {
    let message = "no column `cdi_preferencename` (`Preference`) says In or Out";
    let has = seen.has_one_of(&["cdi_preference", "cdi_preferencename", "Preference"]);
    (!has).then(|| message.to_owned())
}

fn read_unsubscribe<'a>(
    row: &Row<'a>,
    records: &mut Vec<NativeRow<'a>>,
) -> Result<(), RejectCause> {
    let state = state(row)?;
    let address = row.text(ADDRESS)?;
    if address.is_empty() {
        // An opt-out from text messages has a number instead.
        return if row.text(PHONE)?.is_empty() {
            Err(RejectCause::Empty("cdi_email"))
        } else {
            Ok(())
        };
    }
    let at = row.time(CREATED)?;
    let lists = lists(row, LISTS)?;
    let unsubscribe = |list| NativeRow::Unsubscribe {
        address,
        list,
        state,
        class: RecordClass::Bulk,
        at,
        source: Some(UNSUBSCRIBES.name),
    };
    if lists.is_empty() {
        records.push(unsubscribe(None));
    }
    records.extend(lists.into_iter().map(|list| unsubscribe(Some(list))));
    Ok(())
}

fn read_preference<'a>(row: &Row<'a>, records: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let address = row.needed(ADDRESS)?;
    let lists = lists(row, PREFERENCE_LISTS)?;
    if lists.is_empty() {
        return Err(RejectCause::Empty("cdi_subscriptionlistidname"));
    }
    let choice = choice(row)?;
    let at = match row.time(MODIFIED)? {
        Some(at) => Some(at),
        None => row.time(CREATED)?,
    };
    let source = Some(PREFERENCES.name);
    let preference = |list| NativeRow::Preference { address, list, choice, at, source };
    records.extend(lists.into_iter().map(preference));
    Ok(())
}

/// The lists' names, of the column for one and of `several` with `;` between them; where there is none, the
/// id. None at all: then an unsubscribe holds everywhere.
fn lists<'a>(row: &Row<'a>, several: usize) -> Result<Vec<&'a str>, RejectCause> {
    let mut lists = Vec::new();
    let names = row.text(several)?.split(';').map(str::trim);
    for name in std::iter::once(row.text(LIST)?).chain(names) {
        if !name.is_empty() && !lists.contains(&name) {
            lists.push(name);
        }
    }
    let id = row.text(LIST_ID)?;
    if lists.is_empty() && !id.is_empty() {
        lists.push(id);
    }
    Ok(lists)
}

/// Inactive when any column says so; it decides nothing, but a word that is unknown is no such record.
fn state(row: &Row<'_>) -> Result<UnsubscribeState, RejectCause> {
    let expected = "`Active` or `Inactive`";
    let columns = [(STATE, STATES), (STATE_NAME, STATES), (STATUS, STATUSES)];
    let mut state = UnsubscribeState::Active;
    for (field, words) in columns {
        if row.word(field, words, expected)? == Some(INACTIVE) {
            state = INACTIVE;
        }
    }
    Ok(state)
}

/// The label decides. The code alone is a number of the sender's own system, whose meaning is in no file.
fn choice(row: &Row<'_>) -> Result<Choice, RejectCause> {
    let expected = "`In` or `Out`";
    let label = row.word(PREFERENCE_NAME, CHOICES, expected)?;
    let code = row.text(PREFERENCE)?;
    let by_code = CHOICES.iter().find(|(word, _)| word.eq_ignore_ascii_case(code));
    match (label, by_code.map(|(_, choice)| *choice)) {
        (Some(label), Some(by_code)) if label != by_code => Err(UnknownWord {
            what: "cdi_preference",
            found: code.to_owned(),
            expected: "the same as in `cdi_preferencename`",
        }
        .into()),
        (Some(choice), _) | (None, Some(choice)) => Ok(choice),
        (None, None) if code.is_empty() => Err(RejectCause::Empty("cdi_preferencename")),
        (None, None) => {
            Err(UnknownWord { what: "cdi_preference", found: code.to_owned(), expected }.into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, rejects, rows};
    use super::*;

    #[test]
    fn an_inactive_unsubscribe_is_one() {
        let text = "(Do Not Modify) Unsubscribe;Email;Subscription List;Status;Created On\n\
                    1;ann@example.com;;Active;20.11.2026 10:11\n\
                    2;bob@example.com;;Inactive;20.11.2026 10:11\n\
                    3;cleo@example.com; Weekly News ;;2026-11-20\n";
        assert_eq!(detected("x.csv", text), ["clickdimensions-unsubscribes"]);
        assert_eq!(
            rows(&UNSUBSCRIBES, "x.csv", text),
            [
                "unsubscribe ann@example.com from everything",
                "unsubscribe bob@example.com from everything, inactive",
                "unsubscribe cleo@example.com from list Weekly News, since 2026-11-20T00:00:00Z",
            ]
        );
    }

    #[test]
    fn states_are_words_or_codes() {
        let header = "cdi_unsubscribeid,cdi_email,statecode,statecodename,statuscode\n";
        for (cells, is_inactive) in [
            ("0,,", false),
            ("1,,", true),
            (",Inactive,", true),
            (",,1", false),
            ("0,Active,2", true),
        ] {
            let found =
                rows(&UNSUBSCRIBES, "x.csv", format!("{header}1,ann@example.com,{cells}\n"));
            assert_eq!(found[0].ends_with("inactive"), is_inactive, "{cells}");
        }
        for cells in ["2,,", ",Deleted,", ",,0"] {
            let found =
                rejects(&UNSUBSCRIBES, "x.csv", format!("{header}1,ann@example.com,{cells}\n"));
            assert_eq!(found.len(), 1, "{cells}");
        }
    }

    #[test]
    fn a_list_without_a_name_has_its_id() {
        let text = "cdi_email,cdi_subscriptionlistid,cdi_subscriptionlistidname,statecode\n\
                    ann@example.com,f1,Weekly News,0\nbob@example.com,f2,,0\n";
        assert_eq!(detected("x.csv", text), ["clickdimensions-unsubscribes"]);
        assert_eq!(
            rows(&UNSUBSCRIBES, "x.csv", text),
            [
                "unsubscribe ann@example.com from list Weekly News",
                "unsubscribe bob@example.com from list f2",
            ]
        );
    }

    #[test]
    fn several_lists_are_several_records() {
        let text = "Email,Subscription Lists\nann@example.com,News; Offers ;News;\n\
                    bob@example.com,;\n";
        assert_eq!(detected("x.csv", text), ["clickdimensions-unsubscribes"]);
        assert_eq!(
            rows(&UNSUBSCRIBES, "x.csv", text),
            [
                "unsubscribe ann@example.com from list News; \
                 unsubscribe ann@example.com from list Offers",
                "unsubscribe bob@example.com from everything",
            ]
        );
        let text = "Email,Preference,Subscription Lists\nann@example.com,Out,News;Offers\n";
        assert_eq!(
            rows(&PREFERENCES, "x.csv", text),
            [
                "preference ann@example.com out of list News; preference ann@example.com out of list Offers"
            ]
        );
    }

    #[test]
    fn an_address_and_a_state_alone_are_no_unsubscribe() {
        let header = "cdi_email,statecode,statuscode\n";
        assert_eq!(detected("x.csv", header), [""; 0]);
        let want = ["clickdimensions-unsubscribes"];
        assert_eq!(detected("cdi_unsubscribes.csv", header), want);
        assert_eq!(detected("x.csv", "cdi_unsubscribename,cdi_email,statecode\n"), want);
        assert_eq!(detected("x.csv", "cdi_subscriptionlistid,cdi_email,statecode\n"), want);
    }

    #[test]
    fn an_opt_out_of_text_messages_has_no_address() {
        let text = "cdi_unsubscribeid,cdi_email,cdi_phone\n1,,+41 00 000\n";
        assert_eq!(rows(&UNSUBSCRIBES, "x.csv", text), [""]);
        let text = "cdi_unsubscribeid,cdi_email,cdi_phone\n1,,\n";
        assert_eq!(rejects(&UNSUBSCRIBES, "x.csv", text), ["2: cdi_email: empty"]);
    }

    #[test]
    fn what_was_sent_to_whom_is_no_opt_out() {
        assert_eq!(detected("x.csv", "cdi_sentemailid,cdi_email,statecode\n"), [""; 0]);
        assert_eq!(detected("x.csv", "cdi_excludedemailid,cdi_email,statuscode\n"), [""; 0]);
    }

    #[test]
    fn a_preference_is_its_label() {
        let text = "cdi_email,cdi_preference,cdi_preferencename,cdi_subscriptionlistidname,createdon,modifiedon\n\
                    ann@example.com,1,Out,News,2026-01-01,2026-01-02\n\
                    bob@example.com,0,in,News,2026-01-01,\n\
                    cleo@example.com,OUT,,News,,\n";
        assert_eq!(detected("x.csv", text), ["clickdimensions-preferences"]);
        assert_eq!(
            rows(&PREFERENCES, "x.csv", text),
            [
                "preference ann@example.com out of list News, since 2026-01-02T00:00:00Z",
                "preference bob@example.com in list News, since 2026-01-01T00:00:00Z",
                "preference cleo@example.com out of list News",
            ]
        );
        let display = "Email;Preference;Subscription List\nann@example.com;Out;News\n";
        assert_eq!(detected("x.csv", display), ["clickdimensions-preferences"]);
        assert_eq!(rows(&PREFERENCES, "x.csv", display).len(), 1);
    }

    #[test]
    fn a_code_without_a_label_and_a_choice_without_a_list_are_rejects() {
        let header = "cdi_email,cdi_preference,cdi_preferencename,cdi_subscriptionlistidname\n";
        for cells in ["1,,News", ",,News", ",Maybe,News", "In,Out,News", ",Out,"] {
            let found =
                rejects(&PREFERENCES, "x.csv", format!("{header}ann@example.com,{cells}\n"));
            assert_eq!(found.len(), 1, "{cells}");
        }
    }
}
