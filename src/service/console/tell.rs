//! What is recorded and what happened, in words for a person.

use super::layout::{Grouped, When};
use crate::action::describe::describe;
use crate::ledger::{EventKind, FlagsChanged, HistoryEntry, Record};
use crate::record::{Cause, Reason, RecordClass, Scope, SuppressionReason};
use serde_json::Value;

/// Why mail is withheld, in words.
pub(super) struct WhyView {
    /// In words.
    pub words: String,
    /// The contract's word.
    pub reason: &'static str,
    /// What kinds of mail it stops.
    pub stops: &'static str,
    /// Since when, if known.
    pub since: Option<When>,
    /// Where it comes from, or who set it.
    pub from: Option<String>,
}

impl WhyView {
    /// Of a cause; `set_by` is who set it, if somebody did.
    pub fn of(cause: &Cause, set_by: Option<String>) -> Self {
        let source = cause.source.as_deref().map(|source| format!("source {source}"));
        Self {
            words: why(cause),
            reason: cause.reason.as_str(),
            stops: stops(cause.class),
            since: cause.since.map(When),
            from: set_by.map(|who| format!("set by {who}")).or(source),
        }
    }
}

/// What kinds of mail a record stops.
pub(super) fn stops(class: RecordClass) -> &'static str {
    match class {
        RecordClass::Bulk => "bulk mail",
        RecordClass::Transactional => "transactional mail",
        RecordClass::All => "all mail",
    }
}

fn why(cause: &Cause) -> String {
    let what = match cause.reason {
        Reason::InvalidAddress => "No address",
        Reason::EmailDenied => "Email is Do Not Allow",
        Reason::Complaint => "Spam complaint",
        Reason::Bounce => "Hard bounce",
        Reason::Invalid => "Mailbox does not exist",
        Reason::Manual if cause.source.as_deref() == Some(crate::ledger::erase::SOURCE) => {
            "Erased, and suppressed for good"
        }
        Reason::Manual => "Suppressed by hand",
        Reason::Domain => "Domain rule",
        Reason::BulkEmailDenied => "Bulk Email is Do Not Allow",
        Reason::Unsubscribed => "Unsubscribed",
        Reason::OptedOut => "Opted out",
        Reason::Digest => "On a third party's hashed list",
        Reason::Duplicate => "Duplicate",
    };
    match (&cause.scope, cause.reason) {
        (Scope::Global, Reason::Unsubscribed) => format!("{what} everywhere"),
        (Scope::Global, _) => what.to_owned(),
        (Scope::List(list), Reason::OptedOut) => format!("{what} of {list}"),
        (Scope::List(list), _) => format!("{what}, for {list}"),
        (Scope::Contact(id), _) => format!("{what} on contact {id}"),
        (Scope::Domain(domain), _) => format!("{what} for {domain}"),
    }
}

/// A suppression's reason in words.
pub(super) fn suppression(reason: SuppressionReason) -> &'static str {
    match reason {
        SuppressionReason::Bounce => "Hard bounce",
        SuppressionReason::Complaint => "Spam complaint",
        SuppressionReason::Invalid => "Mailbox does not exist",
        SuppressionReason::Manual => "Suppressed by hand",
    }
}

/// A change of a contact's flags in words.
pub(super) fn flags(change: &FlagsChanged) -> String {
    let all = [("Bulk Email", change.bulk_email), ("Email", change.email_allowed)];
    let changes: Vec<String> = all
        .into_iter()
        .filter(|(_, flag)| flag.from != flag.to)
        .map(|(name, flag)| format!("{name} {} → {}", flag.from.as_str(), flag.to.as_str()))
        .collect();
    let left = if change.former { " (left this address)" } else { "" };
    format!("contact {}{left}: {}", change.contact_id, changes.join(", "))
}

/// Something that happened, in words.
pub(super) struct EventView {
    /// When.
    pub at: When,
    /// The generation that holds it.
    pub generation: Grouped,
    /// What, in a few words.
    pub title: String,
    /// `stop` when it withholds mail, `ok` when it lifted something.
    pub tone: &'static str,
    /// Where it comes from.
    pub note: Option<String>,
    /// The permission it was done by.
    pub permission: Option<PermissionView>,
    /// What became of records.
    pub lines: Vec<String>,
}

/// A permission, in words.
pub(super) struct PermissionView {
    /// How it was given.
    pub channel: String,
    /// Who took it.
    pub by: String,
    /// The evidence.
    pub evidence: String,
}

impl EventView {
    /// Of an event.
    pub fn of(entry: &HistoryEntry) -> Self {
        let detail = &entry.detail;
        let (title, tone) = match entry.kind {
            _ if detail.is_null() => {
                (format!("{}, erased since", capital(entry.kind.as_str())), "")
            }
            EventKind::Imported => imported(detail),
            EventKind::Unsubscribed => (unsubscribed(detail), "stop"),
            EventKind::Resubscribed => (resubscribed(detail), "ok"),
            EventKind::Changed => (format!("Changed by {}", file(&detail["cause"]["name"])), ""),
            EventKind::Synced => (format!("Synced with {}", text(&detail["sync"]["source"])), ""),
            EventKind::Erased => erased(detail),
            EventKind::Import => (format!("File {}", file(&detail["import"]["name"])), ""),
        };
        let (at, generation) = (When(entry.at), Grouped(entry.generation));
        let permission = PermissionView::of(detail);
        Self { at, generation, title, tone, note: note(entry), permission, lines: lines(entry) }
    }
}

impl PermissionView {
    fn of(detail: &Value) -> Option<Self> {
        let whole = &detail["sync"]["permission"];
        let kept = if whole.is_object() { whole } else { &detail["permission"] };
        let part = |name: &str| kept[name].as_str().map(str::to_owned);
        Some(Self { channel: part("channel")?, by: part("by")?, evidence: part("evidence")? })
    }
}

/// Where an event comes from, or how large it was.
fn note(entry: &HistoryEntry) -> Option<String> {
    let detail = &entry.detail;
    let mut said = Vec::new();
    match entry.kind {
        EventKind::Unsubscribed => {
            let source = detail["record"]["source"].as_str();
            said.extend(source.map(|source| format!("source {source}")));
            said.extend(detail["by"].as_str().map(|by| format!("recorded by {by}")));
        }
        EventKind::Resubscribed => {
            said.extend(detail["by"].as_str().map(|by| format!("recorded by {by}")));
        }
        EventKind::Imported => said.push(format!("file {}", file(&detail["import"]["name"]))),
        EventKind::Import => {
            let count = |name: &str| detail["counts"][name].as_u64().filter(|count| *count > 0);
            for word in ["read", "added", "unchanged", "held", "rejected"] {
                said.extend(count(word).map(|count| format!("{} {word}", Grouped(count))));
            }
        }
        _ => {}
    }
    (!said.is_empty()).then(|| said.join(", "))
}

fn lines(entry: &HistoryEntry) -> Vec<String> {
    let detail = &entry.detail;
    let mut lines = Vec::new();
    if let Some(since) = detail["erased"].as_str() {
        lines.push(format!("Lifted the erasure of {since}"));
    }
    for deleted in members(&detail["deleted"]) {
        lines.push(format!("Deleted {}", record(deleted)));
    }
    for changed in members(&detail["changed"]) {
        lines.push(format!("Changed {}", change(&changed["was"], &changed["now"])));
    }
    for added in members(&detail["added"]) {
        lines.push(format!("Added {}", record(added)));
    }
    lines
}

fn imported(detail: &Value) -> (String, &'static str) {
    let record = Record::from_json(&detail["record"]);
    let tone = match &record {
        Some(Record::Contact(contact)) => {
            contact.bulk_email.is_denied() || contact.email_allowed.is_denied()
        }
        Some(Record::Preference(record)) => record.choice == crate::record::Choice::Out,
        Some(_) => true,
        None => false,
    };
    let words = record.as_ref().map_or_else(|| "a record".into(), describe);
    (format!("Imported {words}"), if tone { "stop" } else { "" })
}

fn unsubscribed(detail: &Value) -> String {
    match detail["record"]["list"].as_str() {
        Some(list) => format!("Unsubscribed from {list}"),
        None => "Unsubscribed everywhere".into(),
    }
}

fn resubscribed(detail: &Value) -> String {
    let request = &detail["request"];
    let mut what = Vec::new();
    if request["global"] == true {
        what.push("everywhere".to_owned());
    }
    if request["all_lists"] == true {
        what.push("every list".to_owned());
    } else {
        what.extend(members(&request["lists"]).iter().map(|list| format!("list {}", text(list))));
    }
    what.extend(members(&request["include"]).iter().map(text));
    format!("Resubscribed: {}", what.join(", "))
}

fn erased(detail: &Value) -> (String, &'static str) {
    if detail["lifted"] == true {
        return ("Erasure lifted".into(), "ok");
    }
    (format!("Erased by {}: {}", text(&detail["by"]), text(&detail["reason"])), "stop")
}

fn record(json: &Value) -> String {
    Record::from_json(json).as_ref().map_or_else(|| "a record".into(), describe)
}

fn change(was: &Value, now: &Value) -> String {
    match (Record::from_json(was), Record::from_json(now)) {
        (Some(Record::Contact(was)), Some(Record::Contact(now))) => {
            if !was.former && now.former {
                return format!("contact {}: left this address", was.contact_id);
            }
            let changed = FlagsChanged::between(&was, &now);
            let is_same = changed.bulk_email.from == changed.bulk_email.to
                && changed.email_allowed.from == changed.email_allowed.to;
            if is_same { describe(&Record::Contact(now)) } else { flags(&changed) }
        }
        (Some(was), Some(now)) => format!("{} → {}", describe(&was), describe(&now)),
        _ => "a record".into(),
    }
}

fn members(json: &Value) -> &[Value] {
    json.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(json: &Value) -> String {
    json.as_str().unwrap_or("unknown").to_owned()
}

/// The last part of a path: where a file lay is nobody's matter here.
fn file(json: &Value) -> String {
    let name = json.as_str().unwrap_or("a file");
    name.rsplit(['/', '\\']).next().unwrap_or(name).to_owned()
}

fn capital(text: &str) -> String {
    let mut rest = text.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Timestamp;
    use serde_json::json;

    fn view(kind: EventKind, detail: Value) -> EventView {
        EventView::of(&HistoryEntry { at: Timestamp::from_micros(1), generation: 7, kind, detail })
    }

    #[test]
    fn a_resubscribe_is_told_with_its_permission() {
        let told = view(
            EventKind::Resubscribed,
            json!({
                "request": {"global": true, "lists": ["news"], "all_lists": false, "include": ["complaint"]},
                "permission": {"channel": "phone", "evidence": "call of 3 May", "by": "desk"},
                "deleted": [{"kind": "unsubscribe", "address": "ann@example.com", "list": null,
                    "state": "inactive", "class": "bulk", "at": null, "source": null}],
                "changed": [],
            }),
        );
        assert_eq!(told.title, "Resubscribed: everywhere, list news, complaint");
        assert_eq!(told.lines, ["Deleted inactive unsubscribe of ann@example.com, everywhere"]);
        assert_eq!(told.permission.map(|kept| kept.evidence).as_deref(), Some("call of 3 May"));
    }

    #[test]
    fn a_blanked_event_says_that_it_is() {
        assert_eq!(view(EventKind::Unsubscribed, Value::Null).title, "Unsubscribed, erased since");
    }
}
