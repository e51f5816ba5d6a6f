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
    read: contact,
    ..Format::BASE
};

/// The topic of a column.
fn topic(column: &str) -> Option<&str> {
    let (start, topic) = column.trim().split_at_checked(TOPIC.len())?;
    start.eq_ignore_ascii_case(TOPIC).then(|| topic.trim()).filter(|topic| !topic.is_empty())
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
