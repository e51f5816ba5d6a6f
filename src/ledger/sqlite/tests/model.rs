//! Any order of changes: the feed names what changed, imports only tighten, the scan agrees.

use super::*;
use crate::record::state::EntryState;
use crate::record::{Blocks, KeyState};
use proptest::prelude::*;
use std::collections::BTreeMap;

const KEYS: [&str; 4] = ["a@example.com", "b@example.com", "c@x.test", "d@x.test"];
const LISTS: [&str; 3] = ["news", "offers", "x"];
const IDS: [&str; 3] = ["c1", "c2", "c3"];

#[derive(Debug, Clone)]
enum Step {
    Unsubscribe(usize, Unsubscribe),
    Resubscribe(usize, bool, Vec<&'static str>, bool, bool),
    Import(Vec<(usize, NativeRecord)>),
}

fn address() -> impl Strategy<Value = String> {
    prop_oneof![Just("a@example.com".to_owned()), Just("A@Example.com".to_owned())]
}

fn flag() -> impl Strategy<Value = Option<Flag>> {
    prop_oneof![Just(None), Just(Some(Flag::Allow)), Just(Some(Flag::DoNotAllow))]
}

fn class() -> impl Strategy<Value = RecordClass> {
    prop_oneof![Just(RecordClass::Bulk), Just(RecordClass::Transactional), Just(RecordClass::All)]
}

fn record() -> impl Strategy<Value = Unsubscribe> {
    let list = proptest::option::of(proptest::sample::select(&LISTS[..]));
    (address(), list, any::<bool>(), class()).prop_map(|(address, list, active, class)| {
        let state = if active { UnsubscribeState::Active } else { UnsubscribeState::Inactive };
        Unsubscribe { state, class, ..unsubscribe(&address, list) }
    })
}

fn row() -> impl Strategy<Value = NativeRecord> {
    let id = proptest::sample::select(&IDS[..]);
    let list = proptest::sample::select(&LISTS[..]);
    prop_oneof![
        4 => (id, address(), flag(), flag(), proptest::bool::weighted(0.2))
            .prop_map(|(id, address, bulk_email, email_allowed, former)| {
                let (contact_id, at) = (id.into(), None);
                let row = ContactRow { contact_id, address, bulk_email, email_allowed, at, former };
                NativeRecord::Contact(row)
            }),
        2 => record().prop_map(NativeRecord::Unsubscribe),
        2 => (address(), list, any::<bool>()).prop_map(|(address, list, out)| {
            preference(&address, list, if out { Choice::Out } else { Choice::In })
        }),
        2 => (address(), proptest::option::of(1_i64..9))
            .prop_map(|(address, expires_at)| bounce(&address, expires_at)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0..KEYS.len();
    let lists = proptest::sample::subsequence(&LISTS[..], 0..=2);
    prop_oneof![
        2 => (key.clone(), record()).prop_map(|(key, record)| Step::Unsubscribe(key, record)),
        2 => (key.clone(), any::<bool>(), lists, any::<bool>(), any::<bool>())
            .prop_map(|(key, global, lists, all, bounce)| {
                Step::Resubscribe(key, global, lists, all, bounce)
            }),
        3 => proptest::collection::vec((key, row()), 0..12).prop_map(Step::Import),
    ]
}

/// Everything the index could ask about the few keys there are.
fn entries(view: &dyn View) -> BTreeMap<(String, Vec<u8>), EntryState> {
    let mut entries = BTreeMap::new();
    for key in KEYS {
        let state = view.state_of(key.as_bytes()).unwrap();
        entries.insert(("address".to_owned(), key.into()), state.address_entry());
        for list in LISTS {
            entries.insert((format!("list {list}"), key.into()), state.list_entry(list));
        }
    }
    for id in IDS {
        let contact = view.contact_flags(id).unwrap();
        let blocks = contact.map_or(Blocks::NONE, |contact| contact.blocks());
        entries
            .insert(("contact".to_owned(), id.into()), EntryState { blocks, expiries: Vec::new() });
    }
    entries
}

fn states(view: &dyn View) -> Vec<KeyState> {
    KEYS.iter().map(|key| view.state_of(key.as_bytes()).unwrap()).collect()
}

/// What still withholds at every instant that matters, for each kind of send and set of lists.
fn withheld(view: &dyn View) -> Vec<ReasonSet> {
    let mut withheld = Vec::new();
    let all: Vec<String> = LISTS.iter().map(|list| (*list).to_owned()).collect();
    for state in states(view) {
        for now in 0..10 {
            for class in [Class::Bulk, Class::Transactional] {
                for lists in [&[], &all[..1], &all[..]] {
                    withheld.push(state.reasons(&Query { now: at(now), class, lists }));
                }
            }
        }
    }
    withheld
}

fn scan_equals_look_ups(view: &dyn View) {
    let mut last = Vec::new();
    let mut seen = 0;
    view.for_each_key(&mut |entries| {
        assert!(last.as_slice() < entries.key, "in order, each once");
        last = entries.key.to_vec();
        let state = view.state_of(entries.key).unwrap();
        assert!(!state.is_empty());
        let mut want = state.address_entry();
        let mut got = entries.address.clone();
        for entry in [&mut want, &mut got] {
            entry.expiries.sort_by_key(|expiry| (expiry.at, expiry.blocks.to_bits()));
        }
        assert_eq!(got, want);
        let lists: Vec<&str> = entries.lists.iter().map(|entry| entry.list.as_str()).collect();
        assert_eq!(lists, state.opted_out_lists().into_iter().collect::<Vec<_>>());
        for entry in entries.lists {
            assert_eq!(entry.entry, state.list_entry(&entry.list));
        }
        seen += 1;
        Ok(())
    })
    .unwrap();
    let recorded = states(view).iter().filter(|state| !state.is_empty()).count();
    assert_eq!(seen, recorded, "no key is missed");
}

fn apply(ledger: &SqliteLedger, step: &Step, now: i64) {
    match step {
        Step::Unsubscribe(key, record) => {
            let key = KEYS[*key].as_bytes();
            ledger.unsubscribe(key, record, at(now), None).unwrap();
            let again = ledger.unsubscribe(key, record, at(now), None).unwrap();
            assert!(!again.changed, "idempotent");
        }
        Step::Resubscribe(key, global, lists, all_lists, bounce) => {
            let include = if *bounce { vec![SuppressionReason::Bounce] } else { Vec::new() };
            let request =
                ResubscribeRequest { all_lists: *all_lists, include, ..request(*global, lists) };
            let key = KEYS[*key].as_bytes();
            ledger.resubscribe(key, "a@example.com", &request, at(now)).unwrap();
            let again = ledger.resubscribe(key, "a@example.com", &request, at(now)).unwrap();
            assert!(again.deleted.is_empty() && again.changed.is_empty(), "idempotent");
        }
        Step::Import(rows) => {
            let rows: Vec<(&[u8], NativeRecord)> =
                rows.iter().map(|(key, row)| (KEYS[*key].as_bytes(), row.clone())).collect();
            let before = withheld(&*ledger.view().unwrap());
            import(ledger, &rows, now);
            let after = withheld(&*ledger.view().unwrap());
            for (before, after) in before.iter().zip(&after) {
                assert_eq!(before.union(*after), *after, "an import lifts nothing");
            }
            assert_eq!(import(ledger, &rows, now).added, 0, "idempotent");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn whatever_happens_the_feed_names_every_entry_that_changed(
        steps in proptest::collection::vec(step(), 1..12)
    ) {
        let ledger = ledger();
        for (step, now) in steps.iter().zip(1..) {
            let (before, were, position) = {
                let view = ledger.view().unwrap();
                (entries(&*view), states(&*view), view.position())
            };
            apply(&ledger, step, now);
            let view = ledger.view().unwrap();
            let named = feed(&*view, position.cursor).unwrap();
            for (name, entry) in entries(&*view) {
                prop_assert!(entry == before[&name] || named.contains(&name), "{name:?}");
            }
            for (name, entry) in entries(&*view) {
                let idle = name.0 == "contact" && entry == before[&name];
                prop_assert!(!(idle && named.contains(&name)) || entry.blocks.is_empty(), "{name:?}");
            }
            let changed = states(&*view) != were;
            prop_assert_eq!(view.position().generation != position.generation, changed);
            prop_assert_eq!(!named.is_empty(), changed);
            scan_equals_look_ups(&*view);
            prop_assert_eq!(view.integrity_check().unwrap(), Vec::<String>::new());
        }
    }
}
