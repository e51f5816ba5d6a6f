//! Amazon SES: the account's suppression list, and contact lists (docs/formats.md).

use super::{Field, Format, Row, Word};
use crate::import::reject::RejectCause;
use crate::record::class::UnknownWord;
use crate::record::{Kind, NativeRow, SuppressionReason};
use serde::Deserialize;
use serde::de::IgnoredAny;

const EMAIL: usize = 0;
const REASON: usize = 1;
const UPDATED: usize = 2;

const REASONS: &[Word<SuppressionReason>] =
    &[("BOUNCE", SuppressionReason::Bounce), ("COMPLAINT", SuppressionReason::Complaint)];

/// The suppression list: its import file, without a header, and what the API lists.
pub(super) const SUPPRESSION: Format = Format {
    name: "ses-suppression",
    what: "the suppression list of Amazon SES",
    fields: &[
        Field::required(&["emailAddress"]).at(0),
        Field::required(&["reason"]).at(1),
        Field::optional(&["lastUpdateTime"]),
    ],
    json: Some(&["SuppressedDestinationSummaries"]),
    recognise: |seen| {
        if seen
            .json_at()
            .is_some_and(|at| at.eq_ignore_ascii_case("SuppressedDestinationSummaries"))
        {
            return Some("the array SuppressedDestinationSummaries");
        }
        if seen.is_exactly(&["emailAddress", "reason"], &["lastUpdateTime"]) {
            return Some("emailAddress and reason");
        }
        let is_reason =
            |word: &String| REASONS.iter().any(|known| known.0.eq_ignore_ascii_case(word));
        let reasons = seen.rows().iter().filter_map(|row| row.get(1));
        (seen.is_bare(2) && reasons.clone().any(is_reason))
            .then_some("an address and BOUNCE or COMPLAINT, without a header")
    },
    read: |row, to| {
        let address = row.needed(EMAIL)?;
        let reason = row.word(REASON, REASONS, "`BOUNCE` or `COMPLAINT`")?;
        let reason = reason.ok_or(RejectCause::Empty("reason"))?;
        to.push(row.suppression(address, reason, row.time(UPDATED)?));
        Ok(())
    },
    ..Format::BASE
};

const ALL: usize = 1;
const ATTRIBUTES: usize = 2;
const TOPICS: usize = 3;
const DEFAULTS: usize = 4;
const CHANGED: usize = 5;
/// What the columns of topics begin with.
const TOPIC: &str = "topicPreferences.";

/// A contact list: its import file, with or without JSON, and what the API lists.
pub(super) const CONTACTS: Format = Format {
    name: "ses-contacts",
    kind: Kind::Unsubscribes,
    what: "a contact list of Amazon SES",
    fields: &[
        Field::required(&["emailAddress"]),
        Field::optional(&["unsubscribeAll"]),
        Field::optional(&["attributesData"]),
        Field::optional(&["topicPreferences"]),
        Field::optional(&["topicDefaultPreferences"]),
        Field::optional(&["lastUpdatedTimestamp"]),
    ],
    json: Some(&["Contacts"]),
    object: Some(ATTRIBUTES),
    recognise: |seen| {
        let has_topics = || seen.names().iter().any(|name| topic(name).is_some());
        let is_one = seen.has("emailAddress") && (seen.has("unsubscribeAll") || has_topics());
        is_one.then_some("emailAddress and unsubscribeAll or topicPreferences")
    },
    refuse: |seen| {
        let name = seen.names().iter().find(|name| is_unknown_topic(name))?.trim();
        Some(format!("the column `{name}` names no topic"))
    },
    read: contact,
    ..Format::BASE
};

/// The topic of a column.
fn topic(column: &str) -> Option<&str> {
    let (start, topic) = column.trim().split_at_checked(TOPIC.len())?;
    start.eq_ignore_ascii_case(TOPIC).then(|| topic.trim()).filter(|topic| !topic.is_empty())
}

/// Says whether a column seems to be one of topics, and can't be read as one.
fn is_unknown_topic(column: &str) -> bool {
    let lower = column.trim().to_ascii_lowercase();
    lower.starts_with("topicpref") && lower != "topicpreferences" && topic(column).is_none()
}

/// A topic in JSON.
#[derive(Deserialize)]
struct TopicPreference {
    #[serde(alias = "TopicName")]
    #[serde(rename = "topicName")]
    topic: String,
    #[serde(alias = "SubscriptionStatus")]
    #[serde(rename = "subscriptionStatus")]
    status: String,
}

/// Unsubscribed from everything, or opted out of topics. An *in* gives nothing; it lifts nothing either.
fn contact<'a>(row: &Row<'a>, to: &mut Vec<NativeRow<'a>>) -> Result<(), RejectCause> {
    let (address, at) = (row.needed(EMAIL)?, row.time(CHANGED)?);
    // Half an object is a sign that its commas moved the cells behind it.
    let attributes = row.text(ATTRIBUTES)?;
    if attributes.starts_with('{') && serde_json::from_str::<IgnoredAny>(attributes).is_err() {
        return Err(cell("attributesData", "no JSON"));
    }
    if row.yes_or_no(ALL)? == Some(true) {
        to.push(row.unsubscribe(address, None, at));
    }
    for (column, status) in row.columns() {
        let Some(topic) = topic(column) else { continue };
        if is_out(status?)? {
            to.push(row.unsubscribe(address, Some(topic), at));
        }
    }
    for topic in row.keep(topics_in_json(row)?) {
        to.push(row.unsubscribe(address, Some(topic), at));
    }
    Ok(())
}

/// The topics that JSON says the contact is out of. A topic's default counts when the contact has no
/// preference of its own: SES does not send it then.
fn topics_in_json(row: &Row<'_>) -> Result<Vec<String>, RejectCause> {
    let own = topics(row, TOPICS)?;
    let mut out = Vec::new();
    for TopicPreference { topic, status } in &own {
        if is_out(status)? {
            out.push(topic.trim().to_owned());
        }
    }
    for TopicPreference { topic, status } in topics(row, DEFAULTS)? {
        if is_out(&status)? && !own.iter().any(|known| known.topic == topic) {
            out.push(topic.trim().to_owned());
        }
    }
    Ok(out)
}

fn topics(row: &Row<'_>, field: usize) -> Result<Vec<TopicPreference>, RejectCause> {
    match row.text(field)? {
        "" => Ok(Vec::new()),
        text => serde_json::from_str(text)
            .map_err(|_| cell("topicPreferences", "no list of topicName and subscriptionStatus")),
    }
}

fn is_out(status: &str) -> Result<bool, RejectCause> {
    match status.trim() {
        "" => Ok(false),
        word if word.eq_ignore_ascii_case("OPT_OUT") => Ok(true),
        word if word.eq_ignore_ascii_case("OPT_IN") => Ok(false),
        word => Err(UnknownWord {
            what: "topicPreferences",
            found: word.to_owned(),
            expected: "`OPT_IN` or `OPT_OUT`",
        }
        .into()),
    }
}

fn cell(column: &str, fault: &str) -> RejectCause {
    RejectCause::Cell { column: column.to_owned(), fault: fault.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{detected, outcome, rejects, rows};
    use super::*;

    #[test]
    fn the_first_row_of_a_file_without_a_header_is_a_row() {
        let text = "a@example.com,BOUNCE\nb@example.com,complaint\n";
        assert_eq!(detected("x.csv", text), ["ses-suppression"]);
        assert_eq!(
            rows(&SUPPRESSION, "x.csv", text),
            ["bounce a@example.com", "complaint b@example.com"]
        );
        assert_eq!(
            rejects(
                &SUPPRESSION,
                "x.csv",
                "a@example.com,BOUNCE\nb@example.com,\nc@example.com\nd,BOUNCE\n"
            ),
            ["2: reason: empty", "3: 1 cells where the header has 2", "4: email: no `@`"]
        );
        // With a header its names say where the columns are.
        let text = "reason,emailAddress\nCOMPLAINT,a@example.com\n";
        assert_eq!(rows(&SUPPRESSION, "x.csv", text), ["complaint a@example.com"]);
    }

    #[test]
    fn a_file_of_addresses_to_take_off_the_list_is_not_one_of_the_list() {
        assert_eq!(detected("x.csv", "a@example.com\nb@example.com\n"), ["plain"]);
        assert!(outcome(&SUPPRESSION, "x.csv", "a@example.com\n", None).is_err());
        assert_eq!(
            rejects(&SUPPRESSION, "x.ndjson", "{\"emailAddress\":\"a@example.com\"}"),
            ["1: reason: empty"]
        );
    }

    const HEADER: &str = "emailAddress,unsubscribeAll,attributesData,topicPreferences.Sports,topicPreferences.Cycling\n";

    #[test]
    fn unsubscribed_from_all_beats_every_topic() {
        let text =
            format!("{HEADER}a@example.com,TRUE,,OPT_IN,OPT_OUT\nb@example.com,false,,OPT_IN,\n");
        assert_eq!(
            rows(&CONTACTS, "x.csv", text),
            [
                "unsubscribe a@example.com from everything; unsubscribe a@example.com from list Cycling",
                ""
            ]
        );
    }

    #[test]
    fn the_vendors_own_sample_with_its_bare_quotes_is_read() {
        let text = format!("{HEADER}a@example.com,false,{{\"Name\": \"John\"}},OPT_IN,OPT_OUT\n");
        assert_eq!(detected("x.csv", &text), ["ses-contacts"]);
        assert_eq!(rows(&CONTACTS, "x.csv", text), ["unsubscribe a@example.com from list Cycling"]);
    }

    #[test]
    fn an_object_with_commas_is_one_cell_or_a_reject_and_never_moves_the_others() {
        let text = format!(
            "{HEADER}a@example.com,false,{{\"Name\": \"J, K\",\"n\":2}},OPT_IN,OPT_OUT\n\
             b@example.com,false,{{\"Name\": \"J, K\",OPT_IN,OPT_OUT\n\
             c@example.com,false,{{\"a\":1,\"b\":2}},OPT_OUT\n"
        );
        let outcome = outcome(&CONTACTS, "x.csv", text, None).unwrap();
        assert_eq!(outcome.rows, ["unsubscribe a@example.com from list Cycling"]);
        assert_eq!(
            outcome.rejects,
            [
                "3: 6 cells where the header has 5",
                "4: text behind the closing quote of cell 4: a quote before it may have opened by mistake and taken rows in"
            ]
        );
    }

    #[test]
    fn a_column_of_topics_without_a_topic_is_refused() {
        for column in
            ["topicPreferences.", "topicPreferences. ", "TopicPreference.News", "topicPrefs"]
        {
            let text = format!("emailAddress,unsubscribeAll,{column}\na@example.com,,OPT_OUT\n");
            let error = outcome(&CONTACTS, "x.csv", text, None).unwrap_err();
            assert!(error.to_string().contains(column.trim()), "{error}");
        }
    }

    #[test]
    fn an_unknown_word_is_a_reject() {
        let text = format!("{HEADER}a@example.com,perhaps,,,\nb@example.com,,,OPTED_OUT,\n");
        assert_eq!(
            rejects(&CONTACTS, "x.csv", text),
            [
                "2: unknown unsubscribeAll `perhaps`, expected `true` or `false` (`yes`/`no`, `1`/`0`)",
                "3: unknown topicPreferences `OPTED_OUT`, expected `OPT_IN` or `OPT_OUT`"
            ]
        );
    }

    #[test]
    fn what_the_api_lists_is_read_with_the_defaults_of_topics() {
        let text = r#"{"Contacts":[
            {"EmailAddress":"a@example.com","UnsubscribeAll":false,"LastUpdatedTimestamp":1586552585,
             "TopicPreferences":[{"TopicName":"Sports","SubscriptionStatus":"OPT_OUT"},
                                 {"TopicName":"Tips","SubscriptionStatus":"OPT_IN"}],
             "TopicDefaultPreferences":[{"TopicName":"Tips","SubscriptionStatus":"OPT_OUT"},
                                        {"TopicName":"Cycling","SubscriptionStatus":"OPT_OUT"}]},
            {"EmailAddress":"b@example.com","UnsubscribeAll":true,"TopicPreferences":[]},
            {"EmailAddress":"c@example.com","UnsubscribeAll":false,"TopicPreferences":[{"TopicName":"x"}]},
            {"EmailAddress":"d@example.com","TopicPreferences":[{"TopicName":" ","SubscriptionStatus":"OPT_OUT"}]}
        ]}"#;
        assert_eq!(detected("x.json", text), ["ses-contacts"]);
        let outcome = outcome(&CONTACTS, "x.json", text, None).unwrap();
        assert_eq!(
            outcome.rows,
            [
                "unsubscribe a@example.com from list Sports, since 2020-04-10T21:03:05Z; \
                 unsubscribe a@example.com from list Cycling, since 2020-04-10T21:03:05Z",
                "unsubscribe b@example.com from everything",
            ]
        );
        assert_eq!(
            outcome.rejects,
            ["8: topicPreferences: no list of topicName and subscriptionStatus", "9: list: empty"]
        );
    }
}
