//! Going back in time: the records of one key without what its events did.
//!
//! An event is undone by three members of its detail, whatever its kind: `deleted` are records that were
//! there before it, `changed` ones that were otherwise (`was`) than after it (`now`), and `added` ones that
//! were not: `true` for the one in `record`, or a list of them. Imports write no event for what they add,
//! so a record that stands in the place of an older one was added in between, and what is left in the end
//! was added first of all.

use crate::ledger::{Record, StoredRecord};
use serde_json::Value;

/// The records of one key at some time.
#[derive(Debug)]
pub(in crate::ledger) struct Past {
    records: Vec<StoredRecord>,
    /// Records that imports added after that time, as they were added.
    added: Vec<StoredRecord>,
}

impl Past {
    /// Begins with the records as they are now.
    pub(in crate::ledger) fn of(records: Vec<StoredRecord>) -> Self {
        Self { records, added: Vec::new() }
    }

    /// Takes back what an event did; events are undone from the newest back. `None` when the event and
    /// the records can't both be true.
    pub(in crate::ledger) fn undo(&mut self, detail: &Value) -> Option<()> {
        if detail["added"] == true {
            self.take_away(&detail["record"])?;
        }
        for added in members(detail, "added") {
            self.take_away(added)?;
        }
        let mut back = Vec::new();
        for change in members(detail, "changed") {
            self.take_away(&change["now"])?;
            back.push(StoredRecord::from_json(&change["was"])?);
        }
        for deleted in members(detail, "deleted") {
            back.push(StoredRecord::from_json(deleted)?);
        }
        for stored in back {
            if let Some(at) = self.place_of(&stored.record) {
                self.added.push(self.records.swap_remove(at));
            }
            self.records.push(stored);
        }
        Some(())
    }

    /// The records then, in no particular order.
    pub(in crate::ledger) fn into_records(self) -> Vec<StoredRecord> {
        self.records
    }

    /// Every record that was ever added without an event, as it was added.
    ///
    /// Meant for the past before all events.
    pub(in crate::ledger) fn into_additions(self) -> Vec<StoredRecord> {
        let mut additions = self.added;
        additions.extend(self.records);
        additions
    }

    fn take_away(&mut self, json: &Value) -> Option<()> {
        let at = self.place_of(&Record::from_json(json)?)?;
        self.records.swap_remove(at);
        Some(())
    }

    fn place_of(&self, record: &Record) -> Option<usize> {
        self.records.iter().position(|stored| is_same(&stored.record, record))
    }
}

/// Whether two records of one key are one, as the primary keys of the tables tell.
fn is_same(one: &Record, other: &Record) -> bool {
    match (one, other) {
        (Record::Contact(one), Record::Contact(other)) => {
            (&one.contact_id, one.former) == (&other.contact_id, other.former)
        }
        (Record::Unsubscribe(one), Record::Unsubscribe(other)) => {
            (&one.list, &one.address, one.state, one.class)
                == (&other.list, &other.address, other.state, other.class)
        }
        (Record::Preference(one), Record::Preference(other)) => one.list == other.list,
        (Record::Suppression(one), Record::Suppression(other)) => {
            (one.reason, one.class) == (other.reason, other.class)
        }
        // The only one of its domain.
        (Record::Domain(_), Record::Domain(_)) => true,
        (Record::Digest(one), Record::Digest(other)) => one.list == other.list,
        _ => false,
    }
}

fn members<'v>(detail: &'v Value, name: &str) -> &'v [Value] {
    detail[name].as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Choice, Preference, Timestamp};
    use serde_json::json;

    fn stored(list: &str, choice: Choice, import: u64) -> StoredRecord {
        let record = Record::Preference(Preference {
            address: "Ann@example.com".into(),
            list: list.into(),
            choice,
            at: Some(Timestamp::from_micros(1_500)),
            source: Some("crm".into()),
        });
        StoredRecord { record, import: Some(import), recorded_at: Timestamp::from_micros(7) }
    }

    /// Deleted and imported again: two additions, and before the deletion the first of them.
    #[test]
    fn what_stands_in_the_place_of_a_deleted_record_was_added_later() {
        let (first, second) = (stored("news", Choice::Out, 1), stored("news", Choice::In, 2));
        let mut past = Past::of(vec![second.clone()]);
        past.undo(&json!({"deleted": [first.to_json()]})).unwrap();
        assert_eq!(past.records, std::slice::from_ref(&first));
        assert_eq!(past.into_additions(), [second, first]);
    }

    #[test]
    fn a_change_is_undone_with_everything_it_overwrote() {
        let (was, now) = (stored("news", Choice::In, 1), stored("news", Choice::Out, 1));
        let mut past = Past::of(vec![now.clone()]);
        let change = json!({"was": was.to_json(), "now": now.record.to_json()});
        past.undo(&json!({"changed": [change]})).unwrap();
        assert_eq!(past.into_records(), [was]);
    }

    #[test]
    fn additions_go_one_or_many() {
        let (one, other) = (stored("news", Choice::In, 1), stored("offers", Choice::Out, 1));
        let mut past = Past::of(vec![one.clone(), other.clone()]);
        past.undo(&json!({"record": one.record.to_json(), "added": false})).unwrap();
        past.undo(&json!({"record": one.record.to_json(), "added": true})).unwrap();
        past.undo(&json!({"added": [other.to_json()]})).unwrap();
        assert!(past.into_records().is_empty());
    }

    /// Anything else would be a guess.
    #[test]
    fn an_event_of_a_record_that_is_not_there_is_not_undone() {
        let record = stored("news", Choice::Out, 1);
        let change = json!({"was": record.to_json(), "now": record.record.to_json()});
        for detail in [
            json!({"record": record.record.to_json(), "added": true}),
            json!({"changed": [change]}),
            json!({"deleted": [{"kind": "preference"}]}),
            json!({"deleted": [record.record.to_json()]}),
        ] {
            assert_eq!(Past::of(Vec::new()).undo(&detail), None, "{detail}");
        }
    }
}
